#ifndef TMFLOW_AWS_SERVICES_JSON_OPERATION_H
#define TMFLOW_AWS_SERVICES_JSON_OPERATION_H

#include "aws/client.h"

/* Starts an operation of a JSON service. Takes params; operation has its name and timeouts. */
struct tmf_call *
aws_json_call(struct aws_client *client, const struct aws_operation *operation, json_t *params);

#endif
