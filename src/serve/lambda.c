#include "serve/lambda_internal.h"

#include "base/clock.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* See: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html */
#define API_BASE	   "http://%s/2018-06-01/runtime"
#define ANSWER_TIMEOUT_MS  10000
#define TRACE_VARIABLE	   "_X_AMZN_TRACE_ID"
#define HEADER_ERROR_TYPE  "Lambda-Runtime-Function-Error-Type"
#define HEADER_INVOCATION  "Lambda-Runtime-Invocation-Id"
#define ERROR_TYPE_FAILED  "Function.Failed"
#define ERROR_TYPE_INIT	   "Runtime.InitFailed"
#define ERROR_NAME_DEFAULT "TMFlow.Failed" /* of a Fail state without Error */
#define ERROR_DEADLINE	   "TMFlow.Deadline"
#define DONE_MAX	   2 /* headers of an answer */

struct lambda {
	struct lambda_opts opts;
	char *base;
	struct web next;
	struct web answer;
	struct invocation *current;
};

/*
 * The order matters only for payloads that fit two kinds: a custom resource or a batch never
 * passes for a task, whatever other members it has.
 */
static const struct invocation_kind *const kinds[] = {
    &invocation_resource, &invocation_batch, &invocation_event, &invocation_task};

static void lambda_ask_next(struct lambda *lambda);

/* --- answers --- */

static void
invocation_free(struct invocation *invocation)
{
	if (invocation->kind != NULL)
		invocation->kind->free_state(invocation);
	tmf_loop_timer_disarm(invocation->opts->loop, &invocation->deadline);
	json_decref(invocation->payload);
	free(invocation->request_id);
	free(invocation->invocation_id);
	free(invocation);
}

/*
 * A refused answer is logged and not repeated: Lambda has given the invocation up by then, and
 * its retries belong to the event source. The next invocation is due either way.
 */
static void
invocation_answered(void *arg, const struct web_reply *reply)
{
	struct lambda *lambda = arg;

	assert(lambda->current != NULL);
	if (reply->status != 202)
		log_event(LOG_ERROR, "lambda.answer",
		    LOG_STR("request_id", lambda->current->request_id),
		    LOG_INT("status", reply->status), LOG_STR("cause", tmf_err_text(reply->err)));
	invocation_free(lambda->current);
	lambda->current = NULL;
	lambda_ask_next(lambda);
}

/* error_type NULL: a response. */
static void
invocation_answer(struct invocation *invocation, const json_t *body, const char *error_type)
{
	struct lambda *lambda = invocation->lambda;
	char *url = mem_printf("%s/invocation/%s/%s", lambda->base, invocation->request_id,
	    error_type != NULL ? "error" : "response");
	char *text = jsonx_text(body);
	struct http_header headers[DONE_MAX];
	size_t count = 0;

	assert(lambda->current == invocation);
	if (invocation->opts->answers != NULL)
		invocation->opts->answers(invocation->opts->arg);
	if (invocation->invocation_id != NULL)
		headers[count++] =
		    (struct http_header){HEADER_INVOCATION, invocation->invocation_id};
	if (error_type != NULL)
		headers[count++] = (struct http_header){HEADER_ERROR_TYPE, error_type};
	tmf_loop_timer_disarm(invocation->opts->loop, &invocation->deadline);
	web_start(&lambda->answer, invocation->opts->transport,
	    &(struct http_request){
		.method = "POST",
		.url = url,
		.headers = headers,
		.headers_count = count,
		.body = str_of(text),
		.total_timeout_ms = ANSWER_TIMEOUT_MS,
		.no_proxy = true,
	    },
	    invocation_answered, lambda);
	free(url);
	free(text);
}

/*
 * The shape of the runtime API's error request. The console shows errorType and errorMessage.
 * Step Functions takes errorType as the error's name, which Retry and Catch match.
 */
static json_t *
invocation_error_body(const struct tmf_err *why)
{
	json_t *body = json_object();

	jsonx_put_string(body, "errorMessage", tmf_err_text(why));
	jsonx_put_string(body, "errorType", why->name[0] != '\0' ? why->name : ERROR_NAME_DEFAULT);
	json_object_set_new(body, "stackTrace", json_array());
	return body;
}

