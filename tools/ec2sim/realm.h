#ifndef EC2SIM_REALM_H
#define EC2SIM_REALM_H

#include "base/buf.h"
#include "tmflow/error.h"

#include <stdbool.h>
#include <stdint.h>

/* What the worlds of several accounts share: which accounts there are and which regions they have
 * enabled, whose roles may not be assumed, and the credentials that AssumeRole gave out. */
struct realm;

#define REALM_DENIED_MAX       16u
#define REALM_DISABLED_MAX     16u
#define REALM_ACCOUNTS_MAX     256u
#define REALM_ACCOUNT_ID_BYTES 13
#define REALM_GRANTS_MAX       10000u /* a run of hours with credentials of minutes stays far below */

/* Credentials of an assumed role. Borrowed from the realm, which keeps them for ever. */
struct grant {
	char access_key[24];
	char secret_key[48];
	char session_token[80];
	char *arn;     /* of the assumed role with the session's name */
	char *user_id; /* AROA...:SESSION */
	unsigned account;
	int64_t expires_wall_ms;
};

/* accounts of them, with ids that count up from first_id. Errors: TMF_ERR_INVALID where first_id
 * has not 12 digits or there are too many. */
struct realm *
realm_new(const char *first_id, unsigned accounts, uint64_t seed, struct tmf_err *err);
void realm_free(struct realm *realm);

/* How many accounts there are. */
unsigned realm_accounts(const struct realm *realm);
const char *realm_account_id(const struct realm *realm, unsigned account);
/* False where there is no such account. */
bool realm_find_account(const struct realm *realm, struct str id, unsigned *ret_account);

/* From now on nobody may assume a role of ACCOUNT, or the one role of ACCOUNT/ROLE (borrowed).
 * Errors: TMF_ERR_INVALID where there is no such account, or too many are denied. */
int realm_deny(struct realm *realm, const char *denied, struct tmf_err *err);
bool realm_denied(const struct realm *realm, unsigned account, struct str role);

/* From now on that account is suspended, as Organizations lists it. Errors: TMF_ERR_INVALID where
 * there is no such account. */
int realm_suspend(struct realm *realm, const char *id, struct tmf_err *err);
bool realm_is_suspended(const struct realm *realm, unsigned account);

/* The regions of all accounts (borrowed; count 0: not known), and of ACCOUNT/REGION (borrowed) that
 * it is not enabled there. Errors: TMF_ERR_INVALID likewise, or where too many are disabled. */
void realm_set_regions(struct realm *realm, char *const *names, size_t count);
int realm_disable_region(struct realm *realm, const char *disabled, struct tmf_err *err);

/* The index-th of the regions; NULL behind the last. False where the account has it disabled. */
const char *realm_region(const struct realm *realm, size_t index);
bool realm_region_enabled(const struct realm *realm, unsigned account, const char *region);

/* Bounds the life of credentials from now on, whatever a caller asks for; 0: no bound. */
void realm_set_role_ms_max(struct realm *realm, int64_t ms);

/* What a role's credentials are made from. */
struct grant_opts {
	unsigned account;
	struct str partition;
	struct str role;    /* name, without path */
	struct str session; /* RoleSessionName */
	int64_t now_wall_ms;
	int64_t life_ms;
};

/* NULL once REALM_GRANTS_MAX were given out. */
const struct grant *realm_grant(struct realm *realm, const struct grant_opts *opts);
/* NULL where no such key of that account was given out. */
const struct grant *
realm_find_grant(const struct realm *realm, unsigned account, struct str access_key);

#endif
