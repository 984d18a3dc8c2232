#include "serve/jobs_internal.h"
#include "serve/worker_internal.h"

#include "aws/services/sfn.h"
#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

/* An open GetActivityTask. */
struct worker_poll {
	struct worker_poll *next;
	struct worker_poll *prev;
	struct worker *worker;
	struct activity *activity;
	struct poll_ticket ticket;
	struct tmf_call *call;
};

static void
poll_free(struct worker_poll *poll)
{
	struct worker *worker = poll->worker;

	assert(worker->open_polls > 0);
	assert(poll->activity->polls > 0);
	if (poll->prev != NULL)
		poll->prev->next = poll->next;
	else
		worker->polls = poll->next;
	if (poll->next != NULL)
		poll->next->prev = poll->prev;
	poll->activity->polls--;
	worker->open_polls--;
	free(poll);
}

/* Faults that no further poll would be spared. */
static bool
poll_is_fatal(const struct tmf_err *err)
{
	return tmf_err_is(err, "ActivityDoesNotExist") || tmf_err_is(err, "InvalidArn");
}

/* Nothing is to be opened any more. */
static void
worker_end_pauses(struct worker *worker)
{
	for (size_t i = 0; i < worker->opts.activity_count; i++)
		poll_pace_fini(&worker->activities[i].pace);
}

/*
 * An activity that does not exist, or that is refused for good, is a fault of the configuration:
 * the worker drains, and its tasks may still end.
 */
static void
poll_failed(struct worker *worker, struct activity *activity, const struct poll_ticket *ticket,
    struct tmf_err *err)
{
	worker->health.failing = true;
	if (poll_pace_failed(&activity->pace, ticket, err) || tmf_err_isset(&worker->fault))
		return;
	tmf_err_move(&worker->fault, err);
	worker->draining = true;
	worker_end_pauses(worker);
}

static void
poll_answered(struct worker *worker, struct activity *activity, const struct poll_ticket *ticket,
    const json_t *given)
{
	bool brought = jsonx_get_string(given, "taskToken") != NULL;

	worker->health.failing = false;
	if (!worker->draining)
		poll_pace_answered(&activity->pace, ticket, brought);
	if (brought)
		worker_task_begin(worker, given);
}

/*
 * After 60 seconds without a task Step Functions answers without a taskToken. That is usual,
 * and the poll is opened again at once.
 */
static void
poll_done(void *arg, struct tmf_call *call)
{
	struct worker_poll *poll = arg;
	struct worker *worker = poll->worker;
	struct activity *activity = poll->activity;
	const struct poll_ticket ticket = poll->ticket;
	json_t *given = tmf_call_take_result(call);

	poll_free(poll);
	if (given == NULL)
		poll_failed(worker, activity, &ticket, &call->err);
	else
		poll_answered(worker, activity, &ticket, given);
	json_decref(given);
	tmf_loop_post(worker->opts.loop, &worker->slot_free);
}

/*
 * A poll has a slot from the start: Step Functions counts the task as started when it answers,
 * and its HeartbeatSeconds run from then.
 */
static void
poll_open(struct worker *worker, struct activity *activity)
{
	struct worker_poll *poll = mem_zalloc(1, sizeof(*poll));

	assert(worker->open_polls + worker->live_tasks < worker->opts.concurrency);
	poll->worker = worker;
	poll->activity = activity;
	poll->ticket = poll_pace_start(&activity->pace);
	poll->next = worker->polls;
	if (worker->polls != NULL)
		worker->polls->prev = poll;
	worker->polls = poll;
	activity->polls++;
	worker->open_polls++;
	poll->call = sfn_get_activity_task(worker->opts.sfn, activity->arn, worker->name);
	tmf_call_on_done(poll->call, poll_done, poll);
}

/* The activity with the fewest open polls, by turns; NULL where each has its number or rests */
static struct activity *
worker_choose_activity(struct worker *worker)
{
	size_t count = worker->opts.activity_count;
	struct activity *chosen = NULL;

	for (size_t i = 0; i < count; i++) {
		struct activity *activity =
		    &worker->activities[(worker->next_activity + i) % count];

		if (activity->polls < worker->opts.pollers &&
		    poll_pace_allows(&activity->pace, activity->polls) &&
		    (chosen == NULL || activity->polls < chosen->polls))
			chosen = activity;
	}
	if (chosen != NULL)
		worker->next_activity = (size_t)(chosen - worker->activities + 1) % count;
	return chosen;
}

/* What comes must find a free slot: open polls count as tasks. */
static void
worker_fill_slots(struct tmf_task *task)
{
	struct worker *worker =
	    (struct worker *)((char *)task - offsetof(struct worker, slot_free));
	struct activity *activity;

	if (worker->draining) {
		if (worker->open_polls + worker->live_tasks == 0)
			worker->opts.over(worker->opts.arg, &worker->fault);
		return;
	}
	while (worker->open_polls + worker->live_tasks < worker->opts.concurrency &&
	       (activity = worker_choose_activity(worker)) != NULL)
		poll_open(worker, activity);
}

static void
worker_resume(void *arg)
{
	struct worker *worker = arg;

	tmf_loop_post(worker->opts.loop, &worker->slot_free);
}

static void
worker_add_activity(struct worker *worker, struct activity *activity, const char *arn)
{
	activity->arn = arn;
	poll_pace_init(&activity->pace, &(struct poll_pace_opts){
					    .loop = worker->opts.loop,
					    .rng = worker->opts.jobs->opts.rng,
					    .event = "worker.poll",
					    .kind = "activity",
					    .name = arn,
					    .is_final = poll_is_fatal,
					    .resume = worker_resume,
					    .arg = worker,
					});
}

struct worker *
worker_new(const struct worker_opts *opts)
{
	struct worker *worker = mem_zalloc(1, sizeof(*worker));

	assert(opts->activity_count >= 1 && opts->activity_count <= WORKER_ACTIVITIES_MAX);
	assert(opts->concurrency >= opts->activity_count && opts->pollers >= 1);
	worker->opts = *opts;
	worker->name = mem_strdup(opts->name);
	worker->warnings.loop = opts->loop;
	for (size_t i = 0; i < opts->activity_count; i++)
		worker_add_activity(worker, &worker->activities[i], opts->activity_arns[i]);
	worker->slot_free.run = worker_fill_slots;
	health_start(&worker->health, opts->loop, opts->health_file);
	tmf_loop_post(worker->opts.loop, &worker->slot_free);
	return worker;
}

void
worker_free(struct worker *worker)
{
	if (worker == NULL)
		return;
	worker_end_pauses(worker);
	tmf_loop_unpost(worker->opts.loop, &worker->slot_free);
	health_stop(&worker->health);
	while (worker->polls != NULL) {
		struct worker_poll *next = worker->polls->next;

		tmf_call_cancel(worker->polls->call);
		poll_free(worker->polls);
		worker->polls = next;
	}
	worker_tasks_free(worker);
	warnings_end(&worker->warnings);
	tmf_err_fini(&worker->fault);
	free(worker->name);
	free(worker);
}

/*
 * Open polls are left to return. To cancel one would lose a task that Step Functions has handed
 * out already, until its heartbeat expires.
 */
void
worker_drain(struct worker *worker)
{
	worker->draining = true;
	worker_end_pauses(worker);
	tmf_loop_post(worker->opts.loop, &worker->slot_free);
}

bool
worker_is_healthy(const struct worker *worker)
{
	return !worker->health.failing && !worker->draining;
}

const struct worker_stats *
worker_stats(const struct worker *worker)
{
	return &worker->stats;
}
