#ifndef TMFLOW_SERVE_WEB_H
#define TMFLOW_SERVE_WEB_H

#include "loop/http.h"

/* One HTTP request at a time whose reply is wanted whole. Lives in its owner. */

struct web_reply {
	int status; /* 0: none came, err says why */
	struct str body;
	struct tmf_err *err;
	const struct http_transport *transport;
	const struct http_exchange *exchange;
};

struct web {
	struct http_transport *transport;
	struct http_exchange *exchange; /* NULL: nothing is under way */
	struct buf body;
	void (*done)(void *arg, const struct web_reply *reply);
	void *arg;
};

/* done comes from the loop, exactly once, unless cancelled; it may start the next request. */
void
web_start(struct web *web, struct http_transport *transport, const struct http_request *request,
    void (*done)(void *arg, const struct web_reply *reply), void *arg);
void web_cancel(struct web *web);

/* NULL if absent; valid within done. */
const char *web_reply_header(const struct web_reply *reply, const char *name);

#endif
