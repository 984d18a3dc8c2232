#include "serve/web.h"

#include <assert.h>

/*
 * Collects the body whole. The peers are the runtime API and CloudFormation, and a Lambda
 * payload is 6 MB at most.
 */
static int
take_body(void *arg, int status, struct str part, struct tmf_err *err)
{
	struct web *web = arg;

	(void)status;
	(void)err;
	buf_add_str(&web->body, part);
	return 0;
}

/*
 * The web is idle again before done is called, because done may start its next exchange or free
 * the struct that holds it. Only the local copy of the body is used after that.
 */
static void
exchange_done(void *arg, struct http_exchange *exchange, int status, struct tmf_err *err)
{
	struct web *web = arg;
	struct buf body = web->body;
	const struct web_reply reply = {
	    .status = status,
	    .body = buf_str(&body),
	    .err = err,
	    .transport = web->transport,
	    .exchange = exchange,
	};

	web->exchange = NULL;
	web->body = (struct buf){0};
	web->done(web->arg, &reply);
	buf_fini(&body);
}

void
web_start(struct web *web, struct http_transport *transport, const struct http_request *request,
    void (*done)(void *arg, const struct web_reply *reply), void *arg)
{
	const struct http_handler handler = {.body = take_body, .done = exchange_done, .arg = web};

	assert(done != NULL);
	assert(web->exchange == NULL);
	web->transport = transport;
	web->done = done;
	web->arg = arg;
	web->exchange = transport->start(transport, request, &handler);
}

/* A cancelled exchange never calls done. An idle web is left as it is. */
void
web_cancel(struct web *web)
{
	if (web->exchange != NULL)
		web->transport->cancel(web->transport, web->exchange);
	web->exchange = NULL;
	buf_fini(&web->body);
	web->body = (struct buf){0};
}

const char *
web_reply_header(const struct web_reply *reply, const char *name)
{
	return reply->transport->reply_header(reply->exchange, name);
}