void
invocation_fail(struct invocation *invocation, const struct tmf_err *why)
{
	json_t *body = invocation_error_body(why);

	log_event(LOG_ERROR, "lambda.failed", LOG_STR("request_id", invocation->request_id),
	    LOG_STR("error", why->name), LOG_STR("cause", tmf_err_text(why)));
	invocation_answer(invocation, body, ERROR_TYPE_FAILED);
	json_decref(body);
}

/*
 * The bound is checked here, because the runtime API would refuse a larger body with status 413
 * and the caller would not learn the reason.
 */
void
invocation_respond(struct invocation *invocation, json_t *response)
{
	struct tmf_clock *clock = tmf_loop_clock(invocation->opts->loop);
	struct tmf_err err = {0};

	if (!jsonx_text_fits(response, LAMBDA_RESPONSE_BYTES_MAX)) {
		tmf_err_set(&err, TMF_ERR_LIMIT,
		    "the output is larger than a Lambda response may be: limit %u bytes",
		    LAMBDA_RESPONSE_BYTES_MAX);
		invocation_fail(invocation, &err);
		tmf_err_fini(&err);
	} else {
		log_event(LOG_INFO, "lambda.done", LOG_STR("request_id", invocation->request_id),
		    LOG_INT("ms", clock->mono_ms(clock) - invocation->start_mono_ms));
		invocation_answer(invocation, response, NULL);
	}
	json_decref(response);
}

void
invocation_deadline_error(struct tmf_err *err)
{
	tmf_err_set_name(err, TMF_ERR_LIMIT, ERROR_DEADLINE,
	    "the function's timeout is near; the next attempt continues from what was done");
}

/* --- invocations --- */

static void
invocation_deadline_near(struct tmf_timer *timer)
{
	struct invocation *invocation =
	    (struct invocation *)((char *)timer - offsetof(struct invocation, deadline));

	assert(invocation->kind != NULL);
	invocation->kind->deadline(invocation);
}

/*
 * The header has wall time, and the loop counts monotonic time: the distance is taken once. A
 * late invocation fires in the next turn. A time that is too large for a number is the largest
 * one, which is still too far away to be true.
 * Without the header, or with one that is not a time, the invocation has no deadline, as with some
 * local emulators.
 */
static void
invocation_arm_deadline(struct invocation *invocation, const char *header)
{
	struct tmf_clock *clock = tmf_loop_clock(invocation->opts->loop);
	int64_t now_wall_ms = clock->wall_ms(clock);
	int64_t deadline_wall_ms;
	int64_t left_ms = 0;

	if (header == NULL || header[0] == '\0' || header[strspn(header, "0123456789")] != '\0')
		return;
	deadline_wall_ms = strtoll(header, NULL, 10);
	if (deadline_wall_ms > now_wall_ms + LAMBDA_TIMEOUT_MAX_MS)
		deadline_wall_ms = now_wall_ms + LAMBDA_TIMEOUT_MAX_MS;
	if (deadline_wall_ms > now_wall_ms + invocation->kind->margin_ms)
		left_ms = deadline_wall_ms - now_wall_ms - invocation->kind->margin_ms;
	tmf_loop_timer_arm(
	    invocation->opts->loop, &invocation->deadline, clock->mono_ms(clock) + left_ms);
}

static void
invocation_find_kind(struct invocation *invocation, struct tmf_err *err)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i]->accepts(invocation->payload)) {
			invocation->kind = kinds[i];
			return;
		}
	tmf_err_set(err, TMF_ERR_INVALID,
	    "unknown payload: not a task, an EventBridge event, a batch of SQS messages or a "
	    "CloudFormation custom resource");
}

/*
 * The runtime API demands the variable for each invocation, for the X-Ray SDK and for child
 * processes. A former invocation's trace must not stay.
 */
static void
lambda_set_trace(const char *trace_id)
{
	if (trace_id != NULL)
		setenv(TRACE_VARIABLE, trace_id, 1);
	else
		unsetenv(TRACE_VARIABLE);
}

