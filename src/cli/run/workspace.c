#include "cli/run/workspace.h"
#include "mirror/actions/actions.h"

#include "aws/arn.h"
#include "aws/keys/imds.h"
#include "aws/services/sts.h"
#include "aws/wire/http_trace.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "cli/answer.h"
#include "cli/color.h"
#include "cli/run/search.h"
#include "mirror/config/rules.h"
#include "script/script.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define WORKSPACE_ELB "elasticloadbalancing"

/* Instead of ten: a network may have an endpoint for EC2 alone, and the run goes on without. */
#define WORKSPACE_ELB_ATTEMPTS_MAX 4

static void workspace_free_members(struct workspace *workspace);

static void
workspace_begin(struct workspace *workspace, const struct cli_opts *opts)
{
	*workspace = (struct workspace){.opts = opts};
	rng_seed_system(&workspace->rng);
	workspace->registry = tmf_registry_new();
	actions_register(workspace->registry, NULL);
}

void
workspace_init(struct workspace *workspace, const struct cli_opts *opts)
{
	workspace_begin(workspace, opts);
	workspace->loop = tmf_loop_new(clock_system());
}

/*
 * The parts of a run share one loop and one network: connections to EC2 are pooled, and one
 * thread serves all parts.
 */
void
workspace_init_beside(
    struct workspace *workspace, const struct cli_opts *opts, const struct workspace *other)
{
	assert(other->transport != NULL);
	workspace_begin(workspace, opts);
	workspace->shares = true;
	workspace->loop = other->loop;
	workspace->transport = other->transport;
}

/*
 * The reverse order of construction. The clients go before the transport and the credentials
 * that they borrow.
 */
void
workspace_fini(struct workspace *workspace)
{
	mirror_free(workspace->mirror);
	accounts_free(workspace->accounts);
	workspace_free_members(workspace);
	aws_client_free(workspace->elb);
	aws_client_free(workspace->ec2);
	pacer_free(workspace->pacer);
	credentials_provider_free(workspace->credentials);
	http_trace_free(workspace->trace);
	http_curl_free(workspace->curl);
	mirror_config_free(workspace->config);
	free(workspace->config_name);
	free(workspace->config_text);
	free(workspace->hook_name);
	free(workspace->hook_text);
	aws_settings_fini(&workspace->settings);
	free(workspace->user_agent);
	free(workspace->session_name);
	free(workspace->assume_role);
	free(workspace->external_id);
	if (!workspace->shares)
		tmf_loop_free(workspace->loop);
	tmf_registry_free(workspace->registry);
}

/* --- settings --- */

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

static struct credentials_opts
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
	    "metadata: "
	    "%s)",
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
	jsonx_put_string(settings, "profile", workspace->settings.profile);
	jsonx_put_string(settings, "assumeRole", workspace->assume_role);
	jsonx_put_string(settings, "externalId", workspace->external_id);
	text = jsonx_text(settings);
	json_decref(settings);
	return text;
}

/* --- configuration and hook --- */

/*
 * A configuration belongs to one region, because subnets and targets do. The default name
 * therefore is that of the region, such as config/eu-west-1.yaml.
 */
char *
workspace_config_path(const struct workspace *workspace)
{
	if (workspace->opts->config != NULL)
		return mem_strdup(workspace->opts->config);
	return workspace->settings.region != NULL ? search_config(workspace->settings.region)
						  : NULL;
}

static int
workspace_read_config(struct workspace *workspace)
{
	const char *given = workspace->opts->config;
	struct tmf_err err = {0};
	struct doc *doc;

	workspace->config_name = workspace_config_path(workspace);
	doc = doc_read(workspace->config_name, &err);
	if (doc == NULL) {
		if (given == NULL && err.line == 0) {
			char *places = search_config_places(workspace->settings.region);

			tmf_err_prefix(&err, "missing --config: tried %s", places);
			free(places);
		}
		return cli_fail_take(workspace->opts->output, &err);
	}
	workspace->config_text = mem_strndup(doc_text(doc).p, doc_text(doc).len);
	doc_free(doc);
	return EXIT_OK;
}

/*
 * The text is parsed here and not in workspace_read_config, because a resumed run has it from
 * the record.
 */
