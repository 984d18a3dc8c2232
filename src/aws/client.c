#include "aws/client.h"

#include "aws/pace/retry.h"
#include "aws/service.h"
#include "aws/tally.h"
#include "aws/wire/endpoint.h"
#include "aws/wire/sigv4.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADERS_MAX	8
#define UNANSWERED_WARN 3 /* attempts in a row: a lost connection now and then is nothing */

struct aws_client {
	struct tmf_loop *loop;
	struct http_transport *transport;
	struct credentials_provider *credentials;
	struct rng *rng;
	struct pacer *pacer;	 /* NULL: none */
	struct pacer *own_pacer; /* the same where it is of the adaptive mode, else NULL */
	const struct aws_service *service;
	char *scope;
	struct endpoint endpoint;
	const struct retry_mode *retry_mode;
	int attempts_max;
	struct sigv4_key key;
	struct sigv4_result signature; /* reused from call to call */
	struct aws_stats stats;
	json_t *tally;
	struct retry_quota quota;
	uint64_t unanswered; /* attempts in a row */
	struct buf trouble;  /* see aws_client_trouble */
	int64_t skew_ms;     /* AWS's clock is so far ahead of ours */
};

/* One operation under way: sent, or waiting for its next attempt. */
struct aws_call {
	struct tmf_call call; /* first */
	struct tmf_timer backoff;
	struct pacer_ticket ticket;
	struct aws_client *client;
	struct aws_operation operation;
	bool refreshed; /* the keys were looked for anew */
	bool refused;	/* the last attempt was throttled */
	bool waits_for_keys;
	unsigned keys;	 /* the serial of those that the present attempt is signed with */
	int attempt;	 /* the present one, from 1 */
	int retry_cost;	 /* of the last retry; 0: there was none */
	bool skew_known; /* the clock was corrected, or need not be */
	int64_t sent_mono_ms;
	struct http_exchange *exchange;
	struct aws_reader *reader;
	char *target; /* X-Amz-Target, or NULL */
};

static void aws_call_attempt(struct aws_call *call);
static credentials_done_fn credentials_came;

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
	pacer_withdraw(&call->ticket);
	if (call->waits_for_keys)
		call->client->credentials->cancel(
		    call->client->credentials, credentials_came, call);
	call->waits_for_keys = false;
	tmf_loop_timer_disarm(call->client->loop, &call->backoff);
}

static void
cancel_call(struct tmf_call *base)
{
	drop_attempt((struct aws_call *)base);
}

static void
free_call(struct tmf_call *base)
{
	struct aws_call *call = (struct aws_call *)base;

	call->client->service->protocol->free_reader(call->reader);
	buf_fini(&call->operation.body);
	free(call->target);
	free(call);
}

static const struct tmf_call_ops aws_call_ops = {.cancel = cancel_call, .free_call = free_call};

static void
backoff_over(struct tmf_timer *timer)
{
	aws_call_attempt((struct aws_call *)((char *)timer - offsetof(struct aws_call, backoff)));
}

/* Whether another attempt is worth it; expired keys get one with fresh ones. */
static bool
may_try_again(struct aws_call *call, enum retry_class retry, const struct tmf_err *err)
{
	const struct aws_client *client = call->client;
	struct credentials_provider *credentials = client->credentials;

	if (call->attempt >= client->attempts_max)
		return false;
	if (retry != RETRY_CREDENTIALS)
		return retry_mode_retries(client->retry_mode, client->service->signing_name, err);
	if (call->operation.unsigned_request || call->refreshed || credentials->refresh == NULL)
		return false;
	call->refreshed = true;
	credentials->refresh(credentials, call->keys);
	return true;
}

static int64_t
now_mono_ms(const struct aws_client *client)
{
	return tmf_loop_clock(client->loop)->mono_ms(tmf_loop_clock(client->loop));
}

/* AWS's time by our clock and what it was found to be off. */
static int64_t
now_wall_ms(const struct aws_client *client)
{
	return tmf_loop_clock(client->loop)->wall_ms(tmf_loop_clock(client->loop)) +
	       client->skew_ms;
}

