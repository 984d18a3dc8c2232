#include "credentials_internal.h"

#include "tmflow/base/mem.h"

#include <stdio.h>
#include <string.h>

/* See: https://docs.aws.amazon.com/sdkref/latest/guide/feature-static-credentials.html */
int
credentials_from_environment(const struct aws_env *env, const char *flag_profile,
    struct credentials *ret_credentials, char **ret_reason, struct err *err)
{
	const char *id = aws_env_get(env, "AWS_ACCESS_KEY_ID");
	const char *secret = aws_env_get(env, "AWS_SECRET_ACCESS_KEY");
	const char *token = aws_env_get(env, "AWS_SESSION_TOKEN");

	if (flag_profile != NULL) {
		*ret_reason = mem_strdup("passed over, since --profile is given");
		return 0;
	}
	if (id == NULL && secret == NULL) {
		*ret_reason = mem_strdup("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set");
		return 0;
	}
	if (id == NULL || secret == NULL)
		return err_set(err, ERR_CREDENTIALS, "%s is set, but %s is not",
		    id != NULL ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
		    id != NULL ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
	if (strlen(id) >= sizeof(ret_credentials->access_key_id))
		return err_set(err, ERR_CREDENTIALS, "AWS_ACCESS_KEY_ID is too long");
	snprintf(ret_credentials->access_key_id, sizeof(ret_credentials->access_key_id), "%s", id);
	secret_set(&ret_credentials->secret_access_key, secret);
	secret_set(&ret_credentials->session_token, token);
	ret_credentials->expires_wall_ms = INT64_MAX;
	return 1;
}
