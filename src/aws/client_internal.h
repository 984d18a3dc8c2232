#ifndef TMFLOW_AWS_CLIENT_INTERNAL_H
#define TMFLOW_AWS_CLIENT_INTERNAL_H

#include "aws/client.h"
#include "aws/wire/protocol.h"

#include <stddef.h>

/* Limits of one attempt. */
#define AWS_CONNECT_TIMEOUT_MS 5000
#define AWS_TOTAL_TIMEOUT_MS   30000
#define AWS_REPLY_BYTES_MAX    (32u << 20)

/* A service as its model has it. */
struct aws_service {
	const char *signing_name; /* "states" */
	const char *
	    env_suffix; /* of AWS_ENDPOINT_URL_..., "SFN"; in lower case its name in a profile's services section */
	const struct aws_protocol *protocol;
	const char
	    *target_prefix; /* of X-Amz-Target, "AWSStepFunctions"; NULL: the protocol has none */
	bool query_mode;    /* SQS: its older error names are asked for too */
};

/* The i-th of AWS_SERVICES_MAX, and which one has a signing name, which must be one of theirs. */
const struct aws_service *aws_service_at(size_t i);
size_t aws_service_index(const char *signing_name);

/* Starts an operation of the client's service. Moves operation->body. */
struct tmf_call *aws_client_call(struct aws_client *client, struct aws_operation *operation);

#endif
