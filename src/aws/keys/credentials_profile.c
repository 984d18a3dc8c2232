#include "aws/keys/credentials_internal.h"

#include <stdarg.h>

/* Not an error of the search: the next place is looked at, and the text stands in the list where
 * nothing is found anywhere. The name of the error sets it apart from a fault, see search_seen. */
struct tmf_call *
credentials_nothing(struct tmf_loop *loop, const char *format, ...)
{
	struct buf reason = {0};
	struct tmf_err err = {0};
	struct tmf_call *call;
	va_list args;

	va_start(args, format);
	buf_vprintf(&reason, format, args);
	va_end(args);
	tmf_err_set_name(&err, TMF_ERR_CREDENTIALS, CREDENTIALS_NOTHING, "%s", buf_cstr(&reason));
	buf_fini(&reason);
	call = tmf_call_of_err(loop, &err);
	return call;
}

/* The keys that stand in the profile. Returns a call in any case. A half pair is an error: to
 * look elsewhere would act with other keys than the user meant. See:
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-static-credentials.html */
static struct tmf_call *
profile_take_keys(const struct credentials_opts *opts, const struct shared_files *files,
    const char *profile, struct tmf_err *err)
{
	const char *id = shared_files_get(files, profile, "aws_access_key_id");
	const char *secret = shared_files_get(files, profile, "aws_secret_access_key");
	json_t *answer;

	if (id == NULL && secret == NULL)
		return credentials_nothing(
		    opts->loop, "the profile \"%s\" has no aws_access_key_id", profile);
	if (id == NULL || secret == NULL)
		tmf_err_set(err, TMF_ERR_CREDENTIALS, "the profile \"%s\" has %s without %s",
		    profile, id != NULL ? "aws_access_key_id" : "aws_secret_access_key",
		    id != NULL ? "aws_secret_access_key" : "aws_access_key_id");
	else if (credentials_answer_new("the shared files", id, secret,
		     shared_files_get(files, profile, "aws_session_token"), NULL, &answer,
		     err) == 0)
		return tmf_call_of_result(opts->loop, answer);
	tmf_err_prefix(err, "profile \"%s\"", profile);
	return tmf_call_of_err(opts->loop, err);
}

/* Keys may be spread over both files; they count for the one that has the id, as the order of
 * places goes. */
struct tmf_call *
credentials_look_credentials_file(
    const struct credentials_opts *opts, const char *profile, bool profile_only)
{
	struct shared_files files;
	struct tmf_err err = {0};
	struct tmf_call *call;

	(void)profile_only;
	if (shared_files_read(&opts->env, &files, &err) < 0)
		return tmf_call_of_err(opts->loop, &err);
	if (config_file_get(files.credentials, profile, "aws_access_key_id") == NULL &&
	    config_file_get(files.credentials, profile, "aws_secret_access_key") == NULL)
		call = credentials_nothing(
		    opts->loop, "the profile \"%s\" has no aws_access_key_id there", profile);
	else
		call = profile_take_keys(opts, &files, profile, &err);
	shared_files_free(&files);
	return call;
}

/* After the credentials file and the process, in the order of the AWS CLI. Both files are read
 * here, but a pair in the credentials file was found before. */
struct tmf_call *
credentials_look_config_file(
    const struct credentials_opts *opts, const char *profile, bool profile_only)
{
	struct shared_files files;
	struct tmf_err err = {0};
	struct tmf_call *call;

	(void)profile_only;
	if (shared_files_read(&opts->env, &files, &err) < 0)
		return tmf_call_of_err(opts->loop, &err);
	call = profile_take_keys(opts, &files, profile, &err);
	shared_files_free(&files);
	return call;
}
