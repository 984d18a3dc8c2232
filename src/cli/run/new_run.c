#include "cli/run/new_run.h"

#include "asl/state/machine.h"
#include "cli/answer.h"
#include "cli/record.h"
#include "cli/workspace/online.h"

#include <assert.h>
#include <string.h>

#define EVENT_ACTION "parse-event"

/*
 * A workflow that begins by reading an event does nothing for {}, and ends well: a user who left
 * out the event would take that for its effect.
 */
static int
new_run_check_input(const struct session *session)
{
	const struct asl_state *start = asl_machine_states(session->machine)->start;
	struct tmf_err err = {0};

	assert(start != NULL);
	if (session->opts->input != NULL || start->type != ASL_TASK ||
	    start->u.task.action == NULL || strcmp(start->u.task.action, EVENT_ACTION) != 0 ||
	    start->parameters != NULL)
		return EXIT_OK;
	tmf_err_set(&err, TMF_ERR_INVALID,
	    "missing input: %s begins with an EventBridge event: give it with --input FILE, or - "
	    "for standard input",
	    session->run.workflow_name);
	return cli_fail_take(session->opts->output, &err);
}

/*
 * Every file is read and checked before the run has a record: one that cannot start leaves nothing
 * in the store. A workflow without actions of AWS needs neither settings nor credentials, so that
 * it runs without a network.
 */
static int
new_run_load(struct session *session)
{
	struct workspace *workspace = &session->workspace;
	struct tmf_err err = {0};
	int code = session_read_workflow(session);

	if (code == EXIT_OK)
		code = session_load_workflow(session);
	if (code == EXIT_OK)
		code = new_run_check_input(session);
	if (code == EXIT_OK && !session->needs_aws && session->asks_s3 != ASL_S3_NEVER)
		return session_connect_objects(session, NULL);
	if (code != EXIT_OK || !session->needs_aws)
		return code;
	code = workspace_load_settings(workspace, NULL);
	if (code == EXIT_OK)
		code = workspace_read_files(workspace);
	if (code != EXIT_OK)
		return code;
	session_record_files(session);
	if (record_name(session->opts, &workspace->rng, &session->run, &err) < 0)
		return cli_fail_begin(session->opts->output, &err);
	workspace_name_run(workspace, session->run.id);
	return workspace_connect(workspace);
}

/*
 * Gives the run its id and its record. AWS is asked between the two steps that need the store:
 * where it cannot be opened nobody is asked, and a configuration that names what is missing leaves
 * no run.
 */
static int
new_run_begin(struct session *session)
{
	const struct cli_opts *opts = session->opts;
	struct store_run *run = &session->run;
	struct tmf_err err = {0};
	int code = EXIT_OK;

	session->store = record_open_store(opts, &code);
	if (session->store != NULL && session->needs_aws)
		code = workspace_check_online(&session->workspace);
	if (session->store == NULL || code != EXIT_OK)
		return code;
	/*
	 * The scripts are recorded, as the workflow is: a resumed run must not pick up an edited
	 * file.
	 */
	if (json_object_size(session->scripts) > 0)
		record_put_setting(run, RECORD_SCRIPTS, json_incref(session->scripts));
	if (opts->every != NULL)
		record_put_setting(run, RECORD_RECONCILE, json_true());
	if (opts->history)
		record_put_setting(run, RECORD_HISTORY, json_true());
	session->lease = record_begin(opts, &session->workspace.rng, session->store, run, &err);
	if (session->lease == NULL || store_run_create(session->store, run, &err) < 0 ||
	    store_commit(session->store, &err) < 0)
		return cli_fail_begin(opts->output, &err);
	return EXIT_OK;
}

int
new_run(struct session *session)
{
	int code = new_run_load(session);

	if (code == EXIT_OK)
		code = new_run_begin(session);
	return code == EXIT_OK ? session_execute(session, SESSION_START) : code;
}
