#ifndef TMFLOW_AWS_SERVICES_EVENTBRIDGE_H
#define TMFLOW_AWS_SERVICES_EVENTBRIDGE_H

#include "aws/client.h"

/*
 * Typed calls of EventBridge (JSON 1.1). See:
 * https://docs.aws.amazon.com/eventbridge/latest/APIReference/
 * The client's service is "events". token_pages (pager.h) reads the list.
 */

struct token_list;

/* The rules of the default event bus. A page: {"Rules": [{Name, Description?, State: "ENABLED" or
 * "DISABLED", EventPattern?}], "NextToken"?}. */
extern const struct token_list eventbridge_list_rules;

#endif
