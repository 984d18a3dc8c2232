#include "serve/lambda_internal.h"

#include "base/jsonx.h"

#include <assert.h>

/* Invocations that are one job: a task of Step Functions, an event. */

static void
lambda_job_task_over(void *arg, struct job_end *end)
{
	struct invocation *invocation = arg;

	invocation->state = NULL;
	if (end->output != NULL)
		invocation_respond(invocation, json_incref(end->output));
	else
		invocation_fail(invocation, &end->err);
}

/*
 * EventBridge looks at nothing but success or failure. A run that succeeded with failed
 * instances is reported as a failure, so that Lambda's asynchronous retries take them up again.
 */
static void
lambda_job_event_over(void *arg, struct job_end *end)
{
	event_judge(end);
	lambda_job_task_over(arg, end);
}

static void
lambda_job_start_task(struct invocation *invocation)
{
	assert(invocation->state == NULL);
	invocation->state = job_start(
	    invocation->opts->jobs, invocation->payload, lambda_job_task_over, invocation);
}

/* An event of another type is a success: an error would make Lambda try it twice more in vain. */
static void
lambda_job_start_event(struct invocation *invocation)
{
	const struct lambda_opts *opts = invocation->opts;
	const struct workflow *workflow;
	struct tmf_err err = {0};

	assert(invocation->state == NULL);
	if (event_workflow(opts->jobs, &opts->routes, invocation->payload, &workflow, &err) < 0)
		invocation_fail(invocation, &err);
	else if (workflow == NULL)
		invocation_respond(invocation,
		    json_pack("{s:s, s:o?}", "Kind", "ignored", "DetailType",
			json_incref(json_object_get(invocation->payload, "detail-type"))));
	else
		invocation->state = job_start_workflow(
		    opts->jobs, workflow, invocation->payload, lambda_job_event_over, invocation);
	tmf_err_fini(&err);
}

static void
lambda_job_free(struct invocation *invocation)
{
	job_cancel(invocation->state);
	invocation->state = NULL;
}

/*
 * The error comes before Lambda kills the process. The caller then sees the reason instead of a
 * bare Sandbox.Timedout, and the store is in order for the next attempt.
 */
static void
lambda_job_deadline(struct invocation *invocation)
{
	struct tmf_err err = {0};

	lambda_job_free(invocation);
	invocation_deadline_error(&err);
	invocation_fail(invocation, &err);
	tmf_err_fini(&err);
}

const struct invocation_kind invocation_task = {
    .name = "task",
    .accepts = job_is_task,
    .start = lambda_job_start_task,
    .deadline = lambda_job_deadline,
    .free_state = lambda_job_free,
    .margin_ms = LAMBDA_MARGIN_MS,
};

const struct invocation_kind invocation_event = {
    .name = "event",
    .accepts = event_is,
    .start = lambda_job_start_event,
    .deadline = lambda_job_deadline,
    .free_state = lambda_job_free,
    .margin_ms = LAMBDA_MARGIN_MS,
};
