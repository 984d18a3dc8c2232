#ifndef TMFLOW_AWS_SERVICES_EVENTBRIDGE_H
#define TMFLOW_AWS_SERVICES_EVENTBRIDGE_H

#include "aws/client.h"

/*
 * Typed calls of EventBridge (JSON 1.1). See:
 * https://docs.aws.amazon.com/eventbridge/latest/APIReference/
 * Every pointer given is borrowed until the function returns. The client's service is "events".
 */

/* A page of the rules of the default event bus; next_token NULL: the first one. {"Rules": [{Name,
 * Description?, State: "ENABLED" or "DISABLED", EventPattern?}], "NextToken"?}. Errors: AWS's. */
struct tmf_call *eventbridge_list_rules(struct aws_client *events, const char *next_token);

#endif
