#include "ec2_by_name.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *
text_of(const json_t *params, const char *key)
{
	return jsonx_get_string(params, key);
}

static int
int_of(const json_t *params, const char *key, int otherwise)
{
	const json_t *value = json_object_get(params, key);

	return value != NULL ? (int)json_integer_value(value) : otherwise;
}

static const char *
token_of(const json_t *params)
{
	const char *token = text_of(params, "ClientToken");

	return token != NULL ? token : "11111111-2222-4333-8444-555555555555";
}

/* The tags of the first TagSpecification. Borrowed. */
static json_t *
tags_of(const json_t *params)
{
	return json_object_get(
	    json_array_get(json_object_get(params, "TagSpecifications"), 0), "Tags");
}

static struct ec2_describe
describe_of(const json_t *params, const char *ids)
{
	return (struct ec2_describe){
	    .next_token = text_of(params, "NextToken"),
	    .max_results = int_of(params, "MaxResults", 0),
	    .filters = json_object_get(params, "Filters"),
	    .ids = json_object_get(params, ids),
	};
}

static struct ec2_session_spec
session_of(const json_t *params)
{
	return (struct ec2_session_spec){
	    .session_id = text_of(params, "TrafficMirrorSessionId"),
	    .network_interface_id = text_of(params, "NetworkInterfaceId"),
	    .target_id = text_of(params, "TrafficMirrorTargetId"),
	    .filter_id = text_of(params, "TrafficMirrorFilterId"),
	    .session_number = int_of(params, "SessionNumber", 100),
	    .virtual_network_id = int_of(params, "VirtualNetworkId", -1),
	    .packet_length = int_of(params, "PacketLength", 0),
	    .description = text_of(params, "Description"),
	    .tags = tags_of(params),
	    .client_token = token_of(params),
	};
}

static struct tmf_call *
describe_instances(struct aws_client *ec2, const json_t *params)
{
	struct ec2_describe describe = describe_of(params, "InstanceIds");

	return ec2_describe_instances(ec2, &describe);
}

static struct tmf_call *
describe_targets(struct aws_client *ec2, const json_t *params)
{
	struct ec2_describe describe = describe_of(params, "TrafficMirrorTargetIds");

	return ec2_describe_targets(ec2, &describe);
}

static struct tmf_call *
describe_sessions(struct aws_client *ec2, const json_t *params)
{
	struct ec2_describe describe = describe_of(params, "TrafficMirrorSessionIds");

	return ec2_describe_sessions(ec2, &describe);
}

static struct tmf_call *
create_target(struct aws_client *ec2, const json_t *params)
{
	return ec2_create_target(
	    ec2, &(struct ec2_create_target){
		     .network_interface_id = text_of(params, "NetworkInterfaceId"),
		     .network_load_balancer_arn = text_of(params, "NetworkLoadBalancerArn"),
		     .description = text_of(params, "Description"),
		     .tags = tags_of(params),
		     .client_token = token_of(params),
		 });
}

static struct tmf_call *
create_session(struct aws_client *ec2, const json_t *params)
{
	struct ec2_session_spec spec = session_of(params);

	return ec2_create_session(ec2, &spec);
}

static struct tmf_call *
modify_session(struct aws_client *ec2, const json_t *params)
{
	struct ec2_session_spec spec = session_of(params);

	return ec2_modify_session(ec2, &spec,
	    json_is_true(json_object_get(params, "RemoveUnset"))
		? EC2_REMOVE_PACKET_LENGTH | EC2_REMOVE_VIRTUAL_NETWORK_ID
		: 0);
}

static struct tmf_call *
delete_session(struct aws_client *ec2, const json_t *params)
{
	return ec2_delete_session(ec2, text_of(params, "TrafficMirrorSessionId"));
}

static struct tmf_call *
delete_target(struct aws_client *ec2, const json_t *params)
{
	return ec2_delete_target(ec2, text_of(params, "TrafficMirrorTargetId"));
}

static struct tmf_call *
run_instances(struct aws_client *ec2, const json_t *params)
{
	return ec2_run_instances(
	    ec2, &(struct ec2_run_instances){
		     .image_id = text_of(params, "ImageId"),
		     .instance_type = text_of(params, "InstanceType"),
		     .subnet_id = text_of(params, "SubnetId"),
		     .security_group_ids = json_object_get(params, "SecurityGroupIds"),
		     .tags = tags_of(params),
		     .client_token = token_of(params),
		 });
}

