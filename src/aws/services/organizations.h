#ifndef TMFLOW_AWS_SERVICES_ORGANIZATIONS_H
#define TMFLOW_AWS_SERVICES_ORGANIZATIONS_H

#include "aws/client.h"

/*
 * Typed calls of AWS Organizations (JSON 1.1): which accounts there are. It has one endpoint in a
 * partition, and answers the management account and delegated administrators only. See:
 * https://docs.aws.amazon.com/organizations/latest/APIReference/
 * The client's service is "organizations", its region organizations_region's. token_pages (pager.h)
 * reads the lists.
 */

struct token_list;

/* The region of Organizations' endpoint for a caller in that region. Static text. */
const char *organizations_region(const char *region);

/* All accounts. A page: {"Accounts": [{Id, Name, Status: "ACTIVE", "SUSPENDED" or
 * "PENDING_CLOSURE"}], "NextToken"?}. */
extern const struct token_list organizations_list_accounts;

/* The same of those that stand directly in an organizational unit or root, whose id `of` is. */
extern const struct token_list organizations_list_accounts_of;

/* The units directly in another or a root, whose id `of` is. A page: {"OrganizationalUnits": [{Id,
 * Name}], "NextToken"?}. */
extern const struct token_list organizations_list_units_of;

#endif