/* A retry, once a call: the signature was refused, and the reply's Date shows that our clock is wrong. */
static bool
correct_clock(struct aws_call *call, const struct tmf_err *err, const char *date)
{
	struct aws_client *client = call->client;
	int64_t skew_ms;

	if (call->skew_known || call->attempt >= client->attempts_max ||
	    !retry_may_be_skew(err->name) || !retry_skew_of(date, now_wall_ms(client), &skew_ms))
		return false;
	call->skew_known = true;
	client->skew_ms += skew_ms;
	log_event(LOG_WARN, "aws.clock", LOG_STR("operation", call->operation.name),
	    LOG_INT("off_s", client->skew_ms / 1000));
	return true;
}

static int
cost_of_retry(const struct aws_call *call, const struct tmf_err *err)
{
	const struct aws_client *client = call->client;
	bool timed_out = err->code == TMF_ERR_TRANSPORT &&
			 now_mono_ms(client) - call->sent_mono_ms >= AWS_CONNECT_TIMEOUT_MS;

	if (!client->retry_mode->has_quota)
		return 0;
	/* Calls that were under way when a bucket ran empty are refused together, a hundred at once: the pacer spreads what follows. */
	if (call->refused && client->pacer != NULL && client->retry_mode->trusts_pacer)
		return 0;
	return timed_out ? RETRY_COST_TIMEOUT : RETRY_COST;
}

/* Whether the quota pays for another attempt. */
static bool
can_pay(struct aws_call *call, const struct tmf_err *err)
{
	int cost = cost_of_retry(call, err);

	if (!retry_quota_take(&call->client->quota, cost))
		return false;
	call->retry_cost = cost;
	return true;
}

/* The first refusal costs no time here where the pacer knows when a token is there. */
static int64_t
delay_of(const struct aws_call *call)
{
	const struct aws_client *client = call->client;
	bool knows_when = client->pacer != NULL && client->own_pacer == NULL;
	int throttled_free = call->refused && knows_when ? 1 : 0;

	if (call->attempt <= throttled_free)
		return 0;
	return retry_delay_ms(
	    client->rng, call->attempt - throttled_free, client->retry_mode->delay_max_ms);
}

/* What the pacer learns from a failed attempt. */
static enum pacer_answer
pacer_answer_of(const struct tmf_err *err, enum retry_class retry)
{
	if (retry == RETRY_THROTTLING)
		return PACER_REFUSED;
	return err->code == TMF_ERR_SERVICE ? PACER_ACCEPTED : PACER_UNKNOWN;
}

static const char *
header_of(const struct aws_reply_headers *headers, const char *name)
{
	return headers != NULL ? headers->get(headers->arg, name) : NULL;
}

/* Keeps why no reply came, and warns once when that goes on. */
static void
note_trouble(struct aws_client *client, const struct tmf_err *err)
{
	buf_reset(&client->trouble);
	buf_printf(&client->trouble, "%s: %s", err->name, tmf_err_text(err));
	if (++client->unanswered == UNANSWERED_WARN)
		log_event(LOG_WARN, "aws.unreachable", LOG_STR("end_point", client->endpoint.url),
		    LOG_STR("error", err->name), LOG_STR("cause", tmf_err_text(err)));
}

