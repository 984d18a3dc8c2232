#ifndef TMFLOW_AWS_KEYS_KEY_REQUEST_H
#define TMFLOW_AWS_KEYS_KEY_REQUEST_H

#include "aws/keys/credentials_chain.h"
#include "tmflow/call.h"

#define KEY_REQUEST_HEADERS_MAX 2

/* A small request for keys or for a token: to an endpoint of the machine's, of the container's, or
 * to a service that hands out keys without a signature. All borrowed until it returns. */
struct key_request {
	const char *method;
	const char *url;
	struct http_header
	    headers[KEY_REQUEST_HEADERS_MAX]; /* the first without a name ends them */
	const char *body;		      /* NULL: none */
	int64_t timeout_ms;
	int attempts_max;
	int64_t pause_ms; /* between attempts */
	bool is_local;	  /* of this machine's: never by way of a proxy */
};

#define KEY_REPLY_BYTES_MAX (64u << 10)

/* Asks, and asks again when no reply came or one that says that the server stumbled.
 * Returns: {"Status": integer, "Body": string}. Errors: TMF_ERR_TRANSPORT when no attempt brought a
 * reply, TMF_ERR_REPLY for one that is not UTF-8. */
struct tmf_call *
key_request_send(const struct credentials_opts *opts, const struct key_request *request);

/* The URL of path (without a slash at its front) at a service that hands out keys, in that region:
 * its own endpoint, or the one that the settings name. Returns: malloc'ed, or NULL with *err. */
char *key_request_url(const struct credentials_opts *opts, const char *service, const char *region,
    const char *path, struct tmf_err *err);

/* The parts of a result. */
int key_reply_status(const json_t *result);
const char *key_reply_body(const json_t *result);

#endif
