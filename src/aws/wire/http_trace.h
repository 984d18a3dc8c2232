#ifndef TMFLOW_AWS_WIRE_HTTP_TRACE_H
#define TMFLOW_AWS_WIRE_HTTP_TRACE_H

#include "loop/http.h"

/* Of each body this much is shown; the rest is counted. A page of instances has megabytes. */
#define HTTP_TRACE_BODY_BYTES_MAX (4u << 10)

/*
 * A transport over another one that logs each request and each reply, without secrets (redact.h),
 * in one block with log_block. Of an exchange that is marked secret neither body is shown. inner
 * and loop are borrowed and outlive it.
 */
struct http_transport *http_trace_new(struct tmf_loop *loop, struct http_transport *inner);

/* Cancels what is under way. NULL is fine. */
void http_trace_free(struct http_transport *transport);

#endif
