#include "serve/worker_internal.h"

#include "aws/pace/retry.h"
#include "aws/services/sfn.h"
#include "base/clock.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

/*
 * A task from its token to the answer to its end. The heart beats until that answer is there:
 * reporting may take its retries.
 */
struct worker_task {
	struct worker_task *next;
	struct worker_task *prev;
	struct worker *worker;
	char *token;
	char *action;		/* for the log */
	struct job *job;	/* NULL: over */
	struct tmf_timer heart; /* the next beat */
	struct tmf_call *beat;	/* NULL: none is under way */
	struct tmf_call *told;	/* the end, being reported */
	struct tmf_timer again; /* before it is reported again */
	char *output;		/* how it ended: JSON text, or err */
	struct tmf_err err;
	int64_t start_mono_ms;
};

static int64_t
task_now_mono_ms(const struct worker_task *task)
{
	struct tmf_clock *clock = tmf_loop_clock(task->worker->opts.loop);

	return clock->mono_ms(clock);
}

static void
task_free(struct worker_task *task)
{
	struct worker *worker = task->worker;

	assert(worker->live_tasks > 0);
	job_cancel(task->job);
	tmf_call_cancel(task->beat);
	tmf_call_cancel(task->told);
	tmf_loop_timer_disarm(worker->opts.loop, &task->heart);
	tmf_loop_timer_disarm(worker->opts.loop, &task->again);
	if (task->prev != NULL)
		task->prev->next = task->next;
	else
		worker->tasks = task->next;
	if (task->next != NULL)
		task->next->prev = task->prev;
	worker->live_tasks--;
	free(task->token);
	free(task->action);
	free(task->output);
	tmf_err_fini(&task->err);
	free(task);
}

void
worker_tasks_free(struct worker *worker)
{
	while (worker->tasks != NULL) {
		struct worker_task *next = worker->tasks->next;

		task_free(worker->tasks);
		worker->tasks = next;
	}
}

/* Its slot goes to the next. */
static void
task_end(struct worker_task *task)
{
	struct worker *worker = task->worker;

	task_free(task);
	tmf_loop_post(worker->opts.loop, &worker->slot_free);
}

/* Nobody wants to hear of it any more. */
static void
worker_task_drop(struct worker_task *task, const struct tmf_err *why)
{
	log_event(LOG_WARN, "task.dropped", LOG_STR("action", task->action), LOG_ERR(why),
	    LOG_INT("after_ms", task_now_mono_ms(task) - task->start_mono_ms));
	task->worker->stats.dropped++;
	task_end(task);
}

/* --- the end --- */

static void task_report(struct worker_task *task);

static void
task_reported(struct worker_task *task)
{
	struct worker_stats *stats = &task->worker->stats;

	log_event(LOG_INFO, "task.done", LOG_STR("action", task->action),
	    LOG_STR("error", task->output != NULL ? "" : task->err.name),
	    LOG_INT("ms", task_now_mono_ms(task) - task->start_mono_ms));
	if (task->output != NULL)
		stats->succeeded++;
	else
		stats->failed++;
	task_end(task);
}

/* Step Functions does not take what the task gave. */
static void
task_output_refused(struct worker_task *task, struct tmf_err *err)
{
	free(task->output);
	task->output = NULL;
	tmf_err_move(&task->err, err);
	task_report(task);
}

/*
 * The work is done, and only the report is missing: it is repeated for as long as the token
 * lives. The heart keeps the token alive meanwhile.
 */
static void
task_report_later(struct worker_task *task, const struct tmf_err *why)
{
	unsigned repeated;

	if (warnings_due(&task->worker->warnings, "task.report_failed", why, &repeated))
		log_event(LOG_WARN, "task.report_failed", LOG_STR("action", task->action),
		    LOG_ERR(why), LOG_INT("repeated", repeated),
		    LOG_INT("delay_ms", WORKER_ANSWER_PAUSE_MS));
	tmf_loop_timer_arm(
	    task->worker->opts.loop, &task->again, task_now_mono_ms(task) + WORKER_ANSWER_PAUSE_MS);
}

/*
 * Expired credentials and a throttled key of KMS pass without our doing. To drop the task would
 * waste work that AWS resources were already created for.
 */
static bool
task_may_pass(const struct tmf_err *err)
{
	return retry_classify(err) != RETRY_NEVER || err->code == TMF_ERR_CREDENTIALS ||
	       tmf_err_is(err, "KmsThrottlingException");
}

/*
 * Decides by whether another report can succeed. TaskTimedOut and TaskDoesNotExist are final:
 * the token is dead, and the state machine has moved on.
 */
