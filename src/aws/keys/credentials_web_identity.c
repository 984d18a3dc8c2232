#include "aws/client.h"
#include "aws/keys/credentials_internal.h"
#include "aws/services/sts.h"
#include "base/file.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* A role by the token of an identity provider, as Kubernetes mounts one. See:
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html */

#define SESSION_NAME_DEFAULT "tmflow"
#define TOKEN_BYTES_MAX	     20000 /* AWS's limit of WebIdentityToken */

/* Only paths and names: the token itself is read for each call and wiped after it. */
struct web_identity {
	struct aws_client *sts;
	char *token_file;
	char *role_arn;
	char *session_name;
	bool read_again;
};

static void
web_identity_free(void *frame)
{
	struct web_identity *identity = frame;

	aws_client_free(identity->sts);
	free(identity->token_file);
	free(identity->role_arn);
	free(identity->session_name);
	free(identity);
}

/* The file is read at each look: the token in it is replaced well before it ends. The token is
 * trimmed where it stands, so that no copy is left unwiped. A file often ends with a newline,
 * which is not part of the token. */
static struct tmf_call *
web_identity_ask(const struct web_identity *identity, struct tmf_err *err)
{
	struct sts_web_identity request = {
	    .role_arn = identity->role_arn,
	    .role_session_name = identity->session_name,
	};
	struct tmf_err read_err = {0};
	struct buf token = {0};
	struct tmf_call *call = NULL;

	if (file_read(identity->token_file, TOKEN_BYTES_MAX, &token, NULL, &read_err) < 0) {
		tmf_err_set(err, TMF_ERR_CREDENTIALS, "web_identity_token_file: %s",
		    tmf_err_text(&read_err));
	} else {
		token.p[str_trim(buf_str(&token)).len +
			(size_t)(str_trim(buf_str(&token)).p - token.p)] = '\0';
		request.web_identity_token = str_trim(buf_str(&token)).p;
		call = sts_assume_role_with_web_identity(identity->sts, &request);
	}
	tmf_err_fini(&read_err);
	mem_wipe(token.p, token.cap);
	buf_fini(&token);
	return call;
}

/* A token that has just run out may have been replaced: it is read once more. Only once: a token
 * that is still the old one is refused again. */
static struct tmf_call *
web_identity_answered(void *frame, struct tmf_call *over, json_t **ret_result, struct tmf_err *err)
{
	struct web_identity *identity = frame;
	json_t *result = tmf_call_take_result(over);

	if (result != NULL) {
		credentials_answer_of_sts(result, ret_result, err);
		return NULL;
	}
	if (tmf_err_is(&over->err, "ExpiredTokenException") && !identity->read_again) {
		identity->read_again = true;
		return web_identity_ask(identity, err);
	}
	tmf_err_set(err, TMF_ERR_CREDENTIALS, "%s cannot be assumed: %s: %s", identity->role_arn,
	    over->err.name, tmf_err_text(&over->err));
	return NULL;
}

/* The client has no credentials: the call is sent unsigned, the token is the proof. The client
 * lives as long as this one search. */
static struct tmf_call *
web_identity_start(const struct credentials_opts *opts, struct web_identity *identity)
{
	struct aws_client_opts client = aws_client_opts_of(opts->settings, "sts");
	struct tmf_call *first = NULL;
	struct tmf_err err = {0};

	client.loop = opts->loop;
	client.transport = opts->transport;
	client.rng = opts->rng;
	identity->sts = aws_client_new(&client, &err);
	if (identity->sts != NULL)
		first = web_identity_ask(identity, &err);
	if (first != NULL)
		return tmf_call_sequence(first, web_identity_answered, identity, web_identity_free);
	web_identity_free(identity);
	return tmf_call_of_err(opts->loop, &err);
}

/* What is configured, from one place altogether. Returns 1, 0 for nothing, -1 with *err. A token
 * file from the environment with a role from the profile would assume a role that nobody chose.
 * A missing session name gets a default, since STS requires one. Example:
 * AWS_WEB_IDENTITY_TOKEN_FILE without AWS_ROLE_ARN is an error. */
static int
web_identity_take(struct web_identity *identity, const char *where, const char *token_file,
    const char *role_arn, const char *session_name, struct tmf_err *err)
{
	if (token_file == NULL)
		return 0;
	if (role_arn == NULL)
		return tmf_err_set(err, TMF_ERR_CREDENTIALS,
		    "%s: there is a web identity token but no role", where);
	if (session_name != NULL && !sts_session_name_is_valid(session_name))
		return tmf_err_set(err, TMF_ERR_CREDENTIALS,
		    "%s: the session's name must be 2 to %d letters, digits and _+=,.@-", where,
		    STS_SESSION_NAME_BYTES_MAX);
	identity->token_file = mem_strdup(token_file);
	identity->role_arn = mem_strdup(role_arn);
	identity->session_name =
	    mem_strdup(session_name != NULL ? session_name : SESSION_NAME_DEFAULT);
	return 1;
}

/* As EKS sets them for a service account:
 * https://docs.aws.amazon.com/eks/latest/userguide/pod-configuration.html */
static int
web_identity_of_environment(
    const struct aws_env *env, struct web_identity *identity, struct tmf_err *err)
{
	return web_identity_take(identity, "AWS_WEB_IDENTITY_TOKEN_FILE",
	    aws_env_get(env, "AWS_WEB_IDENTITY_TOKEN_FILE"), aws_env_get(env, "AWS_ROLE_ARN"),
	    aws_env_get(env, "AWS_ROLE_SESSION_NAME"), err);
}

/* The profile's keys may stand in either file. */
static int
web_identity_of_profile(const struct aws_env *env, const char *profile,
    struct web_identity *identity, struct tmf_err *err)
{
	struct shared_files files;
	int ret;

	if (shared_files_read(env, &files, err) < 0)
		return -1;
	ret = web_identity_take(identity, profile,
	    shared_files_get(&files, profile, "web_identity_token_file"),
	    shared_files_get(&files, profile, "role_arn"),
	    shared_files_get(&files, profile, "role_session_name"), err);
	shared_files_free(&files);
	return ret;
}

/* The environment goes before the profile, unless --profile names one. */
struct tmf_call *
credentials_look_web_identity(
    const struct credentials_opts *opts, const char *profile, bool profile_only)
{
	struct web_identity *identity = mem_zalloc(1, sizeof(*identity));
	struct tmf_err err = {0};
	int found = 0;

	if (!profile_only && opts->profile == NULL)
		found = web_identity_of_environment(&opts->env, identity, &err);
	if (found == 0)
		found = web_identity_of_profile(&opts->env, profile, identity, &err);
	if (found == 1)
		return web_identity_start(opts, identity);
	web_identity_free(identity);
	if (found < 0)
		return tmf_call_of_err(opts->loop, &err);
	return credentials_nothing(opts->loop,
	    "neither AWS_WEB_IDENTITY_TOKEN_FILE nor web_identity_token_file of the profile "
	    "\"%s\" is set",
	    profile);
}
