#include "aws/client_internal.h"

#include "aws/tally.h"
#include "aws/wire/region.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * One operation under way. Each attempt goes through these stages, and a failed one ends the call
 * or begins the next:
 *
 *   aws_call_attempt   waits for its turn at the pacer
 *   aws_call_ready     waits for keys: as late as possible, so that the signature is fresh
 *   aws_call_send      signs and sends
 *   aws_call_done      the exchange is over, with a reply or without one
 *   aws_call_failed    waits for the delay before the next attempt, or ends the call; in
 *                      client_retry.c
 */

#define CALL_HEADERS_MAX 12
#define UNANSWERED_WARN	 3 /* attempts in a row: a lost connection now and then is nothing */

/* What is sent, and but for the signature itself also what is signed. */
struct call_headers {
	struct http_header at[CALL_HEADERS_MAX];
	size_t count;
};

static void aws_call_attempt(struct aws_call *call);
static void aws_call_ready(struct aws_call *call);
static credentials_done_fn aws_call_keys;
static void aws_call_send(struct aws_call *call, const struct credentials *credentials);
static int aws_call_body(void *arg, int status, struct str part, struct tmf_err *err);
static void
aws_call_done(void *arg, struct http_exchange *exchange, int status, struct tmf_err *err);

/* Each stage leaves what it waits for here, so that a call can be cancelled in any of them. */
static void
aws_call_cancel(struct tmf_call *base)
{
	struct aws_call *call = (struct aws_call *)base;
	struct aws_client *client = call->client;

	if (call->exchange != NULL)
		client->transport->cancel(client->transport, call->exchange);
	call->exchange = NULL;
	pacer_withdraw(&call->ticket);
	if (call->waits_for_keys)
		client->credentials->cancel(client->credentials, aws_call_keys, call);
	call->waits_for_keys = false;
	tmf_loop_timer_disarm(client->loop, &call->backoff);
}

static void
aws_call_free(struct tmf_call *base)
{
	struct aws_call *call = (struct aws_call *)base;

	assert(call->exchange == NULL && call->ticket.bucket == NULL && !call->waits_for_keys);
	call->client->service->protocol->free_reader(call->reader);
	buf_fini(&call->operation.body);
	free(call->target);
	for (size_t i = 0; i < AWS_OPERATION_HEADERS_MAX; i++)
		free((char *)call->operation.headers[i].value);
	free(call->path);
	free(call->query);
	free(call->host);
	free(call->url);
	free(call);
}

static const struct tmf_call_ops aws_call_ops = {
    .cancel = aws_call_cancel, .free_call = aws_call_free};

static void
aws_call_backoff_over(struct tmf_timer *timer)
{
	aws_call_attempt((struct aws_call *)((char *)timer - offsetof(struct aws_call, backoff)));
}

static void
aws_call_let_go(struct pacer_ticket *ticket)
{
	aws_call_ready((struct aws_call *)((char *)ticket - offsetof(struct aws_call, ticket)));
}

/* A bucket goes in front of the host's name, as AWS wants it, where it can: a custom endpoint has
 * one name only, and a dot in a bucket's name fits no certificate. */
static bool
aws_call_has_bucket_host(const struct aws_call *call)
{
	const char *bucket = call->operation.bucket;

	return bucket != NULL && !call->client->has_custom_endpoint && strchr(bucket, '.') == NULL;
}

