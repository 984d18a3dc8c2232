#include "aws/services/ec2_internal.h"
#include "aws/wire/query.h"
#include "base/digest.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* The reply to a create repeats the resource: what was not asked for (OwnerId, defaults) is in it
 * too. */
static const struct xml_shape create_target_shape[] = {
    {"trafficMirrorTarget", "TrafficMirrorTarget", XML_STRUCT, ec2_target_shape, NULL},
    {"clientToken", "ClientToken", XML_STRING, NULL, NULL},
    {.element = NULL},
};

/* Of a session the id is wanted, and what session_echoes compares. */
static const struct xml_shape made_session_shape[] = {
    {"trafficMirrorSessionId", "TrafficMirrorSessionId", XML_STRING, NULL, NULL},
    {"trafficMirrorTargetId", "TrafficMirrorTargetId", XML_STRING, NULL, NULL},
    {"trafficMirrorFilterId", "TrafficMirrorFilterId", XML_STRING, NULL, NULL},
    {"networkInterfaceId", "NetworkInterfaceId", XML_STRING, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape session_reply_shape[] = {
    {"trafficMirrorSession", "TrafficMirrorSession", XML_STRUCT, made_session_shape, NULL},
    {"clientToken", "ClientToken", XML_STRING, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape delete_session_shape[] = {
    {"trafficMirrorSessionId", "TrafficMirrorSessionId", XML_STRING, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape delete_target_shape[] = {
    {"trafficMirrorTargetId", "TrafficMirrorTargetId", XML_STRING, NULL, NULL},
    {.element = NULL},
};

static const struct aws_echo target_echoes[] = {
    {"ClientToken", NULL, "ClientToken"},
    {"NetworkInterfaceId", "TrafficMirrorTarget", "NetworkInterfaceId"},
    {"NetworkLoadBalancerArn", "TrafficMirrorTarget", "NetworkLoadBalancerArn"},
    {"TrafficMirrorTargetId", NULL, "TrafficMirrorTargetId"},
    {.parameter = NULL},
};

static const struct aws_echo session_echoes[] = {
    {"ClientToken", NULL, "ClientToken"},
    {"NetworkInterfaceId", "TrafficMirrorSession", "NetworkInterfaceId"},
    {"TrafficMirrorTargetId", "TrafficMirrorSession", "TrafficMirrorTargetId"},
    {"TrafficMirrorFilterId", "TrafficMirrorSession", "TrafficMirrorFilterId"},
    {"TrafficMirrorSessionId", "TrafficMirrorSession", "TrafficMirrorSessionId"},
    {"TrafficMirrorSessionId", NULL, "TrafficMirrorSessionId"},
    {.parameter = NULL},
};

/* Tags that a create puts on the new resource itself. Tags that are part of a create cannot be
 * missing after it, as they could be after a CreateTags of its own. */
static void
ec2_add_tag_specification(
    struct buf *body, int number, const char *resource_type, const json_t *tags)
{
	char name[64];

	if (json_array_size(tags) == 0)
		return;
	snprintf(name, sizeof(name), "TagSpecification.%d.ResourceType", number);
	query_add(body, name, resource_type);
	snprintf(name, sizeof(name), "TagSpecification.%d.Tag", number);
	query_add_tags(body, name, tags);
}

/* The token as given; NULL: one that says of a request what it is, and of no other, derived from
 * all that stands in the body so far. Example: two processes that ask for the same session have the
 * same body so far, so that both send the same token and AWS makes one session; a session that was
 * deleted and is wanted again has another epoch, since AWS remembers a token for hours. See:
 * https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html */
static void
ec2_add_token(struct buf *body, const char *client_token, int64_t epoch)
{
	struct buf text = {0};
	char derived[DIGEST_SHA256_HEX_BYTES];

	if (client_token == NULL) {
		buf_add_str(&text, buf_str(body));
		buf_add_char(&text, ' ');
		buf_add_int(&text, epoch);
		digest_sha256_hex(buf_str(&text), derived);
		client_token = derived;
	}
	assert(strlen(client_token) <= EC2_CLIENT_TOKEN_BYTES_MAX);
	query_add(body, "ClientToken", client_token);
	buf_fini(&text);
}

/* A target is an interface or a load balancer: the caller gives one of both, and the other is
 * not sent. */
struct tmf_call *
ec2_create_target(struct aws_client *ec2, const struct ec2_create_target *create)
{
	struct aws_operation operation = {.name = "CreateTrafficMirrorTarget",
	    .reply = create_target_shape,
	    .echoes = target_echoes};
	struct buf *body = &operation.body;

	query_begin(body, operation.name, EC2_VERSION);
	query_add(body, "NetworkInterfaceId", create->network_interface_id);
	query_add(body, "NetworkLoadBalancerArn", create->network_load_balancer_arn);
	query_add(body, "Description", create->description);
	ec2_add_tag_specification(body, 1, "traffic-mirror-target", create->tags);
	ec2_add_token(body, create->client_token, 0);
	return aws_client_call(ec2, &operation);
}

/* What create and modify have in common. A negative VNI stands for an absent one, since 0 is a
 * number too; a packet's length and a session's number are at least 1. */
static void
ec2_add_session(struct buf *body, const struct ec2_session_spec *spec)
{
	query_add(body, "TrafficMirrorTargetId", spec->target_id);
	query_add(body, "TrafficMirrorFilterId", spec->filter_id);
	if (spec->packet_length > 0)
		query_add_int(body, "PacketLength", spec->packet_length);
	if (spec->session_number > 0)
		query_add_int(body, "SessionNumber", spec->session_number);
	if (spec->virtual_network_id >= 0)
		query_add_int(body, "VirtualNetworkId", spec->virtual_network_id);
	query_add(body, "Description", spec->description);
}

/* See:
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTrafficMirrorSession.html */
struct tmf_call *
ec2_create_session(struct aws_client *ec2, const struct ec2_session_spec *spec)
{
	struct aws_operation operation = {.name = "CreateTrafficMirrorSession",
	    .reply = session_reply_shape,
	    .echoes = session_echoes};
	struct buf *body = &operation.body;

	query_begin(body, operation.name, EC2_VERSION);
	query_add(body, "NetworkInterfaceId", spec->network_interface_id);
	ec2_add_session(body, spec);
	ec2_add_tag_specification(body, 1, "traffic-mirror-session", spec->tags);
	ec2_add_token(body, spec->client_token, spec->token_epoch);
	return aws_client_call(ec2, &operation);
}

/* A member that is left out keeps its value; only RemoveField sets it back. Has no ClientToken and
 * needs none: twice is the same as once. See:
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyTrafficMirrorSession.html */
struct tmf_call *
ec2_modify_session(struct aws_client *ec2, const struct ec2_session_spec *spec, unsigned removed)
{
	struct aws_operation operation = {.name = "ModifyTrafficMirrorSession",
	    .reply = session_reply_shape,
	    .echoes = session_echoes};
	struct buf *body = &operation.body;
	json_t *fields = json_array();

	query_begin(body, operation.name, EC2_VERSION);
	query_add(body, "TrafficMirrorSessionId", spec->session_id);
	ec2_add_session(body, spec);
	if ((removed & EC2_REMOVE_PACKET_LENGTH) != 0 && spec->packet_length == 0)
		json_array_append_new(fields, json_string("packet-length"));
	if ((removed & EC2_REMOVE_VIRTUAL_NETWORK_ID) != 0 && spec->virtual_network_id < 0)
		json_array_append_new(fields, json_string("virtual-network-id"));
	query_add_list(body, "RemoveField", fields);
	json_decref(fields);
	return aws_client_call(ec2, &operation);
}

/* Needs no token: a second delete says that the session is not found. */
struct tmf_call *
ec2_delete_session(struct aws_client *ec2, const char *session_id)
{
	struct aws_operation operation = {.name = "DeleteTrafficMirrorSession",
	    .reply = delete_session_shape,
	    .echoes = session_echoes};

	query_begin(&operation.body, operation.name, EC2_VERSION);
	query_add(&operation.body, "TrafficMirrorSessionId", session_id);
	return aws_client_call(ec2, &operation);
}

/* EC2 refuses it while a session uses the target. */
struct tmf_call *
ec2_delete_target(struct aws_client *ec2, const char *target_id)
{
	struct aws_operation operation = {.name = "DeleteTrafficMirrorTarget",
	    .reply = delete_target_shape,
	    .echoes = target_echoes};

	query_begin(&operation.body, operation.name, EC2_VERSION);
	query_add(&operation.body, "TrafficMirrorTargetId", target_id);
	return aws_client_call(ec2, &operation);
}

/* --- instances and tags --- */

static const struct xml_shape run_instances_shape[] = {
    {"instancesSet", "Instances", XML_LIST, ec2_launch_shape, ec2_instance_of},
    {.element = NULL},
};

static const struct aws_echo launch_echoes[] = {
    {"ClientToken", "Instances", "ClientToken"},
    {"SubnetId", "Instances", "SubnetId"},
    {"InstanceType", "Instances", "InstanceType"},
    {.parameter = NULL},
};

static const struct xml_shape instance_state_shape[] = {
    {"name", "Name", XML_STRING, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape state_change_shape[] = {
    {"instanceId", "InstanceId", XML_STRING, NULL, NULL},
    {"currentState", "CurrentState", XML_STRUCT, instance_state_shape, NULL},
    {"previousState", "PreviousState", XML_STRUCT, instance_state_shape, NULL},
    {.element = NULL},
};

static const struct xml_shape terminate_instances_shape[] = {
    {"instancesSet", "TerminatingInstances", XML_LIST, state_change_shape, NULL},
    {.element = NULL},
};

static const struct xml_shape return_shape[] = {
    {"return", "Return", XML_BOOLEAN, NULL, NULL},
    {.element = NULL},
};

/* The tags go on the interface too: the launch event may come before the target exists, and by them
 * the instance is known as a target. See:
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html */
struct tmf_call *
ec2_run_instances(struct aws_client *ec2, const struct ec2_run_instances *run)
{
	struct aws_operation operation = {
	    .name = "RunInstances", .reply = run_instances_shape, .echoes = launch_echoes};
	struct buf *body = &operation.body;

	query_begin(body, operation.name, EC2_VERSION);
	query_add(body, "ImageId", run->image_id);
	query_add(body, "InstanceType", run->instance_type);
	query_add_int(body, "MinCount", 1);
	query_add_int(body, "MaxCount", 1);
	query_add(body, "SubnetId", run->subnet_id);
	query_add_list(body, "SecurityGroupId", run->security_group_ids);
	ec2_add_tag_specification(body, 1, "instance", run->tags);
	ec2_add_tag_specification(body, 2, "network-interface", run->tags);
	ec2_add_token(body, run->client_token, 0);
	return aws_client_call(ec2, &operation);
}

/* An empty list would be a request without ids, which EC2 refuses. */
struct tmf_call *
ec2_terminate_instances(struct aws_client *ec2, json_t *instance_ids)
{
	struct aws_operation operation = {
	    .name = "TerminateInstances", .reply = terminate_instances_shape};

	assert(json_array_size(instance_ids) > 0);
	query_begin(&operation.body, operation.name, EC2_VERSION);
	query_add_list(&operation.body, "InstanceId", instance_ids);
	return aws_client_call(ec2, &operation);
}

/* A tag that exists with another value is overwritten. */
struct tmf_call *
ec2_create_tags(struct aws_client *ec2, json_t *resource_ids, json_t *tags)
{
	struct aws_operation operation = {.name = "CreateTags", .reply = return_shape};

	query_begin(&operation.body, operation.name, EC2_VERSION);
	query_add_list(&operation.body, "ResourceId", resource_ids);
	query_add_tags(&operation.body, "Tag", tags);
	return aws_client_call(ec2, &operation);
}

/* See: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteTags.html */
struct tmf_call *
ec2_delete_tags(struct aws_client *ec2, json_t *resource_ids, json_t *tags)
{
	struct aws_operation operation = {.name = "DeleteTags", .reply = return_shape};

	query_begin(&operation.body, operation.name, EC2_VERSION);
	query_add_list(&operation.body, "ResourceId", resource_ids);
	query_add_tags(&operation.body, "Tag", tags);
	return aws_client_call(ec2, &operation);
}
