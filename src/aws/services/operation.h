#ifndef TMFLOW_AWS_SERVICES_OPERATION_H
#define TMFLOW_AWS_SERVICES_OPERATION_H

#include "aws/client.h"

/* Starts an operation of a JSON service. Takes params; operation has its name and timeouts. */
struct tmf_call *
aws_json_call(struct aws_client *client, const struct aws_operation *operation, json_t *params);

/* For aws_operation.convert of the Query protocol, which wraps a result in <OperationResult>, where
 * EC2 has none: what the reply's shape calls "Result", so that callers see one form. Without it an
 * empty object, whose missing members the caller then reports. Takes reply, gives a new reference.
 * See: https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#response-serialization */
json_t *query_operation_result(json_t *reply);

#endif
