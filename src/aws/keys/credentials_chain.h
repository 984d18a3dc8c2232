#ifndef TMFLOW_AWS_KEYS_CREDENTIALS_CHAIN_H
#define TMFLOW_AWS_KEYS_CREDENTIALS_CHAIN_H

#include "aws/credentials.h"
#include "aws/settings/settings.h"
#include "base/rng.h"
#include "loop/http.h"
#include "tmflow/loop.h"

/* What providers need that ask the network. All borrowed, and outlives them. */
struct credentials_opts {
	struct aws_env env;
	/* --profile: goes before the environment's keys. NULL: AWS_PROFILE, or "default". */
	const char *profile;
	struct tmf_loop *loop;
	struct http_transport *transport;
	struct rng *rng;
	const struct aws_settings *settings; /* region and endpoints of STS */
	/* Of roles that have no other; NULL: "tmflow". Borrowed. */
	const char *role_session_name;
	/* Asks for the code that the MFA device of that serial number shows: a call with {"Code":
	 * string}, or the error that the profile's role is refused with. NULL: nobody can be
	 * asked. */
	struct tmf_call *(*ask_code)(void *arg, const char *serial_number);
	void *ask_code_arg;
};

/*
 * The AWS CLI's chain: environment, the profile's role, web identity, shared credentials file,
 * credential process, shared config file, container, instance metadata. The first that has
 * something wins and is the one that fresh keys are fetched from, ahead of their expiry: from 15
 * minutes before (a third of their life, if that is less) it tries, from two thirds of that it
 * waits. Where nothing is found the error lists each place and why it had nothing.
 */
struct credentials_provider *credentials_chain_new(const struct credentials_opts *opts);

/* Which place has keys, and which: a new call with {"place", "accessKeyId": masked but for its last
 * characters, "expires"?}. Errors: as a provider's get. */
struct tmf_call *credentials_find(const struct credentials_opts *opts);

/* A role assumed with the keys of another provider. */
struct credentials_role {
	const char *role_arn;
	const char *role_session_name; /* NULL: "tmflow" */
	const char *external_id;       /* NULL: none */
	int duration_seconds;	       /* 0: AWS's hour */
	const char *mfa_serial;	       /* whose code is asked for; NULL: none is needed */
};

/* Takes base; copies role. Errors (from get): TMF_ERR_SERVICE as STS says it. */
struct credentials_provider *credentials_role_new(const struct credentials_opts *opts,
    struct credentials_provider *base, const struct credentials_role *role);

#endif