int
workspace_load_config(struct workspace *workspace)
{
	enum cli_output output = workspace->opts->output;
	struct tmf_err err = {0};
	struct doc *doc = doc_parse(workspace->config_name, str_of(workspace->config_text), &err);
	struct diag_list diags;
	int code = EXIT_OK;

	if (doc == NULL)
		return cli_fail_take(output, &err);
	diag_list_init(&diags, doc);
	workspace->config = mirror_config_load(doc, &diags);
	if (workspace->config == NULL)
		code = cli_fail_diags(output, &diags);
	else
		cli_print_diags(&diags);
	diag_list_fini(&diags);
	doc_free(doc);
	return code;
}

/* The hook's path: --hook as it is; the configuration's from where the configuration stands. */
static char *
workspace_hook_path(const struct workspace *workspace)
{
	const char *named = mirror_config_hook(workspace->config);

	if (workspace->opts->hook != NULL)
		return mem_strdup(workspace->opts->hook);
	return named != NULL ? file_beside(workspace->config_name, named) : NULL;
}

int
workspace_try_hook(
    const struct mirror_config *config, const char *name, struct str source, struct tmf_err *err)
{
	struct script *script = script_new(name, source, err);
	struct rules *rules = script != NULL ? rules_new(config, script, err) : NULL;

	rules_free(rules);
	script_free(script);
	return rules != NULL ? 0 : -1;
}

/* Reads the hook, if there is one. */
static int
workspace_read_hook(struct workspace *workspace)
{
	enum cli_output output = workspace->opts->output;
	struct buf source = {0};
	struct tmf_err err = {0};

	workspace->hook_name = workspace_hook_path(workspace);
	if (workspace->hook_name == NULL)
		return EXIT_OK;
	if (file_read(workspace->hook_name, SCRIPT_SOURCE_BYTES_MAX, &source, NULL, &err) < 0) {
		buf_fini(&source);
		return cli_fail_take(output, &err);
	}
	workspace->hook_text = buf_take(&source);
	return workspace_try_hook(
		   workspace->config, workspace->hook_name, str_of(workspace->hook_text), &err) < 0
		   ? cli_fail_take(output, &err)
		   : EXIT_OK;
}

/*
 * In this order, because the configuration may name the hook, and the hook is checked against the
 * rules.
 */
int
workspace_read_files(struct workspace *workspace)
{
	int code = workspace_read_config(workspace);

	if (code == EXIT_OK)
		code = workspace_load_config(workspace);
	return code == EXIT_OK ? workspace_read_hook(workspace) : code;
}

/* --- AWS --- */

/* A session's name has 64 bytes at most, and a run's id may have as many: its beginning is what
 * made ones differ in. */
void
workspace_name_run(struct workspace *workspace, const char *run_id)
{
	assert(workspace->ec2 == NULL && workspace->user_agent == NULL && run_id[0] != '\0');
	workspace->user_agent = mem_printf("tmflow/" TMFLOW_VERSION " run/%s", run_id);
	workspace->session_name = mem_printf(
	    "tmflow-%.*s", (int)(STS_SESSION_NAME_BYTES_MAX - sizeof("tmflow-") + 1), run_id);
}

struct keys_wait {
	struct tmf_loop *loop;
	struct tmf_err err;
	bool over;
};

/*
 * Credentials may be there at once, before the loop runs: `over` says so, and the loop is then not
 * started.
 */
static void
keys_wait_done(void *arg, const struct credentials *credentials, struct tmf_err *err)
{
	struct keys_wait *wait = arg;

	if (credentials == NULL)
		tmf_err_move(&wait->err, err);
	wait->over = true;
	tmf_loop_stop(wait->loop);
}

/* Waits for the first keys, since nothing can be done without. */
static int
workspace_find_credentials(struct workspace *workspace, struct tmf_err *err)
{
	struct keys_wait wait = {.loop = workspace->loop};

	assert(workspace->credentials != NULL);
	workspace->credentials->get(workspace->credentials, keys_wait_done, &wait);
	if (!wait.over && tmf_loop_run(workspace->loop, err) < 0)
		return -1;
	if (!tmf_err_isset(&wait.err))
		return 0;
	tmf_err_move(err, &wait.err);
	return -1;
}

