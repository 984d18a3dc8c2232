#include "aws/keys/credentials_internal.h"

/* See: https://docs.aws.amazon.com/sdkref/latest/guide/feature-static-credentials.html One of both
 * without the other is an error and not "nothing here": a typing mistake must not lead to other
 * keys. */
struct tmf_call *
credentials_look_environment(
    const struct credentials_opts *opts, const char *profile, bool profile_only)
{
	const char *id = aws_env_get(&opts->env, "AWS_ACCESS_KEY_ID");
	const char *secret = aws_env_get(&opts->env, "AWS_SECRET_ACCESS_KEY");
	struct tmf_err err = {0};
	json_t *answer;

	(void)profile;
	(void)profile_only;
	if (opts->profile != NULL)
		return credentials_nothing(opts->loop, "passed over, since --profile is given");
	if (id == NULL && secret == NULL)
		return credentials_nothing(
		    opts->loop, "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set");
	if (id == NULL || secret == NULL)
		tmf_err_set(&err, TMF_ERR_CREDENTIALS, "%s is set, but %s is not",
		    id != NULL ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
		    id != NULL ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
	else if (credentials_answer_new("AWS_ACCESS_KEY_ID and its companions", id, secret,
		     aws_env_get(&opts->env, "AWS_SESSION_TOKEN"),
		     aws_env_get(&opts->env, "AWS_CREDENTIAL_EXPIRATION"), &answer, &err) == 0)
		return tmf_call_of_result(opts->loop, answer);
	return tmf_call_of_err(opts->loop, &err);
}
