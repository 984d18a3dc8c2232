#ifndef TMFLOW_AWS_SERVICE_H
#define TMFLOW_AWS_SERVICE_H

#include "aws/wire/protocol.h"

#include <stdbool.h>
#include <stddef.h>

/* The services that are spoken to: which they are, and how. */

#define AWS_SERVICES_MAX 13

/* A service as its model describes it. */
struct aws_service {
	const char *signing_name; /* "states" */
	/* Of AWS_ENDPOINT_URL_..., "SFN"; in lower case its name in a profile's services
	 * section. */
	const char *env_suffix;
	/* NULL: it hands out keys, so nothing that goes there is signed; see keys/. */
	const struct aws_protocol *protocol;
	const char *target_prefix; /* of X-Amz-Target; NULL: the protocol has none */
	bool query_mode;	   /* SQS: its older error names are asked for too */
};

/* The i-th of AWS_SERVICES_MAX services. */
const struct aws_service *aws_service_at(size_t i);

/* The place of the service that signs as signing_name, which must be one of them. */
size_t aws_service_index(const char *signing_name);

#endif
