#ifndef TMFLOW_AWS_CREDENTIALS_H
#define TMFLOW_AWS_CREDENTIALS_H

#include "tmflow/error.h"

#include <stdint.h>

/* A secret: cannot be printed by mistake (no char * member of that name to hand to printf), is
 * wiped when freed. */
struct secret {
	char *hidden;
};
/* Copies value; NULL unsets it. What it held before is wiped. */
void secret_set(struct secret *secret, const char *value);

/* The value, "" when unset; for signing only. Borrowed. */
const char *secret_reveal(const struct secret *secret);

/* Wipes and frees it. */
void secret_fini(struct secret *secret);

struct credentials {
	char access_key_id[129];
	struct secret secret_access_key;
	struct secret session_token; /* unset: none */
	int64_t expires_wall_ms;     /* INT64_MAX: never */
	unsigned serial;	     /* differs from those that the same provider gave before */
};

/* Wipes and frees them. */
void credentials_fini(struct credentials *credentials);

/* Hears of the keys, or of why they are missing: *err may be moved out. Keys are borrowed until it
 * returns. */
typedef void
credentials_done_fn(void *arg, const struct credentials *credentials, struct tmf_err *err);

/* Where keys come from. */
struct credentials_provider {
	/* Asynchronous, since a provider may have to ask the network: done is called exactly once,
	 * from the loop or at once when it has the keys. */
	void (*get)(struct credentials_provider *provider, credentials_done_fn *done, void *arg);
	/* Forgets a get that waits: its done is not called any more. NULL: none ever waits. */
	void (*cancel)(struct credentials_provider *provider, credentials_done_fn *done, void *arg);
	/* AWS took the keys with this serial for expired: the next get looks for others, unless it
	 * has some by now. NULL: there are no others. */
	void (*refresh)(struct credentials_provider *provider, unsigned serial);
	void (*free_provider)(struct credentials_provider *provider);
};

/* NULL is fine. */
void credentials_provider_free(struct credentials_provider *provider);

#endif