/* An attempt failed: waits for the next one, or ends the call. headers: NULL where there was no reply. */
static void
attempt_failed(struct aws_call *call, struct tmf_err *err, const struct aws_reply_headers *headers)
{
	struct aws_client *client = call->client;
	enum retry_class retry = retry_classify(err);
	int64_t delay_ms;

	call->refused = retry == RETRY_THROTTLING;
	client->stats.throttled += call->refused;
	pacer_answer(&call->ticket, pacer_answer_of(err, retry));
	if (!correct_clock(call, err, header_of(headers, "Date")) &&
	    (!may_try_again(call, retry, err) || !can_pay(call, err))) {
		client->stats.failed++;
		tally_failure(client->tally, call->operation.name);
		if (retry == RETRY_CREDENTIALS && !call->operation.unsigned_request)
			tmf_err_prefix(
			    err, "the keys have expired, or this machine's clock is wrong");
		tmf_call_complete_err(&call->call, err);
		return;
	}
	delay_ms = retry_after_ms(delay_of(call), header_of(headers, "x-amz-retry-after"),
	    header_of(headers, "Retry-After"));
	client->stats.retries++;
	log_event(LOG_INFO, "aws.retry", LOG_STR("operation", call->operation.name),
	    LOG_INT("attempt", call->attempt), LOG_STR("error", err->name),
	    LOG_STR("cause", tmf_err_text(err)), LOG_STR("request_id", err->request_id),
	    LOG_INT("delay_ms", delay_ms));
	tmf_err_fini(err);
	tmf_loop_timer_arm(client->loop, &call->backoff, now_mono_ms(client) + delay_ms);
}

/* The error that a complete reply means which brings no result. */
static void
error_of_reply(
    const struct aws_reply *reply, int status, const char *request_id, struct tmf_err *err)
{
	const char *open = request_id[0] != '\0' ? " (request id " : "";
	const char *close = request_id[0] != '\0' ? ")" : "";

	if (tmf_err_isset(err) && status == 200)
		return;
	if (tmf_err_isset(err) || reply->code[0] == '\0')
		tmf_err_set_name(err, TMF_ERR_SERVICE, name_of_status(status),
		    "HTTP status %d without an error code%s%s%s", status, open, request_id, close);
	else
		tmf_err_set_name(err, TMF_ERR_SERVICE, reply->code, "%s%s%s%s", reply->message,
		    open, request_id, close);
	err->http_status = status;
}

struct reply_source {
	const struct http_transport *transport;
	const struct http_exchange *exchange;
};

static const char *
header_of_reply(void *arg, const char *name)
{
	const struct reply_source *source = arg;

	return source->transport->reply_header(source->exchange, name);
}

static void
reply_complete(struct aws_call *call, int status, const struct aws_reply_headers *headers)
{
	struct aws_reply reply;
	struct tmf_err err = {0};
	const char *request_id;
	bool throttled;

	call->client->service->protocol->finish(call->reader, headers, &reply, &err);
	request_id = reply.request_id;
	if (request_id[0] == '\0')
		request_id = headers->get(headers->arg, "x-amzn-requestid");
	if (status == 200 && reply.value != NULL) {
		tally_reply(call->client->tally, call->operation.name, status, NULL, false);
		pacer_answer(&call->ticket, PACER_ACCEPTED);
		retry_quota_give(
		    &call->client->quota, call->retry_cost > 0 ? call->retry_cost : RETRY_REFUND);
		tmf_call_complete(&call->call, call->operation.convert != NULL
						   ? call->operation.convert(reply.value)
						   : reply.value);
		return;
	}
	json_decref(reply.value);
	request_id = request_id != NULL ? request_id : "";
	error_of_reply(&reply, status, request_id, &err);
	utf8_copy(err.request_id, sizeof(err.request_id), request_id);
	throttled = retry_classify(&err) == RETRY_THROTTLING;
	tally_reply(call->client->tally, call->operation.name, status, err.name, throttled);
	attempt_failed(call, &err, headers);
}

static int
take_body(void *arg, int status, struct str part, struct tmf_err *err)
{
	struct aws_call *call = arg;

	(void)status;
	(void)err;
	call->client->service->protocol->feed(call->reader, part);
	return 0;
}

static void
exchange_done(void *arg, struct http_exchange *exchange, int status, struct tmf_err *err)
{
	struct aws_call *call = arg;
	struct reply_source source = {call->client->transport, exchange};
	const struct aws_reply_headers headers = {header_of_reply, &source};

	call->exchange = NULL;
	if (status == 0) {
		note_trouble(call->client, err);
		tally_reply(call->client->tally, call->operation.name, 0, err->name, false);
		attempt_failed(call, err, NULL);
		return;
	}
	buf_reset(&call->client->trouble);
	call->client->unanswered = 0;
	reply_complete(call, status, &headers);
}

