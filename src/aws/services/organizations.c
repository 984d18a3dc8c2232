#include "aws/services/organizations.h"

#include "aws/services/operation.h"
#include "aws/wire/endpoint.h"
#include "base/jsonx.h"

#include <assert.h>
#include <string.h>

/* See: https://docs.aws.amazon.com/general/latest/gr/ao.html */
const char *
organizations_region(const char *region)
{
	const char *partition = endpoint_partition(region);

	if (strcmp(partition, "aws-us-gov") == 0)
		return "us-gov-west-1";
	return strcmp(partition, "aws-cn") == 0 ? "cn-northwest-1" : "us-east-1";
}

static json_t *
organizations_params(const char *parent_id, const char *next_token)
{
	json_t *params = json_object();

	jsonx_put_string(params, "ParentId", parent_id);
	jsonx_put_string(params, "NextToken", next_token);
	return params;
}

/* Of the whole organization, flat: which unit an account is in does not matter here. */
static struct tmf_call *
organizations_ask_accounts(
    struct aws_client *organizations, const char *parent_id, const char *next_token)
{
	static const struct aws_operation operation = {.name = "ListAccounts"};

	assert(parent_id == NULL);
	return aws_json_call(organizations, &operation, organizations_params(NULL, next_token));
}

const struct token_list organizations_list_accounts = {
    "ListAccounts", "NextToken", organizations_ask_accounts};

/* Only those directly in the parent, and the same of units: who wants all below asks for each. */
static struct tmf_call *
organizations_ask_accounts_of(
    struct aws_client *organizations, const char *parent_id, const char *next_token)
{
	static const struct aws_operation operation = {.name = "ListAccountsForParent"};

	assert(parent_id != NULL);
	return aws_json_call(
	    organizations, &operation, organizations_params(parent_id, next_token));
}

const struct token_list organizations_list_accounts_of = {
    "ListAccountsForParent", "NextToken", organizations_ask_accounts_of};

static struct tmf_call *
organizations_ask_units_of(
    struct aws_client *organizations, const char *parent_id, const char *next_token)
{
	static const struct aws_operation operation = {.name = "ListOrganizationalUnitsForParent"};

	assert(parent_id != NULL);
	return aws_json_call(
	    organizations, &operation, organizations_params(parent_id, next_token));
}

const struct token_list organizations_list_units_of = {
    "ListOrganizationalUnitsForParent", "NextToken", organizations_ask_units_of};
