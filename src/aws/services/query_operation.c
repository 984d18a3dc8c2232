#include "aws/services/query_operation.h"

/* The metadata beside it has the request's id, which the client reads by itself. */
json_t *
query_operation_result(json_t *reply)
{
	json_t *result = json_incref(json_object_get(reply, "Result"));

	json_decref(reply);
	return result != NULL ? result : json_object();
}