/* An endpoint may have a path of its own, as a proxy's has; the operation's goes below it. */
static void
aws_call_set_place(struct aws_call *call)
{
	const struct endpoint *endpoint = &call->client->endpoint;
	const struct aws_operation *operation = &call->operation;
	const char *below = operation->path != NULL ? operation->path : "";
	const char *authority = strstr(endpoint->url, "://") + 3;
	size_t authority_len = strcspn(authority, "/");
	bool in_host = aws_call_has_bucket_host(call);
	struct buf path = {0};

	assert(below[0] == '\0' || below[0] == '/');
	buf_add_cstr(&path, endpoint->path);
	while (below[0] != '\0' && path.len > 0 && path.p[path.len - 1] == '/')
		path.len--;
	if (operation->bucket != NULL && !in_host)
		buf_printf(&path, "/%s", operation->bucket);
	buf_add_cstr(&path, below);
	call->path = mem_strdup(buf_cstr(&path));
	call->host = in_host ? mem_printf("%s.%s", operation->bucket, endpoint->host)
			     : mem_strdup(endpoint->host);
	call->url = mem_printf("%.*s%s%s%.*s%s%s%s", (int)(authority - endpoint->url),
	    endpoint->url, in_host ? operation->bucket : "", in_host ? "." : "", (int)authority_len,
	    authority, call->path, operation->query != NULL ? "?" : "",
	    operation->query != NULL ? operation->query : "");
	buf_fini(&path);
}

/* What the caller need not keep. The name of a header and the method are static. */
static void
aws_call_copy_texts(struct aws_call *call)
{
	struct aws_operation *operation = &call->operation;

	for (size_t i = 0; i < AWS_OPERATION_HEADERS_MAX; i++)
		operation->headers[i].value = mem_strdup(operation->headers[i].value);
	call->query = mem_strdup(operation->query);
	aws_call_set_place(call);
	operation->path = operation->query = operation->bucket = NULL;
}

/* The body moves into the call, and the operation's own is empty afterwards. */
struct tmf_call *
aws_client_call(struct aws_client *client, struct aws_operation *operation)
{
	struct aws_call *call = mem_zalloc(1, sizeof(*call));
	const char *target_prefix = client->service->target_prefix;

	assert(operation->name != NULL);
	assert(operation->unsigned_request || client->credentials != NULL);
	tmf_call_init(&call->call, &aws_call_ops, client->loop);
	call->call.name = operation->name;
	call->client = client;
	call->operation = *operation;
	operation->body = (struct buf){0};
	if (target_prefix != NULL)
		call->target = mem_printf("%s.%s", target_prefix, operation->name);
	aws_call_copy_texts(call);
	call->backoff.fire = aws_call_backoff_over;
	call->ticket.go = aws_call_let_go;
	aws_call_attempt(call);
	return &call->call;
}

/* --- an attempt --- */

/* The reader is made again, so that nothing of an earlier reply is left. A call that was refused
 * goes to the front of the line. */
static void
aws_call_attempt(struct aws_call *call)
{
	const struct aws_protocol *protocol = call->client->service->protocol;
	struct pacer *pacer = call->client->pacer;

	assert(call->exchange == NULL && call->ticket.bucket == NULL);
	call->attempt++;
	assert(call->attempt <= call->client->attempts_max);
	protocol->free_reader(call->reader);
	call->reader = protocol->begin(&call->operation);
	if (pacer == NULL || pacer_ask(pacer, call->operation.name, &call->ticket, call->refused))
		aws_call_ready(call);
}

static void
aws_call_ready(struct aws_call *call)
{
	struct credentials_provider *credentials = call->client->credentials;

	if (call->operation.unsigned_request) {
		aws_call_send(call, NULL);
		return;
	}
	call->waits_for_keys = true;
	credentials->get(credentials, aws_call_keys, call);
}

/* A failure to find keys is final: no retry mode repeats an error of credentials. */
static void
aws_call_keys(void *arg, const struct credentials *credentials, struct tmf_err *err)
{
	struct aws_call *call = arg;

	assert(call->waits_for_keys);
	call->waits_for_keys = false;
	if (credentials == NULL) {
		aws_call_failed(call, err, NULL);
		return;
	}
	call->keys = credentials->serial;
	aws_call_send(call, credentials);
}

static void
call_headers_add(struct call_headers *headers, const char *name, const char *value)
{
	assert(headers->count < CALL_HEADERS_MAX);
	headers->at[headers->count++] = (struct http_header){name, value};
}

