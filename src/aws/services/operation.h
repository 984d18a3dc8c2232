#ifndef TMFLOW_AWS_SERVICES_OPERATION_H
#define TMFLOW_AWS_SERVICES_OPERATION_H

#include "aws/client.h"

/* Starts an operation of a JSON service. Takes params; operation has its name and timeouts. */
struct tmf_call *
aws_json_call(struct aws_client *client, const struct aws_operation *operation, json_t *params);

/* A list of such a service, of which each page says how the next one is asked for: pager.h reads it
 * to its end. */
struct token_list {
	const char *operation; /* "ListRules" */
	const char *token;     /* the reply's member with the next token: "NextToken" */
	/* New call for a page. of: what is listed of, as the list says (a parent, a name), NULL
	 * where it says nothing; next_token NULL: the first page. Both are borrowed until it
	 * returns. */
	struct tmf_call *(*ask)(struct aws_client *client, const char *of, const char *next_token);
};

/* For aws_operation.convert of the Query protocol, which wraps a result in <OperationResult>, where
 * EC2 has none: what the reply's shape calls "Result", so that callers see one form. Without it an
 * empty object, whose missing members the caller then reports. Takes reply, gives a new reference.
 * See: https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#response-serialization */
json_t *query_operation_result(json_t *reply);

#endif
