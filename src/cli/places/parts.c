#include "cli/places/parts_internal.h"

#include "base/clock.h"
#include "base/mem.h"
#include "cli/answer.h"
#include "cli/places/places.h"
#include "cli/report/progress.h"
#include "cli/report/report.h"
#include "cli/run/session.h"
#include "cli/run/untaken.h"
#include "cli/signals.h"
#include "web/metrics/metrics.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(PARTS_AT_ONCE_MAX < TMF_LOOP_TURN_HOOKS_MAX, "each part's engine has a hook");

/* Places share the network, so that the workspace of the whole is opened first. */
void
parts_init(struct parts *parts, const struct cli_opts *base_opts, const struct workspace *beside)
{
	*parts = (struct parts){.opts = base_opts};
	if (beside != NULL)
		workspace_init_beside(&parts->base, base_opts, beside);
	else
		workspace_init(&parts->base, base_opts);
}

/* The parts go before the base, whose loop and transport they borrow. */
void
parts_fini(struct parts *parts)
{
	progress_stop(&parts->progress);
	for (size_t i = 0; i < parts->count; i++) {
		part_unload(&parts->at[i]);
		turns_release(&parts->at[i].turns);
		tmf_err_fini(&parts->at[i].fault);
		free(parts->at[i].config);
	}
	free(parts->at);
	json_decref(parts->files);
	workspace_fini(&parts->base);
}

/* A part that cannot even begin has failed; the others go on. */
static void
part_fail(struct part *part, struct tmf_err *err)
{
	struct session *session = &part->session;

	session->run.status = RUN_FAILED;
	session->run.stop_wall_ms = clock_system()->wall_ms(clock_system());
	session->run.error = mem_strdup(err->name);
	session->run.cause = mem_strdup(tmf_err_text(err));
	session->over = true;
	tmf_err_fini(err);
}

/* In a round of reconcile, a part whose place another process reconciles fails, and the others go
 * on. */
static int
part_take_turn(struct parts *parts, struct part *part, struct tmf_err *err)
{
	const struct places alone = {.at = part->place, .count = 1};

	return parts->own_account == NULL ? 0
					  : turns_take(&part->turns, parts->store, &alone,
						&parts->base, parts->own_account, err);
}

/* A role that cannot be used fails its own part only. */
static void
part_open(struct parts *parts, struct part *part)
{
	struct session *session = &part->session;
	struct tmf_err err = {0};

	assert(!part->opened && part->ready);
	part->opened = true;
	if (tmf_err_isset(&part->fault))
		tmf_err_move(&err, &part->fault);
	else if (part_take_turn(parts, part, &err) == 0 && session->workspace.own.ec2 == NULL)
		part_open_client(part, &err);
	if (tmf_err_isset(&err) || session_open(session, part->way, &err) < 0)
		part_fail(part, &err);
}

/* A part whose record cannot be read ends all: the store is damaged. */
static int
parts_open_more(struct parts *parts, struct tmf_err *err)
{
	assert(parts->open + parts->over == parts->next);
	while (
	    parts->next < parts->count && parts->open < PARTS_AT_ONCE_MAX && parts->signals == 0) {
		struct part *part = &parts->at[parts->next++];

		if (!part->ready && part_restore(parts, part) != EXIT_OK)
			return tmf_err_set(err, TMF_ERR_STORE, "failed to read part %s", part->id);
		parts->open++;
		part_open(parts, part);
	}
	return 0;
}

/*
 * Its memory is freed at once, and not at the end of all: a hundred others may still wait for it.
 * What its client counted stays in the progress line.
 */
static int
part_close(struct parts *parts, struct part *part, struct tmf_err *err)
{
	const struct workspace *workspace = &part->session.workspace;

	assert(part->opened && !part->closed && part->ready);
	if (session_close(&part->session, err) < 0)
		return -1;
	progress_pause(&parts->progress);
	if (untaken_warn(&part->session, err) < 0)
		return -1;
	if (workspace->mirror != NULL)
		progress_add(&parts->past, workspace->mirror, workspace->own.ec2);
	parts->past.trouble = NULL;
	turns_release(&part->turns);
	part->closed = true;
	assert(parts->open > 0 && parts->over < parts->count);
	parts->open--;
	parts->over++;
	part_unload(part);
	return 0;
}

