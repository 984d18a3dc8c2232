#ifndef TMFLOW_AWS_SERVICES_ORGANIZATIONS_H
#define TMFLOW_AWS_SERVICES_ORGANIZATIONS_H

#include "aws/client.h"

/*
 * Typed calls of AWS Organizations (JSON 1.1): which accounts there are. It has one endpoint in a
 * partition, and answers the management account and delegated administrators only. See:
 * https://docs.aws.amazon.com/organizations/latest/APIReference/
 * Every pointer given is borrowed until the function returns. next_token NULL: the first page.
 * The client's service is "organizations", its region organizations_region's.
 */

/* The region of Organizations' endpoint for a caller in that region. Static text. */
const char *organizations_region(const char *region);

/* A page of all accounts: {"Accounts": [{Id, Name, Status: "ACTIVE", "SUSPENDED" or
 * "PENDING_CLOSURE"}], "NextToken"?}. Errors: AWS's. */
struct tmf_call *
organizations_list_accounts(struct aws_client *organizations, const char *next_token);

/* The same of those that stand directly in an organizational unit or root. */
struct tmf_call *organizations_list_accounts_of(
    struct aws_client *organizations, const char *parent_id, const char *next_token);

/* A page of the units directly in another or a root: {"OrganizationalUnits": [{Id, Name}],
 * "NextToken"?}. Errors: AWS's. */
struct tmf_call *organizations_list_units_of(
    struct aws_client *organizations, const char *parent_id, const char *next_token);

#endif
