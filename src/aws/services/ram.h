#ifndef TMFLOW_AWS_SERVICES_RAM_H
#define TMFLOW_AWS_SERVICES_RAM_H

#include "aws/client.h"

/*
 * Typed calls of the Resource Access Manager (REST JSON): whom the account's traffic mirror targets
 * are shared with. See: https://docs.aws.amazon.com/ram/latest/APIReference/
 * The client's service is "ram". token_pages (pager.h) reads the lists.
 */

struct token_list;

/* The account's own targets that are shared. A page: {"resources": [{arn, resourceShareArn}],
 * "nextToken"?}. */
extern const struct token_list ram_list_shared_targets;

/* Whom they are shared with. A page: {"principals": [{id: an account's id, or the ARN of an
 * organization or unit, resourceShareArn, external: outside of the organization}],
 * "nextToken"?}. */
extern const struct token_list ram_list_target_principals;

#endif
