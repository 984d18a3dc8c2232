#include "aws/services/json_operation.h"

#include "base/jsonx.h"

struct tmf_call *
aws_json_call(struct aws_client *client, const struct aws_operation *operation, json_t *params)
{
	struct aws_operation filled = *operation;

	jsonx_write(params, &filled.body);
	json_decref(params);
	return aws_client_call(client, &filled);
}
