#include "cli/commands/serve/listen_reconcile.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/places/turns.h"
#include "cli/run/rounds.h"
#include "web/metrics/reconcile_metrics.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

/*
 * Either the timer is armed or a round is under way, until it is stopped. A round holds the turn of
 * the place from its begin to its end, so that a process that dies lets it go.
 */
struct listen_reconcile {
	struct serving *serving;
	const struct workflow *workflow;
	int64_t every_ms;
	void (*failing)(void *arg, bool is);
	void *arg;
	struct places places; /* the one that the listener works in */
	char own_account[TURNS_ACCOUNT_BYTES];
	struct turns turns; /* of the round under way */
	struct tmf_timer next;
	struct job *job; /* likewise */
	int64_t start_mono_ms;
	bool stopped;
	struct reconcile_metrics metrics; /* the rounds of it */
};

static void
listen_reconcile_arm(struct listen_reconcile *reconcile)
{
	struct workspace *workspace = &reconcile->serving->workspace;
	const struct rounds_next next = {
	    reconcile->start_mono_ms, reconcile->every_ms, &workspace->rng};

	assert(!reconcile->stopped && reconcile->job == NULL);
	rounds_arm(workspace->loop, &reconcile->next, &next, &reconcile->metrics);
}

/* Instances that failed do not count: others went well, and the next round tries them again. */
static void
listen_reconcile_done(void *arg, struct job_end *end)
{
	struct listen_reconcile *reconcile = arg;
	struct reconcile_metrics *metrics = &reconcile->metrics;
	struct tmf_loop *loop = reconcile->serving->workspace.loop;
	bool failed = end->output == NULL;

	reconcile->job = NULL;
	metrics->in_round = false;
	turns_release(&reconcile->turns);
	metrics->failures = failed ? metrics->failures + 1 : 0;
	reconcile_metrics_round(metrics, failed ? ROUND_FAILED : ROUND_SUCCEEDED,
	    tmf_loop_mono_ms(loop) - reconcile->start_mono_ms);
	if (failed)
		log_event(LOG_WARN, "reconcile.round", LOG_ERR(&end->err));
	else
		log_event(LOG_INFO, "reconcile.round",
		    LOG_INT("instances_failed", (int64_t)end->instances_failed));
	reconcile->failing(reconcile->arg, failed);
	listen_reconcile_arm(reconcile);
}

/* Where another process with this state directory reconciles the place, this one leaves its round
 * out: that one does its work. */
static void
listen_reconcile_begin(struct listen_reconcile *reconcile)
{
	struct workspace *workspace = &reconcile->serving->workspace;
	struct tmf_err err = {0};
	json_t *input;

	assert(reconcile->job == NULL && !reconcile->stopped);
	reconcile->start_mono_ms = tmf_loop_mono_ms(workspace->loop);
	if (turns_take(&reconcile->turns, reconcile->serving->store, &reconcile->places, workspace,
		reconcile->own_account, &err) < 0) {
		reconcile_metrics_round(&reconcile->metrics, ROUND_HELD, 0);
		log_event(LOG_INFO, "reconcile.held", LOG_STR("cause", tmf_err_text(&err)));
		tmf_err_fini(&err);
		listen_reconcile_arm(reconcile);
		return;
	}
	reconcile->metrics.in_round = true;
	reconcile->metrics.next_wall_ms = 0;
	input = json_object();
	reconcile->job = job_start_workflow(
	    reconcile->serving->jobs, reconcile->workflow, input, listen_reconcile_done, reconcile);
	json_decref(input);
}

static void
listen_reconcile_due(struct tmf_timer *timer)
{
	listen_reconcile_begin(
	    (struct listen_reconcile *)((char *)timer - offsetof(struct listen_reconcile, next)));
}

/* The turn is taken once and let go, so that the account is known before the loop runs. */
static int
listen_reconcile_find_account(struct listen_reconcile *reconcile, struct tmf_err *err)
{
	struct workspace *workspace = &reconcile->serving->workspace;
	const struct place place = {
	    .region = workspace->settings.region, .assume_role = workspace->assume_role};

	if (places_append(&reconcile->places, &place, err) < 0)
		return -1;
	if (turns_take(&reconcile->turns, reconcile->serving->store, &reconcile->places, workspace,
		reconcile->own_account, err) == 0) {
		turns_release(&reconcile->turns);
		return 0;
	}
	if (err->code != TMF_ERR_BUSY)
		return -1;
	tmf_err_fini(err);
	return 0;
}

struct listen_reconcile *
listen_reconcile_new(struct serving *serving, const struct workflow *workflow, int64_t every_ms,
    void (*failing)(void *arg, bool is), void *arg, struct tmf_err *err)
{
	struct listen_reconcile *reconcile = mem_zalloc(1, sizeof(*reconcile));

	reconcile->serving = serving;
	reconcile->workflow = workflow;
	reconcile->every_ms = every_ms;
	reconcile->failing = failing;
	reconcile->arg = arg;
	reconcile->next.fire = listen_reconcile_due;
	if (listen_reconcile_find_account(reconcile, err) < 0) {
		places_fini(&reconcile->places);
		free(reconcile);
		return NULL;
	}
	listen_reconcile_begin(reconcile);
	return reconcile;
}

void
listen_reconcile_stop(struct listen_reconcile *reconcile)
{
	if (reconcile == NULL || reconcile->stopped)
		return;
	reconcile->stopped = true;
	tmf_loop_timer_disarm(reconcile->serving->workspace.loop, &reconcile->next);
	job_cancel(reconcile->job);
	reconcile->job = NULL;
	turns_release(&reconcile->turns);
}

void
listen_reconcile_free(struct listen_reconcile *reconcile)
{
	if (reconcile == NULL)
		return;
	listen_reconcile_stop(reconcile);
	places_fini(&reconcile->places);
	free(reconcile);
}

void
listen_reconcile_count(const struct listen_reconcile *reconcile, struct buf *out)
{
	reconcile_metrics_count(&reconcile->metrics, out);
}
