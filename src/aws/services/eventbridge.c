#include "aws/services/eventbridge.h"

#include "aws/services/operation.h"
#include "base/jsonx.h"

struct tmf_call *
eventbridge_list_rules(struct aws_client *events, const char *next_token)
{
	static const struct aws_operation operation = {.name = "ListRules"};
	json_t *params = json_object();

	jsonx_put_string(params, "NextToken", next_token);
	return aws_json_call(events, &operation, params);
}
