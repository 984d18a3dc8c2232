#include "cli/run/session.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/answer.h"
#include "cli/record.h"
#include "cli/report/report.h"
#include "cli/report/report_plan.h"
#include "cli/run/definition.h"
#include "cli/run/placeholders.h"
#include "cli/run/untaken.h"
#include "cli/signals.h"
#include "cli/workspace/search.h"
#include "engine/registry.h"
#include "web/metrics/metrics.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
session_init(struct session *session, const struct cli_opts *opts)
{
	*session = (struct session){.opts = opts};
	workspace_init(&session->workspace, opts);
}

void
session_init_part(struct session *session, const struct cli_opts *opts,
    const struct workspace *other, struct store *store)
{
	*session = (struct session){.opts = opts, .store = store, .borrows_store = true};
	workspace_init_beside(&session->workspace, opts, other);
}

/*
 * The execution and the engine go before the workspace, whose mirror their actions borrow. The
 * lease goes before the store that holds it.
 */
void
session_fini(struct session *session)
{
	progress_stop(&session->progress);
	tmf_call_cancel(session->settling);
	execution_free(session->execution);
	engine_free(session->engine);
	steps_fini(&session->steps);
	json_decref(session->pace.earlier);
	timeline_fini(&session->pace.timeline);
	workspace_fini(&session->workspace);
	store_lease_release(session->lease);
	if (!session->borrows_store)
		store_close(session->store);
	free(session->spool);
	free(session->name);
	json_decref(session->input);
	json_decref(session->scripts);
	mocks_fini(&session->mocks);
	json_decref(session->mock);
	tmf_err_fini(&session->fault);
	doc_free(session->definition);
	asl_machine_unref(session->machine);
	store_run_fini(&session->run);
}

/*
 * The text is kept as it was read, or filled in, because a resumed run must go by the definition it
 * began with, whatever the file says by then.
 */
int
session_read_workflow(struct session *session)
{
	const struct cli_opts *opts = session->opts;
	struct store_run *run = &session->run;
	struct tmf_err err = {0};
	struct doc *doc = search_workflow(opts->args[0], &err);
	bool filled;

	if (doc == NULL)
		return cli_fail_take(opts->output, &err);
	session->definition = doc;
	if (placeholders_fill(opts, doc, &filled, &err) < 0)
		return cli_fail_take(opts->output, &err);
	run->workflow_name = mem_strdup(doc_name(doc));
	run->definition =
	    filled ? jsonx_text(doc_root(doc)) : mem_strndup(doc_text(doc).p, doc_text(doc).len);
	if (opts->input == NULL) {
		run->input = mem_strdup("{}");
		return EXIT_OK;
	}
	doc = doc_read(opts->input, &err);
	if (doc == NULL)
		return cli_fail_take(opts->output, &err);
	run->input = jsonx_text(doc_root(doc));
	doc_free(doc);
	return EXIT_OK;
}

/*
 * The texts are recorded and not only the names, because the files may be edited before a resume.
 */
void
session_record_files(struct session *session)
{
	const struct workspace *workspace = &session->workspace;
	struct store_run *run = &session->run;

	run->settings = workspace_settings_text(workspace);
	run->config_name = mem_strdup(workspace->config_name);
	run->config = mem_strdup(workspace->config_text);
	run->hook_name = mem_strdup(workspace->hook_name);
	run->hook = mem_strdup(workspace->hook_text);
	if (session->opts->prune)
		record_put_setting(run, RECORD_PRUNE, json_true());
	if (session->opts->trust_tags)
		record_put_setting(run, RECORD_TRUST_TAGS, json_true());
}

/*
 * Configuration and hook come from the record, not from their files: a run that goes on must
 * decide like its first half.
 */
int
session_restore_files(struct session *session)
{
	struct workspace *workspace = &session->workspace;
	const struct store_run *run = &session->run;
	int code;

	workspace->config_name = mem_strdup(run->config_name);
	workspace->config_text = mem_strdup(run->config);
	workspace->hook_name = mem_strdup(run->hook_name);
	workspace->hook_text = mem_strdup(run->hook);
	code = workspace_load_settings(workspace, run->settings);
	return code == EXIT_OK ? workspace_load_config(workspace) : code;
}

