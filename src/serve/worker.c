#include "serve/worker_internal.h"

#include "aws/services/sfn.h"
#include "base/log.h"
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
	struct call *call;
};

static void
poll_free(struct worker_poll *poll)
{
	struct worker *worker = poll->worker;

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
is_fatal(const struct err *err)
{
	return err_is(err, "ActivityDoesNotExist") || err_is(err, "InvalidArn");
}

static void
poll_failed(struct worker *worker, const struct activity *activity, struct err *err)
{
	struct clock *clock = loop_clock(worker->opts.loop);

	log_event(LOG_WARN, "worker.poll", LOG_STR("activity", activity->arn),
	    LOG_STR("error", err->name), LOG_STR("cause", err_text(err)));
	worker->health.failing = true;
	if (is_fatal(err) && !err_isset(&worker->fault)) {
		err_prefix(err, "%s", activity->arn);
		err_move(&worker->fault, err);
		worker->fault.code = ERR_CONFIG;
		worker->draining = true;
	}
	loop_timer_arm(
	    worker->opts.loop, &worker->pause, clock->mono_ms(clock) + WORKER_POLL_PAUSE_MS);
}

static void
poll_done(void *arg, struct call *call)
{
	struct worker_poll *poll = arg;
	struct worker *worker = poll->worker;
	const struct activity *activity = poll->activity;
	json_t *given = call_take_result(call);

	poll_free(poll);
	if (given == NULL) {
		poll_failed(worker, activity, &call->err);
	} else {
		worker->health.failing = false;
		if (json_object_get(given, "taskToken") != NULL)
			worker_task_begin(worker, given);
	}
	json_decref(given);
	worker_next(worker);
}

static void
open_poll(struct worker *worker, struct activity *activity)
{
	struct worker_poll *poll = mem_zalloc(1, sizeof(*poll));

	poll->worker = worker;
	poll->activity = activity;
	poll->next = worker->polls;
	if (worker->polls != NULL)
		worker->polls->prev = poll;
	worker->polls = poll;
	activity->polls++;
	worker->open_polls++;
	poll->call = sfn_get_activity_task(worker->opts.sfn, activity->arn, worker->name);
	call_on_done(poll->call, poll_done, poll);
}

/* The activity with the fewest open polls, taking turns; NULL where each has its number. */
static struct activity *
choose_activity(struct worker *worker)
{
	size_t count = worker->opts.activity_count;
	struct activity *chosen = NULL;

	for (size_t i = 0; i < count; i++) {
		struct activity *activity =
		    &worker->activities[(worker->next_activity + i) % count];

		if (activity->polls < worker->opts.pollers &&
		    (chosen == NULL || activity->polls < chosen->polls))
			chosen = activity;
	}
	if (chosen != NULL)
		worker->next_activity = (size_t)(chosen - worker->activities + 1) % count;
	return chosen;
}

static void
tell_over(struct task *task)
{
	struct worker *worker = (struct worker *)((char *)task - offsetof(struct worker, over));

	worker->opts.over(worker->opts.arg, &worker->fault);
}

/* What comes must find a free slot: open polls count as tasks. */
void
worker_next(struct worker *worker)
{
	struct activity *activity;

	if (worker->draining && worker->open_polls + worker->live_tasks == 0)
		loop_post(worker->opts.loop, &worker->over);
	if (worker->draining || worker->pause.heap_index != 0)
		return;
	while (worker->open_polls + worker->live_tasks < worker->opts.concurrency &&
	       (activity = choose_activity(worker)) != NULL)
		open_poll(worker, activity);
}

static void
pause_over(struct timer *timer)
{
	worker_next((struct worker *)((char *)timer - offsetof(struct worker, pause)));
}

struct worker *
worker_new(const struct worker_opts *opts)
{
	struct worker *worker = mem_zalloc(1, sizeof(*worker));

	assert(opts->activity_count >= 1 && opts->activity_count <= WORKER_ACTIVITIES_MAX);
	assert(opts->concurrency >= opts->activity_count && opts->pollers >= 1);
	worker->opts = *opts;
	worker->name = mem_strdup(opts->name);
	for (size_t i = 0; i < opts->activity_count; i++)
		worker->activities[i].arn = opts->activity_arns[i];
	worker->pause.fire = pause_over;
	worker->over.run = tell_over;
	health_start(&worker->health, opts->loop, opts->health_file);
	worker_next(worker);
	return worker;
}

void
worker_free(struct worker *worker)
{
	if (worker == NULL)
		return;
	loop_timer_disarm(worker->opts.loop, &worker->pause);
	loop_unpost(worker->opts.loop, &worker->over);
	health_stop(&worker->health);
	while (worker->polls != NULL) {
		struct worker_poll *next = worker->polls->next;

		call_cancel(worker->polls->call);
		poll_free(worker->polls);
		worker->polls = next;
	}
	worker_tasks_free(worker);
	err_fini(&worker->fault);
	free(worker->name);
	free(worker);
}

void
worker_drain(struct worker *worker)
{
	worker->draining = true;
	loop_timer_disarm(worker->opts.loop, &worker->pause);
	worker_next(worker);
}

const struct worker_stats *
worker_stats(const struct worker *worker)
{
	return &worker->stats;
}
