#ifndef TMFLOW_CLI_PLACES_ORGANIZATION_H
#define TMFLOW_CLI_PLACES_ORGANIZATION_H

#include "cli/places/places.h"
#include "cli/workspace/workspace.h"

/*
 * All active accounts of an AWS organization, each in the regions that it has enabled: what
 * --organization stands for. Accounts are listed with the keys of the base, and regions with those
 * of the role that is assumed in each account, a few accounts at a time.
 */

/* Each holds a client and a connection. One after another would wait for the network. */
#define ORGANIZATION_AT_ONCE_MAX 8

/* AWS Organizations: 2,000 units in an organization by default, 5 levels deep. */
#define ORGANIZATION_UNITS_MAX 10000

/* Pages of one listing: of 20 accounts or units each. AWS may send short and empty ones. */
#define ORGANIZATION_PAGES_MAX 10000

/*
 * Checks the options that go with --organization: the role, and the ids of units and accounts.
 * Errors: TMF_ERR_INVALID.
 */
int organization_check(const struct cli_opts *opts, struct tmf_err *err);

/*
 * Adds the accounts and regions to places, which are empty. base: connected; borrowed, its loop
 * runs until all is listed. Accounts that are not active, and regions of --region that an account
 * has not enabled, are left out with a line on standard error. An account whose regions cannot be
 * listed becomes a place with its fault, so that it is reported where the place would be.
 * Errors: AWS's of the lists of accounts; TMF_ERR_INVALID where no account is left; TMF_ERR_LIMIT.
 */
int organization_list(const struct cli_opts *opts, struct workspace *base, struct places *places,
    struct tmf_err *err);

#endif
