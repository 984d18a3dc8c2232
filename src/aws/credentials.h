#ifndef TMFLOW_AWS_CREDENTIALS_H
#define TMFLOW_AWS_CREDENTIALS_H

#include "aws/settings/settings.h"
#include "base/rng.h"
#include "loop/http.h"
#include "tmflow/error.h"
#include "tmflow/loop.h"

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
	unsigned serial;	     /* tells these from those that the same provider gave before */
};
void credentials_fini(struct credentials *credentials);

/* Hears of the keys, or of why there are none: *err may be moved out. Keys are borrowed until it returns. */
typedef void
credentials_done_fn(void *arg, const struct credentials *credentials, struct tmf_err *err);

/* Where keys come from. */
struct credentials_provider {
	/* Asynchronous, since a provider may have to ask the network: done is called exactly once, from the loop or at once when the keys are at hand. */
	void (*get)(struct credentials_provider *provider, credentials_done_fn *done, void *arg);
	/* Forgets a get that waits: its done is not called any more. NULL: none ever waits. */
	void (*cancel)(struct credentials_provider *provider, credentials_done_fn *done, void *arg);
	/* AWS took the keys with this serial for expired: the next get looks for others, unless it has some by now. NULL: there are no others. */
	void (*refresh)(struct credentials_provider *provider, unsigned serial);
	void (*free_provider)(struct credentials_provider *provider);
};
void credentials_provider_free(struct credentials_provider *provider);

/* What providers need that ask the network. All borrowed, and outlives them. */
struct credentials_opts {
	struct aws_env env;
	const char *
	    profile; /* --profile: goes before the environment's keys. NULL: AWS_PROFILE, or "default" */
	struct tmf_loop *loop;
	struct http_transport *transport;
	struct rng *rng;
	const struct aws_settings *settings; /* region and end points of STS */
};

/*
 * The AWS CLI's chain: environment, the profile's role, web identity, shared credentials file, credential process, shared config file, container,
 * instance metadata. The first that has something wins and is the one that fresh keys are fetched from, ahead of their expiry: from 15 minutes before (a
 * third of their life, if that is less) it tries, from two thirds of that it waits. Where nothing is found the error lists each place and why it had nothing.
 */
struct credentials_provider *credentials_chain_new(const struct credentials_opts *opts);

/* A role assumed with the keys of another provider. */
struct credentials_role {
	const char *role_arn;
	const char *role_session_name; /* NULL: "tmflow" */
	const char *external_id;       /* NULL: none */
	int duration_seconds;	       /* 0: AWS's hour */
};

/* Takes base; copies role. Errors (from get): TMF_ERR_SERVICE as STS says it. */
struct credentials_provider *credentials_role_new(const struct credentials_opts *opts,
    struct credentials_provider *base, const struct credentials_role *role);

#endif