/* What is sent, and but for the signature itself also what is signed. */
struct header_list {
	struct http_header at[HEADERS_MAX];
	size_t count;
};

static void
add_header(struct header_list *headers, const char *name, const char *value)
{
	assert(headers->count < HEADERS_MAX);
	headers->at[headers->count++] = (struct http_header){name, value};
}

static void
add_service_headers(const struct aws_call *call, struct header_list *headers)
{
	const struct aws_service *service = call->client->service;

	add_header(headers, "Content-Type", service->protocol->content_type);
	if (call->target != NULL)
		add_header(headers, "X-Amz-Target", call->target);
	if (service->query_mode)
		add_header(headers, "x-amzn-query-mode", "true");
}

static void
sign(struct aws_call *call, const struct credentials *credentials)
{
	struct aws_client *client = call->client;
	struct header_list signed_headers = {0};

	add_service_headers(call, &signed_headers);
	add_header(&signed_headers, "host", client->endpoint.host);
	const struct sigv4_request request = {
	    .method = "POST",
	    .path = str_of(client->endpoint.path),
	    .headers = signed_headers.at,
	    .headers_count = signed_headers.count,
	    .body = buf_str(&call->operation.body),
	    .normalize_path = true,
	};
	const struct sigv4_scope scope = {
	    .region = client->endpoint.signing_region,
	    .service = client->service->signing_name,
	    .wall_ms = now_wall_ms(client),
	};

	sigv4_sign(&request, &scope, credentials, &client->key, &client->signature);
}

static void
add_signature(
    struct aws_call *call, const struct credentials *credentials, struct header_list *headers)
{
	const char *token = secret_reveal(&credentials->session_token);

	sign(call, credentials);
	add_header(headers, "X-Amz-Date", call->client->signature.date);
	add_header(headers, "Authorization", buf_cstr(&call->client->signature.authorization));
	if (token[0] != '\0')
		add_header(headers, "X-Amz-Security-Token", token);
}

/* credentials NULL: an operation that is sent unsigned. */
static void
send(struct aws_call *call, const struct credentials *credentials)
{
	struct aws_client *client = call->client;
	const struct http_handler handler = {.body = take_body, .done = exchange_done, .arg = call};
	struct header_list headers = {0};

	add_service_headers(call, &headers);
	if (credentials != NULL)
		add_signature(call, credentials, &headers);
	const struct http_request request = {
	    .method = "POST",
	    .url = client->endpoint.url,
	    .headers = headers.at,
	    .headers_count = headers.count,
	    .body = buf_str(&call->operation.body),
	    .operation = call->operation.name,
	    .attempt = call->attempt,
	    .connect_timeout_ms = AWS_CONNECT_TIMEOUT_MS,
	    .total_timeout_ms = call->operation.total_timeout_ms > 0
				    ? call->operation.total_timeout_ms
				    : AWS_TOTAL_TIMEOUT_MS,
	    .reply_bytes_max = AWS_REPLY_BYTES_MAX,
	};
	client->stats.requests++;
	tally_request(client->tally, call->operation.name, call->attempt > 1);
	call->sent_mono_ms = now_mono_ms(client);
	call->exchange = client->transport->start(client->transport, &request, &handler);
}

static void
credentials_came(void *arg, const struct credentials *credentials, struct tmf_err *err)
{
	struct aws_call *call = arg;

	call->waits_for_keys = false;
	if (credentials == NULL) {
		attempt_failed(call, err, NULL);
		return;
	}
	call->keys = credentials->serial;
	send(call, credentials);
}

/* It may be sent: only now, so that the signature is fresh. */
static void
send_now(struct aws_call *call)
{
	if (call->operation.unsigned_request) {
		send(call, NULL);
		return;
	}
	assert(call->client->credentials != NULL);
	call->waits_for_keys = true;
	call->client->credentials->get(call->client->credentials, credentials_came, call);
}

static void
pacer_let_go(struct pacer_ticket *ticket)
{
	send_now((struct aws_call *)((char *)ticket - offsetof(struct aws_call, ticket)));
}

