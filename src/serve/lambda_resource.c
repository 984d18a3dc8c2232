#include "serve/lambda_internal.h"

#include "aws/services/sfn.h"
#include "aws/wire/endpoint.h"
#include "base/clock.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "loop/url.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * The custom resource of a stack: starts the backfill when it is created or updated. With a
 * property StateMachineArn by an execution of that, which takes as long as it takes; else here,
 * within the function's time. CloudFormation waits for an answer at ResponseURL whatever happens,
 * and sends Delete for what was answered FAILED.
 * See: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
 */

#define PUT_ATTEMPTS_MAX 3
#define PUT_PAUSE_MS	 1000
#define PUT_TIMEOUT_MS	 2000 /* so that all attempts fit into the margin */
#define LOGICAL_ID_BYTES 255
#define EXECUTION_CHARS	 80 /* of an execution's name */
#define NAME_CHARS	 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

_Static_assert(PUT_ATTEMPTS_MAX *PUT_TIMEOUT_MS + (PUT_ATTEMPTS_MAX - 1) * PUT_PAUSE_MS <=
		   LAMBDA_RESOURCE_MARGIN_MS,
    "CloudFormation gets its answer before the time is over");

struct resource {
	struct job *job;
	struct tmf_call *execution; /* StartExecution */
	struct web put;
	struct tmf_timer pause; /* before the next PUT */
	int attempts;
	char *body; /* of the PUT; NULL: not made yet */
};

static void
resource_free(struct invocation *invocation)
{
	struct resource *resource = invocation->state;

	if (resource == NULL)
		return;
	job_cancel(resource->job);
	tmf_call_cancel(resource->execution);
	web_cancel(&resource->put);
	tmf_loop_timer_disarm(invocation->opts->loop, &resource->pause);
	free(resource->body);
	free(resource);
	invocation->state = NULL;
}

static bool
resource_accepts(const json_t *payload)
{
	return jsonx_get_string(payload, "RequestType") != NULL &&
	       jsonx_get_string(payload, "ResponseURL") != NULL;
}

/* --- the answer --- */

static void resource_put(struct invocation *invocation);

static void
resource_pause_over(struct tmf_timer *timer)
{
	struct resource *resource =
	    (struct resource *)((char *)timer - offsetof(struct resource, pause));

	resource_put(resource->put.arg);
}

static void
resource_put_done(void *arg, const struct web_reply *reply)
{
	struct invocation *invocation = arg;
	struct resource *resource = invocation->state;
	struct tmf_clock *clock = tmf_loop_clock(invocation->opts->loop);
	struct tmf_err err = {0};

	/*
	 * Whatever was answered, the invocation succeeded: another attempt would do it all again.
	 */
	if (reply->status == 200) {
		invocation_respond(invocation, json_object());
		return;
	}
	tmf_err_set(&err, TMF_ERR_TRANSPORT,
	    "failed to answer CloudFormation at ResponseURL: status %d %s", reply->status,
	    tmf_err_text(reply->err));
	if (++resource->attempts < PUT_ATTEMPTS_MAX) {
		log_event(LOG_WARN, "lambda.resource", LOG_STR("cause", tmf_err_text(&err)));
		tmf_loop_timer_arm(
		    invocation->opts->loop, &resource->pause, clock->mono_ms(clock) + PUT_PAUSE_MS);
	} else {
		invocation_fail(invocation, &err);
	}
	tmf_err_fini(&err);
}

/* Without a Content-Type: the URL was signed for none. */
static void
resource_put(struct invocation *invocation)
{
	struct resource *resource = invocation->state;

	assert(resource->body != NULL);
	assert(resource->attempts < PUT_ATTEMPTS_MAX);
	web_start(&resource->put, invocation->opts->transport,
	    &(struct http_request){
		.method = "PUT",
		.url = jsonx_get_string(invocation->payload, "ResponseURL"),
		.body = str_of(resource->body),
		.total_timeout_ms = PUT_TIMEOUT_MS,
	    },
	    resource_put_done, invocation);
}

