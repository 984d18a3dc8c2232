#include "aws/services/eventbridge.h"

#include "aws/services/operation.h"
#include "base/jsonx.h"

#include <assert.h>

/* Without EventBusName AWS lists the default bus: the one that EC2 and GuardDuty send to. */
static struct tmf_call *
eventbridge_ask_rules(struct aws_client *events, const char *of, const char *next_token)
{
	static const struct aws_operation operation = {.name = "ListRules"};
	json_t *params = json_object();

	assert(of == NULL);
	jsonx_put_string(params, "NextToken", next_token);
	return aws_json_call(events, &operation, params);
}

const struct token_list eventbridge_list_rules = {"ListRules", "NextToken", eventbridge_ask_rules};
