#include "cli/commands/commands.h"

#include "base/clock.h"
#include "base/mem.h"
#include "cli/answer.h"
#include "cli/places/parts.h"
#include "cli/record.h"
#include "cli/report/report.h"
#include "cli/run/session.h"

#include <stdlib.h>

/* A success stays as it is: it is reported again, with the exit code that it had. */
static int
resume_report_again(struct session *session)
{
	const struct cli_opts *opts = session->opts;
	int64_t counts[OUTCOME_COUNT];
	struct tmf_err err = {0};

	if (store_outcomes_count(session->store, session->run.id, counts, &err) < 0)
		return cli_fail_take(opts->output, &err);
	cli_print(
	    stderr, "tmflow: run %s has ended: there is nothing to resume\n", session->run.id);
	int ret = opts->output != OUTPUT_TEXT
		      ? report_json(session->store, &session->run, counts,
			    record_keeps_history(&session->run), &err)
		      : report_text(session->store, &session->run, stdout, &err);
	if (ret < 0)
		return cli_fail_take(opts->output, &err);
	return report_exit(&session->run, counts);
}

/* Finds the run, takes its lease, then reads it again: its last holder may just have ended it. */
static int
resume_take_run(struct session *session)
{
	const struct cli_opts *opts = session->opts;
	struct store_run found = {0};
	struct tmf_err err = {0};
	int code = EXIT_OK;

	session->store = record_find_store(opts, &code);
	if (session->store == NULL)
		return code;
	if (store_run_find(session->store, opts->args[0], &found, &err) < 0)
		return cli_fail_take(opts->output, &err);
	session->lease = store_lease_take(session->store, found.id, &err);
	if (session->lease == NULL ||
	    store_run_find(session->store, found.id, &session->run, &err) < 0)
		code = cli_fail_begin(opts->output, &err);
	store_run_fini(&found);
	return code;
}

/*
 * A run that calls AWS gets its configuration from the record. A run without AWS needs neither
 * files nor credentials.
 */
static int
resume_load(struct session *session)
{
	int code = session_load_workflow(session);

	if (code == EXIT_OK && !session->needs_aws && session->asks_s3 != ASL_S3_NEVER)
		return session_connect_objects(session, session->run.settings);
	if (code != EXIT_OK || !session->needs_aws)
		return code;
	code = session_restore_files(session);
	workspace_name_run(&session->workspace, session->run.id);
	return code == EXIT_OK ? workspace_connect(&session->workspace) : code;
}

/*
 * With --retry-failed as well: what the listing has not reached yet would be left out of a retry.
 * The report says how many failed, and what to do about them.
 */
static int
resume_continue(struct session *session)
{
	bool retries = session->opts->retry_failed;
	int code = resume_load(session);

	if (code != EXIT_OK)
		return code;
	if (retries)
		cli_print(stderr,
		    "tmflow: run %s has not reached every instance: it goes on first\n",
		    session->run.id);
	return session_execute(session, retries ? SESSION_CONTINUE_OR_START : SESSION_CONTINUE);
}

/* The record says that a retry is under way: should it be killed, a resume continues it. */
static int
resume_begin_retry(struct session *session, struct tmf_err *err)
{
	struct store_run *run = &session->run;

	store_run_begin_again(run, clock_system()->wall_ms(clock_system()));
	return store_events_delete(session->store, run->id, err) < 0 ||
		       store_run_update(session->store, run, err) < 0 ||
		       store_commit(session->store, err) < 0
		   ? -1
		   : 0;
}

/*
 * Only failed instances are taken up again. Without any, the former end is reported once more, so
 * that a script which always retries gets the exit code of the run.
 */
static int
resume_retry(struct session *session)
{
	const struct store_run *run = &session->run;
	int64_t counts[OUTCOME_COUNT];
	struct tmf_err err = {0};
	int code;

	if (store_outcomes_count(session->store, run->id, counts, &err) < 0)
		return cli_fail_take(session->opts->output, &err);
	if (counts[OUTCOME_FAILED] == 0) {
		cli_print(stderr, "tmflow: no instance failed in run %s\n", run->id);
		return resume_report_again(session);
	}
	code = resume_load(session);
	if (code != EXIT_OK)
		return code;
	if (resume_begin_retry(session, &err) < 0)
		return cli_fail_take(session->opts->output, &err);
	return session_execute(session, SESSION_START);
}

/* What it planned so far is not kept, and by now it may be another plan. */
static int
refuse_dry_run(const struct session *session)
{
	struct tmf_err err = {0};

	tmf_err_set(&err, TMF_ERR_INVALID,
	    "run %s is a dry run: it cannot be resumed; run the workflow again", session->run.id);
	return cli_fail_take(session->opts->output, &err);
}

/*
 * A part that is resumed alone would leave the record of the whole as it was, so that the two would
 * contradict each other. The message has the command to use instead.
 */
static int
refuse_part(const struct session *session)
{
	struct tmf_err err = {0};

	tmf_err_set(&err, TMF_ERR_INVALID, "run %s is a part: `tmflow resume %s` resumes all parts",
	    session->run.id, session->run.parent);
	return cli_fail_take(session->opts->output, &err);
}

/*
 * The order of the tests matters: a dry run may be reported again but never continued, whether or
 * not it has parts.
 */
int
cmd_resume(const struct cli_opts *opts)
{
	struct session session;
	struct tmf_err err = {0};
	int code;

	if (record_check_prune_limit(opts->prune_limit, &err) < 0)
		return cli_fail_take(opts->output, &err);
	session_init(&session, opts);
	code = resume_take_run(&session);
	if (code == EXIT_OK && session.run.parent != NULL)
		code = refuse_part(&session);
	else if (code == EXIT_OK) {
		if (session.run.dry_run && (opts->retry_failed || !record_is_over(&session.run)))
			code = refuse_dry_run(&session);
		else if (parts_belong_to(&session.run))
			code = parts_resume(opts, session.store, &session.run);
		else if (session.run.status != RUN_SUCCEEDED && !session.run.dry_run)
			code = resume_continue(&session);
		else
			code = opts->retry_failed ? resume_retry(&session)
						  : resume_report_again(&session);
	}
	session_fini(&session);
	return code;
}
