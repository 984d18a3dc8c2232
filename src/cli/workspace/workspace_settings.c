#include "aws/keys/imds.h"
#include "aws/wire/http_trace.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "cli/answer.h"
#include "cli/workspace/workspace_internal.h"

#include <stdlib.h>

/* Region, endpoints, role and network, from flags, a run's record, environment and files. */

/* What the record says of a run that goes on; the flag wins. */
static const char *
setting_or_recorded(const char *flag, const json_t *recorded, const char *key)
{
	return flag != NULL ? flag : jsonx_get_string(recorded, key);
}

/*
 * A part has its transport already, and shares its connections. --debug-http is a
 * transport around the real one, so that no request can bypass it.
 */
static int
workspace_open_network(struct workspace *workspace, struct tmf_err *err)
{
	const struct http_curl_opts http = {
	    .ca_bundle = workspace->settings.ca_bundle,
	    .user_agent = "tmflow/" TMFLOW_VERSION,
	    .connections_max = workspace->connections_max,
	};

	if (workspace->transport != NULL)
		return 0;
	workspace->curl = http_curl_new(workspace->loop, &http, err);
	if (workspace->curl == NULL)
		return -1;
	if (workspace->opts->debug_http)
		workspace->trace = http_trace_new(workspace->loop, workspace->curl);
	workspace->transport = workspace->trace != NULL ? workspace->trace : workspace->curl;
	return 0;
}

struct credentials_opts
workspace_credentials_opts(struct workspace *workspace)
{
	workspace->mfa.loop = workspace->loop;
	workspace->mfa.token = workspace->opts->mfa_token;
	return (struct credentials_opts){
	    .profile = workspace->opts->profile,
	    .loop = workspace->loop,
	    .transport = workspace->transport,
	    .rng = &workspace->rng,
	    .settings = &workspace->settings,
	    .role_session_name = workspace->session_name,
	    .ask_code = mfa_ask,
	    .ask_code_arg = &workspace->mfa,
	};
}

struct region_wait {
	struct workspace *workspace;
	struct tmf_err err;
};

static void
region_wait_done(void *arg, struct tmf_call *call)
{
	struct region_wait *wait = arg;
	json_t *result = tmf_call_take_result(call);

	if (result == NULL)
		tmf_err_move(&wait->err, &call->err);
	else
		wait->workspace->settings.region = mem_strdup(jsonx_get_string(result, "Region"));
	json_decref(result);
	tmf_loop_stop(wait->workspace->loop);
}

/* On an EC2 instance the region is its own. */
static int
workspace_find_region(struct workspace *workspace, struct tmf_err *err)
{
	const struct credentials_opts opts = workspace_credentials_opts(workspace);
	struct region_wait wait = {.workspace = workspace};

	tmf_call_on_done(imds_region(&opts), region_wait_done, &wait);
	if (tmf_loop_run(workspace->loop, err) < 0)
		return -1;
	if (!tmf_err_isset(&wait.err))
		return 0;
	tmf_err_set(err, TMF_ERR_CONFIG,
	    "missing AWS region: give --region, AWS_REGION or a profile with one (instance "
	    "metadata: %s)",
	    tmf_err_text(&wait.err));
	tmf_err_fini(&wait.err);
	return -1;
}

/*
 * The order matters: the network needs the CA bundle of the settings, and the search for the
 * region needs the network.
 */
static int
workspace_read_settings(struct workspace *workspace, const json_t *recorded, struct tmf_err *err)
{
	const struct cli_opts *opts = workspace->opts;
	struct aws_settings *settings = &workspace->settings;
	const char *region = setting_or_recorded(opts->region, recorded, "region");
	const char *endpoint = setting_or_recorded(opts->endpoint_url, recorded, "endpoint");
	const char *elb_endpoint = setting_or_recorded(opts->endpoint_url, recorded, "elbEndpoint");
	const char *s3_endpoint = setting_or_recorded(opts->endpoint_url, recorded, "s3Endpoint");
	struct aws_env env = {0};

	if (aws_settings_load(&env, region, opts->profile, settings, err) < 0 ||
	    workspace_open_network(workspace, err) < 0)
		return -1;
	workspace->assume_role =
	    mem_strdup(setting_or_recorded(opts->assume_role, recorded, "assumeRole"));
	workspace->external_id =
	    mem_strdup(setting_or_recorded(opts->external_id, recorded, "externalId"));
	if (endpoint != NULL)
		aws_settings_set_endpoint(settings, "ec2", endpoint);
	if (s3_endpoint != NULL)
		aws_settings_set_endpoint(settings, "s3", s3_endpoint);
	if (elb_endpoint != NULL)
		aws_settings_set_endpoint(settings, WORKSPACE_ELB, elb_endpoint);
	return 0;
}

int
workspace_load_settings(struct workspace *workspace, const char *recorded)
{
	json_t *record = recorded != NULL ? jsonx_parse(str_of(recorded), NULL) : NULL;
	struct tmf_err err = {0};
	int ret = workspace_read_settings(workspace, record, &err);

	if (ret == 0 && workspace->settings.region == NULL)
		ret = workspace_find_region(workspace, &err);
	json_decref(record);
	return ret < 0 ? cli_fail_take(workspace->opts->output, &err) : EXIT_OK;
}

int
workspace_load_what_is_set(struct workspace *workspace)
{
	struct tmf_err err = {0};

	return workspace_read_settings(workspace, NULL, &err) < 0
		   ? cli_fail_begin(workspace->opts->output, &err)
		   : EXIT_OK;
}

/*
 * No secrets: the record names the profile and the role, and the keys are looked up again at
 * each resume.
 */
char *
workspace_settings_text(const struct workspace *workspace)
{
	json_t *settings = json_object();
	char *text;

	jsonx_put_string(settings, "region", workspace->settings.region);
	jsonx_put_string(settings, "endpoint", aws_settings_endpoint(&workspace->settings, "ec2"));
	jsonx_put_string(
	    settings, "elbEndpoint", aws_settings_endpoint(&workspace->settings, WORKSPACE_ELB));
	jsonx_put_string(settings, "s3Endpoint", aws_settings_endpoint(&workspace->settings, "s3"));
	jsonx_put_string(settings, "profile", workspace->settings.profile);
	jsonx_put_string(settings, "assumeRole", workspace->assume_role);
	jsonx_put_string(settings, "externalId", workspace->external_id);
	text = jsonx_text(settings);
	json_decref(settings);
	return text;
}

json_t *
workspace_show_credentials(struct workspace *workspace, struct tmf_err *err)
{
	const struct credentials_opts opts = workspace_credentials_opts(workspace);

	return workspace_wait(workspace, credentials_find(&opts), err);
}
