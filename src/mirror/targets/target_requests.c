#include "mirror/targets/target_requests.h"

#include "aws/pace/retry.h"
#include "base/digest.h"
#include "base/jsonx.h"

#include <assert.h>
#include <stdio.h>

const char *
target_subnet(const struct config_rule *rule, const char *subnet_id)
{
	return rule->target_subnet_id != NULL ? rule->target_subnet_id : subnet_id;
}

const char *
target_request_subnet(const struct target_request *request)
{
	return target_subnet(request->rule, request->subnet_id);
}

/* Name, tool and generation: on the instance and on the target. Both must bear TAG_TOOL: `destroy`
 * deletes by it, and so finds a target whose instance is gone as well as an instance that never
 * became a target. */
static json_t *
target_order_tags(const struct target_order *order)
{
	json_t *tags = json_array();
	char generation[16];

	snprintf(generation, sizeof(generation), "%d", order->generation);
	tag_add(tags, TAG_NAME, TAG_NAME_VALUE);
	tag_add(tags, TAG_TOOL, TAG_TOOL_VALUE);
	tag_add(tags, TAG_GENERATION, generation);
	tag_add(tags, TAG_CONFIGURATION, order->configuration);
	return tags;
}

/* TAG_TARGET_OF goes on the instance in the same request that launches it. So a run never takes the
 * new instance for a source to be mirrored. */
static json_t *
target_order_launch_tags(const struct target_order *order)
{
	json_t *tags = target_order_tags(order);

	tag_add(tags, TAG_TARGET_OF, order->subnet_id);
	return tags;
}

_Static_assert(CLIENT_TOKEN_BYTES == DIGEST_SHA256_HEX_BYTES, "a token is a digest");
_Static_assert(CLIENT_TOKEN_BYTES == EC2_CLIENT_TOKEN_BYTES_MAX + 1, "and as long as AWS allows");

/*
 * EC2 answers a repeated token with the same instance if all parameters are the same, and with
 * IdempotentParameterMismatch otherwise. The digest covers all of them, so a rule that changes its
 * image asks with another token rather than running into that error. Canonical JSON makes the text
 * independent of the order in which members were set.
 */
void
target_order_token(const struct target_order *order, char ret_token[CLIENT_TOKEN_BYTES])
{
	json_t *request = json_object();
	struct buf text = {0};

	assert(order->subnet_id != NULL);
	jsonx_put_string(request, "Action", "RunInstances");
	jsonx_put_string(request, "ImageId", order->image_id);
	jsonx_put_string(request, "InstanceType", order->instance_type);
	jsonx_put_string(request, "SubnetId", order->subnet_id);
	json_object_set(request, "SecurityGroupIds", order->group_ids);
	json_object_set_new(request, "Tags", target_order_launch_tags(order));
	jsonx_write_canonical(request, &text);
	digest_sha256_hex(buf_str(&text), ret_token);
	buf_fini(&text);
	json_decref(request);
}

struct tmf_call *
target_order_launch(struct aws_client *ec2, const struct target_order *order)
{
	json_t *tags = target_order_launch_tags(order);
	char token[CLIENT_TOKEN_BYTES];
	struct tmf_call *call;

	target_order_token(order, token);
	call = ec2_run_instances(ec2, &(struct ec2_run_instances){
					  .image_id = order->image_id,
					  .instance_type = order->instance_type,
					  .subnet_id = order->subnet_id,
					  .security_group_ids = order->group_ids,
					  .tags = tags,
					  .client_token = token,
				      });
	json_decref(tags);
	return call;
}

/* The client token is left to ec2_create_target, which derives it from the request: two
 * processes that attach the same instance get the same target. */
struct tmf_call *
target_order_attach(
    struct aws_client *ec2, const struct target_order *order, const char *interface_id)
{
	json_t *tags = target_order_tags(order);
	struct tmf_call *call;

	assert(interface_id != NULL);
	tag_add(tags, TAG_SUBNET, order->subnet_id);
	tag_add(tags, TAG_OUR_SUBNET, order->subnet_id);
	call = ec2_create_target(ec2, &(struct ec2_create_target){
					  .network_interface_id = interface_id,
					  .tags = tags,
				      });
	json_decref(tags);
	return call;
}

static json_t *
target_order_list(const char *text)
{
	json_t *list = json_array();

	json_array_append_new(list, json_string(text));
	return list;
}

/* By interface, since the id of a target that another process made is not known here. */
struct tmf_call *
target_order_look_up(struct aws_client *ec2, const char *interface_id)
{
	json_t *filters = describe_filter("network-interface-id", target_order_list(interface_id));
	const struct ec2_describe describe = {
	    .filters = filters, .max_results = EC2_PAGE_RESULTS_MAX};
	struct tmf_call *call = ec2_describe_targets(ec2, &describe);

	json_decref(filters);
	return call;
}

struct tmf_call *
target_order_find(struct aws_client *ec2, const char *instance_id)
{
	json_t *ids = target_order_list(instance_id);
	struct tmf_call *call = ec2_describe_instances(ec2, &(struct ec2_describe){.ids = ids});

	json_decref(ids);
	return call;
}

struct tmf_call *
target_order_terminate(struct aws_client *ec2, const char *instance_id)
{
	json_t *ids = target_order_list(instance_id);
	struct tmf_call *call = ec2_terminate_instances(ec2, ids);

	json_decref(ids);
	return call;
}

/* With the value, so that AWS removes the tag only if it still has it: a tag that somebody has
 * changed meanwhile is theirs. */
struct tmf_call *
target_order_untag(struct aws_client *ec2, const char *target_id, const char *subnet_id)
{
	json_t *ids = target_order_list(target_id);
	json_t *tags = json_array();
	struct tmf_call *call;

	tag_add(tags, TAG_SUBNET, subnet_id);
	call = ec2_delete_tags(ec2, ids, tags);
	json_decref(ids);
	json_decref(tags);
	return call;
}

/* Filters are by interface, and an interface has at most one target, so the first is the only
 * one. */
const char *
target_order_found(const json_t *reply)
{
	return jsonx_get_string(json_array_get(jsonx_get_array(reply, "TrafficMirrorTargets"), 0),
	    "TrafficMirrorTargetId");
}

/* Only what AWS itself answered counts. A lost connection or an invalid reply says nothing of the
 * request, which may have had its effect. */
bool
target_error_is_permanent(const struct tmf_err *err)
{
	return err->code == TMF_ERR_SERVICE && retry_classify(err) == RETRY_NEVER;
}

/* AWS would have answered with the instance if it had launched one for this token; only a caller
 * that is not authorized does not learn that. */
bool
target_order_launched_nothing(const struct tmf_err *err)
{
	return err->code == TMF_ERR_SERVICE && target_error_is_permanent(err) &&
	       err->http_status != 401 && err->http_status != 403;
}
