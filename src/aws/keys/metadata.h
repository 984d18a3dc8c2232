#ifndef TMFLOW_AWS_KEYS_METADATA_H
#define TMFLOW_AWS_KEYS_METADATA_H

#include "aws/keys/credentials_chain.h"
#include "tmflow/call.h"

/* A small request to an endpoint of the machine's or the container's: never by way of a proxy. All
 * borrowed until it returns. */
struct metadata_request {
	const char *method;
	const char *url;
	const char *header_name; /* NULL: none */
	const char *header_value;
	int64_t timeout_ms;
	int attempts_max;
	int64_t pause_ms; /* between attempts */
};

#define METADATA_BYTES_MAX (64u << 10)

/* Asks, and asks again when no reply came or one that says that the server stumbled.
 * Returns: {"Status": integer, "Body": string}. Errors: TMF_ERR_TRANSPORT when no attempt brought a
 * reply, TMF_ERR_REPLY for one that is not UTF-8. */
struct tmf_call *
metadata_ask(const struct credentials_opts *opts, const struct metadata_request *request);

/* The parts of a result. */
int metadata_status(const json_t *result);
const char *metadata_body(const json_t *result);

#endif