/*
 * A new run reads its mocks from the file, and records them: a resumed one is answered as its first
 * half was.
 */
static int
session_load_mock(struct session *session)
{
	const struct cli_opts *opts = session->opts;
	struct store_run *run = &session->run;
	struct tmf_err err = {0};
	json_t *settings;

	session->name = file_stem(run->workflow_name);
	if (!session->reads_scripts) {
		settings = record_settings(run);
		session->mock = json_incref(jsonx_get_object(settings, RECORD_MOCK));
		json_decref(settings);
	} else if (opts->mock != NULL) {
		session->mock = mocks_read(opts->mock, opts->test_case, session->name, &err);
		if (session->mock == NULL)
			return cli_fail_take(opts->output, &err);
		record_put_setting(run, RECORD_MOCK, json_incref(session->mock));
	}
	return EXIT_OK;
}

/*
 * A new run has read and parsed its workflow already. A resumed one parses the recorded text, and
 * takes the recorded scripts instead of the files.
 */
int
session_load_workflow(struct session *session)
{
	struct store_run *run = &session->run;
	struct tmf_err err = {0};
	struct doc *doc = session->definition;
	int code = session_load_mock(session);

	if (code != EXIT_OK)
		return code;
	if (doc == NULL)
		doc = doc_parse(run->workflow_name, str_of(run->definition), &err);
	session->definition = NULL;

	if (doc != NULL)
		session->machine = definition_compile(doc, session->workspace.registry,
		    session->opts->output, jsonx_get_object(session->mock, "states"),
		    session->reads_scripts ? &session->scripts : NULL);
	else
		code = cli_fail(session->opts->output, &err);
	if (doc != NULL && session->machine == NULL)
		code = EXIT_INVALID;
	if (session->machine != NULL && asl_machine_check_filled(session->machine, &err) < 0)
		code = cli_fail(session->opts->output, &err);
	if (!session->reads_scripts) {
		json_t *settings = record_settings(run);

		session->scripts = json_incref(jsonx_get_object(settings, RECORD_SCRIPTS));
		json_decref(settings);
	}
	if (code == EXIT_OK && (session->input = jsonx_parse(str_of(run->input), &err)) == NULL)
		code = cli_fail(session->opts->output, &err);
	if (code == EXIT_OK && session->mock == NULL) {
		session->needs_aws =
		    registry_needs_aws(session->workspace.registry, session->machine);
		session->asks_s3 = asl_machine_asks_s3(session->machine);
	}
	doc_free(doc);
	tmf_err_fini(&err);
	return code;
}

int
session_connect_objects(struct session *session, const char *recorded)
{
	struct workspace *workspace = &session->workspace;
	bool surely = session->asks_s3 == ASL_S3_SURELY;
	int code = surely || recorded != NULL ? workspace_load_settings(workspace, recorded)
					      : workspace_load_what_is_set(workspace);

	assert(session->asks_s3 != ASL_S3_NEVER && !session->needs_aws);
	if (code != EXIT_OK)
		return code;
	if (recorded == NULL && workspace->settings.region != NULL)
		session->run.settings = workspace_settings_text(workspace);
	return workspace_connect_objects(workspace, surely);
}

/* --- while it runs --- */

/*
 * As a terminal user expects: the first ^C ends in order, the second one at once. Even then the
 * store is whole, and `tmflow resume` continues from the last commit.
 */
static void
session_signal(void *arg, int signo)
{
	struct session *session = arg;

	(void)signo;
	if (++session->signals > 1) {
		if (isatty(STDERR_FILENO))
			fputc('\n', stderr); /* behind the terminal's own ^C */
		tmf_loop_stop(session->workspace.loop);
		return;
	}
	progress_stop(&session->progress);
	fputs("tmflow: interrupted: waiting for calls in flight; a second signal stops at once\n",
	    stderr);
	session_interrupt(session);
}

void
session_print_live(const struct session *session)
{
	struct buf text = {0};

	if (session->engine != NULL)
		engine_write_live(session->engine, &text);
	if (text.len > 0)
		log_block(buf_cstr(&text));
	buf_fini(&text);
}

