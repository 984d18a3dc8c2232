#include "aws/keys/key_request.h"

#include "aws/wire/endpoint.h"
#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* One request to an address that hands out keys or a token, repeated as its caller says. Its body
 * is wiped, and its exchange marked secret, so that a trace shows neither. */
struct key_exchange {
	struct tmf_call call; /* first */
	struct http_transport *transport;
	struct http_exchange *http;
	struct tmf_timer pause;
	struct key_request request; /* its texts are owned */
	size_t headers_count;
	int attempt;
	struct buf reply;
};

static void key_exchange_send(struct key_exchange *exchange);

/* Only one of the two is under way, but disarming an unarmed timer is harmless. */
static void
key_exchange_cancel(struct tmf_call *call)
{
	struct key_exchange *exchange = (struct key_exchange *)call;

	if (exchange->http != NULL)
		exchange->transport->cancel(exchange->transport, exchange->http);
	tmf_loop_timer_disarm(call->loop, &exchange->pause);
}

/* The request's texts are const for its readers and owned here, hence the cast. Any of them may
 * hold a secret. */
static void
key_exchange_drop_text(const char *text)
{
	char *owned = (char *)(uintptr_t)text;

	if (owned != NULL)
		mem_wipe(owned, strlen(owned));
	free(owned);
}

/* The whole capacity is wiped, not only the length: an earlier and longer reply may stand behind
 * it. */
static void
key_exchange_free(struct tmf_call *call)
{
	struct key_exchange *exchange = (struct key_exchange *)call;

	key_exchange_drop_text(exchange->request.method);
	key_exchange_drop_text(exchange->request.url);
	key_exchange_drop_text(exchange->request.body);
	for (size_t i = 0; i < exchange->headers_count; i++) {
		key_exchange_drop_text(exchange->request.headers[i].name);
		key_exchange_drop_text(exchange->request.headers[i].value);
	}
	mem_wipe(exchange->reply.p, exchange->reply.cap);
	buf_fini(&exchange->reply);
	free(exchange);
}

static const struct tmf_call_ops key_exchange_ops = {
    .cancel = key_exchange_cancel, .free_call = key_exchange_free};

/* Bounded by the transport: KEY_REPLY_BYTES_MAX. Errors are kept as well: the caller decides by
 * the status. */
static int
key_exchange_take_part(void *arg, int status, struct str part, struct tmf_err *err)
{
	struct key_exchange *exchange = arg;

	(void)status;
	(void)err;
	buf_add_str(&exchange->reply, part);
	return 0;
}

/* Any status is a result: what a 404 means depends on what was asked for. */
static void
key_exchange_replied(struct key_exchange *exchange, int status)
{
	json_t *body = json_stringn(buf_cstr(&exchange->reply), exchange->reply.len);
	struct tmf_err err = {0};

	if (body != NULL) {
		tmf_call_complete(
		    &exchange->call, json_pack("{s:i, s:o}", "Status", status, "Body", body));
		return;
	}
	tmf_err_set(&err, TMF_ERR_REPLY, "%s answers with something that is not UTF-8",
	    exchange->request.url);
	tmf_call_complete_err(&exchange->call, &err);
}

static void
key_exchange_pause_over(struct tmf_timer *timer)
{
	key_exchange_send(
	    (struct key_exchange *)((char *)timer - offsetof(struct key_exchange, pause)));
}

/* What fails is repeated after a short pause, not with exponential delays: most of these services
 * are on the machine or beside it. A status below 500 is final: the same request would get the
 * same answer. No reply, or a status from 500 on, is repeated. */
static void
key_exchange_done(void *arg, struct http_exchange *http, int status, struct tmf_err *err)
{
	struct key_exchange *exchange = arg;

	(void)http;
	exchange->http = NULL;
	if ((status == 0 || status >= 500) && exchange->attempt < exchange->request.attempts_max)
		tmf_loop_timer_arm(exchange->call.loop, &exchange->pause,
		    tmf_loop_mono_ms(exchange->call.loop) + exchange->request.pause_ms);
	else if (status == 0)
		tmf_call_complete_err(&exchange->call, err);
	else
		key_exchange_replied(exchange, status);
}

/* A local address is never asked through a proxy: the proxy has another link-local address behind
 * it, and would see the keys. One timeout serves for connecting and for the whole exchange, since
 * the answers are a few hundred bytes. The body of an earlier attempt is dropped before the
 * next. */
static void
key_exchange_send(struct key_exchange *exchange)
{
	const struct key_request *request = &exchange->request;
	const struct http_request http = {
	    .method = request->method,
	    .url = request->url,
	    .headers = request->headers,
	    .headers_count = exchange->headers_count,
	    .body = str_of(request->body),
	    .connect_timeout_ms = request->timeout_ms,
	    .total_timeout_ms = request->timeout_ms,
	    .reply_bytes_max = KEY_REPLY_BYTES_MAX,
	    .no_proxy = request->is_local,
	    .operation = "metadata or keys",
	    .attempt = exchange->attempt + 1,
	    .secret = true,
	};
	const struct http_handler handler = {
	    .body = key_exchange_take_part, .done = key_exchange_done, .arg = exchange};

	assert(exchange->http == NULL && exchange->attempt < request->attempts_max);
	exchange->attempt++;
	buf_reset(&exchange->reply);
	exchange->http = exchange->transport->start(exchange->transport, &http, &handler);
}

/* The caller's texts are copied, since they are mostly built for this one request. */
struct tmf_call *
key_request_send(const struct credentials_opts *opts, const struct key_request *request)
{
	struct key_exchange *exchange = mem_zalloc(1, sizeof(*exchange));
	struct key_request *own = &exchange->request;

	tmf_call_init(&exchange->call, &key_exchange_ops, opts->loop);
	exchange->transport = opts->transport;
	exchange->pause.fire = key_exchange_pause_over;
	*own = *request;
	own->method = mem_strdup(request->method);
	own->url = mem_strdup(request->url);
	own->body = mem_strdup(request->body);
	for (size_t i = 0; i < KEY_REQUEST_HEADERS_MAX && request->headers[i].name != NULL; i++) {
		own->headers[i].name = mem_strdup(request->headers[i].name);
		own->headers[i].value = mem_strdup(request->headers[i].value);
		exchange->headers_count++;
	}
	key_exchange_send(exchange);
	return &exchange->call;
}

/* A custom endpoint may have a path of its own, with a slash at its end or without. */
char *
key_request_url(const struct credentials_opts *opts, const char *service, const char *region,
    const char *path, struct tmf_err *err)
{
	const struct endpoint_opts wanted = {
	    .service = service,
	    .region = region,
	    .custom = aws_settings_endpoint(opts->settings, service),
	    .fips = opts->settings->use_fips,
	    .dual_stack = opts->settings->use_dual_stack,
	};
	struct endpoint endpoint;
	size_t len;
	char *url;

	if (endpoint_resolve(&wanted, &endpoint, err) < 0)
		return NULL;
	len = strlen(endpoint.url);
	while (len > 0 && endpoint.url[len - 1] == '/')
		len--;
	url = mem_printf("%.*s/%s", (int)len, endpoint.url, path);
	endpoint_fini(&endpoint);
	return url;
}

/* Results are JSON, as with every call, so that they can be passed through a sequence. */
int
key_reply_status(const json_t *result)
{
	return (int)json_integer_value(json_object_get(result, "Status"));
}

const char *
key_reply_body(const json_t *result)
{
	return jsonx_get_string(result, "Body");
}