/* The chain, or the role that its keys assume. */
static struct credentials_provider *
workspace_new_credentials(struct workspace *workspace)
{
	const struct credentials_opts opts = workspace_credentials_opts(workspace);
	struct credentials_provider *chain = credentials_chain_new(&opts);

	if (workspace->assume_role == NULL)
		return chain;
	return credentials_role_new(&opts, chain,
	    &(struct credentials_role){
		.role_arn = workspace->assume_role,
		.external_id = workspace->external_id,
	    });
}

/*
 * What distinguishes this account from others in one store: the role's account, or the profile.
 * malloc'ed.
 */
static char *
workspace_owner(const struct workspace *workspace, const char *role_arn)
{
	struct arn arn = {0};

	if (role_arn != NULL && arn_parse(role_arn, &arn, NULL) == 0 && arn.account.len > 0)
		return mem_strndup(arn.account.p, arn.account.len);
	return mem_strdup(workspace->settings.profile);
}

static struct aws_client *
workspace_new_elb(
    struct workspace *workspace, struct credentials_provider *credentials, struct tmf_err *err)
{
	struct aws_client_opts client = aws_client_opts_of(&workspace->settings, WORKSPACE_ELB);

	client.loop = workspace->loop;
	client.rng = &workspace->rng;
	client.transport = workspace->transport;
	client.user_agent = workspace->user_agent;
	client.credentials = credentials;
	if (client.retry_mode == NULL && client.attempts_max == 0)
		client.attempts_max = WORKSPACE_ELB_ATTEMPTS_MAX;
	return aws_client_new(&client, err);
}

/* Requests are paced per account and region, since EC2 keeps its token buckets so. */
int
workspace_open_client(struct workspace *workspace, struct tmf_err *err)
{
	struct aws_client_opts client = aws_client_opts_of(&workspace->settings, "ec2");
	char *owner = workspace_owner(workspace, workspace->assume_role);

	assert(workspace->ec2 == NULL && workspace->pacer == NULL);
	workspace->credentials = workspace_new_credentials(workspace);
	client.owner = owner;
	client.loop = workspace->loop;
	client.rng = &workspace->rng;
	client.pacer = workspace->pacer = pacer_new(workspace->loop);
	client.transport = workspace->transport;
	client.user_agent = workspace->user_agent;
	client.credentials = workspace->credentials;
	workspace->ec2 = aws_client_new(&client, err);
	free(owner);
	if (workspace->ec2 == NULL)
		return -1;
	workspace->elb = workspace_new_elb(workspace, workspace->credentials, err);
	return workspace->elb != NULL ? 0 : -1;
}

/* --- other accounts --- */

struct workspace_member {
	struct workspace_member *next;
	char *role_arn;
	struct credentials_provider *credentials;
	struct pacer *pacer;
	struct aws_client *ec2;
	struct aws_client *elb;
};

static void
member_free(struct workspace_member *member)
{
	aws_client_free(member->elb);
	aws_client_free(member->ec2);
	pacer_free(member->pacer);
	credentials_provider_free(member->credentials);
	free(member->role_arn);
	free(member);
}

static void
workspace_free_members(struct workspace *workspace)
{
	while (workspace->members != NULL) {
		struct workspace_member *member = workspace->members;

		workspace->members = member->next;
		member_free(member);
	}
}

/* Each member has a pacer of its own: an account that EC2 throttles must not slow the others. */
static struct workspace_member *
member_new(struct workspace *workspace, const char *role_arn, struct tmf_err *err)
{
	const struct credentials_opts keys = workspace_credentials_opts(workspace);
	struct aws_client_opts client = aws_client_opts_of(&workspace->settings, "ec2");
	struct workspace_member *member = mem_zalloc(1, sizeof(*member));
	char *owner = workspace_owner(workspace, role_arn);

	member->role_arn = mem_strdup(role_arn);
	member->credentials = credentials_role_new(&keys, workspace_new_credentials(workspace),
	    &(struct credentials_role){.role_arn = member->role_arn});
	member->pacer = pacer_new(workspace->loop);
	client.owner = owner;
	client.loop = workspace->loop;
	client.rng = &workspace->rng;
	client.pacer = member->pacer;
	client.transport = workspace->transport;
	client.user_agent = workspace->user_agent;
	client.credentials = member->credentials;
	member->ec2 = aws_client_new(&client, err);
	free(owner);
	if (member->ec2 != NULL)
		member->elb = workspace_new_elb(workspace, member->credentials, err);
	if (member->elb != NULL)
		return member;
	member_free(member);
	return NULL;
}

