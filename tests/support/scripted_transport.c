#include "scripted_transport.h"

#include "base/mem.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct http_exchange {
	struct tmf_task task; /* first */
	struct scripted_transport *scripted;
	struct http_handler handler;
	int status;
	struct buf body;
	char request_id[64]; /* that of the options; no two replies have the same */
};

struct scripted_transport {
	struct http_transport transport; /* first */
	struct scripted_opts opts;
	struct scripted_request requests[SCRIPTED_REQUESTS_MAX];
	size_t sent;
	size_t open;
};

static void
exchange_free(struct http_exchange *exchange)
{
	exchange->scripted->open--;
	buf_fini(&exchange->body);
	free(exchange);
}

/* Hands the body over piece by piece; a handler may refuse one. */
static int
deliver_body(struct http_exchange *exchange, struct tmf_err *err)
{
	struct str rest = buf_str(&exchange->body);
	size_t piece = exchange->scripted->opts.piece_bytes;

	while (rest.len > 0) {
		size_t len = piece > 0 && piece < rest.len ? piece : rest.len;

		if (exchange->handler.body(exchange->handler.arg, exchange->status,
			(struct str){rest.p, len}, err) != 0)
			return -1;
		rest.p += len;
		rest.len -= len;
	}
	return 0;
}

static void
deliver(struct tmf_task *task)
{
	struct http_exchange *exchange = (struct http_exchange *)task;
	struct tmf_err err = {0};
	int status = exchange->status;

	if (status == 0)
		tmf_err_set(&err, TMF_ERR_TRANSPORT, "%s", buf_cstr(&exchange->body));
	else if (deliver_body(exchange, &err) < 0)
		status = 0;
	exchange->handler.done(exchange->handler.arg, exchange, status, &err);
	tmf_err_fini(&err);
	exchange_free(exchange);
}

static void
keep_request(struct scripted_transport *scripted, const struct http_request *request)
{
	struct scripted_request *kept = &scripted->requests[scripted->sent];

	assert(scripted->sent < SCRIPTED_REQUESTS_MAX);
	kept->method = mem_strdup(request->method);
	kept->url = mem_strdup(request->url);
	kept->body = mem_strndup(request->body.p, request->body.len);
	kept->headers_count = request->headers_count;
	for (size_t i = 0; i < request->headers_count; i++)
		kept->headers[i] = (struct http_header){
		    mem_strdup(request->headers[i].name), mem_strdup(request->headers[i].value)};
}

static void
answer_from_list(struct http_exchange *exchange, const struct http_request *request, size_t number)
{
	const struct scripted_opts *opts = &exchange->scripted->opts;
	const struct scripted_reply *reply;

	assert(opts->replies_count > 0);
	reply = &opts->replies[number < opts->replies_count ? number : opts->replies_count - 1];
	if (reply->operation != NULL) {
		size_t len = strlen(reply->operation);

		assert(str_starts(request->body, "Action="));
		assert(request->body.len > strlen("Action=") + len);
		assert(strncmp(request->body.p + strlen("Action="), reply->operation, len) == 0);
		assert(request->body.p[strlen("Action=") + len] == '&');
	}
	exchange->status = reply->status;
	buf_add_str(&exchange->body, str_of(reply->body));
}

static struct http_exchange *
start(struct http_transport *transport, const struct http_request *request,
    const struct http_handler *handler)
{
	struct scripted_transport *scripted = (struct scripted_transport *)transport;
	const struct scripted_opts *opts = &scripted->opts;
	struct http_exchange *exchange = mem_zalloc(1, sizeof(*exchange));

	exchange->task.run = deliver;
	exchange->scripted = scripted;
	exchange->handler = *handler;
	if (opts->request_id != NULL)
		snprintf(exchange->request_id, sizeof(exchange->request_id),
		    scripted->sent > 0 ? "%s-%zu" : "%s", opts->request_id, scripted->sent + 1);
	keep_request(scripted, request);
	if (opts->answer != NULL)
		opts->answer(opts->answer_arg, request, &exchange->status, &exchange->body);
	else
		answer_from_list(exchange, request, scripted->sent);
	scripted->sent++;
	scripted->open++;
	tmf_loop_post(opts->loop, &exchange->task);
	return exchange;
}

static void
cancel(struct http_transport *transport, struct http_exchange *exchange)
{
	struct scripted_transport *scripted = (struct scripted_transport *)transport;

	tmf_loop_unpost(scripted->opts.loop, &exchange->task);
	exchange_free(exchange);
}

static const char *
reply_header(const struct http_exchange *exchange, const char *name)
{
	const struct http_header *header = exchange->scripted->opts.headers;

	for (; header != NULL && header->name != NULL; header++)
		if (strcasecmp(name, header->name) == 0)
			return header->value;
	return strcasecmp(name, "x-amzn-requestid") == 0 && exchange->request_id[0] != '\0'
		   ? exchange->request_id
		   : NULL;
}

char *
scripted_text(const uint8_t *data, size_t size)
{
	char *text = mem_alloc(size + 1);

	for (size_t i = 0; i < size; i++)
		text[i] = (char)(data[i] != '\0' ? data[i] : ' ');
	text[size] = '\0';
	return text;
}

struct scripted_transport *
scripted_transport_new(const struct scripted_opts *opts)
{
	struct scripted_transport *scripted = mem_zalloc(1, sizeof(*scripted));

	scripted->transport =
	    (struct http_transport){.start = start, .cancel = cancel, .reply_header = reply_header};
	scripted->opts = *opts;
	return scripted;
}

static void
request_fini(struct scripted_request *request)
{
	free(request->method);
	free(request->url);
	free(request->body);
	for (size_t i = 0; i < request->headers_count; i++) {
		free((char *)(uintptr_t)request->headers[i].name);
		free((char *)(uintptr_t)request->headers[i].value);
	}
}

void
scripted_transport_free(struct scripted_transport *scripted)
{
	if (scripted == NULL)
		return;
	assert(scripted->open == 0);
	for (size_t i = 0; i < scripted->sent; i++)
		request_fini(&scripted->requests[i]);
	free(scripted);
}

struct http_transport *
scripted_transport_http(struct scripted_transport *scripted)
{
	return &scripted->transport;
}

size_t
scripted_transport_sent(const struct scripted_transport *scripted)
{
	return scripted->sent;
}

size_t
scripted_transport_open(const struct scripted_transport *scripted)
{
	return scripted->open;
}

const struct scripted_request *
scripted_transport_request(const struct scripted_transport *scripted, size_t i)
{
	assert(i < scripted->sent);
	return &scripted->requests[i];
}

const char *
scripted_request_header(const struct scripted_request *request, const char *name)
{
	for (size_t i = 0; i < request->headers_count; i++)
		if (strcmp(request->headers[i].name, name) == 0)
			return request->headers[i].value;
	return NULL;
}
