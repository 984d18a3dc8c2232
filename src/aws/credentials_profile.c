#include "credentials_internal.h"

#include "tmflow/base/mem.h"

#include <stdio.h>
#include <string.h>

/* Keys of a profile that need a provider which this version does not have. */
static const char *const other_kinds[] = {
    "role_arn", "sso_session", "sso_start_url", "credential_process", "web_identity_token_file"};

static int
other_kind(
    const struct shared_files *files, const char *profile, char **ret_reason, struct err *err)
{
	for (size_t i = 0; i < sizeof(other_kinds) / sizeof(other_kinds[0]); i++)
		if (shared_files_get(files, profile, other_kinds[i]) != NULL)
			return err_set(err, ERR_CREDENTIALS,
			    "the profile \"%s\" has %s: this version takes aws_access_key_id and "
			    "aws_secret_access_key only (`aws configure export-credentials "
			    "--profile %s "
			    "--format env` puts keys into the environment)",
			    profile, other_kinds[i], profile);
	*ret_reason = mem_printf("the profile \"%s\" has no aws_access_key_id", profile);
	return 0;
}

static int
take_keys(const struct shared_files *files, const char *profile,
    struct credentials *ret_credentials, char **ret_reason, struct err *err)
{
	const char *id = shared_files_get(files, profile, "aws_access_key_id");
	const char *secret = shared_files_get(files, profile, "aws_secret_access_key");

	if (id == NULL && secret == NULL)
		return other_kind(files, profile, ret_reason, err);
	if (id == NULL || secret == NULL)
		return err_set(err, ERR_CREDENTIALS, "the profile \"%s\" has %s without %s",
		    profile, id != NULL ? "aws_access_key_id" : "aws_secret_access_key",
		    id != NULL ? "aws_secret_access_key" : "aws_access_key_id");
	if (strlen(id) >= sizeof(ret_credentials->access_key_id))
		return err_set(err, ERR_CREDENTIALS,
		    "the profile \"%s\": aws_access_key_id is too long", profile);
	snprintf(ret_credentials->access_key_id, sizeof(ret_credentials->access_key_id), "%s", id);
	secret_set(&ret_credentials->secret_access_key, secret);
	secret_set(
	    &ret_credentials->session_token, shared_files_get(files, profile, "aws_session_token"));
	ret_credentials->expires_wall_ms = INT64_MAX;
	return 1;
}

int
credentials_from_profile(const struct aws_env *env, const char *flag_profile,
    struct credentials *ret_credentials, char **ret_reason, struct err *err)
{
	struct shared_files files;
	bool named;
	const char *profile = profile_name(env, flag_profile, &named);
	int ret;

	if (shared_files_read(env, &files, err) < 0)
		return -1;
	if (named && !shared_files_have(&files, profile)) {
		ret = err_set(err, ERR_CREDENTIALS,
		    "the profile \"%s\" is in neither of the shared AWS files", profile);
	} else {
		ret = take_keys(&files, profile, ret_credentials, ret_reason, err);
	}
	shared_files_free(&files);
	return ret;
}