static void
aws_call_attempt(struct aws_call *call)
{
	const struct aws_protocol *protocol = call->client->service->protocol;
	struct pacer *pacer = call->client->pacer;

	call->attempt++;
	protocol->free_reader(call->reader);
	call->reader = protocol->begin(&call->operation);
	if (pacer == NULL || pacer_ask(pacer, call->operation.name, &call->ticket, call->refused))
		send_now(call);
}

struct tmf_call *
aws_client_call(struct aws_client *client, struct aws_operation *operation)
{
	struct aws_call *call = mem_zalloc(1, sizeof(*call));
	const char *target_prefix = client->service->target_prefix;

	tmf_call_init(&call->call, &aws_call_ops, client->loop);
	call->client = client;
	call->operation = *operation;
	operation->body = (struct buf){0};
	if (target_prefix != NULL)
		call->target = mem_printf("%s.%s", target_prefix, operation->name);
	call->backoff.fire = backoff_over;
	call->ticket.go = pacer_let_go;
	aws_call_attempt(call);
	return &call->call;
}

struct aws_client_opts
aws_client_opts_of(const struct aws_settings *settings, const char *service)
{
	return (struct aws_client_opts){
	    .service = service,
	    .region = settings->region,
	    .endpoint = aws_settings_endpoint(settings, service),
	    .use_fips = settings->use_fips,
	    .use_dual_stack = settings->use_dual_stack,
	    .sts_global = settings->sts_global,
	    .retry_mode = settings->retry_mode,
	    .attempts_max = settings->attempts_max,
	};
}

struct aws_client *
aws_client_new(const struct aws_client_opts *opts, struct tmf_err *err)
{
	const struct endpoint_opts where = {
	    .service = opts->service,
	    .region = opts->region,
	    .custom = opts->endpoint,
	    .fips = opts->use_fips,
	    .dual_stack = opts->use_dual_stack,
	    .sts_global = opts->sts_global,
	};
	struct aws_client *client;
	struct endpoint endpoint;

	if (endpoint_resolve(&where, &endpoint, err) < 0)
		return NULL;
	client = mem_zalloc(1, sizeof(*client));
	client->endpoint = endpoint;
	client->loop = opts->loop;
	client->transport = opts->transport;
	client->credentials = opts->credentials;
	client->rng = opts->rng;
	client->pacer = opts->pacer;
	client->quota.tokens = RETRY_QUOTA_MAX;
	client->tally = json_object();
	client->service = aws_service_at(aws_service_index(opts->service));
	client->scope = mem_printf("%s%s%s %s", opts->owner != NULL ? opts->owner : "",
	    opts->owner != NULL ? " " : "", opts->region, endpoint.host);
	client->retry_mode = opts->retry_mode != NULL ? opts->retry_mode : &retry_mode_default;
	client->attempts_max =
	    opts->attempts_max > 0 ? opts->attempts_max : client->retry_mode->attempts_max;
	/* A pacer that knows the buckets is the slower of both. */
	if (client->pacer == NULL && client->retry_mode->limits_rate)
		client->pacer = client->own_pacer = pacer_new_adaptive(client->loop);
	return client;
}

void
aws_client_free(struct aws_client *client)
{
	if (client == NULL)
		return;
	pacer_free(client->own_pacer);
	endpoint_fini(&client->endpoint);
	sigv4_key_fini(&client->key);
	sigv4_result_fini(&client->signature);
	buf_fini(&client->trouble);
	json_decref(client->tally);
	free(client->scope);
	free(client);
}

struct tmf_loop *
aws_client_loop(const struct aws_client *client)
{
	return client->loop;
}

const struct aws_stats *
aws_client_stats(const struct aws_client *client)
{
	return &client->stats;
}

const json_t *
aws_client_tally(const struct aws_client *client)
{
	return client->tally;
}

const char *
aws_client_trouble(const struct aws_client *client)
{
	return buf_cstr(&client->trouble);
}

const char *
aws_client_region(const struct aws_client *client)
{
	return client->endpoint.signing_region;
}

const char *
aws_client_scope(const struct aws_client *client)
{
	return client->scope;
}
