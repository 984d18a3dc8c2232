#ifndef TMFLOW_AWS_SERVICES_RAM_H
#define TMFLOW_AWS_SERVICES_RAM_H

#include "aws/client.h"

/*
 * Typed calls of the Resource Access Manager (REST JSON): whom the account's traffic mirror targets
 * are shared with. See: https://docs.aws.amazon.com/ram/latest/APIReference/
 * Every pointer given is borrowed until the function returns. next_token NULL: the first page.
 * The client's service is "ram".
 */

/* A page of the account's own targets that are shared: {"resources": [{arn, resourceShareArn}],
 * "nextToken"?}. Errors: AWS's. */
struct tmf_call *ram_list_shared_targets(struct aws_client *ram, const char *next_token);

/* A page of whom they are shared with: {"principals": [{id: an account's id, or the ARN of an
 * organization or unit, resourceShareArn, external: outside of the organization}], "nextToken"?}.
 * Errors: AWS's. */
struct tmf_call *ram_list_target_principals(struct aws_client *ram, const char *next_token);

#endif
