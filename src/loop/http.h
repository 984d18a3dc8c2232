#ifndef TMFLOW_LOOP_HTTP_H
#define TMFLOW_LOOP_HTTP_H

#include "base/buf.h"
#include "tmflow/error.h"
#include "tmflow/loop.h"

#include <stdbool.h>
#include <stdint.h>

/* Asynchronous HTTP behind an interface: libcurl's multi handle in the program, a scripted or
 * in-process one in tests. */

#define HTTP_HEADERS_MAX	     32
#define HTTP_REPLY_HEADER_BYTES_MAX  (64u << 10)
#define HTTP_REPLY_BYTES_MAX_DEFAULT (64u << 20)

struct http_header {
	const char *name;
	const char *value;
};

/* Borrowed until start returns; the transport copies what it needs. */
struct http_request {
	const char *method;
	const char *url;
	/* At most HTTP_HEADERS_MAX; Host and Content-Length are the transport's. */
	const struct http_header *headers;
	size_t headers_count;
	struct str body;
	int64_t connect_timeout_ms; /* 0: 5 s */
	int64_t total_timeout_ms;   /* 0: 60 s; -1: none */
	/* A longer reply fails the exchange (TMF_ERR_LIMIT). 0: HTTP_REPLY_BYTES_MAX_DEFAULT. */
	size_t reply_bytes_max;
	bool no_proxy;	       /* for metadata endpoints */
	const char *operation; /* for those who watch: "DescribeInstances"; NULL: unknown */
	int attempt;	       /* likewise, from 1; 0: unknown */
	bool secret;	       /* likewise: neither body may be shown */
};

struct http_exchange;

/* Names of a TMF_ERR_TRANSPORT that another attempt seldom helps against; others are
 * TMFlow.Transport. */
#define HTTP_ERROR_ENDPOINT "TMFlow.Endpoint" /* an unknown host, or one that refuses connections */
#define HTTP_ERROR_TLS	    "TMFlow.TLS"      /* no certificate, or one that cannot be verified */
#define HTTP_ERROR_PROXY    "TMFlow.Proxy"    /* an unknown proxy, or one that refuses CONNECT */

/* What the caller hears. Callbacks come from the loop, never from start. */
struct http_handler {
	/* A part of the body; status is known by now. Non-zero return fails the exchange with *err
	 * as set. */
	int (*body)(void *arg, int status, struct str part, struct tmf_err *err);
	/* Over, exactly once. status 0 and *err set: no (complete) reply. *err may be moved out.
	 * The exchange is freed afterwards. */
	void (*done)(void *arg, struct http_exchange *exchange, int status, struct tmf_err *err);
	void *arg;
};

struct http_transport {
	struct http_exchange *(*start)(struct http_transport *transport,
	    const struct http_request *request, const struct http_handler *handler);
	/* Drops the exchange: no callback comes any more. */
	void (*cancel)(struct http_transport *transport, struct http_exchange *exchange);
	/* Closes the exchange's connection, within done: its reply was not one to this request, and
	 * neither is what comes behind it. What shares the connection by now fails or is sent
	 * again. NULL: there are no connections. */
	void (*distrust)(struct http_transport *transport, struct http_exchange *exchange);
	/* A reply header by case-insensitive name, valid within done; NULL if absent. */
	const char *(*reply_header)(const struct http_exchange *exchange, const char *name);
};

struct http_curl_opts {
	const char *ca_bundle;	/* NULL: the system's */
	const char *user_agent; /* "tmflow/VERSION"; a request may have a header of its own */
	long connections_max;	/* total, 0: 64 */
};

/* libcurl's multi interface on the loop, which must outlive it. TLS 1.2 at least, verification on,
 * no redirects, http and https only. */
struct http_transport *
http_curl_new(struct tmf_loop *loop, const struct http_curl_opts *opts, struct tmf_err *err);

/* Ends what is under way without a callback, closes the connections. NULL is fine. */
void http_curl_free(struct http_transport *transport);

#endif