static void
session_asked_live(void *arg, int signo)
{
	(void)signo;
	session_print_live(arg);
}

/* The loop stops here. Its caller then closes the session and writes the report. */
static void
session_end(struct session *session)
{
	assert(!session->over);
	session->over = true;
	tmf_loop_stop(session->workspace.loop);
}

void
session_interrupt(struct session *session)
{
	if (session->over || session->execution == NULL)
		return;
	if (session->settling == NULL) {
		execution_interrupt(session->execution);
		return;
	}
	/* A later run settles the rest. */
	tmf_call_cancel(session->settling);
	session->settling = NULL;
	session_end(session);
}

/* An event that cannot be kept ends the run like any fault of the store. */
static void
session_note_event(void *arg, const struct execution_event *event)
{
	struct session *session = arg;
	json_t *details = execution_event_details(event);
	char *text = details != NULL ? jsonx_text(details) : NULL;
	const struct store_event kept = {
	    .id = event->id,
	    .previous_id = event->previous_id,
	    .wall_ms = event->wall_ms,
	    .top_level = event->top_level,
	    .type = event->type,
	    .details = text,
	};

	if (!tmf_err_isset(&session->fault) &&
	    store_event_put(session->store, session->run.id, &kept, &session->fault) < 0)
		tmf_loop_stop(session->workspace.loop);
	free(text);
	json_decref(details);
}

/* The run's own fault says more than one of the cleanup, and is kept. */
static void
session_settled(void *arg, struct tmf_call *call)
{
	struct session *session = arg;
	json_t *result = tmf_call_take_result(call);

	assert(!session->over);
	session->settling = NULL;
	if (result == NULL && !tmf_err_isset(&session->fault))
		tmf_err_move(&session->fault, &call->err);
	json_decref(result);
	session_end(session);
}

/*
 * The end is reported only after launches for targets are settled: an instance that AWS still
 * starts would otherwise belong to no run, and a target that nobody mirrors to would cost money.
 * An interrupted run leaves that to its resume.
 */
static void
session_execution_over(
    void *arg, struct execution *execution, const struct execution_result *result)
{
	struct session *session = arg;
	struct store_run *run = &session->run;

	(void)execution;
	assert(!session->over && session->settling == NULL);
	run->status = result->status;
	run->stop_wall_ms = clock_system()->wall_ms(clock_system());
	if (result->output != NULL)
		run->output = jsonx_text(result->output);
	run->error = mem_strdup(result->error);
	run->cause = mem_strdup(result->cause);
	if (run->status == RUN_INTERRUPTED || session->workspace.mirror == NULL) {
		session_end(session);
		return;
	}
	session->settling = accounts_settle(session->workspace.accounts, true);
	tmf_call_on_done(session->settling, session_settled, session);
}

/*
 * TimeoutSeconds of a retried run counts from the retry. Otherwise a retry on the next day would
 * time out at its start.
 */
static struct execution_opts
session_execution_opts(struct session *session)
{
	const struct store_run *run = &session->run;

	return (struct execution_opts){
	    .machine = session->machine,
	    .run_id = run->id,
	    .machine_name = session->name,
	    .input = session->input,
	    .start_wall_ms = run->retry_wall_ms != 0 ? run->retry_wall_ms : run->start_wall_ms,
	    .redrives = run->redrives,
	    .redrive_wall_ms = run->redrive_wall_ms,
	    .on_done = session_execution_over,
	    .on_event = session->history ? session_note_event : NULL,
	    .tallies = session->steps.tallies,
	    .arg = session,
	};
}

/*
 * The record says that the run goes on in the transaction in which its checkpoint does: should
 * this process be killed before, the run has failed as before.
 */
