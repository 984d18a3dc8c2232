#include "aws/wire/http_trace.h"

#include "aws/wire/redact.h"
#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What is kept of a reply beyond what is shown, so that a secret that the end of what is shown
 * would cut is seen whole: no token is longer. */
#define MARGIN_BYTES (8u << 10)
#define KEPT_BYTES   (HTTP_TRACE_BODY_BYTES_MAX + MARGIN_BYTES)

/* Stands between a client and the real transport, and is one itself: neither knows that it is
 * traced. Exchanges are in a list, since the trace must be able to cancel those under way when
 * it is freed. */
struct http_trace {
	struct http_transport transport; /* first: the interface leads back here */
	struct http_transport *inner;
	struct tmf_loop *loop;
	uint64_t started;
	struct http_exchange *first; /* under way */
};

/* The secrets of a request are copied: the caller may free them before the reply comes. */
struct http_exchange {
	struct http_trace *trace;
	struct http_exchange *next;
	struct http_exchange *prev;
	struct http_exchange *inner;
	struct http_handler handler;
	uint64_t number; /* which request a reply belongs to */
	char *what;	 /* "DescribeInstances, attempt 1" */
	bool secret;
	char *token; /* what the request was signed with, to be found in the reply; NULL: without */
	char *authorization;
	int64_t start_mono_ms;
	struct buf body;     /* the reply's, as far as KEPT_BYTES */
	uint64_t body_bytes; /* all of it */
};

/* Headers of a reply that are shown, where it has them. */
static const char *const shown_headers[] = {"Date", "Content-Type", "Content-Length", "Retry-After",
    "x-amz-retry-after", "x-amzn-requestid", "x-amzn-errortype", "x-amzn-query-error"};

/* Names of headers are compared without case, as HTTP has it. */
static const char *
trace_request_header(const struct http_request *request, const char *name)
{
	for (size_t i = 0; i < request->headers_count; i++)
		if (strcasecmp(request->headers[i].name, name) == 0)
			return request->headers[i].value;
	return NULL;
}

/* Only headers that are known to be harmless show their values. */
static void
trace_add_header(struct buf *block, const char *name, const char *value)
{
	buf_printf(block, "  %s: ", name);
	redact_header(block, name, value);
	buf_add_char(block, '\n');
}

/* Each line of text set in. A body cannot then imitate the first line of another block, which
 * stands at the margin. */
static void
trace_add_indented(struct buf *block, struct str text)
{
	buf_add_cstr(block, "  ");
	for (size_t i = 0; i < text.len; i++) {
		buf_add_char(block, text.p[i]);
		if (text.p[i] == '\n' && i + 1 < text.len)
			buf_add_cstr(block, "  ");
	}
	if (text.len == 0 || text.p[text.len - 1] != '\n')
		buf_add_char(block, '\n');
}

/* The parts of "AWS4-HMAC-SHA256 Credential=KEY/scope, ..., Signature=hex" that must not be
 * shown where a reply repeats them. There they may stand without the name of a member in front,
 * and so they are searched for by value. */
static void
trace_add_signing_values(struct redact_values *values, const char *authorization)
{
	const char *key = strstr(authorization, "Credential=");
	const char *signature = strstr(authorization, "Signature=");

	if (key != NULL) {
		key += strlen("Credential=");
		values->at[values->count++] = (struct str){key, strcspn(key, "/")};
	}
	if (signature != NULL)
		values->at[values->count++] = str_of(signature + strlen("Signature="));
}

/* text is what is known about a body of this many bytes. A secret that was sent may come back in
 * an error, as SignatureDoesNotMatch repeats the canonical request. The text may be shorter than
 * bytes: a secret body is not kept at all. */
static void
trace_add_body(
    struct buf *block, const struct http_exchange *exchange, struct str text, uint64_t bytes)
{
	struct redact_values values = {0};
	struct buf shown = {0};

	if (bytes == 0)
		return;
	if (exchange->secret) {
		buf_printf(block, "\n  (%" PRIu64 " bytes that are secret)\n", bytes);
		return;
	}
	if (exchange->authorization != NULL)
		trace_add_signing_values(&values, exchange->authorization);
	if (exchange->token != NULL)
		values.at[values.count++] = str_of(exchange->token);
	redact_body(&shown, text, HTTP_TRACE_BODY_BYTES_MAX, &values);
	buf_add_char(block, '\n');
	trace_add_indented(block, buf_str(&shown));
	if (bytes > HTTP_TRACE_BODY_BYTES_MAX)
		buf_printf(block, "  (%" PRIu64 " bytes in all, the first %u are shown)\n", bytes,
		    HTTP_TRACE_BODY_BYTES_MAX);
	buf_fini(&shown);
}

/* One block, so that requests under way at once do not mix their lines. The URL is shown up to
 * its question mark, since a query may hold a token or a signature. */
static void
trace_request(const struct http_exchange *exchange, const struct http_request *request)
{
	struct buf block = {0};

	buf_printf(&block, "http %" PRIu64 " > %s ", exchange->number, request->method);
	redact_body(&block, str_of(request->url), strcspn(request->url, "?"), NULL);
	buf_printf(&block, " %s\n", exchange->what);
	for (size_t i = 0; i < request->headers_count; i++)
		trace_add_header(&block, request->headers[i].name, request->headers[i].value);
	trace_add_body(&block, exchange, request->body, request->body.len);
	log_block(buf_cstr(&block));
	buf_fini(&block);
}

/* The first line of how it ended. */
static void
trace_begin_reply(struct buf *block, const struct http_exchange *exchange)
{
	buf_printf(block, "http %" PRIu64 " < %s after %" PRId64 " ms: ", exchange->number,
	    exchange->what, tmf_loop_mono_ms(exchange->trace->loop) - exchange->start_mono_ms);
}