/* Clients are kept until the end, so that each role is assumed once and not for every call. */
struct aws_client *
workspace_client_for(void *arg, const char *role_arn, struct tmf_err *err)
{
	struct workspace *workspace = arg;
	struct workspace_member *member = workspace->members;

	while (member != NULL && strcmp(member->role_arn, role_arn) != 0)
		member = member->next;
	if (member != NULL)
		return member->ec2;
	member = member_new(workspace, role_arn, err);
	if (member == NULL)
		return NULL;
	member->next = workspace->members;
	workspace->members = member;
	return member->ec2;
}

struct aws_client *
workspace_elb_for(void *arg, const struct aws_client *ec2)
{
	const struct workspace *workspace = arg;
	const struct workspace_member *member = workspace->members;

	if (ec2 == workspace->ec2)
		return workspace->elb;
	while (member != NULL && member->ec2 != ec2)
		member = member->next;
	return member != NULL ? member->elb : NULL;
}

/* --- connecting --- */

int
workspace_connect(struct workspace *workspace)
{
	struct tmf_err err = {0};

	if (workspace_open_client(workspace, &err) < 0 ||
	    workspace_find_credentials(workspace, &err) < 0)
		return cli_fail_take(workspace->opts->output, &err);
	return EXIT_OK;
}

/*
 * Services other than EC2 get no pacer: their requests are few, and the client's retries are
 * enough.
 */
struct aws_client *
workspace_client(
    struct workspace *workspace, const char *service, const char *region, struct tmf_err *err)
{
	struct aws_client_opts client = aws_client_opts_of(&workspace->settings, service);

	client.loop = workspace->loop;
	client.rng = &workspace->rng;
	client.transport = workspace->transport;
	client.user_agent = workspace->user_agent;
	client.credentials = workspace->credentials;
	if (region != NULL)
		client.region = region;
	return aws_client_new(&client, err);
}

void
workspace_open_accounts(struct workspace *workspace, const struct accounts_opts *of)
{
	struct accounts_opts opts = *of;

	assert(workspace->accounts == NULL);
	opts.loop = workspace->loop;
	opts.ec2 = workspace->ec2;
	opts.client_for = workspace_client_for;
	opts.client_for_arg = workspace;
	opts.elb_for = workspace_elb_for;
	workspace->accounts = accounts_new(&opts);
}

int
workspace_make_mirror(
    struct workspace *workspace, const struct mirror_opts *of, struct tmf_err *err)
{
	struct mirror_opts opts = *of;

	assert(workspace->mirror == NULL);
	opts.accounts = workspace->accounts;
	opts.config = workspace->config;
	opts.hook_name = workspace->hook_name;
	opts.hook_source = workspace->hook_text;
	workspace->mirror = mirror_new(&opts, err);
	if (workspace->mirror == NULL)
		return -1;
	tmf_registry_set_env(workspace->registry, workspace->mirror);
	return 0;
}

int
workspace_open_mirror(struct workspace *workspace, const struct mirror_opts *of)
{
	struct tmf_err err = {0};

	if (workspace_make_mirror(workspace, of, &err) < 0)
		return cli_fail_take(workspace->opts->output, &err);
	return EXIT_OK;
}

/* --- one call --- */

struct call_wait {
	struct tmf_loop *loop;
	json_t *result;
	struct tmf_err err;
};

/* Stops the loop, which workspace_wait runs for this one call. */
static void
call_wait_done(void *arg, struct tmf_call *call)
{
	struct call_wait *wait = arg;

	wait->result = tmf_call_take_result(call);
	if (wait->result == NULL)
		tmf_err_move(&wait->err, &call->err);
	tmf_loop_stop(wait->loop);
}

json_t *
workspace_wait(struct workspace *workspace, struct tmf_call *call, struct tmf_err *err)
{
	struct call_wait wait = {.loop = workspace->loop};

	tmf_call_on_done(call, call_wait_done, &wait);
	if (tmf_loop_run(workspace->loop, err) < 0)
		return NULL;
	if (wait.result == NULL)
		tmf_err_move(err, &wait.err);
	return wait.result;
}

json_t *
workspace_show_credentials(struct workspace *workspace, struct tmf_err *err)
{
	const struct credentials_opts opts = workspace_credentials_opts(workspace);

	return workspace_wait(workspace, credentials_find(&opts), err);
}