static int
session_continue(struct session *session, bool may_start, struct tmf_err *err)
{
	struct store_run *run = &session->run;
	bool failed = store_run_has_failed(run);

	store_run_begin_again(run, clock_system()->wall_ms(clock_system()));
	const struct execution_opts opts = session_execution_opts(session);
	session->execution = failed ? execution_redrive(session->engine, &opts, err)
				    : execution_resume(session->engine, &opts, err);
	if (session->execution == NULL && may_start && err->code == TMF_ERR_NOT_FOUND) {
		tmf_err_fini(err);
		if (store_events_delete(session->store, run->id, err) < 0)
			return -1;
		session->execution = execution_start(session->engine, &opts);
	}
	return session->execution == NULL ? -1 : store_run_update(session->store, run, err);
}

static int
session_new_engine(struct session *session, struct tmf_err *err)
{
	if (session->mock == NULL && asl_machine_writes_s3(session->machine) != ASL_S3_NEVER) {
		session->spool = store_spool(session->store, err);
		if (session->spool == NULL)
			return -1;
	}
	if (session->mock != NULL &&
	    mocks_init(&session->mocks, session->mock, session->workspace.registry, session->store,
		session->run.id, err) < 0)
		return -1;
	session->engine = engine_new(&(struct engine_opts){
	    .loop = session->workspace.loop,
	    .registry = session->workspace.registry,
	    .store = session->opts->no_checkpoint ? NULL : session->store,
	    .mocks = session->mock != NULL ? &session->mocks.engine : NULL,
	    .objects = session->mock == NULL ? workspace_objects(&session->workspace) : NULL,
	    .spool = session->spool,
	});
	return 0;
}

/* A failed run's own row says only how it ended: what is of interest is what a redrive reads. */
int
session_check(struct session *session, struct tmf_err *err)
{
	bool failed = store_run_has_failed(&session->run);

	store_run_begin_again(&session->run, clock_system()->wall_ms(clock_system()));
	const struct execution_opts opts = session_execution_opts(session);
	if (session_new_engine(session, err) < 0)
		return -1;
	session->execution = failed ? execution_redrive(session->engine, &opts, err)
				    : execution_resume(session->engine, &opts, err);
	return session->execution != NULL ? 0 : -1;
}

static int
session_begin(struct session *session, enum session_way way, struct tmf_err *err)
{
	if (way == SESSION_START) {
		const struct execution_opts opts = session_execution_opts(session);

		session->execution = execution_start(session->engine, &opts);
		return 0;
	}
	return session_continue(session, way == SESSION_CONTINUE_OR_START, err);
}

static void
session_start_progress(struct session *session)
{
	if (session->opts->quiet)
		return;
	session->progress = (struct progress){
	    .loop = session->workspace.loop,
	    .store = session->store,
	    .run_id = session->run.id,
	    .mirror = session->needs_aws ? session->workspace.mirror : NULL,
	    .ec2 = session->workspace.own.ec2,
	    .pacer = session->workspace.own.pacer,
	};
	progress_start(&session->progress);
}

/* Prints the end: the closing document, or the summary for a person. */
static int
session_report_end(struct session *session, struct tmf_err *err)
{
	const struct store_run *run = &session->run;
	int64_t counts[OUTCOME_COUNT];

	if (store_outcomes_count(session->store, run->id, counts, err) < 0 ||
	    untaken_warn(session, err) < 0 ||
	    metrics_report_run(session->store, run, session->opts->metrics_file, err) < 0)
		return -1;
	int ret = session->opts->output != OUTPUT_TEXT
		      ? report_json(session->store, run, counts, session->history, err)
		      : report_text(session->store, run, stdout, err);
	if (ret < 0)
		return -1;
	if (session->opts->output != OUTPUT_TEXT && run->status == RUN_INTERRUPTED)
		report_next_step(session->store, run, counts, stderr);
	if (session->opts->detailed_exitcode && report_exit(run, counts) == EXIT_OK &&
	    report_plan_changes(counts))
		return EXIT_CHANGES;
	return report_exit(run, counts);
}

static int
session_start_pace(struct session *session, struct tmf_err *err)
{
	session->pace = (struct pace){
	    .loop = session->workspace.loop,
	    .store = session->store,
	    .pacer = session->workspace.own.pacer,
	    .ec2 = session->workspace.own.ec2,
	    .elb = session->workspace.own.elb,
	    .progress =
		session->workspace.mirror != NULL ? &session->workspace.mirror->progress : NULL,
	    .run_id = session->run.id,
	    .key = session->workspace.settings.region,
	};
	return pace_start(&session->pace, err);
}

