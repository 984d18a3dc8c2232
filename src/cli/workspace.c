#include "workspace.h"

#include "tmflow/base/file.h"
#include "tmflow/base/json.h"
#include "tmflow/base/mem.h"
#include "tmflow/mirror/rules.h"
#include "tmflow/script/script.h"

#include <stdlib.h>
#include <string.h>

#define CONFIG_DIR "config"

void
workspace_init(struct workspace *workspace, const struct cli_opts *opts)
{
	*workspace = (struct workspace){.opts = opts};
	rng_seed_system(&workspace->rng);
	workspace->registry = action_registry_new();
	mirror_register_actions(workspace->registry, NULL);
	workspace->loop = loop_new(clock_system());
}

void
workspace_fini(struct workspace *workspace)
{
	mirror_free(workspace->mirror);
	aws_client_free(workspace->ec2);
	pacer_free(workspace->pacer);
	credentials_provider_free(workspace->credentials);
	http_curl_free(workspace->transport);
	mirror_config_free(workspace->config);
	free(workspace->config_name);
	free(workspace->config_text);
	free(workspace->hook_name);
	free(workspace->hook_text);
	aws_settings_fini(&workspace->settings);
	loop_free(workspace->loop);
	action_registry_free(workspace->registry);
}

/* --- settings --- */

/* What the record says of a run that goes on; the flag wins. */
static const char *
flag_or_recorded(const char *flag, const json_t *recorded, const char *key)
{
	return flag != NULL ? flag : json_get_string(recorded, key);
}

static int
load_settings(struct workspace *workspace, const json_t *recorded, struct err *err)
{
	const struct cli_opts *opts = workspace->opts;
	struct aws_settings *settings = &workspace->settings;
	const char *region = flag_or_recorded(opts->region, recorded, "region");
	const char *endpoint = flag_or_recorded(opts->endpoint_url, recorded, "endpoint");
	struct aws_env env = {0};

	if (aws_settings_load(&env, "EC2", region, opts->profile, settings, err) < 0)
		return -1;
	if (settings->region == NULL)
		return err_set(err, ERR_CONFIG,
		    "no AWS region: give --region, AWS_REGION or a profile with one");
	if (endpoint != NULL) {
		free(settings->endpoint);
		settings->endpoint = mem_strdup(endpoint);
	}
	return 0;
}

int
workspace_load_settings(struct workspace *workspace, const char *recorded)
{
	json_t *record = recorded != NULL ? json_parse(str_of(recorded), NULL) : NULL;
	struct err err = {0};
	int ret = load_settings(workspace, record, &err);

	json_decref(record);
	return ret < 0 ? cli_fail_take(workspace->opts->output, &err) : EXIT_OK;
}

char *
workspace_settings_text(const struct workspace *workspace)
{
	json_t *settings = json_object();
	char *text;

	json_put_string(settings, "region", workspace->settings.region);
	json_put_string(settings, "endpoint", workspace->settings.endpoint);
	json_put_string(settings, "profile", workspace->settings.profile);
	text = json_text(settings);
	json_decref(settings);
	return text;
}

/* --- configuration and hook --- */

static int
read_config(struct workspace *workspace)
{
	const char *given = workspace->opts->config;
	struct err err = {0};
	struct doc *doc;

	workspace->config_name =
	    given != NULL ? mem_strdup(given)
			  : mem_printf(CONFIG_DIR "/%s.yaml", workspace->settings.region);
	doc = doc_read(workspace->config_name, &err);
	if (doc == NULL) {
		if (given == NULL && err.line == 0)
			err_prefix(
			    &err, "no --config given, so %s was tried", workspace->config_name);
		return cli_fail_take(workspace->opts->output, &err);
	}
	workspace->config_text = mem_strndup(doc_text(doc).p, doc_text(doc).len);
	doc_free(doc);
	return EXIT_OK;
}

int
workspace_load_config(struct workspace *workspace)
{
	enum cli_output output = workspace->opts->output;
	struct err err = {0};
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
		diag_print(&diags, stderr);
	diag_list_fini(&diags);
	doc_free(doc);
	return code;
}

/* The hook's path: --hook as it is; the configuration's from where the configuration stands. */
static char *
hook_path(const struct workspace *workspace)
{
	const char *named = mirror_config_hook(workspace->config);
	const char *slash = strrchr(workspace->config_name, '/');

	if (workspace->opts->hook != NULL)
		return mem_strdup(workspace->opts->hook);
	if (named == NULL || named[0] == '/' || slash == NULL)
		return mem_strdup(named);
	return mem_printf(
	    "%.*s/%s", (int)(slash - workspace->config_name), workspace->config_name, named);
}

