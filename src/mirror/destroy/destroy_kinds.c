#include "mirror/destroy/destroy_internal.h"

#include "base/jsonx.h"
#include "mirror/config/instance.h"

#include <stdlib.h>

/* Items rather than AWS's resources are kept: what only the store knows has the same form then, and
 * the report shows them as they are. */
static json_t *
destroy_session_item(const json_t *session)
{
	json_t *item = json_object();

	jsonx_put_string(item, "sessionId", jsonx_get_string(session, "TrafficMirrorSessionId"));
	jsonx_put_string(
	    item, "networkInterfaceId", jsonx_get_string(session, "NetworkInterfaceId"));
	jsonx_put_string(item, "targetId", jsonx_get_string(session, "TrafficMirrorTargetId"));
	return item;
}

/* Without the tag, which somebody may have taken off, no generation is used up. */
static void
destroy_put_place(json_t *item, const char *subnet_id, const json_t *resource)
{
	const char *generation = tag_value(resource, TAG_GENERATION);

	jsonx_put_string(item, "subnetId", subnet_id);
	if (generation != NULL)
		json_object_set_new(item, "generation", json_integer(strtol(generation, NULL, 10)));
}

/* By TAG_OUR_SUBNET, which stays on a full target. */
static json_t *
destroy_target_item(const json_t *target)
{
	json_t *item = json_object();

	jsonx_put_string(item, "targetId", jsonx_get_string(target, "TrafficMirrorTargetId"));
	jsonx_put_string(
	    item, "networkInterfaceId", jsonx_get_string(target, "NetworkInterfaceId"));
	destroy_put_place(item, tag_value(target, TAG_OUR_SUBNET), target);
	return item;
}

static json_t *
destroy_instance_item(const json_t *instance)
{
	json_t *item = json_object();

	jsonx_put_string(item, "instanceId", jsonx_get_string(instance, "InstanceId"));
	jsonx_put_string(item, "networkInterfaceId",
	    jsonx_get_string(instance_primary_interface(instance), "NetworkInterfaceId"));
	destroy_put_place(item, tag_value(instance, TAG_TARGET_OF), instance);
	jsonx_put_string(item, "name", tag_value(instance, TAG_NAME));
	jsonx_put_string(item, "instanceType", jsonx_get_string(instance, "InstanceType"));
	jsonx_put_string(item, "launchTime", jsonx_get_string(instance, "LaunchTime"));
	return item;
}

/* The table wants one id a call. EC2 takes many in one request, but one that is protected then
 * saves others from it. */
static struct tmf_call *
destroy_terminate(struct aws_client *ec2, const char *id)
{
	json_t *ids = json_array();
	struct tmf_call *call;

	json_array_append_new(ids, json_string(id));
	call = ec2_terminate_instances(ec2, ids);
	json_decref(ids);
	return call;
}

const struct destroy_kind_ops destroy_kinds[DESTROY_KINDS] = {
    [DESTROY_SESSIONS] = {"sessions", "TrafficMirrorSessions", "sessionId", &ec2_list_sessions,
	destroy_session_item, ec2_delete_session},
    [DESTROY_TARGETS] = {"targets", "TrafficMirrorTargets", "targetId", &ec2_list_targets,
	destroy_target_item, ec2_delete_target},
    [DESTROY_INSTANCES] = {"instances", "Instances", "instanceId", &ec2_list_launches,
	destroy_instance_item, destroy_terminate},
};
