#include "aws/keys/metadata.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* One request to an address that hands out keys or a token, repeated as its caller says. Its body
 * is wiped, and its exchange marked secret, so that a trace shows neither. */
struct metadata {
	struct tmf_call call; /* first */
	struct http_transport *transport;
	struct http_exchange *exchange;
	struct tmf_timer pause;
	struct metadata_request request; /* its texts are owned */
	int attempt;
	struct buf body;
};

static void metadata_send(struct metadata *metadata);

/* Only one of the two is under way, but disarming an unarmed timer is harmless. */
static void
metadata_cancel(struct tmf_call *call)
{
	struct metadata *metadata = (struct metadata *)call;

	if (metadata->exchange != NULL)
		metadata->transport->cancel(metadata->transport, metadata->exchange);
	tmf_loop_timer_disarm(call->loop, &metadata->pause);
}

/* The request's texts are const for its readers and owned here, hence the casts. The whole
 * capacity is wiped, not only the length: an earlier and longer reply may stand behind it. */
static void
metadata_free(struct tmf_call *call)
{
	struct metadata *metadata = (struct metadata *)call;
	char *value = (char *)(uintptr_t)metadata->request.header_value;

	if (value != NULL)
		mem_wipe(value, strlen(value));
	free(value);
	free((char *)(uintptr_t)metadata->request.method);
	free((char *)(uintptr_t)metadata->request.url);
	free((char *)(uintptr_t)metadata->request.header_name);
	mem_wipe(metadata->body.p, metadata->body.cap);
	buf_fini(&metadata->body);
	free(metadata);
}

static const struct tmf_call_ops metadata_ops = {
    .cancel = metadata_cancel, .free_call = metadata_free};

/* Bounded by the transport: METADATA_BYTES_MAX. Errors are kept as well: the caller decides by
 * the status. */
static int
metadata_take_body(void *arg, int status, struct str part, struct tmf_err *err)
{
	struct metadata *metadata = arg;

	(void)status;
	(void)err;
	buf_add_str(&metadata->body, part);
	return 0;
}

/* Any status is a result: what a 404 means depends on what was asked for. */
static void
metadata_replied(struct metadata *metadata, int status)
{
	json_t *body = json_stringn(buf_cstr(&metadata->body), metadata->body.len);
	struct tmf_err err = {0};

	if (body != NULL) {
		tmf_call_complete(
		    &metadata->call, json_pack("{s:i, s:o}", "Status", status, "Body", body));
		return;
	}
	tmf_err_set(&err, TMF_ERR_REPLY, "%s answers with something that is not UTF-8",
	    metadata->request.url);
	tmf_call_complete_err(&metadata->call, &err);
}

static void
metadata_pause_over(struct tmf_timer *timer)
{
	metadata_send((struct metadata *)((char *)timer - offsetof(struct metadata, pause)));
}

/* These services are on the machine or beside it: what fails is repeated after a short pause,
 * not with exponential delays. A status below 500 is final: the same request would get the same
 * answer. No reply, or a status from 500 on, is repeated. */
static void
metadata_done(void *arg, struct http_exchange *exchange, int status, struct tmf_err *err)
{
	struct metadata *metadata = arg;

	(void)exchange;
	metadata->exchange = NULL;
	if ((status == 0 || status >= 500) && metadata->attempt < metadata->request.attempts_max)
		tmf_loop_timer_arm(metadata->call.loop, &metadata->pause,
		    tmf_loop_mono_ms(metadata->call.loop) + metadata->request.pause_ms);
	else if (status == 0)
		tmf_call_complete_err(&metadata->call, err);
	else
		metadata_replied(metadata, status);
}

/* Never through a proxy: the proxy has another link-local address behind it, and would see the
 * keys. One timeout serves for connecting and for the whole exchange, since the answers are a
 * few hundred bytes. The body of an earlier attempt is dropped before the next. */
static void
metadata_send(struct metadata *metadata)
{
	const struct metadata_request *request = &metadata->request;
	const struct http_header header = {request->header_name, request->header_value};
	const struct http_request http = {
	    .method = request->method,
	    .url = request->url,
	    .headers = &header,
	    .headers_count = request->header_name != NULL ? 1 : 0,
	    .connect_timeout_ms = request->timeout_ms,
	    .total_timeout_ms = request->timeout_ms,
	    .reply_bytes_max = METADATA_BYTES_MAX,
	    .no_proxy = true,
	    .operation = "metadata or keys",
	    .attempt = metadata->attempt + 1,
	    .secret = true,
	};
	const struct http_handler handler = {
	    .body = metadata_take_body, .done = metadata_done, .arg = metadata};

	assert(metadata->exchange == NULL && metadata->attempt < request->attempts_max);
	metadata->attempt++;
	buf_reset(&metadata->body);
	metadata->exchange = metadata->transport->start(metadata->transport, &http, &handler);
}

/* The caller's texts are copied, since they are mostly built for this one request. */
struct tmf_call *
metadata_ask(const struct credentials_opts *opts, const struct metadata_request *request)
{
	struct metadata *metadata = mem_zalloc(1, sizeof(*metadata));

	tmf_call_init(&metadata->call, &metadata_ops, opts->loop);
	metadata->transport = opts->transport;
	metadata->pause.fire = metadata_pause_over;
	metadata->request = *request;
	metadata->request.method = mem_strdup(request->method);
	metadata->request.url = mem_strdup(request->url);
	metadata->request.header_name = mem_strdup(request->header_name);
	metadata->request.header_value = mem_strdup(request->header_value);
	metadata_send(metadata);
	return &metadata->call;
}

/* Results are JSON, as with every call, so that they can be passed through a sequence. */
int
metadata_status(const json_t *result)
{
	return (int)json_integer_value(json_object_get(result, "Status"));
}

const char *
metadata_body(const json_t *result)
{
	return jsonx_get_string(result, "Body");
}
