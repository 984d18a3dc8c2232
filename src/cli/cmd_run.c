#include "cli.h"

#include "session.h"
#include "tmflow/base/file.h"
#include "tmflow/base/json.h"
#include "tmflow/base/mem.h"
#include "tmflow/script/script.h"

#include <stdlib.h>
#include <string.h>

#define CONFIG_DIR "config"

/* Reads the workflow's text and the input into the record. */
static int
read_files(struct session *session)
{
	const struct cli_opts *opts = session->opts;
	struct store_run *run = &session->run;
	struct err err = {0};
	struct doc *doc = doc_read(opts->args[0], &err);

	if (doc == NULL)
		return cli_fail_take(opts->output, &err);
	run->workflow_name = mem_strdup(opts->args[0]);
	run->definition = mem_strndup(doc_text(doc).p, doc_text(doc).len);
	doc_free(doc);
	if (opts->input == NULL) {
		run->input = mem_strdup("{}");
		return EXIT_OK;
	}
	doc = doc_read(opts->input, &err);
	if (doc == NULL)
		return cli_fail_take(opts->output, &err);
	run->input = json_text(doc_root(doc));
	doc_free(doc);
	return EXIT_OK;
}

/* Reads --config, or config/REGION.yaml. */
static int
read_config(struct session *session)
{
	struct store_run *run = &session->run;
	struct err err = {0};
	struct doc *doc;

	run->config_name = session->opts->config != NULL
			       ? mem_strdup(session->opts->config)
			       : mem_printf(CONFIG_DIR "/%s.yaml", session->settings.region);
	doc = doc_read(run->config_name, &err);
	if (doc == NULL) {
		if (session->opts->config == NULL)
			err_prefix(&err, "no --config given, so %s was tried", run->config_name);
		return cli_fail_take(session->opts->output, &err);
	}
	run->config = mem_strndup(doc_text(doc).p, doc_text(doc).len);
	doc_free(doc);
	return EXIT_OK;
}

/* The hook's path: --hook as it is; the configuration's from where the configuration stands. */
static char *
hook_path(const struct session *session)
{
	const char *named = mirror_config_hook(session->config);
	const char *slash = strrchr(session->run.config_name, '/');

	if (session->opts->hook != NULL)
		return mem_strdup(session->opts->hook);
	if (named == NULL || named[0] == '/' || slash == NULL)
		return mem_strdup(named);
	return mem_printf(
	    "%.*s/%s", (int)(slash - session->run.config_name), session->run.config_name, named);
}

/* Reads the hook, if there is one, and sees that it loads. */
static int
read_hook(struct session *session)
{
	struct store_run *run = &session->run;
	struct buf source = {0};
	struct script *script;
	struct err err = {0};

	run->hook_name = hook_path(session);
	if (run->hook_name == NULL)
		return EXIT_OK;
	if (file_read(run->hook_name, SCRIPT_SOURCE_BYTES_MAX, &source, NULL, &err) < 0) {
		buf_fini(&source);
		return cli_fail_take(session->opts->output, &err);
	}
	script = script_new(run->hook_name, buf_str(&source), &err);
	script_free(script);
	run->hook = buf_take(&source);
	return script != NULL ? EXIT_OK : cli_fail_take(session->opts->output, &err);
}

static int
load(struct session *session)
{
	int code = read_files(session);

	if (code == EXIT_OK)
		code = session_load_workflow(session);
	if (code != EXIT_OK || !session->needs_aws)
		return code;
	code = session_load_settings(session);
	if (code == EXIT_OK)
		code = read_config(session);
	if (code == EXIT_OK)
		code = session_load_config(session);
	if (code == EXIT_OK)
		code = read_hook(session);
	return code == EXIT_OK ? session_find_credentials(session) : code;
}

/* Gives the run its id and its record. */
static int
begin(struct session *session)
{
	const struct cli_opts *opts = session->opts;
	struct store_run *run = &session->run;
	struct err err = {0};
	int code = EXIT_OK;

	if (opts->run_id != NULL && store_run_id_check(opts->run_id, &err) < 0)
		return cli_fail_take(opts->output, &err);
	session->store = cli_open_store(opts, &code);
	if (session->store == NULL)
		return code;
	run->status = RUN_RUNNING;
	run->start_wall_ms = clock_system()->wall_ms(clock_system());
	if (opts->run_id != NULL)
		snprintf(run->id, sizeof(run->id), "%s", opts->run_id);
	else
		store_run_id_make(run->start_wall_ms, &session->rng, run->id);
	session->lease = store_lease_take(session->store, run->id, &err);
	if (session->lease == NULL || store_run_create(session->store, run, &err) < 0 ||
	    store_commit(session->store, &err) < 0)
		return cli_fail_take(opts->output, &err);
	return EXIT_OK;
}

int
cmd_run(const struct cli_opts *opts)
{
	struct session session;
	int code;

	session_init(&session, opts);
	code = load(&session);
	if (code == EXIT_OK)
		code = begin(&session);
	if (code == EXIT_OK)
		code = session_execute(&session, false);
	session_fini(&session);
	return code;
}
