#include "client_internal.h"

#include "tmflow/aws/endpoint.h"
#include "tmflow/aws/retry.h"
#include "tmflow/aws/sigv4.h"
#include "tmflow/base/log.h"
#include "tmflow/base/mem.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTENT_TYPE "application/x-www-form-urlencoded; charset=utf-8"

struct aws_client {
	struct loop *loop;
	struct http_transport *transport;
	struct credentials_provider *credentials;
	struct rng *rng;
	char *service;
	char *region;
	char *scope;
	struct endpoint endpoint;
	int attempts_max;
	struct sigv4_key key;
	struct sigv4_result signature; /* reused from call to call */
	struct aws_stats stats;
};

/* One operation under way: sent, or waiting for its next attempt. */
struct aws_call {
	struct call call; /* first */
	struct timer backoff;
	struct aws_client *client;
	struct aws_operation operation;
	bool refreshed; /* the keys were looked for anew */
	int attempt;	/* the present one, from 1 */
	struct http_exchange *exchange;
	struct xml_parser *parser;
	struct err reply_err; /* what was wrong with the body so far */
};

static void aws_call_attempt(struct aws_call *call);

/* Names for replies that carry no code of AWS's: a proxy's page, an empty body. */
static const struct {
	int status;
	const char *name;
} status_names[] = {
    {400, "BadRequest"},
    {403, "Forbidden"},
    {404, "NotFound"},
    {413, "RequestEntityTooLarge"},
    {429, "TooManyRequestsException"},
    {500, "InternalError"},
    {502, "BadGateway"},
    {503, "ServiceUnavailable"},
    {504, "GatewayTimeout"},
};

static const char *
name_of_status(int status)
{
	for (size_t i = 0; i < sizeof(status_names) / sizeof(status_names[0]); i++)
		if (status_names[i].status == status)
			return status_names[i].name;
	return "TMFlow.InvalidReply";
}

static void
drop_attempt(struct aws_call *call)
{
	if (call->exchange != NULL)
		call->client->transport->cancel(call->client->transport, call->exchange);
	call->exchange = NULL;
	loop_timer_disarm(call->client->loop, &call->backoff);
}

static void
cancel_call(struct call *base)
{
	drop_attempt((struct aws_call *)base);
}

static void
free_call(struct call *base)
{
	struct aws_call *call = (struct aws_call *)base;

	xml_parser_free(call->parser);
	buf_fini(&call->operation.body);
	err_fini(&call->reply_err);
	free(call);
}

static const struct call_ops aws_call_ops = {.cancel = cancel_call, .free_call = free_call};

static void
backoff_over(struct timer *timer)
{
	aws_call_attempt((struct aws_call *)((char *)timer - offsetof(struct aws_call, backoff)));
}

/* Whether another attempt is worth it; expired keys get one with fresh ones. */
static bool
may_try_again(struct aws_call *call, enum retry_class retry)
{
	struct credentials_provider *credentials = call->client->credentials;

	if (retry == RETRY_NEVER || call->attempt >= call->client->attempts_max)
		return false;
	if (retry != RETRY_CREDENTIALS)
		return true;
	if (call->refreshed || credentials->refresh == NULL)
		return false;
	call->refreshed = true;
	credentials->refresh(credentials);
	return true;
}

/* An attempt failed: waits for the next one, or ends the call. */
static void
attempt_failed(struct aws_call *call, struct err *err)
{
	struct aws_client *client = call->client;
	enum retry_class retry = retry_classify(err);
	int64_t delay_ms;

	if (retry == RETRY_THROTTLING)
		client->stats.throttled++;
	if (!may_try_again(call, retry)) {
		client->stats.failed++;
		if (retry == RETRY_CREDENTIALS)
			err_prefix(err, "the keys have expired, or this machine's clock is wrong");
		call_complete_err(&call->call, err);
		return;
	}
	delay_ms = retry_delay_ms(client->rng, call->attempt);
	client->stats.retries++;
	log_event(LOG_INFO, "aws.retry", LOG_STR("operation", call->operation.name),
	    LOG_INT("attempt", call->attempt), LOG_STR("error", err->name),
	    LOG_STR("cause", err_text(err)), LOG_STR("request_id", err->request_id),
	    LOG_INT("delay_ms", delay_ms));
	err_fini(err);
	loop_timer_arm(client->loop, &call->backoff,
	    loop_clock(client->loop)->mono_ms(loop_clock(client->loop)) + delay_ms);
}