/*
 * The same in every answer for the resource: another one would make CloudFormation delete the
 * former.
 */
static void
resource_add_physical_id(json_t *body, const json_t *payload)
{
	const char *given = jsonx_get_string(payload, "PhysicalResourceId");
	const char *named = jsonx_get_string(payload, "LogicalResourceId");
	const char *logical = named != NULL ? named : "resource";
	char *id = given != NULL ? mem_strndup(given, utf8_cut(given, LAMBDA_RESOURCE_ID_CHARS))
				 : mem_printf("tmflow-%.*s",
				       (int)utf8_cut(logical, LOGICAL_ID_BYTES), logical);

	jsonx_put_string(body, "PhysicalResourceId", id);
	free(id);
}

/* Shortens the reason, character by character of UTF-8, until the whole fits. */
static void
resource_fit(json_t *body)
{
	while (jsonx_text_bytes(body, LAMBDA_RESOURCE_BYTES_MAX) > LAMBDA_RESOURCE_BYTES_MAX) {
		const char *reason = jsonx_get_string(body, "Reason");
		size_t len = reason != NULL ? strlen(reason) : 0;

		if (len == 0)
			return;
		len = utf8_cut(reason, len - (len > 64 ? len / 16 : 1));
		json_object_set_new(body, "Reason", json_stringn(reason, len));
	}
}

/* Answers CloudFormation, then Lambda. why NULL: SUCCESS, with data (taken; may be NULL). */
static void
resource_answer(struct invocation *invocation, const struct tmf_err *why, json_t *data)
{
	static const char *const copied[] = {"RequestId", "StackId", "LogicalResourceId"};
	struct resource *resource = invocation->state;
	json_t *body = json_object();

	assert(resource->body == NULL);
	assert(resource->job == NULL && resource->execution == NULL);
	jsonx_put_string(body, "Status", why == NULL ? "SUCCESS" : "FAILED");
	for (size_t i = 0; i < sizeof(copied) / sizeof(copied[0]); i++)
		jsonx_put_string(body, copied[i], jsonx_get_string(invocation->payload, copied[i]));
	resource_add_physical_id(body, invocation->payload);
	if (why != NULL) {
		char *reason =
		    mem_printf("%s: %s (request %s)", why->name[0] != '\0' ? why->name : "failed",
			tmf_err_text(why), invocation->request_id);

		jsonx_put_string(body, "Reason", reason);
		free(reason);
		log_event(LOG_ERROR, "lambda.resource", LOG_ERR(why));
	}
	if (data != NULL)
		json_object_set_new(body, "Data", data);
	resource_fit(body);
	resource->body = jsonx_text(body);
	json_decref(body);
	tmf_loop_timer_disarm(invocation->opts->loop, &invocation->deadline);
	resource_put(invocation);
}

/* --- the work --- */

static void
resource_backfill_over(void *arg, struct job_end *end)
{
	struct invocation *invocation = arg;
	struct resource *resource = invocation->state;

	resource->job = NULL;
	event_judge(end);
	if (tmf_err_isset(&end->err))
		resource_answer(invocation, &end->err, NULL);
	else
		resource_answer(invocation, NULL, json_pack("{s:s}", "Backfill", "done"));
}

static void
resource_start_backfill(struct invocation *invocation)
{
	const struct lambda_opts *opts = invocation->opts;
	struct resource *resource = invocation->state;
	struct tmf_err err = {0};
	const struct workflow *workflow = jobs_read_workflow(opts->jobs, opts->backfill, &err);
	json_t *input = json_object();

	if (workflow != NULL)
		resource->job = job_start_workflow(
		    opts->jobs, workflow, input, resource_backfill_over, invocation);
	else
		resource_answer(invocation, &err, NULL);
	json_decref(input);
	tmf_err_fini(&err);
}

