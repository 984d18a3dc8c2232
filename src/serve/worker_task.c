#include "serve/worker_internal.h"

#include "aws/pace/retry.h"
#include "aws/services/sfn.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"

#include <stddef.h>
#include <stdlib.h>

/* A task from its token to the answer to its end. The heart beats until that answer is there: telling may take its retries. */
struct worker_task {
	struct worker_task *next;
	struct worker_task *prev;
	struct worker *worker;
	char *token;
	char *action;	    /* for the log */
	struct job *job;    /* NULL: over */
	struct timer heart; /* the next beat */
	struct call *beat;  /* NULL: none is under way */
	struct call *told;  /* the end, being told */
	struct timer again; /* before it is told again */
	char *output;	    /* how it ended: JSON text, or err */
	struct err err;
	int64_t start_mono_ms;
};

static int64_t
now_mono_ms(const struct worker_task *task)
{
	struct clock *clock = loop_clock(task->worker->opts.loop);

	return clock->mono_ms(clock);
}

static void
task_free(struct worker_task *task)
{
	struct worker *worker = task->worker;

	job_cancel(task->job);
	call_cancel(task->beat);
	call_cancel(task->told);
	loop_timer_disarm(worker->opts.loop, &task->heart);
	loop_timer_disarm(worker->opts.loop, &task->again);
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
	err_fini(&task->err);
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
task_over(struct worker_task *task)
{
	struct worker *worker = task->worker;

	task_free(task);
	worker_next(worker);
}

/* Nobody wants to hear of it any more. */
static void
drop(struct worker_task *task, const struct err *why)
{
	log_event(LOG_WARN, "task.dropped", LOG_STR("action", task->action),
	    LOG_STR("error", why->name), LOG_STR("cause", err_text(why)),
	    LOG_INT("after_ms", now_mono_ms(task) - task->start_mono_ms));
	task->worker->stats.dropped++;
	task_over(task);
}

/* --- the end --- */

static void tell(struct worker_task *task);

static void
task_told(struct worker_task *task)
{
	struct worker_stats *stats = &task->worker->stats;

	log_event(LOG_INFO, "task.done", LOG_STR("action", task->action),
	    LOG_STR("error", task->output != NULL ? "" : task->err.name),
	    LOG_INT("ms", now_mono_ms(task) - task->start_mono_ms));
	if (task->output != NULL)
		stats->succeeded++;
	else
		stats->failed++;
	task_over(task);
}

/* Step Functions does not take what the task gave. */
static void
output_refused(struct worker_task *task, struct err *err)
{
	free(task->output);
	task->output = NULL;
	err_move(&task->err, err);
	tell(task);
}

static void
tell_later(struct worker_task *task, const struct err *why)
{
	log_event(LOG_WARN, "task.untold", LOG_STR("action", task->action),
	    LOG_STR("error", why->name), LOG_STR("cause", err_text(why)),
	    LOG_INT("delay_ms", WORKER_ANSWER_PAUSE_MS));
	loop_timer_arm(
	    task->worker->opts.loop, &task->again, now_mono_ms(task) + WORKER_ANSWER_PAUSE_MS);
}

static bool
may_pass(const struct err *err)
{
	return retry_classify(err) != RETRY_NEVER || err->code == ERR_CREDENTIALS ||
	       err_is(err, "KmsThrottlingException");
}

static void
told(void *arg, struct call *call)
{
	struct worker_task *task = arg;
	struct err *err = &call->err;

	task->told = NULL;
	if (!err_isset(err))
		task_told(task);
	else if (err_is(err, "InvalidOutput") && task->output != NULL)
		output_refused(task, err);
	else if (may_pass(err) && !sfn_task_is_over(err))
		tell_later(task, err);
	else
		drop(task, err);
}

static void
tell(struct worker_task *task)
{
	struct aws_client *sfn = task->worker->opts.sfn;

	if (task->output != NULL)
		task->told = sfn_send_task_success(sfn, task->token, task->output);
	else
		task->told =
		    sfn_send_task_failure(sfn, task->token, task->err.name, err_text(&task->err));
	call_on_done(task->told, told, task);
}

static void
tell_again(struct timer *timer)
{
	tell((struct worker_task *)((char *)timer - offsetof(struct worker_task, again)));
}

static void
job_over(void *arg, struct job_end *end)
{
	struct worker_task *task = arg;
	size_t bytes = end->output != NULL ? json_text_bytes(end->output, SFN_OUTPUT_BYTES_MAX) : 0;

	task->job = NULL;
	if (end->output == NULL)
		err_move(&task->err, &end->err);
	else if (bytes > SFN_OUTPUT_BYTES_MAX)
		err_set(&task->err, ERR_LIMIT,
		    "the output is over the %u bytes that Step Functions takes of a task",
		    SFN_OUTPUT_BYTES_MAX);
	else
		task->output = json_text(end->output);
	tell(task);
}

/* --- the heart --- */

static void
beat_done(void *arg, struct call *call)
{
	struct worker_task *task = arg;
	struct err *err = &call->err;

	task->beat = NULL;
	if (!err_isset(err)) {
		task->worker->stats.heartbeats++;
		return;
	}
	if (!sfn_task_is_over(err)) {
		log_event(LOG_WARN, "task.heartbeat", LOG_STR("action", task->action),
		    LOG_STR("error", err->name), LOG_STR("cause", err_text(err)));
		return;
	}
	/* Once its end is being told, the answer to that says more. */
	if (task->job != NULL)
		drop(task, err);
	else
		loop_timer_disarm(task->worker->opts.loop, &task->heart);
}

static void
beat(struct timer *timer)
{
	struct worker_task *task =
	    (struct worker_task *)((char *)timer - offsetof(struct worker_task, heart));
	const struct worker_opts *opts = &task->worker->opts;

	loop_timer_arm(opts->loop, &task->heart, now_mono_ms(task) + opts->heartbeat_ms);
	if (task->beat != NULL)
		return;
	task->beat = sfn_send_task_heartbeat(opts->sfn, task->token);
	call_on_done(task->beat, beat_done, task);
}

/* --- the beginning --- */

static struct worker_task *
task_new(struct worker *worker, const char *token)
{
	struct worker_task *task = mem_zalloc(1, sizeof(*task));

	task->worker = worker;
	task->token = mem_strdup(token);
	task->start_mono_ms = now_mono_ms(task);
	task->heart.fire = beat;
	task->again.fire = tell_again;
	task->next = worker->tasks;
	if (worker->tasks != NULL)
		worker->tasks->prev = task;
	worker->tasks = task;
	worker->live_tasks++;
	worker->stats.tasks++;
	loop_timer_arm(
	    worker->opts.loop, &task->heart, task->start_mono_ms + worker->opts.heartbeat_ms);
	return task;
}

static const char *
name_of(const json_t *input)
{
	const char *action = json_get_string(input, "action");
	const char *workflow = json_get_string(input, "workflow");

	if (action != NULL)
		return action;
	return workflow != NULL ? workflow : "workflow";
}

void
worker_task_begin(struct worker *worker, const json_t *given)
{
	const char *text = json_get_string(given, "input");
	struct worker_task *task = task_new(worker, json_get_string(given, "taskToken"));
	json_t *input = json_parse(str_of(text != NULL ? text : "{}"), &task->err);

	if (input == NULL) {
		err_prefix(&task->err, "the task's input");
		tell(task);
		return;
	}
	task->action = mem_strdup(name_of(input));
	task->job = job_start(worker->opts.jobs, input, job_over, task);
	json_decref(input);
}
