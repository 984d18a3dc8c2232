#ifndef TMFLOW_AWS_SERVICES_CLOUDTRAIL_H
#define TMFLOW_AWS_SERVICES_CLOUDTRAIL_H

#include "aws/client.h"

/*
 * Typed calls of CloudTrail (JSON 1.1): who called what. See:
 * https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
 * Every pointer given is borrowed until the function returns. The client's service is "cloudtrail".
 */

#define CLOUDTRAIL_PAGE_MAX 50 /* AWS: events on a page */

/*
 * A page of the events of that name of the last 90 days, newest first; next_token NULL: the first
 * one. start_wall_ms 0: from the earliest on. AWS takes two such calls a second.
 * {"Events": [{EventId, EventName, EventTime: seconds, Username?, Resources: [{ResourceType,
 * ResourceName}], CloudTrailEvent: the whole event as JSON text}], "NextToken"?}
 * Errors: AWS's.
 */
struct tmf_call *cloudtrail_lookup_events(struct aws_client *cloudtrail, const char *event_name,
    int64_t start_wall_ms, const char *next_token);

#endif