static void
invocation_begin(struct lambda *lambda, const struct web_reply *reply, const char *request_id)
{
	struct invocation *invocation = mem_zalloc(1, sizeof(*invocation));
	struct tmf_clock *clock = tmf_loop_clock(lambda->opts.loop);
	struct tmf_err err = {0};

	assert(lambda->current == NULL);
	lambda->current = invocation;
	invocation->lambda = lambda;
	invocation->opts = &lambda->opts;
	invocation->request_id = mem_strdup(request_id);
	invocation->invocation_id = mem_strdup(web_reply_header(reply, HEADER_INVOCATION));
	invocation->start_mono_ms = clock->mono_ms(clock);
	invocation->deadline.fire = invocation_deadline_near;
	lambda_set_trace(web_reply_header(reply, "Lambda-Runtime-Trace-Id"));
	invocation->payload = jsonx_parse(reply->body, &err);
	if (invocation->payload != NULL)
		invocation_find_kind(invocation, &err);
	if (invocation->kind == NULL) {
		invocation_fail(invocation, &err);
		tmf_err_fini(&err);
		return;
	}
	invocation_arm_deadline(invocation, web_reply_header(reply, "Lambda-Runtime-Deadline-Ms"));
	invocation->kind->start(invocation);
}

/*
 * Without an invocation an error cannot be reported to anyone. The process ends, and Lambda
 * starts another one.
 */
static void
lambda_next_came(void *arg, const struct web_reply *reply)
{
	struct lambda *lambda = arg;
	const char *request_id =
	    reply->status == 200 ? web_reply_header(reply, "Lambda-Runtime-Aws-Request-Id") : NULL;
	struct tmf_err err = {0};

	if (request_id != NULL) {
		invocation_begin(lambda, reply, request_id);
		return;
	}
	if (reply->status == 0)
		tmf_err_move(&err, reply->err);
	else
		tmf_err_set(
		    &err, TMF_ERR_REPLY, "the runtime API answers with status %d", reply->status);
	tmf_err_prefix(&err, "failed to get the next invocation");
	lambda->opts.over(lambda->opts.arg, &err);
	tmf_err_fini(&err);
}

/* Without a timeout: the process is frozen until there is something to do. */
static void
lambda_ask_next(struct lambda *lambda)
{
	char *url = mem_printf("%s/invocation/next", lambda->base);

	assert(lambda->current == NULL);
	web_start(&lambda->next, lambda->opts.transport,
	    &(struct http_request){
		.method = "GET", .url = url, .total_timeout_ms = -1, .no_proxy = true},
	    lambda_next_came, lambda);
	free(url);
}

struct lambda *
lambda_new(const struct lambda_opts *opts)
{
	struct lambda *lambda = mem_zalloc(1, sizeof(*lambda));

	lambda->opts = *opts;
	lambda->base = mem_printf(API_BASE, opts->api);
	lambda_ask_next(lambda);
	return lambda;
}

void
lambda_free(struct lambda *lambda)
{
	if (lambda == NULL)
		return;
	web_cancel(&lambda->next);
	web_cancel(&lambda->answer);
	if (lambda->current != NULL)
		invocation_free(lambda->current);
	free(lambda->base);
	free(lambda);
}

/* --- the start --- */

struct init_error {
	struct web web;
	struct tmf_loop *loop;
	struct tmf_err err;
};

static void
init_error_reported(void *arg, const struct web_reply *reply)
{
	struct init_error *wait = arg;

	if (reply->status == 0)
		tmf_err_move(&wait->err, reply->err);
	tmf_loop_stop(wait->loop);
}

/*
 * Runs the loop by itself, because it is called before there is anything else to serve. Lambda
 * then shows the fault of the configuration instead of Runtime.ExitError.
 */
int
lambda_post_init_error(struct tmf_loop *loop, struct http_transport *transport, const char *api,
    const struct tmf_err *why, struct tmf_err *err)
{
	struct init_error wait = {.loop = loop};
	json_t *body = invocation_error_body(why);
	char *text = jsonx_text(body);
	char *url = mem_printf(API_BASE "/init/error", api);
	const struct http_header header = {HEADER_ERROR_TYPE, ERROR_TYPE_INIT};
	int ret;

	web_start(&wait.web, transport,
	    &(struct http_request){
		.method = "POST",
		.url = url,
		.headers = &header,
		.headers_count = 1,
		.body = str_of(text),
		.total_timeout_ms = ANSWER_TIMEOUT_MS,
		.no_proxy = true,
	    },
	    init_error_reported, &wait);
	ret = tmf_loop_run(loop, err);
	web_cancel(&wait.web);
	json_decref(body);
	free(text);
	free(url);
	if (ret < 0 || !tmf_err_isset(&wait.err))
		return ret;
	tmf_err_move(err, &wait.err);
	return -1;
}
