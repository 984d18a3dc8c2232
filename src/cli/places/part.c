#include "base/clock.h"
#include "cli/answer.h"
#include "cli/places/parts_internal.h"

#include <assert.h>

/* What is done to one part; which part, and when, its callers decide. */

/* Only what failed in it is taken up again, with a history of its own. */
static int
part_retry(struct session *session, struct tmf_err *err)
{
	struct store_run *run = &session->run;

	store_run_begin_again(run, clock_system()->wall_ms(clock_system()));
	return store_events_delete(session->store, run->id, err) < 0
		   ? -1
		   : store_run_update(session->store, run, err);
}

/*
 * A part goes on from its checkpoint. One that failed before it began has none, and starts. One
 * that succeeded is here for its failed instances.
 */
int
part_restore(struct parts *parts, struct part *part)
{
	struct session *session = &part->session;
	struct tmf_err err = {0};
	int code;

	assert(!part->ready && part->id[0] != '\0' && parts->store != NULL);
	part->opts = *parts->opts;
	part->opts.region = NULL; /* the record's */
	session_init_part(session, &part->opts, &parts->base, parts->store);
	part->ready = true;
	if (store_run_find(parts->store, part->id, &session->run, &err) < 0)
		return cli_fail_take(parts->opts->output, &err);
	bool retries = session->run.status == RUN_SUCCEEDED;
	part->way = retries || parts->fresh ? SESSION_START : SESSION_CONTINUE_OR_START;
	code = session_load_workflow(session);
	if (code == EXIT_OK)
		code = session_restore_files(session);
	if (code == EXIT_OK && retries && part_retry(session, &err) < 0)
		code = cli_fail_take(parts->opts->output, &err);
	return code;
}

void
part_unload(struct part *part)
{
	if (part->ready)
		session_fini(&part->session);
	part->ready = false;
}

void
part_open_client(struct part *part, struct tmf_err *err)
{
	struct session *session = &part->session;

	workspace_name_run(&session->workspace, part->id);
	workspace_open_client(&session->workspace, err);
}
