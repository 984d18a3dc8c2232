#include "aws/services/operation.h"

#include "base/jsonx.h"

/* The body is written out here, so that a service's file builds an object and never text. params
 * is consumed even where the call fails later, as jansson's _new functions do. */
struct tmf_call *
aws_json_call(struct aws_client *client, const struct aws_operation *operation, json_t *params)
{
	struct aws_operation filled = *operation;

	jsonx_write(params, &filled.body);
	json_decref(params);
	return aws_client_call(client, &filled);
}

/* The metadata beside it has the request's id, which the client reads by itself. */
json_t *
query_operation_result(json_t *reply)
{
	json_t *result = json_incref(json_object_get(reply, "Result"));

	json_decref(reply);
	return result != NULL ? result : json_object();
}