static const char *
aws_call_method(const struct aws_call *call)
{
	return call->operation.method != NULL ? call->operation.method : "POST";
}

/* Adds the signature of what headers holds by now, and of the host, which the transport sends
 * itself. The host is taken off again after it, since the transport adds its own. */
static void
aws_call_sign(
    struct aws_call *call, const struct credentials *credentials, struct call_headers *headers)
{
	struct aws_client *client = call->client;
	const char *token = secret_reveal(&credentials->session_token);

	call_headers_add(headers, "host", call->host);
	const struct sigv4_request request = {
	    .method = aws_call_method(call),
	    .path = str_of(call->path),
	    .query = call->query != NULL ? str_of(call->query) : STR(""),
	    .headers = headers->at,
	    .headers_count = headers->count,
	    .body = buf_str(&call->operation.body),
	    .normalize_path = !client->service->protocol->signs_as_s3,
	    .path_as_sent = client->service->protocol->signs_as_s3,
	    .sign_body = client->service->protocol->signs_as_s3,
	};
	const struct sigv4_scope scope = {
	    .region = client->endpoint.signing_region,
	    .service = client->service->signing_name,
	    .wall_ms = aws_call_wall_ms(call),
	};
	sigv4_sign(&request, &scope, credentials, &client->key, &client->signature);
	headers->count--;
	call_headers_add(headers, "X-Amz-Date", client->signature.date);
	if (request.sign_body)
		call_headers_add(headers, "x-amz-content-sha256", client->signature.content_sha256);
	call_headers_add(headers, "Authorization", buf_cstr(&client->signature.authorization));
	if (token[0] != '\0')
		call_headers_add(headers, "X-Amz-Security-Token", token);
}

/* Those of the operation and of its service; the signature's are added later. */
static void
aws_call_add_headers(const struct aws_call *call, struct call_headers *headers)
{
	const struct aws_operation *operation = &call->operation;
	const struct aws_service *service = call->client->service;
	const char *content_type = operation->content_type != NULL
				       ? operation->content_type
				       : service->protocol->content_type;

	if (content_type != NULL)
		call_headers_add(headers, "Content-Type", content_type);
	if (call->target != NULL)
		call_headers_add(headers, "X-Amz-Target", call->target);
	if (service->query_mode)
		call_headers_add(headers, "x-amzn-query-mode", "true");
	for (size_t i = 0; i < AWS_OPERATION_HEADERS_MAX; i++)
		if (operation->headers[i].value != NULL)
			call_headers_add(
			    headers, operation->headers[i].name, operation->headers[i].value);
}

/* credentials NULL: an operation that is sent unsigned. */
static void
aws_call_send(struct aws_call *call, const struct credentials *credentials)
{
	struct aws_client *client = call->client;
	const struct aws_operation *operation = &call->operation;
	struct call_headers headers = {0};

	assert(call->exchange == NULL);
	aws_call_add_headers(call, &headers);
	if (credentials != NULL)
		aws_call_sign(call, credentials, &headers);
	/* Not signed: proxies change it. */
	if (client->user_agent != NULL)
		call_headers_add(&headers, "User-Agent", client->user_agent);
	const struct http_request request = {
	    .method = aws_call_method(call),
	    .url = call->url,
	    .headers = headers.at,
	    .headers_count = headers.count,
	    .body = buf_str(&operation->body),
	    .operation = operation->name,
	    .attempt = call->attempt,
	    .secret = operation->secret,
	    .connect_timeout_ms = AWS_CONNECT_TIMEOUT_MS,
	    .total_timeout_ms = operation->total_timeout_ms > 0 ? operation->total_timeout_ms
								: AWS_TOTAL_TIMEOUT_MS,
	    .reply_bytes_max = AWS_REPLY_BYTES_MAX,
	};
	const struct http_handler handler = {
	    .body = aws_call_body, .done = aws_call_done, .arg = call};

	client->stats.requests++;
	tally_request(client->tally, operation->name, call->attempt > 1);
	call->sent_mono_ms = tmf_loop_mono_ms(client->loop);
	call->exchange = client->transport->start(client->transport, &request, &handler);
}

