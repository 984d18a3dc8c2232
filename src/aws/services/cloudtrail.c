#include "aws/services/cloudtrail.h"

#include "aws/services/operation.h"
#include "base/jsonx.h"

#include <assert.h>

/* LookupEvents takes one attribute at a time: several would be refused. */
static struct tmf_call *
cloudtrail_ask_events(struct aws_client *cloudtrail, const char *event_name, const char *next_token)
{
	static const struct aws_operation operation = {.name = "LookupEvents"};
	json_t *params = json_object();

	assert(event_name != NULL);
	json_object_set_new(params, "LookupAttributes",
	    json_pack("[{s:s, s:s}]", "AttributeKey", "EventName", "AttributeValue", event_name));
	json_object_set_new(params, "MaxResults", json_integer(CLOUDTRAIL_PAGE_MAX));
	jsonx_put_string(params, "NextToken", next_token);
	return aws_json_call(cloudtrail, &operation, params);
}

const struct token_list cloudtrail_events = {"LookupEvents", "NextToken", cloudtrail_ask_events};