static void
task_report_done(void *arg, struct tmf_call *call)
{
	struct worker_task *task = arg;
	struct tmf_err *err = &call->err;

	task->told = NULL;
	if (!tmf_err_isset(err))
		task_reported(task);
	else if (tmf_err_is(err, "InvalidOutput") && task->output != NULL)
		task_output_refused(task, err);
	else if (task_may_pass(err) && !sfn_task_is_over(err))
		task_report_later(task, err);
	else
		worker_task_drop(task, err);
}

static void
task_report(struct worker_task *task)
{
	struct aws_client *sfn = task->worker->opts.sfn;

	assert(task->job == NULL);
	assert(task->told == NULL);
	if (task->output != NULL)
		task->told = sfn_send_task_success(sfn, task->token, task->output);
	else
		task->told = sfn_send_task_failure(
		    sfn, task->token, task->err.name, tmf_err_text(&task->err));
	tmf_call_on_done(task->told, task_report_done, task);
}

static void
task_report_again(struct tmf_timer *timer)
{
	task_report((struct worker_task *)((char *)timer - offsetof(struct worker_task, again)));
}

/*
 * The bound is checked before the call, because the error then has a name that a Catch can
 * match.
 */
static void
task_job_over(void *arg, struct job_end *end)
{
	struct worker_task *task = arg;
	size_t bytes =
	    end->output != NULL ? jsonx_text_bytes(end->output, SFN_OUTPUT_BYTES_MAX) : 0;

	task->job = NULL;
	if (end->output == NULL)
		tmf_err_move(&task->err, &end->err);
	else if (bytes > SFN_OUTPUT_BYTES_MAX)
		tmf_err_set(&task->err, TMF_ERR_LIMIT,
		    "the output is larger than Step Functions accepts: limit %u bytes",
		    SFN_OUTPUT_BYTES_MAX);
	else
		task->output = jsonx_text(end->output);
	task_report(task);
}

/* --- the heart --- */

static void
task_beat_done(void *arg, struct tmf_call *call)
{
	struct worker_task *task = arg;
	struct tmf_err *err = &call->err;
	unsigned repeated;

	task->beat = NULL;
	if (!tmf_err_isset(err)) {
		task->worker->stats.heartbeats++;
		return;
	}
	if (!sfn_task_is_over(err)) {
		if (warnings_due(&task->worker->warnings, "task.heartbeat", err, &repeated))
			log_event(LOG_WARN, "task.heartbeat", LOG_STR("action", task->action),
			    LOG_ERR(err), LOG_INT("repeated", repeated));
		return;
	}
	/* Once its end is being reported, the answer to that says more. */
	if (task->job != NULL)
		worker_task_drop(task, err);
	else
		tmf_loop_timer_disarm(task->worker->opts.loop, &task->heart);
}

/*
 * The next beat is armed first, so that a slow beat delays none. A second one is never sent
 * while one is open.
 */
static void
task_beat(struct tmf_timer *timer)
{
	struct worker_task *task =
	    (struct worker_task *)((char *)timer - offsetof(struct worker_task, heart));
	const struct worker_opts *opts = &task->worker->opts;

	tmf_loop_timer_arm(opts->loop, &task->heart, task_now_mono_ms(task) + opts->heartbeat_ms);
	if (task->beat != NULL)
		return;
	task->beat = sfn_send_task_heartbeat(opts->sfn, task->token);
	tmf_call_on_done(task->beat, task_beat_done, task);
}

/* --- the beginning --- */

static struct worker_task *
task_new(struct worker *worker, const char *token)
{
	struct worker_task *task = mem_zalloc(1, sizeof(*task));

	task->worker = worker;
	task->token = mem_strdup(token);
	task->start_mono_ms = task_now_mono_ms(task);
	task->heart.fire = task_beat;
	task->again.fire = task_report_again;
	task->next = worker->tasks;
	if (worker->tasks != NULL)
		worker->tasks->prev = task;
	worker->tasks = task;
	worker->live_tasks++;
	worker->stats.tasks++;
	tmf_loop_timer_arm(
	    worker->opts.loop, &task->heart, task->start_mono_ms + worker->opts.heartbeat_ms);
	return task;
}

/* A definition that came with the task has no name. */
static const char *
task_name(const json_t *input)
{
	const char *action = jsonx_get_string(input, "action");
	const char *workflow = jsonx_get_string(input, "workflow");

	if (action != NULL)
		return action;
	return workflow != NULL ? workflow : "workflow";
}

void
worker_task_begin(struct worker *worker, const json_t *given)
{
	const char *text = jsonx_get_string(given, "input");
	struct worker_task *task = task_new(worker, jsonx_get_string(given, "taskToken"));
	json_t *input = jsonx_parse(str_of(text != NULL ? text : "{}"), &task->err);

	if (input == NULL) {
		tmf_err_prefix(&task->err, "the task's input");
		task_report(task);
		return;
	}
	task->action = mem_strdup(task_name(input));
	task->job = job_start(worker->opts.jobs, input, task_job_over, task);
	json_decref(input);
}