/* --- its reply --- */

/* struct aws_reply_headers over an exchange. */
struct reply_source {
	const struct http_transport *transport;
	const struct http_exchange *exchange;
};

static const char *
reply_source_get(void *arg, const char *name)
{
	const struct reply_source *source = arg;

	return source->transport->reply_header(source->exchange, name);
}

static int
aws_call_body(void *arg, int status, struct str part, struct tmf_err *err)
{
	struct aws_call *call = arg;

	(void)status;
	(void)err;
	call->client->service->protocol->feed(call->reader, part);
	return 0;
}

/* A success pays back what its last retry took from the quota, or a little where that took
 * nothing. A corrected clock that made the call succeed holds for all calls from here on. */
static void
aws_call_succeeded(struct aws_call *call, json_t *value)
{
	struct aws_client *client = call->client;

	if (call->skew_known && !call->operation.unsigned_request)
		client->skew_ms = call->skew_ms;
	tally_reply(client->tally, call->operation.name, 200, NULL, false);
	pacer_answer(&call->ticket, PACER_ACCEPTED);
	retry_quota_give(&client->quota, call->retry_cost > 0 ? call->retry_cost : RETRY_REFUND);
	if (call->operation.convert != NULL)
		value = call->operation.convert(value);
	tmf_call_complete(&call->call, value);
}

/* FNV-1a: the ids are random already. Never 0, which is an empty place of the ring. */
static uint64_t
request_id_digest(const char *id)
{
	uint64_t digest = 0xcbf29ce484222325u;

	for (; *id != '\0'; id++)
		digest = (digest ^ (unsigned char)*id) * 0x100000001b3u;
	return digest != 0 ? digest : 1;
}

/* A reply that comes twice shifts all later ones on its connection: the second would be taken for
 * the reply to the next request. Only the header counts; some emulators have one id in all
 * bodies. */
static int
aws_call_check_request_id(struct aws_client *client, const char *id, struct tmf_err *err)
{
	uint64_t digest;

	if (id == NULL || id[0] == '\0')
		return 0;
	digest = request_id_digest(id);
	for (size_t i = 0; i < AWS_REQUEST_IDS_KEPT; i++)
		if (client->request_ids[i] == digest)
			return tmf_err_set(err, TMF_ERR_REPLY,
			    "the reply has come before, to another request (request id %s)", id);
	client->request_ids[client->request_id_next++ % AWS_REQUEST_IDS_KEPT] = digest;
	return 0;
}

/* Whether a reply that could be read is one to this call. */
static int
aws_call_check_reply(struct aws_call *call, const char *request_id, const struct aws_reply *reply,
    struct tmf_err *err)
{
	const struct aws_operation *operation = &call->operation;

	if (aws_call_check_request_id(call->client, request_id, err) < 0)
		return -1;
	if (operation->echoes == NULL || reply->value == NULL)
		return 0;
	return aws_echo_check(operation->echoes, buf_str(&operation->body), reply->value, err);
}

/* S3 has another name for it than the others. */
static const char *
aws_reply_request_id(const struct aws_reply_headers *headers)
{
	const char *id = headers->get(headers->arg, "x-amzn-requestid");

	return id != NULL ? id : headers->get(headers->arg, "x-amz-request-id");
}

/* S3 knows where a bucket is that is asked for in another region. It is not followed there: on AWS,
 * too, a workflow reads the buckets of its own region only. */
