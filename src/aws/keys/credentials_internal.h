#ifndef TMFLOW_AWS_KEYS_CREDENTIALS_INTERNAL_H
#define TMFLOW_AWS_KEYS_CREDENTIALS_INTERNAL_H

#include "aws/keys/credentials_chain.h"
#include "aws/settings/shared_files.h"
#include "tmflow/call.h"

#include <stdbool.h>

/* --- what a place answers --- */

/*
 * Keys on their way from a place to the provider: {"AccessKeyId", "SecretAccessKey",
 * "SessionToken"?, "ExpiresMs"?, "KeepOn"?}. KeepOn: they are used on beyond their expiry while
 * there are no others, as the instance's are.
 */

/* token may be NULL; expiration NULL: never. where names the place in errors. Errors:
 * TMF_ERR_CREDENTIALS for a missing or malformed part; no part stands in the text. */
int credentials_answer_new(const char *where, const char *access_key_id, const char *secret,
    const char *token, const char *expiration, json_t **ret_answer, struct tmf_err *err);

/* The same from JSON text; token_key is "Token" or "SessionToken". An answer with a Code other than
 * Success is an error. */
int credentials_answer_parse(const char *where, struct str text, const char *token_key,
    json_t **ret_answer, struct tmf_err *err);

/* The same from what STS answers to AssumeRole and AssumeRoleWithWebIdentity. Takes and wipes
 * result. */
int credentials_answer_of_sts(json_t *result, json_t **ret_answer, struct tmf_err *err);

/* Moves an answer into *ret_credentials and wipes it. */
void
credentials_answer_take(json_t *answer, struct credentials *ret_credentials, bool *ret_keep_on);

/* Overwrites every string in value (owned by nobody else), and drops it. */
void jsonx_wipe(json_t *value);

/* --- places --- */

/* The name of the error that says: nothing here, and the text why. Any other: something is here,
 * but broken. */
#define CREDENTIALS_NOTHING "TMFlow.NoCredentials"

/* A call that failed so. */
struct tmf_call *credentials_nothing(struct tmf_loop *loop, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Looks for keys at one place. profile is borrowed until it returns, opts for as long as the call
 * lives. profile_only: of another profile's source_profile, so no environment. The result is an
 * answer. */
typedef struct tmf_call *
credentials_look_fn(const struct credentials_opts *opts, const char *profile, bool profile_only);

credentials_look_fn credentials_look_environment;
credentials_look_fn credentials_look_role;
credentials_look_fn credentials_look_web_identity;
credentials_look_fn credentials_look_sso;
credentials_look_fn credentials_look_credentials_file;
credentials_look_fn credentials_look_login;
credentials_look_fn credentials_look_process;
credentials_look_fn credentials_look_config_file;
credentials_look_fn credentials_look_container;
credentials_look_fn credentials_look_imds;

/* All the places of one profile, as source_profile wants them. */
credentials_look_fn credentials_look_profile;

/* The wall time by the clock of the loop. */
int64_t credentials_wall_ms(const struct credentials_opts *opts);

/* --- providers --- */

/* How a provider looks: look is called again whenever fresh keys are wanted. */
struct credentials_source {
	struct tmf_call *(*look)(const struct credentials_opts *opts, void *arg);
	void *arg; /* taken */
	void (*free_arg)(void *arg);
};

/* Keeps the keys of a source, and gets fresh ones ahead of time: one look at a time. Copies
 * opts. */
struct credentials_provider *
credentials_cache_new(const struct credentials_opts *opts, const struct credentials_source *source);

#endif