static struct tmf_call *
terminate_instances(struct aws_client *ec2, const json_t *params)
{
	return ec2_terminate_instances(ec2, json_object_get(params, "InstanceIds"));
}

static struct tmf_call *
create_tags(struct aws_client *ec2, const json_t *params)
{
	return ec2_create_tags(
	    ec2, json_object_get(params, "Resources"), json_object_get(params, "Tags"));
}

static struct tmf_call *
delete_tags(struct aws_client *ec2, const json_t *params)
{
	return ec2_delete_tags(
	    ec2, json_object_get(params, "Resources"), json_object_get(params, "Tags"));
}

static const struct {
	const char *name;
	struct tmf_call *(*start)(struct aws_client *ec2, const json_t *params);
} operations[] = {
    {"DescribeInstances", describe_instances},
    {"DescribeTrafficMirrorTargets", describe_targets},
    {"DescribeTrafficMirrorSessions", describe_sessions},
    {"CreateTrafficMirrorTarget", create_target},
    {"CreateTrafficMirrorSession", create_session},
    {"ModifyTrafficMirrorSession", modify_session},
    {"DeleteTrafficMirrorSession", delete_session},
    {"DeleteTrafficMirrorTarget", delete_target},
    {"RunInstances", run_instances},
    {"TerminateInstances", terminate_instances},
    {"CreateTags", create_tags},
    {"DeleteTags", delete_tags},
};

/* Lists that no typed call of its own reads, with the parameter of the SDKs that holds the ids. */
static const struct {
	const struct ec2_list *list;
	const char *ids;
} lists[] = {
    {&ec2_list_filters, "TrafficMirrorFilterIds"},
    {&ec2_list_images, "ImageIds"},
    {&ec2_list_security_groups, "GroupIds"},
    {&ec2_list_subnets, "SubnetIds"},
    {&ec2_list_vpcs, "VpcIds"},
    {&ec2_list_network_acls, "NetworkAclIds"},
    {&ec2_list_route_tables, "RouteTableIds"},
    {&ec2_list_interfaces, "NetworkInterfaceIds"},
    {&ec2_list_endpoints, "VpcEndpointIds"},
    {&ec2_list_endpoint_services, "ServiceIds"},
};

bool
ec2_by_name_reads_a_part(const char *name)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (strcmp(lists[i].list->operation, name) == 0)
			return true;
	return false;
}

struct tmf_call *
ec2_by_name_start(struct aws_client *ec2, const char *name, const json_t *params)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (strcmp(lists[i].list->operation, name) == 0) {
			struct ec2_describe describe = describe_of(params, lists[i].ids);

			return ec2_describe(ec2, lists[i].list, &describe);
		}
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
		if (strcmp(operations[i].name, name) == 0)
			return operations[i].start(ec2, params);
	return NULL;
}

json_t *
relaxed_json(const char *text)
{
	char *strict = mem_strdup(text);
	struct tmf_err err = {0};
	json_t *value;

	for (char *p = strict; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	value = jsonx_parse(str_of(strict), &err);
	ck_assert_msg(value != NULL, "%s: %s", text, tmf_err_text(&err));
	free(strict);
	return value;
}

void
expect_same_json(const json_t *wanted, const json_t *got, const char *what)
{
	struct buf wanted_text = {0};
	struct buf got_text = {0};

	jsonx_write_canonical(wanted, &wanted_text);
	jsonx_write_canonical(got, &got_text);
	ck_assert_msg(jsonx_same(wanted, got), "%s:\nwanted %s\ngot    %s", what,
	    buf_cstr(&wanted_text), buf_cstr(&got_text));
	buf_fini(&wanted_text);
	buf_fini(&got_text);
}

json_t *
shared_list_read(const char *path, const char *member, struct doc **ret_doc)
{
	struct tmf_err err = {0};

	*ret_doc = doc_read(path, &err);
	if (*ret_doc == NULL) {
		printf("SKIP: %s is not there\n", path);
		tmf_err_fini(&err);
		return NULL;
	}
	return json_object_get(doc_root(*ret_doc), member);
}
