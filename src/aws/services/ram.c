#include "aws/services/ram.h"

#include "aws/services/operation.h"
#include "base/jsonx.h"

#include <assert.h>

#define RAM_PAGE_MAX 100 /* AWS: results on a page are from 1 to 500 */

/* Both lists take the same: what this account shares, and of that the mirror targets. */
static struct tmf_call *
ram_list(struct aws_client *ram, const struct aws_operation *operation, const char *next_token)
{
	json_t *params = json_object();

	jsonx_put_string(params, "resourceOwner", "SELF");
	jsonx_put_string(params, "resourceType", "ec2:TrafficMirrorTarget");
	json_object_set_new(params, "maxResults", json_integer(RAM_PAGE_MAX));
	jsonx_put_string(params, "nextToken", next_token);
	return aws_json_call(ram, operation, params);
}

static struct tmf_call *
ram_ask_shared_targets(struct aws_client *ram, const char *of, const char *next_token)
{
	static const struct aws_operation operation = {
	    .name = "ListResources", .path = "/listresources"};

	assert(of == NULL);
	return ram_list(ram, &operation, next_token);
}

const struct token_list ram_list_shared_targets = {
    "ListResources", "nextToken", ram_ask_shared_targets};

static struct tmf_call *
ram_ask_target_principals(struct aws_client *ram, const char *of, const char *next_token)
{
	static const struct aws_operation operation = {
	    .name = "ListPrincipals", .path = "/listprincipals"};

	assert(of == NULL);
	return ram_list(ram, &operation, next_token);
}

const struct token_list ram_list_target_principals = {
    "ListPrincipals", "nextToken", ram_ask_target_principals};
