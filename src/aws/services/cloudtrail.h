#ifndef TMFLOW_AWS_SERVICES_CLOUDTRAIL_H
#define TMFLOW_AWS_SERVICES_CLOUDTRAIL_H

#include "aws/client.h"

/*
 * Typed calls of CloudTrail (JSON 1.1): who called what. See:
 * https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
 * The client's service is "cloudtrail". token_pages (pager.h) reads the list.
 */

struct token_list;

#define CLOUDTRAIL_PAGE_MAX 50 /* AWS: events on a page */

/*
 * The events of a name, which `of` is, of the last 90 days, newest first. AWS takes two such calls
 * a second. A page: {"Events": [{EventId, EventName, EventTime: seconds, Username?, Resources:
 * [{ResourceType, ResourceName}], CloudTrailEvent: the whole event as JSON text}], "NextToken"?}
 */
extern const struct token_list cloudtrail_events;

#endif
