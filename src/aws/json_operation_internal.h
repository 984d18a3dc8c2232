#ifndef TMFLOW_AWS_JSON_OPERATION_INTERNAL_H
#define TMFLOW_AWS_JSON_OPERATION_INTERNAL_H

#include "client_internal.h"

/* Starts an operation of a JSON service. Takes params; operation has its name and time-outs. */
struct call *
aws_json_call(struct aws_client *client, const struct aws_operation *operation, json_t *params);

#endif
