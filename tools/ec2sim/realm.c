#include "realm.h"

#include "base/digest.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct realm {
	char ids[REALM_ACCOUNTS_MAX][REALM_ACCOUNT_ID_BYTES];
	struct {
		unsigned account;
		const char *role; /* NULL: any */
	} denied[REALM_DENIED_MAX];
	size_t denied_count;
	struct {
		unsigned account;
		const char *region;
	} disabled[REALM_DISABLED_MAX];
	size_t disabled_count;
	bool suspended[REALM_ACCOUNTS_MAX];
	char *const *regions;
	size_t regions_count;
	unsigned accounts;
	uint64_t seed;
	int64_t role_ms_max;
	struct grant **grants;
	size_t grants_count;
};

struct realm *
realm_new(const char *first_id, unsigned accounts, uint64_t seed, struct tmf_err *err)
{
	struct realm *realm;
	size_t digits = strspn(first_id, "0123456789");
	unsigned long long first = strtoull(first_id, NULL, 10);

	if (digits != REALM_ACCOUNT_ID_BYTES - 1 || first_id[digits] != '\0') {
		tmf_err_set(err, TMF_ERR_INVALID, "an account id has 12 digits");
		return NULL;
	}
	if (accounts < 1 || accounts > REALM_ACCOUNTS_MAX) {
		tmf_err_set(err, TMF_ERR_INVALID, "accounts must be 1..%u", REALM_ACCOUNTS_MAX);
		return NULL;
	}
	realm = mem_zalloc(1, sizeof(*realm));
	realm->accounts = accounts;
	realm->seed = seed;
	for (unsigned i = 0; i < accounts; i++)
		snprintf(realm->ids[i], sizeof(realm->ids[i]), "%012llu",
		    (first + i) % 1000000000000ull);
	return realm;
}

void
realm_free(struct realm *realm)
{
	if (realm == NULL)
		return;
	for (size_t i = 0; i < realm->grants_count; i++) {
		free(realm->grants[i]->arn);
		free(realm->grants[i]->user_id);
		free(realm->grants[i]);
	}
	free(realm->grants);
	free(realm);
}

unsigned
realm_accounts(const struct realm *realm)
{
	return realm->accounts;
}

const char *
realm_account_id(const struct realm *realm, unsigned account)
{
	return realm->ids[account];
}

bool
realm_find_account(const struct realm *realm, struct str id, unsigned *ret_account)
{
	for (unsigned i = 0; i < realm->accounts; i++) {
		if (str_is(id, realm->ids[i])) {
			*ret_account = i;
			return true;
		}
	}
	return false;
}

int
realm_deny(struct realm *realm, const char *denied, struct tmf_err *err)
{
	const char *slash = strchr(denied, '/');
	struct str id = {denied, slash != NULL ? (size_t)(slash - denied) : strlen(denied)};
	unsigned account;

	if (!realm_find_account(realm, id, &account))
		return tmf_err_set(
		    err, TMF_ERR_INVALID, "unknown account: %.*s", (int)id.len, id.p);
	if (realm->denied_count == REALM_DENIED_MAX)
		return tmf_err_set(
		    err, TMF_ERR_INVALID, "more than %u roles are denied", REALM_DENIED_MAX);
	realm->denied[realm->denied_count].account = account;
	realm->denied[realm->denied_count++].role = slash != NULL ? slash + 1 : NULL;
	return 0;
}

bool
realm_denied(const struct realm *realm, unsigned account, struct str role)
{
	for (size_t i = 0; i < realm->denied_count; i++)
		if (realm->denied[i].account == account &&
		    (realm->denied[i].role == NULL || str_is(role, realm->denied[i].role)))
			return true;
	return false;
}

int
realm_suspend(struct realm *realm, const char *id, struct tmf_err *err)
{
	unsigned account;

	if (!realm_find_account(realm, str_of(id), &account))
		return tmf_err_set(err, TMF_ERR_INVALID, "unknown account: %s", id);
	realm->suspended[account] = true;
	return 0;
}

bool
realm_is_suspended(const struct realm *realm, unsigned account)
{
	return realm->suspended[account];
}

void
realm_set_regions(struct realm *realm, char *const *names, size_t count)
{
	realm->regions = names;
	realm->regions_count = count;
}