/* A status of 0 means that no reply came: then there are no headers to ask for. */
static void
trace_reply(const struct http_exchange *exchange, int status, const struct tmf_err *err)
{
	const struct http_transport *inner = exchange->trace->inner;
	struct buf block = {0};

	trace_begin_reply(&block, exchange);
	if (status == 0) {
		log_escape(&block, tmf_err_text(err));
		buf_add_char(&block, '\n');
	} else {
		buf_printf(&block, "status %d\n", status);
	}
	for (size_t i = 0; i < sizeof(shown_headers) / sizeof(shown_headers[0]); i++) {
		const char *value =
		    status != 0 ? inner->reply_header(exchange->inner, shown_headers[i]) : NULL;

		if (value != NULL)
			trace_add_header(&block, shown_headers[i], value);
	}
	trace_add_body(&block, exchange, buf_str(&exchange->body), exchange->body_bytes);
	log_block(buf_cstr(&block));
	buf_fini(&block);
}

static void
trace_wipe(char *secret)
{
	if (secret != NULL)
		mem_wipe(secret, strlen(secret));
	free(secret);
}

/* What was kept to find secrets by is one itself. */
static void
trace_free_exchange(struct http_exchange *exchange)
{
	if (exchange->prev != NULL)
		exchange->prev->next = exchange->next;
	else
		exchange->trace->first = exchange->next;
	if (exchange->next != NULL)
		exchange->next->prev = exchange->prev;
	free(exchange->what);
	trace_wipe(exchange->token);
	trace_wipe(exchange->authorization);
	if (exchange->body.p != NULL)
		mem_wipe(exchange->body.p, exchange->body.len);
	buf_fini(&exchange->body);
	free(exchange);
}

/* The caller gets every byte; only as much as may be shown is kept beside. A body that is marked
 * secret is only counted, so that its bytes never stand in two places. */
static int
trace_take_body(void *arg, int status, struct str part, struct tmf_err *err)
{
	struct http_exchange *exchange = arg;
	size_t room = KEPT_BYTES - exchange->body.len;

	assert(exchange->body.len <= KEPT_BYTES);
	if (!exchange->secret)
		buf_add(&exchange->body, part.p, part.len < room ? part.len : room);
	exchange->body_bytes += part.len;
	return exchange->handler.body(exchange->handler.arg, status, part, err);
}

/* Logged before the caller hears of it: what the caller logs about the reply comes after it. */
static void
trace_done(void *arg, struct http_exchange *inner, int status, struct tmf_err *err)
{
	struct http_exchange *exchange = arg;

	(void)inner;
	trace_reply(exchange, status, err);
	exchange->handler.done(exchange->handler.arg, exchange, status, err);
	trace_free_exchange(exchange);
}

/* The request is logged before it is started, so that a transport that fails at once is logged
 * after it. */
static struct http_exchange *
trace_start(struct http_transport *transport, const struct http_request *request,
    const struct http_handler *handler)
{
	struct http_trace *trace = (struct http_trace *)transport;
	struct http_exchange *exchange = mem_zalloc(1, sizeof(*exchange));
	const struct http_handler ours = {
	    .body = trace_take_body, .done = trace_done, .arg = exchange};

	exchange->trace = trace;
	exchange->handler = *handler;
	exchange->number = ++trace->started;
	exchange->what = mem_printf(request->attempt > 0 ? "%s, attempt %d" : "%s",
	    request->operation != NULL ? request->operation : "without a name", request->attempt);
	exchange->secret = request->secret;
	exchange->token = mem_strdup(trace_request_header(request, "X-Amz-Security-Token"));
	exchange->authorization = mem_strdup(trace_request_header(request, "Authorization"));
	exchange->start_mono_ms = tmf_loop_mono_ms(trace->loop);
	exchange->next = trace->first;
	if (trace->first != NULL)
		trace->first->prev = exchange;
	trace->first = exchange;
	trace_request(exchange, request);
	exchange->inner = trace->inner->start(trace->inner, request, &ours);
	return exchange;
}

/* The line says that the client gave up, so that a request without a reply is not taken for a
 * hang. */
static void
trace_cancel(struct http_transport *transport, struct http_exchange *exchange)
{
	struct http_trace *trace = (struct http_trace *)transport;
	struct buf block = {0};

	trace->inner->cancel(trace->inner, exchange->inner);
	trace_begin_reply(&block, exchange);
	buf_add_cstr(&block, "given up\n");
	log_block(buf_cstr(&block));
	buf_fini(&block);
	trace_free_exchange(exchange);
}

/* The caller holds our exchange, the transport below knows its own. */
static const char *
trace_reply_header(const struct http_exchange *exchange, const char *name)
{
	return exchange->trace->inner->reply_header(exchange->inner, name);
}

struct http_transport *
http_trace_new(struct tmf_loop *loop, struct http_transport *inner)
{
	struct http_trace *trace = mem_zalloc(1, sizeof(*trace));

	trace->transport = (struct http_transport){
	    .start = trace_start, .cancel = trace_cancel, .reply_header = trace_reply_header};
	trace->inner = inner;
	trace->loop = loop;
	return &trace->transport;
}

/* The inner transport is not freed here: its maker owns it. */
void
http_trace_free(struct http_transport *transport)
{
	struct http_trace *trace = (struct http_trace *)transport;
	struct http_exchange *next;

	if (trace == NULL)
		return;
	for (struct http_exchange *exchange = trace->first; exchange != NULL; exchange = next) {
		next = exchange->next;
		trace_cancel(transport, exchange);
	}
	free(trace);
}
