#ifndef TMFLOW_AWS_WIRE_ECHO_H
#define TMFLOW_AWS_WIRE_ECHO_H

#include "base/buf.h"
#include "tmflow/error.h"

#include <jansson.h>

/* What the reply to a request repeats of it. HTTP/1.1 has nothing that ties a reply to its request
 * but their order on the connection, and one surplus reply of a proxy shifts all that follow. */
struct aws_echo {
	const char *parameter; /* of the request; NULL ends a list of them */
	const char *within; /* member of the reply: an object, or a list of one; NULL: the reply */
	const char *member; /* of that */
};

/* Compares what both have. body is form data, value a parsed reply.
 * Errors: TMF_ERR_REPLY naming the member. */
int aws_echo_check(
    const struct aws_echo *echoes, struct str body, const json_t *value, struct tmf_err *err);

#endif