int
realm_disable_region(struct realm *realm, const char *disabled, struct tmf_err *err)
{
	const char *slash = strchr(disabled, '/');
	unsigned account;

	if (slash == NULL || !realm_find_account(realm,
				 (struct str){disabled, (size_t)(slash - disabled)}, &account))
		return tmf_err_set(
		    err, TMF_ERR_INVALID, "not an account and a region: %s", disabled);
	if (realm->disabled_count == REALM_DISABLED_MAX)
		return tmf_err_set(
		    err, TMF_ERR_INVALID, "more than %u regions are disabled", REALM_DISABLED_MAX);
	realm->disabled[realm->disabled_count].account = account;
	realm->disabled[realm->disabled_count++].region = slash + 1;
	return 0;
}

const char *
realm_region(const struct realm *realm, size_t index)
{
	return index < realm->regions_count ? realm->regions[index] : NULL;
}

bool
realm_region_enabled(const struct realm *realm, unsigned account, const char *region)
{
	for (size_t i = 0; i < realm->disabled_count; i++)
		if (realm->disabled[i].account == account &&
		    strcmp(realm->disabled[i].region, region) == 0)
			return false;
	return true;
}

void
realm_set_role_ms_max(struct realm *realm, int64_t ms)
{
	realm->role_ms_max = ms;
}

/* Made from seed and number only, so that the same requests give the same answers. */
static void
make_text(const struct realm *realm, const char *what, const char *alphabet, char *out, size_t len)
{
	uint8_t hash[DIGEST_SHA256_BYTES];
	size_t letters = strlen(alphabet);

	for (size_t i = 0; i < len; i++) {
		if (i % sizeof(hash) == 0) {
			char *source = mem_printf("%s/%llu/%zu/%zu", what,
			    (unsigned long long)realm->seed, realm->grants_count, i);

			digest_sha256(str_of(source), hash);
			free(source);
		}
		out[i] = alphabet[hash[i % sizeof(hash)] % letters];
	}
	out[len] = '\0';
}

#define BASE32 "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
#define BASE64 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

#define KEY_LETTERS    16u
#define SECRET_LETTERS 40u
#define TOKEN_LETTERS  64u

const struct grant *
realm_grant(struct realm *realm, const struct grant_opts *opts)
{
	struct grant *grant;
	char id[KEY_LETTERS + 1];
	int64_t life_ms = opts->life_ms;

	if (realm->grants_count == REALM_GRANTS_MAX)
		return NULL;
	if (realm->role_ms_max > 0 && life_ms > realm->role_ms_max)
		life_ms = realm->role_ms_max;
	grant = mem_zalloc(1, sizeof(*grant));
	make_text(realm, "key", BASE32, id, KEY_LETTERS);
	snprintf(grant->access_key, sizeof(grant->access_key), "ASIA%s", id);
	make_text(realm, "secret", BASE64, grant->secret_key, SECRET_LETTERS);
	make_text(realm, "token", BASE64, grant->session_token, TOKEN_LETTERS);
	make_text(realm, "role", BASE32, id, KEY_LETTERS);
	grant->arn = mem_printf("arn:%.*s:sts::%s:assumed-role/%.*s/%.*s", (int)opts->partition.len,
	    opts->partition.p, realm->ids[opts->account], (int)opts->role.len, opts->role.p,
	    (int)opts->session.len, opts->session.p);
	grant->user_id = mem_printf("AROA%s:%.*s", id, (int)opts->session.len, opts->session.p);
	grant->account = opts->account;
	grant->expires_wall_ms = opts->now_wall_ms + life_ms;
	realm->grants = mem_resize(realm->grants, realm->grants_count + 1, sizeof(struct grant *));
	realm->grants[realm->grants_count++] = grant;
	return grant;
}

/* From the newest on: that is who calls. */
const struct grant *
realm_find_grant(const struct realm *realm, unsigned account, struct str access_key)
{
	for (size_t i = realm->grants_count; i > 0; i--) {
		const struct grant *grant = realm->grants[i - 1];

		if (grant->account == account && str_is(access_key, grant->access_key))
			return grant;
	}
	return NULL;
}