static void
aws_call_name_bucket_region(
    const struct aws_call *call, const struct aws_reply_headers *headers, struct tmf_err *err)
{
	const char *region = headers->get(headers->arg, "x-amz-bucket-region");

	if (call->client->service->protocol->signs_as_s3 && region != NULL &&
	    strcmp(region, call->client->region) != 0)
		tmf_err_suffix(err,
		    "; the bucket is in %s: run it with --region %s, or take a "
		    "bucket of this region",
		    region, region);
}

/* A complete reply: the operation's result, or an error. A body that cannot be read under status
 * 200 is an error too; under another status, such as a proxy's HTML page under 502, the status says
 * more than the body does. */
static void
aws_call_replied(struct aws_call *call, struct http_exchange *exchange, int status,
    const struct aws_reply_headers *headers)
{
	struct aws_client *client = call->client;
	struct http_transport *transport = client->transport;
	struct aws_reply reply;
	struct tmf_err err = {0};

	const char *request_id = aws_reply_request_id(headers);
	bool is_ours;

	client->service->protocol->finish(call->reader, headers, &reply, &err);
	is_ours = aws_call_check_reply(call, request_id, &reply, &err) == 0;
	if (aws_status_is_success(status) && reply.value != NULL && is_ours) {
		assert(!tmf_err_isset(&err));
		client->reached = true;
		aws_call_succeeded(call, reply.value);
		return;
	}
	json_decref(reply.value);
	if (reply.request_id[0] == '\0' && request_id != NULL)
		reply.request_id = request_id;
	if (is_ours && (!tmf_err_isset(&err) || !aws_status_is_success(status)))
		aws_reply_error(&reply, status, &err);
	aws_call_name_bucket_region(call, headers, &err);
	client->reached |= err.code == TMF_ERR_SERVICE;
	if (err.code != TMF_ERR_SERVICE && transport->distrust != NULL)
		transport->distrust(transport, exchange);
	utf8_copy(err.request_id, sizeof(err.request_id), reply.request_id);
	tally_reply(client->tally, call->operation.name, status, err.name,
	    retry_classify(&err) == RETRY_THROTTLING);
	aws_call_failed(call, &err, headers);
}

/* Keeps why no reply came, and warns once when that goes on. */
static void
aws_call_note_trouble(struct aws_client *client, const struct tmf_err *err)
{
	buf_reset(&client->trouble);
	buf_printf(&client->trouble, "%s: %s", err->name, tmf_err_text(err));
	if (++client->unanswered == UNANSWERED_WARN)
		log_event(LOG_WARN, "aws.unreachable", LOG_STR("endpoint", client->endpoint.url),
		    LOG_ERR(err));
}

/* The local clock, not the corrected one: that it is wrong is what a person wants to know. */
static void
aws_call_note_date(struct aws_client *client, const char *date)
{
	struct tmf_clock *clock = tmf_loop_clock(client->loop);
	int64_t skew_ms = 0;

	if (retry_skew_of(date, clock->wall_ms(clock), &skew_ms))
		client->seen_skew_ms = skew_ms;
	else
		client->seen_skew_ms = 0;
}

static void
aws_call_done(void *arg, struct http_exchange *exchange, int status, struct tmf_err *err)
{
	struct aws_call *call = arg;
	struct aws_client *client = call->client;
	struct reply_source source = {client->transport, exchange};
	const struct aws_reply_headers headers = {reply_source_get, &source, status};

	assert((status == 0) == tmf_err_isset(err));
	call->exchange = NULL;
	if (status == 0) {
		aws_call_name_trouble(call, err);
		aws_call_note_trouble(client, err);
		tally_reply(client->tally, call->operation.name, 0, err->name, false);
		aws_call_failed(call, err, NULL);
		return;
	}
	histogram_add(&client->durations, tmf_loop_mono_ms(client->loop) - call->sent_mono_ms);
	buf_reset(&client->trouble);
	client->unanswered = 0;
	aws_call_note_date(client, headers.get(headers.arg, "Date"));
	aws_call_replied(call, exchange, status, &headers);
}
