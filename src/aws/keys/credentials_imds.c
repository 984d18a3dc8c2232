#include "aws/keys/credentials_internal.h"
#include "aws/keys/imds_internal.h"
#include "aws/keys/key_request.h"

/* The role of the EC2 instance that this runs on. See:
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-imds-credentials.html */

#define ROLES_PATH "/latest/meta-data/iam/security-credentials/"

/* Whatever is wrong here means that there is nothing: most machines are no instances. The keys are
 * used on while the service has none fresher. */
static struct tmf_call *
imds_keys_came(void *frame, struct tmf_call *over, json_t **ret_result, struct tmf_err *err)
{
	json_t *result = tmf_call_take_result(over);

	(void)frame;
	if (result == NULL)
		tmf_err_move(err, &over->err);
	else if (credentials_answer_parse("the instance's metadata service",
		     str_of(key_reply_body(result)), "Token", ret_result, err) == 0)
		json_object_set_new(*ret_result, "KeepOn", json_true());
	if (tmf_err_isset(err)) {
		struct tmf_err fault = {0};

		tmf_err_move(&fault, err);
		tmf_err_set_name(
		    err, TMF_ERR_CREDENTIALS, CREDENTIALS_NOTHING, "%s", tmf_err_text(&fault));
		tmf_err_fini(&fault);
	}
	jsonx_wipe(result);
	return NULL;
}

struct tmf_call *
credentials_look_imds(const struct credentials_opts *opts, const char *profile, bool profile_only)
{
	(void)profile;
	(void)profile_only;
	if (opts->settings->imds.disabled)
		return credentials_nothing(opts->loop, "AWS_EC2_METADATA_DISABLED is true");
	return tmf_call_sequence(imds_get(opts, ROLES_PATH, true), imds_keys_came, NULL, NULL);
}
