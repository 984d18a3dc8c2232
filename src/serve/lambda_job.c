#include "serve/lambda_internal.h"

#include "base/jsonx.h"

/* Invocations that are one job: a task of Step Functions, an event. */

static void
task_over(void *arg, struct job_end *end)
{
	struct invocation *invocation = arg;

	invocation->state = NULL;
	if (end->output != NULL)
		invocation_respond(invocation, json_incref(end->output));
	else
		invocation_fail(invocation, &end->err);
}

static void
event_over(void *arg, struct job_end *end)
{
	event_judge(end);
	task_over(arg, end);
}

static void
start_task(struct invocation *invocation)
{
	invocation->state =
	    job_start(invocation->opts->jobs, invocation->payload, task_over, invocation);
}

static void
start_event(struct invocation *invocation)
{
	const struct lambda_opts *opts = invocation->opts;
	const struct workflow *workflow;
	struct tmf_err err = {0};

	if (event_workflow(opts->jobs, &opts->routes, invocation->payload, &workflow, &err) < 0)
		invocation_fail(invocation, &err);
	else if (workflow == NULL)
		invocation_respond(invocation,
		    json_pack("{s:s, s:o?}", "Kind", "ignored", "DetailType",
			json_incref(json_object_get(invocation->payload, "detail-type"))));
	else
		invocation->state = job_start_workflow(
		    opts->jobs, workflow, invocation->payload, event_over, invocation);
	tmf_err_fini(&err);
}

static void
free_job(struct invocation *invocation)
{
	job_cancel(invocation->state);
	invocation->state = NULL;
}

static void
deadline(struct invocation *invocation)
{
	struct tmf_err err = {0};

	free_job(invocation);
	invocation_deadline_error(&err);
	invocation_fail(invocation, &err);
	tmf_err_fini(&err);
}

const struct invocation_kind invocation_task = {
    .name = "task",
    .accepts = job_is_task,
    .start = start_task,
    .deadline = deadline,
    .free_state = free_job,
    .margin_ms = LAMBDA_MARGIN_MS,
};

const struct invocation_kind invocation_event = {
    .name = "event",
    .accepts = event_is,
    .start = start_event,
    .deadline = deadline,
    .free_state = free_job,
    .margin_ms = LAMBDA_MARGIN_MS,
};