/* The error that a complete reply with another status than 200 means. */
static void
error_of_reply(struct aws_call *call, int status, const char *request_id, struct err *err)
{
	const char *code = xml_parser_error_code(call->parser);
	const char *message = xml_parser_error_message(call->parser);

	if (err_isset(&call->reply_err) || code[0] == '\0')
		err_set_name(err, ERR_SERVICE, name_of_status(status),
		    "HTTP status %d without an error code%s%s%s", status,
		    request_id[0] != '\0' ? " (request id " : "", request_id,
		    request_id[0] != '\0' ? ")" : "");
	else
		err_set_name(err, ERR_SERVICE, code, "%s%s%s%s", message,
		    request_id[0] != '\0' ? " (request id " : "", request_id,
		    request_id[0] != '\0' ? ")" : "");
	err->http_status = status;
}

/* A page that is XML but another's, of a captive portal say, must not pass for an empty list. */
static void
check_root(struct aws_call *call)
{
	char wanted[XML_ROOT_BYTES_MAX];
	const char *root = xml_parser_root(call->parser);

	snprintf(wanted, sizeof(wanted), "%sResponse", call->operation.name);
	if (strcmp(root, wanted) != 0 && xml_parser_error_code(call->parser)[0] == '\0' &&
	    !err_isset(&call->reply_err))
		err_set(
		    &call->reply_err, ERR_REPLY, "the reply is <%s> instead of <%s>", root, wanted);
}

static void
reply_complete(struct aws_call *call, int status, const char *header_request_id)
{
	json_t *reply = NULL;
	struct err err = {0};
	int parsed = xml_parser_finish(call->parser, &reply, &call->reply_err);
	const char *request_id = xml_parser_request_id(call->parser);

	check_root(call);
	if (request_id[0] == '\0' && header_request_id != NULL)
		request_id = header_request_id;
	if (status == 200 && parsed == 0 && !err_isset(&call->reply_err) &&
	    xml_parser_error_code(call->parser)[0] == '\0') {
		call_complete(&call->call,
		    call->operation.convert != NULL ? call->operation.convert(reply) : reply);
		return;
	}
	json_decref(reply);
	if (status == 200 && err_isset(&call->reply_err))
		err_move(&err, &call->reply_err);
	else
		error_of_reply(call, status, request_id, &err);
	snprintf(err.request_id, sizeof(err.request_id), "%s", request_id);
	attempt_failed(call, &err);
}

static int
take_body(void *arg, int status, struct str part, struct err *err)
{
	struct aws_call *call = arg;

	(void)status;
	(void)err;
	/* A page that is no XML is told by its status in the end: what is wrong with it is kept until then. */
	if (!err_isset(&call->reply_err))
		xml_parser_feed(call->parser, part, &call->reply_err);
	return 0;
}

static void
exchange_done(void *arg, struct http_exchange *exchange, int status, struct err *err)
{
	struct aws_call *call = arg;

	call->exchange = NULL;
	if (status == 0)
		attempt_failed(call, err);
	else
		reply_complete(call, status,
		    call->client->transport->reply_header(exchange, "x-amzn-requestid"));
}

static void
sign(struct aws_call *call, const struct credentials *credentials)
{
	struct aws_client *client = call->client;
	const struct http_header signed_headers[] = {
	    {"content-type", CONTENT_TYPE},
	    {"host", client->endpoint.host},
	};
	const struct sigv4_request request = {
	    .method = "POST",
	    .path = str_of(client->endpoint.path),
	    .headers = signed_headers,
	    .headers_count = sizeof(signed_headers) / sizeof(signed_headers[0]),
	    .body = buf_str(&call->operation.body),
	    .normalize_path = true,
	};
	const struct sigv4_scope scope = {
	    .region = client->region,
	    .service = client->service,
	    .wall_ms = loop_clock(client->loop)->wall_ms(loop_clock(client->loop)),
	};

	sigv4_sign(&request, &scope, credentials, &client->key, &client->signature);
}