/* Sees that the hook loads and can say in which order rules are tried. */
static int
check_hook(const struct workspace *workspace, struct err *err)
{
	struct script *script = script_new(workspace->hook_name, str_of(workspace->hook_text), err);
	struct rules *rules = script != NULL ? rules_new(workspace->config, script, err) : NULL;

	rules_free(rules);
	script_free(script);
	return rules != NULL ? 0 : -1;
}

/* Reads the hook, if there is one. */
static int
read_hook(struct workspace *workspace)
{
	enum cli_output output = workspace->opts->output;
	struct buf source = {0};
	struct err err = {0};

	workspace->hook_name = hook_path(workspace);
	if (workspace->hook_name == NULL)
		return EXIT_OK;
	if (file_read(workspace->hook_name, SCRIPT_SOURCE_BYTES_MAX, &source, NULL, &err) < 0) {
		buf_fini(&source);
		return cli_fail_take(output, &err);
	}
	workspace->hook_text = buf_take(&source);
	return check_hook(workspace, &err) < 0 ? cli_fail_take(output, &err) : EXIT_OK;
}

int
workspace_read_files(struct workspace *workspace)
{
	int code = read_config(workspace);

	if (code == EXIT_OK)
		code = workspace_load_config(workspace);
	return code == EXIT_OK ? read_hook(workspace) : code;
}

/* --- AWS --- */

struct keys_wait {
	struct loop *loop;
	struct err err;
	bool over;
};

static void
keys_came(void *arg, const struct credentials *credentials, struct err *err)
{
	struct keys_wait *wait = arg;

	if (credentials == NULL)
		err_move(&wait->err, err);
	wait->over = true;
	loop_stop(wait->loop);
}

/* Waits for the first keys, since nothing can be done without. */
static int
find_credentials(struct workspace *workspace, struct err *err)
{
	struct keys_wait wait = {.loop = workspace->loop};

	workspace->credentials->get(workspace->credentials, keys_came, &wait);
	if (!wait.over && loop_run(workspace->loop, err) < 0)
		return -1;
	if (!err_isset(&wait.err))
		return 0;
	err_move(err, &wait.err);
	return -1;
}

static int
connect_aws(struct workspace *workspace, struct err *err)
{
	const struct aws_settings *settings = &workspace->settings;
	const struct http_curl_opts http = {
	    .ca_bundle = settings->ca_bundle,
	    .user_agent = "tmflow/" TMFLOW_VERSION,
	};
	struct aws_client_opts client = {
	    .loop = workspace->loop,
	    .rng = &workspace->rng,
	    .pacer = workspace->pacer = pacer_new(workspace->loop),
	    .service = "ec2",
	    .region = settings->region,
	    .endpoint = settings->endpoint,
	    .attempts_max = settings->attempts_max,
	};
	struct aws_env env = {0};

	workspace->transport = http_curl_new(workspace->loop, &http, err);
	if (workspace->transport == NULL)
		return -1;
	workspace->credentials =
	    credentials_chain_new(&env, workspace->opts->profile, workspace->loop);
	client.transport = workspace->transport;
	client.credentials = workspace->credentials;
	workspace->ec2 = aws_client_new(&client, err);
	return workspace->ec2 != NULL ? find_credentials(workspace, err) : -1;
}

int
workspace_connect(struct workspace *workspace)
{
	struct err err = {0};

	if (connect_aws(workspace, &err) < 0)
		return cli_fail_take(workspace->opts->output, &err);
	return EXIT_OK;
}

int
workspace_open_mirror(struct workspace *workspace, const struct mirror_opts *of)
{
	struct mirror_opts opts = *of;
	struct err err = {0};

	opts.loop = workspace->loop;
	opts.ec2 = workspace->ec2;
	opts.config = workspace->config;
	opts.hook_name = workspace->hook_name;
	opts.hook_source = workspace->hook_text;
	workspace->mirror = mirror_new(&opts, &err);
	if (workspace->mirror == NULL)
		return cli_fail_take(workspace->opts->output, &err);
	action_registry_set_env(workspace->registry, workspace->mirror);
	return EXIT_OK;
}