/* all: also those that are not over, which are then interrupted. */
static int
parts_close(struct parts *parts, bool all, struct tmf_err *err)
{
	for (size_t i = 0; i < parts->next; i++) {
		struct part *part = &parts->at[i];

		if (part->opened && !part->closed && (all || part->session.over) &&
		    part_close(parts, part, err) < 0)
			return -1;
	}
	return 0;
}

/* As in a single run: the first signal lets calls in flight end, the second one stops at once. */
static void
parts_signal(void *arg, int signo)
{
	struct parts *parts = arg;

	(void)signo;
	if (++parts->signals > 1) {
		tmf_loop_stop(parts->base.loop);
		return;
	}
	progress_stop(&parts->progress);
	fputs("tmflow: interrupted: waiting for calls in flight; a second signal stops at once\n",
	    stderr);
	for (size_t i = 0; i < parts->count; i++)
		if (parts->at[i].opened && !parts->at[i].closed)
			session_interrupt(&parts->at[i].session);
}

/*
 * SIGUSR1 asks for the state of the whole, so that each part prints its own. Parts that are not
 * open have none.
 */
static void
parts_asked_live(void *arg, int signo)
{
	const struct parts *parts = arg;

	(void)signo;
	for (size_t i = 0; i < parts->count; i++)
		if (parts->at[i].opened && !parts->at[i].closed)
			session_print_live(&parts->at[i].session);
}

/* How far all parts are together, for the progress line. */
static void
parts_add_up(void *arg, struct progress_sum *ret_sum)
{
	const struct parts *parts = arg;
	struct progress_sum sum = parts->past;

	sum.parts = parts->count;
	sum.parts_over = parts->over;
	for (size_t i = 0; i < parts->next; i++) {
		const struct workspace *workspace = &parts->at[i].session.workspace;

		if (parts->at[i].ready && workspace->mirror != NULL)
			progress_add(&sum, workspace->mirror, workspace->own.ec2);
	}
	*ret_sum = sum;
}

/* One line for all parts: a line of each would push the others off the terminal. */
static void
parts_start_progress(struct parts *parts)
{
	if (parts->opts->quiet)
		return;
	parts->progress = (struct progress){
	    .loop = parts->base.loop, .store = parts->store, .add_up = parts_add_up, .arg = parts};
	progress_start(&parts->progress);
}

/*
 * All parts share one loop, so that one thread serves them and none waits for another. The signals
 * are watched here and not by the sessions, because a signal is meant for the whole.
 */
static int
parts_run_all(struct parts *parts, struct tmf_err *err)
{
	int ret;

	if (parts_open_more(parts, err) < 0 ||
	    cli_signals_watch(parts->base.loop, parts_signal, parts, err) < 0 ||
	    cli_signals_watch_live(parts->base.loop, parts_asked_live, parts, err) < 0)
		return -1;
	parts_start_progress(parts);
	/* A part that ends stops the loop: its end is written, and the next one takes its place. */
	ret = parts_close(parts, false, err);
	while (ret == 0 && parts->signals < 2) {
		size_t over = parts->over;

		ret = parts_open_more(parts, err);
		if (ret == 0 && parts->open == 0)
			break;
		if (ret == 0)
			ret = parts_close(parts, false, err);
		if (ret == 0 && parts->over == over)
			ret = tmf_loop_run(parts->base.loop, err);
	}
	if (ret == 0)
		ret = parts_close(parts, true, err);
	progress_stop(&parts->progress);
	return ret;
}

/* Runs what is ready and reports how it ended. */
int
parts_execute(struct parts *parts)
{
	struct tmf_err err = {0};
	int code = -1;

	if (parts_run_all(parts, &err) < 0 || parts_sum_up(parts->store, parts->run, &err) < 0 ||
	    store_run_update(parts->store, parts->run, &err) < 0 ||
	    store_commit(parts->store, &err) < 0)
		parts->run->status = RUN_RUNNING; /* to the store, however it ended here */
	else if (metrics_report_run(parts->store, parts->run, parts->opts->metrics_file, &err) == 0)
		code = parts_tell(parts->opts, parts->store, parts->run, false, &err);
	if (code < 0) {
		code = cli_fail_take(parts->opts->output, &err);
		report_next_step(parts->store, parts->run, NULL, stderr);
	}
	return code;
}