/* A limit that is given counts from now on: of a run that stopped at it, too. */
static bool
session_prunes(struct session *session, struct prune_limit *ret_limit)
{
	const char *limit = session->opts->prune_limit;

	if (limit != NULL)
		record_put_setting(&session->run, RECORD_PRUNE_LIMIT, json_string(limit));
	return record_prune(&session->run, ret_limit);
}

/*
 * A part records what it makes under its whole, so that all parts have one owner.
 * Without checkpoints the engine gets no store at all.
 */
int
session_open(struct session *session, enum session_way way, struct tmf_err *err)
{
	const struct accounts_opts accounts = {
	    .store = session->store,
	    .owner = session->run.parent != NULL ? session->run.parent : session->run.id,
	    .dry_run = session->run.dry_run,
	    .trusts_tags = record_trusts_tags(&session->run),
	};
	struct prune_limit prune_limit;
	const struct mirror_opts mirror = {
	    .run_id = session->run.id,
	    .workflow = session->name,
	    .scripts = session->scripts,
	    .only_failed = session->run.retry_wall_ms != 0,
	    .prune = session_prunes(session, &prune_limit),
	    .prune_limit = &prune_limit,
	};

	workspace_open_accounts(&session->workspace, &accounts);
	if (workspace_make_mirror(&session->workspace, &mirror, err) < 0)
		return -1;
	session->history = session->opts->history || record_keeps_history(&session->run);
	session->steps = (struct steps){
	    .loop = session->workspace.loop,
	    .store = session->store,
	    .run_id = session->run.id,
	    .machine = session->machine,
	};
	if (session_new_engine(session, err) < 0 || session_start_pace(session, err) < 0 ||
	    steps_start(&session->steps, err) < 0)
		return -1;
	return session_begin(session, way, err);
}

/*
 * Whether the pace is deleted depends on the end: a run that is over needs none, and a resume
 * begins at the pace that AWS allowed last. Up to here a crash finds the end in the checkpoint.
 */
int
session_close(struct session *session, struct tmf_err *err)
{
	if (tmf_err_isset(&session->mocks.err))
		tmf_err_move(&session->fault, &session->mocks.err);
	if (tmf_err_isset(&session->fault)) {
		tmf_err_move(err, &session->fault);
		return -1;
	}
	if (!session->over) {
		session->run.status = RUN_INTERRUPTED;
		session->run.stop_wall_ms = clock_system()->wall_ms(clock_system());
	}
	return pace_stop(&session->pace, err) < 0 || steps_stop(&session->steps, err) < 0 ||
		       store_run_end(session->store, &session->run, err) < 0 ||
		       store_commit(session->store, err) < 0
		   ? -1
		   : 0;
}

/* Runs the loop until the execution is over, or a second signal stops it. */
static int
session_run_to_end(struct session *session, enum session_way way, struct tmf_err *err)
{
	struct tmf_loop *loop = session->workspace.loop;

	if (session_open(session, way, err) < 0 ||
	    cli_signals_watch(loop, session_signal, session, err) < 0 ||
	    cli_signals_watch_live(loop, session_asked_live, session, err) < 0)
		return -1;
	session_start_progress(session);
	int ret = tmf_loop_run(loop, err);
	progress_stop(&session->progress);
	return ret < 0 ? -1 : session_close(session, err);
}

int
session_execute(struct session *session, enum session_way way)
{
	struct tmf_err err = {0};
	int code;

	log_set_run(session->run.id);
	code = session_run_to_end(session, way, &err);
	if (code == 0)
		code = session_report_end(session, &err);
	else
		/* The store was not written. The record must show a run to resume. */
		session->run.status = RUN_RUNNING; /* to the store, however it ended here */
	if (code < 0) {
		code = cli_fail(session->opts->output, &err);
		report_next_step(session->store, &session->run, NULL, stderr);
	}
	log_set_run(NULL);
	tmf_err_fini(&err);
	return code;
}