static void
resource_execution_started(void *arg, struct tmf_call *call)
{
	struct invocation *invocation = arg;
	struct resource *resource = invocation->state;
	json_t *result = tmf_call_take_result(call);

	resource->execution = NULL;
	/* An earlier attempt of this very request has started it, and its answer was lost. */
	if (result != NULL || tmf_err_is(&call->err, "ExecutionAlreadyExists"))
		resource_answer(invocation, NULL,
		    json_pack("{s:s, s:o*}", "Backfill", "started", "ExecutionArn",
			json_incref(json_object_get(result, "executionArn"))));
	else
		resource_answer(invocation, &call->err, NULL);
	json_decref(result);
}

/* The same request, the same execution, however often Lambda tries. */
static void
resource_start_execution(struct invocation *invocation, const char *state_machine_arn)
{
	struct resource *resource = invocation->state;
	const char *request = jsonx_get_string(invocation->payload, "RequestId");
	char name[EXECUTION_CHARS + 1];

	snprintf(name, sizeof(name), "stack-%s", request != NULL ? request : "request");
	for (char *p = name; *p != '\0'; p++)
		if (strchr(NAME_CHARS, *p) == NULL)
			*p = '-';
	resource->execution =
	    sfn_start_execution(invocation->opts->sfn, state_machine_arn, name, "{}");
	tmf_call_on_done(resource->execution, resource_execution_started, invocation);
}

/*
 * Who may invoke the function may put any URL into the payload; the answer goes to AWS only, and
 * not in the clear. CloudFormation waits for nothing from a request that it did not make.
 */
static bool
resource_is_from_aws(const struct invocation *invocation)
{
	struct url url;
	bool is_aws;

	if (invocation->opts->is_emulated)
		return true;
	if (url_parse(jsonx_get_string(invocation->payload, "ResponseURL"), &url) < 0)
		return false;
	is_aws = strcmp(url.scheme, "https") == 0 && endpoint_is_aws_host(url.host);
	url_fini(&url);
	return is_aws;
}

static void
resource_refuse(struct invocation *invocation)
{
	struct tmf_err err = {0};

	tmf_err_set(&err, TMF_ERR_INVALID, "ResponseURL is not an https URL of a host of AWS's");
	invocation_fail(invocation, &err);
	tmf_err_fini(&err);
}

static void
resource_start(struct invocation *invocation)
{
	const char *type = jsonx_get_string(invocation->payload, "RequestType");
	const char *state_machine_arn = jsonx_get_string(
	    jsonx_get_object(invocation->payload, "ResourceProperties"), "StateMachineArn");
	struct resource *resource;

	if (!resource_is_from_aws(invocation)) {
		resource_refuse(invocation);
		return;
	}
	resource = mem_zalloc(1, sizeof(*resource));
	invocation->state = resource;
	resource->pause.fire = resource_pause_over;
	/* What was mirrored stays mirrored: `tmflow destroy` is for that. */
	if (strcmp(type, "Delete") == 0)
		resource_answer(invocation, NULL, NULL);
	else if (state_machine_arn != NULL)
		resource_start_execution(invocation, state_machine_arn);
	else
		resource_start_backfill(invocation);
}

/*
 * CloudFormation waits up to an hour for a function that says nothing. FAILED at the deadline
 * lets the stack roll back at once.
 */
static void
resource_deadline(struct invocation *invocation)
{
	struct resource *resource = invocation->state;
	struct tmf_err err = {0};

	job_cancel(resource->job);
	resource->job = NULL;
	tmf_call_cancel(resource->execution);
	resource->execution = NULL;
	invocation_deadline_error(&err);
	resource_answer(invocation, &err, NULL);
	tmf_err_fini(&err);
}

const struct invocation_kind invocation_resource = {
    .name = "resource",
    .accepts = resource_accepts,
    .start = resource_start,
    .deadline = resource_deadline,
    .free_state = resource_free,
    .margin_ms = LAMBDA_RESOURCE_MARGIN_MS,
};
