#ifndef TMFLOW_TESTS_SCRIPTED_TRANSPORT_H
#define TMFLOW_TESTS_SCRIPTED_TRANSPORT_H

#include "loop/http.h"

/*
 * A transport without a network: answers from a list, or by a callback, on the loop's next turn.
 * Keeps what was sent. A reply that was not expected, or one for another operation, fails an
 * assertion.
 */
struct scripted_transport;

#define SCRIPTED_REQUESTS_MAX 512

struct scripted_reply {
	const char *operation; /* the Action that must have been asked for; NULL: any */
	int status;	       /* 0: no reply, TMF_ERR_TRANSPORT with body as its text */
	const char *body;
};

/* Fills status and body (empty before). status 0 is as in a list. */
typedef void scripted_answer_fn(
    void *arg, const struct http_request *request, int *ret_status, struct buf *ret_body);

struct scripted_opts {
	struct tmf_loop *loop;
	const struct scripted_reply *replies; /* in order; the last one stays. Borrowed */
	size_t replies_count;
	scripted_answer_fn *answer; /* instead of replies */
	void *answer_arg;
	const char *request_id; /* the header x-amzn-requestid; NULL: none */
	const struct http_header
	    *headers; /* others, of every reply; ends with a NULL name; NULL: none. Borrowed */
	size_t piece_bytes; /* bodies come in pieces of so many bytes; 0: whole */
};

/* What was sent, copied. */
struct scripted_request {
	char *method;
	char *url;
	char *body;
	struct http_header headers[HTTP_HEADERS_MAX];
	size_t headers_count;
};

/* A fuzzer's bytes as a body: a zero byte becomes a blank. The caller frees it. */
char *scripted_text(const uint8_t *data, size_t size);

struct scripted_transport *scripted_transport_new(const struct scripted_opts *opts);

/* No exchange may be under way any more: asserted. */
void scripted_transport_free(struct scripted_transport *scripted);

/* Borrowed: for struct aws_client_opts. */
struct http_transport *scripted_transport_http(struct scripted_transport *scripted);

/* How many requests came, and how many of them are neither answered nor cancelled. */
size_t scripted_transport_sent(const struct scripted_transport *scripted);
size_t scripted_transport_open(const struct scripted_transport *scripted);

/* The i-th request. Borrowed. */
const struct scripted_request *
scripted_transport_request(const struct scripted_transport *scripted, size_t i);

/* A header of it by exact name; NULL if absent. */
const char *scripted_request_header(const struct scripted_request *request, const char *name);

#endif
