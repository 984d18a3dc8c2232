#ifndef TMFLOW_AWS_CREDENTIALS_H
#define TMFLOW_AWS_CREDENTIALS_H

#include "tmflow/base/err.h"
#include "tmflow/loop/loop.h"

#include <stdint.h>

/* A secret: cannot be printed by mistake (no char * member of that name to hand to printf), is wiped when freed. */
struct secret {
	char *hidden;
};
void secret_set(struct secret *secret, const char *value);
const char *secret_reveal(const struct secret *secret); /* "" when unset; for signing only */
void secret_fini(struct secret *secret);

struct credentials {
	char access_key_id[129];
	struct secret secret_access_key;
	struct secret session_token; /* unset: none */
	int64_t expires_wall_ms;     /* INT64_MAX: never */
};
void credentials_fini(struct credentials *credentials);

/*
 * Where keys come from. get is asynchronous, since a provider may have to ask the network: done is called exactly once, from the loop or
 * at once when the keys are at hand. Credentials are borrowed for the time of done.
 */
struct credentials_provider {
	void (*get)(struct credentials_provider *provider,
	    void (*done)(void *arg, const struct credentials *credentials, struct err *err),
	    void *arg);
	void (*free_provider)(struct credentials_provider *provider);
	/* AWS took the keys for expired: get looks for them anew. NULL: there are no others. */
	void (*refresh)(struct credentials_provider *provider);
};

/* The process environment as an interface, for tests. NULL members: getenv. */
struct aws_env {
	const char *(*get)(void *arg, const char *name);
	void *arg;
};
const char *aws_env_get(const struct aws_env *env, const char *name); /* NULL when unset or empty */

/* What environment and shared files say, the AWS CLI's way. */
struct aws_settings {
	char *profile; /* --profile, AWS_PROFILE, else "default" */
	char *region;  /* flag, AWS_REGION, AWS_DEFAULT_REGION, the profile's; NULL if none */
	char *
	    endpoint; /* AWS_ENDPOINT_URL_EC2, AWS_ENDPOINT_URL, the profile's; NULL: the service's own */
	char *ca_bundle;
	int attempts_max; /* 0: default */
};

/* Reads them. service_env: the suffix of AWS_ENDPOINT_URL_<SERVICE>, "EC2". flag_* may be NULL.
 * Errors: ERR_CREDENTIALS or ERR_CONFIG with file and line for a malformed file or a named profile that does not exist. */
int aws_settings_load(const struct aws_env *env, const char *service_env, const char *flag_region,
    const char *flag_profile, struct aws_settings *ret_settings, struct err *err);
void aws_settings_fini(struct aws_settings *settings);

/* The chain: environment, then the profile of the shared files. When nothing is found the error lists each place and why it had nothing.
 * flag_profile (may be NULL) skips the environment, as the AWS CLI does. */
struct credentials_provider *
credentials_chain_new(const struct aws_env *env, const char *flag_profile, struct loop *loop);
void credentials_provider_free(struct credentials_provider *provider);

#endif