static void
send(struct aws_call *call, const struct credentials *credentials)
{
	struct aws_client *client = call->client;
	const char *token = secret_reveal(&credentials->session_token);
	const struct http_handler handler = {.body = take_body, .done = exchange_done, .arg = call};
	struct http_header headers[4] = {{"Content-Type", CONTENT_TYPE}};
	size_t count = 1;

	sign(call, credentials);
	headers[count++] = (struct http_header){"X-Amz-Date", client->signature.date};
	headers[count++] =
	    (struct http_header){"Authorization", buf_cstr(&client->signature.authorization)};
	if (token[0] != '\0')
		headers[count++] = (struct http_header){"X-Amz-Security-Token", token};
	const struct http_request request = {
	    .method = "POST",
	    .url = client->endpoint.url,
	    .headers = headers,
	    .headers_count = count,
	    .body = buf_str(&call->operation.body),
	    .connect_timeout_ms = AWS_CONNECT_TIMEOUT_MS,
	    .total_timeout_ms = AWS_TOTAL_TIMEOUT_MS,
	    .reply_bytes_max = AWS_REPLY_BYTES_MAX,
	};
	client->stats.requests++;
	call->exchange = client->transport->start(client->transport, &request, &handler);
}

static void
credentials_came(void *arg, const struct credentials *credentials, struct err *err)
{
	struct aws_call *call = arg;

	if (credentials != NULL)
		send(call, credentials);
	else
		attempt_failed(call, err);
}

static void
aws_call_attempt(struct aws_call *call)
{
	call->attempt++;
	xml_parser_free(call->parser);
	call->parser = xml_parser_new(call->operation.reply);
	err_fini(&call->reply_err);
	call->client->credentials->get(call->client->credentials, credentials_came, call);
}

struct call *
aws_client_call(struct aws_client *client, struct aws_operation *operation)
{
	struct aws_call *call = mem_zalloc(1, sizeof(*call));

	call_init(&call->call, &aws_call_ops, client->loop);
	call->client = client;
	call->operation = *operation;
	operation->body = (struct buf){0};
	call->backoff.fire = backoff_over;
	aws_call_attempt(call);
	return &call->call;
}

struct aws_client *
aws_client_new(const struct aws_client_opts *opts, struct err *err)
{
	struct aws_client *client;
	struct endpoint endpoint;

	if (endpoint_resolve(opts->service, opts->region, opts->endpoint, &endpoint, err) < 0)
		return NULL;
	client = mem_zalloc(1, sizeof(*client));
	client->endpoint = endpoint;
	client->loop = opts->loop;
	client->transport = opts->transport;
	client->credentials = opts->credentials;
	client->rng = opts->rng;
	client->service = mem_strdup(opts->service);
	client->region = mem_strdup(opts->region);
	client->scope = mem_printf("%s %s", opts->region, endpoint.host);
	client->attempts_max = opts->attempts_max > 0 ? opts->attempts_max : AWS_ATTEMPTS_DEFAULT;
	return client;
}

void
aws_client_free(struct aws_client *client)
{
	if (client == NULL)
		return;
	endpoint_fini(&client->endpoint);
	sigv4_key_fini(&client->key);
	sigv4_result_fini(&client->signature);
	free(client->service);
	free(client->region);
	free(client->scope);
	free(client);
}

struct loop *
aws_client_loop(const struct aws_client *client)
{
	return client->loop;
}

const struct aws_stats *
aws_client_stats(const struct aws_client *client)
{
	return &client->stats;
}

const char *
aws_client_scope(const struct aws_client *client)
{
	return client->scope;
}
