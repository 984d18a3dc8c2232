#include "aws/services/cloudtrail.h"

#include "aws/services/operation.h"
#include "base/jsonx.h"

#include <assert.h>

#define MS_PER_SECOND 1000

/* LookupEvents takes one attribute at a time: several would be refused. */
struct tmf_call *
cloudtrail_lookup_events(struct aws_client *cloudtrail, const char *event_name,
    int64_t start_wall_ms, const char *next_token)
{
	static const struct aws_operation operation = {.name = "LookupEvents"};
	json_t *params = json_object();

	assert(event_name != NULL);
	json_object_set_new(params, "LookupAttributes",
	    json_pack("[{s:s, s:s}]", "AttributeKey", "EventName", "AttributeValue", event_name));
	json_object_set_new(params, "MaxResults", json_integer(CLOUDTRAIL_PAGE_MAX));
	if (start_wall_ms > 0)
		json_object_set_new(
		    params, "StartTime", json_integer(start_wall_ms / MS_PER_SECOND));
	jsonx_put_string(params, "NextToken", next_token);
	return aws_json_call(cloudtrail, &operation, params);
}
