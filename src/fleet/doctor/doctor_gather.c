#include "fleet/doctor/doctor_internal.h"

#include "aws/services/elbv2.h"
#include "aws/services/eventbridge.h"
#include "aws/services/pager.h"
#include "aws/services/sts.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "mirror/names.h"
#include "mirror/ownership.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Asks everything, one call after another, in the order of the table below. What is refused is
 * noted by its operation, and the next step begins; a step gives NULL when it has nothing to ask.
 * Where not even the caller is known (keys, endpoint, network), nothing more is asked.
 */

/* --- lists by id --- */

/* What is listed whole and kept by id. The judgement finds a subnet of an instance, or the ACL of a
 * subnet, without going through a list. */
struct doctor_gather_row {
	const struct ec2_list *list;
	const char *set;
	const char *id;
	size_t into; /* offset of the member in struct doctor */
};
#define INTO(member) offsetof(struct doctor, member)

static const struct doctor_gather_row doctor_gather_rows[] = {
    {&ec2_list_targets, "TrafficMirrorTargets", "TrafficMirrorTargetId", INTO(targets)},
    {&ec2_list_filters, "TrafficMirrorFilters", "TrafficMirrorFilterId", INTO(filters)},
    {&ec2_list_subnets, "Subnets", "SubnetId", INTO(subnets)},
    {&ec2_list_vpcs, "Vpcs", "VpcId", INTO(vpcs)},
    {&ec2_list_network_acls, "NetworkAcls", "NetworkAclId", INTO(acls)},
    {&ec2_list_route_tables, "RouteTables", "RouteTableId", INTO(route_tables)},
    {&ec2_list_security_groups, "SecurityGroups", "GroupId", INTO(groups)},
};
#define ROWS (sizeof(doctor_gather_rows) / sizeof(doctor_gather_rows[0]))

/* Route tables have the smallest pages of all. */
#define GATHER_PAGE 100

/* EventBridge: 300 rules an event bus by default, 100 a page. */
#define RULE_PAGES_MAX 1000

/* A resource without an id is left out: nothing could refer to it. */
static enum ec2_page_next
doctor_gather_row_page(void *arg, json_t *reply, struct tmf_err *err)
{
	struct doctor *doctor = arg;
	const struct doctor_gather_row *row = &doctor_gather_rows[doctor->at];
	json_t *into = *(json_t **)(void *)((char *)doctor + row->into);
	json_t *item;
	size_t i;

	(void)err;
	assert(doctor->at < ROWS && json_is_object(into));
	json_array_foreach (jsonx_get_array(reply, row->set), i, item) {
		const char *id = jsonx_get_string(item, row->id);

		if (id != NULL)
			json_object_set(into, id, item);
	}
	return EC2_PAGE_MORE;
}

/* doctor->at is the row: the steps of these lists stand in its order. */
static struct tmf_call *
doctor_gather_row_ask(struct doctor *doctor, size_t row)
{
	if (doctor->looked)
		return NULL;
	doctor->looked = true;
	doctor->at = row;
	return ec2_pages(doctor->opts.ec2, &(struct ec2_pages){.list = doctor_gather_rows[row].list,
					       .max_results = GATHER_PAGE,
					       .on_page = doctor_gather_row_page,
					       .arg = doctor});
}

/* The table of steps holds functions, so that each row has one. */
#define STEP_OF_ROW(name, row)                                                                     \
	static struct tmf_call *name(struct doctor *doctor, const json_t *reply)                   \
	{                                                                                          \
		(void)reply;                                                                       \
		return doctor_gather_row_ask(doctor, row);                                         \
	}
STEP_OF_ROW(doctor_step_targets, 0)
STEP_OF_ROW(doctor_step_filters, 1)
STEP_OF_ROW(doctor_step_subnets, 2)
STEP_OF_ROW(doctor_step_vpcs, 3)
STEP_OF_ROW(doctor_step_acls, 4)
STEP_OF_ROW(doctor_step_route_tables, 5)
STEP_OF_ROW(doctor_step_groups, 6)
_Static_assert(ROWS == 7, "a step for each row");

/* --- the caller, the region --- */

/* The one call that needs no permission: where it fails, the keys or the network are wrong. A step
 * is called twice, first to ask and then with the reply. */
static struct tmf_call *
doctor_step_identity(struct doctor *doctor, const json_t *reply)
{
	const char *account = jsonx_get_string(reply, "Account");

	if (account != NULL && strlen(account) < sizeof(doctor->account))
		snprintf(doctor->account, sizeof(doctor->account), "%s", account);
	if (reply != NULL)
		doctor->caller = mem_strdup(jsonx_get_string(reply, "Arn"));
	if (doctor->looked)
		return NULL;
	doctor->looked = true;
	return sts_get_caller_identity(doctor->opts.sts);
}

static struct tmf_call *
doctor_step_regions(struct doctor *doctor, const json_t *reply)
{
	json_t *region;
	size_t i;

	json_array_foreach (jsonx_get_array(reply, "Regions"), i, region) {
		const char *name = jsonx_get_string(region, "RegionName");

		if (name != NULL)
			json_object_set(doctor->regions, name, region);
	}
	if (doctor->looked)
		return NULL;
	doctor->looked = true;
	return ec2_describe_regions(doctor->opts.ec2);
}

/* --- permissions --- */

/* The policy may allow changes to what tmflow made only: a target of somebody else's would be
 * denied, and say nothing of a run. */
static const char *
permission_target(const struct doctor *doctor)
{
	const char *id;
	json_t *target;

	json_object_foreach (doctor->targets, id, target)
		if (tag_value(target, TAG_TOOL) != NULL)
			return id;
	return "tmt-00000000000000000";
}

/* DryRun looks at syntax as well: with what is likely to exist it gets as far as the permission. An
 * id that does not exist is an answer, too: a missing permission is the first answer. */
json_t *
doctor_parameters(const struct doctor *doctor, const char *operation)
{
	const char *target = permission_target(doctor);
	const char *filter = json_object_iter_key(json_object_iter(doctor->filters));
	const char *subnet = json_object_iter_key(json_object_iter(doctor->subnets));
	json_t *parameters = json_object();

	if (strncmp(operation, "Describe", strlen("Describe")) == 0)
		return parameters;
	if (strstr(operation, "Session") != NULL && strncmp(operation, "Create", 6) != 0)
		jsonx_put_string(parameters, "TrafficMirrorSessionId", "tms-00000000000000000");
	if (strcmp(operation, "CreateTrafficMirrorSession") == 0) {
		jsonx_put_string(parameters, "TrafficMirrorFilterId",
		    filter != NULL ? filter : "tmf-00000000000000000");
		jsonx_put_string(parameters, "SessionNumber", "1");
	}
	if (strcmp(operation, "CreateTrafficMirrorTarget") == 0 ||
	    strcmp(operation, "CreateTrafficMirrorSession") == 0)
		jsonx_put_string(parameters, "NetworkInterfaceId", "eni-00000000000000000");
	if (strcmp(operation, "DeleteTrafficMirrorTarget") == 0 ||
	    strcmp(operation, "CreateTrafficMirrorSession") == 0)
		jsonx_put_string(parameters, "TrafficMirrorTargetId", target);
	if (strcmp(operation, "CreateTags") == 0 || strcmp(operation, "DeleteTags") == 0) {
		jsonx_put_string(parameters, "ResourceId.1", target);
		jsonx_put_string(parameters, "Tag.1.Key", "tmflow:doctor");
	}
	if (strcmp(operation, "RunInstances") == 0) {
		jsonx_put_string(parameters, "ImageId", "ami-00000000000000000");
		jsonx_put_string(parameters, "MinCount", "1");
		jsonx_put_string(parameters, "MaxCount", "1");
		jsonx_put_string(parameters, "SubnetId", subnet);
	}
	if (strcmp(operation, "TerminateInstances") == 0)
		jsonx_put_string(parameters, "InstanceId.1", "i-00000000000000000");
	return parameters;
}

/* The next of EC2's actions; the others are asked for what they are needed for. */
static struct tmf_call *
doctor_step_permissions(struct doctor *doctor, const json_t *reply)
{
	(void)reply;
	while (doctor->at < json_array_size(doctor->opts.iam_actions)) {
		const char *action =
		    json_string_value(json_array_get(doctor->opts.iam_actions, doctor->at++));
		json_t *parameters;
		struct tmf_call *call;

		if (strncmp(action, "ec2:", 4) != 0)
			continue;
		doctor->asked = action;
		parameters = doctor_parameters(doctor, action + 4);
		call = ec2_dry_run(doctor->opts.ec2, action + 4, parameters);
		json_decref(parameters);
		return call;
	}
	return NULL;
}

/* A dry run never succeeds; its error is its answer. */
static void
permission_answered(struct doctor *doctor, const struct tmf_err *err)
{
	jsonx_put_string(
	    doctor->denied, doctor->asked, tmf_err_isset(err) ? err->name : "DryRunOperation");
}

/* --- sessions and instances --- */

/* Of each session only whose it is: the quota counts all of them, and a run those of its own
 * configuration. */
static enum ec2_page_next
doctor_gather_sessions_page(void *arg, json_t *reply, struct tmf_err *err)
{
	struct doctor *doctor = arg;
	const struct mirror *mirror = doctor->opts.mirror;
	json_t *session;
	size_t i;

	(void)err;
	json_array_foreach (jsonx_get_array(reply, "TrafficMirrorSessions"), i, session) {
		const char *id = jsonx_get_string(session, "TrafficMirrorSessionId");
		bool ours = mirror != NULL && session_owner(session,
						  mirror_config_name(mirror->config)) == OWNER_OURS;

		if (id != NULL)
			json_object_set_new(doctor->sessions, id, json_boolean(ours));
	}
	return EC2_PAGE_MORE;
}

static struct tmf_call *
doctor_step_sessions(struct doctor *doctor, const json_t *reply)
{
	(void)reply;
	if (doctor->looked)
		return NULL;
	doctor->looked = true;
	return ec2_pages(doctor->opts.ec2,
	    &(struct ec2_pages){
		.list = &ec2_list_sessions, .on_page = doctor_gather_sessions_page, .arg = doctor});
}

static enum ec2_page_next
doctor_gather_instances_page(void *arg, json_t *reply, struct tmf_err *err)
{
	(void)err;
	doctor_survey_page(arg, reply);
	return EC2_PAGE_MORE;
}

/* Without a configuration no instance is of interest. */
static struct tmf_call *
doctor_step_instances(struct doctor *doctor, const json_t *reply)
{
	(void)reply;
	if (doctor->looked || doctor->opts.mirror == NULL)
		return NULL;
	doctor->looked = true;
	return ec2_pages(doctor->opts.ec2, &(struct ec2_pages){.list = &ec2_list_instances,
					       .on_page = doctor_gather_instances_page,
					       .arg = doctor});
}

/* --- by id, as many as a filter takes --- */

/* Takes the ids from the end of the queue, where taking them costs nothing. NULL: it is empty. */
static struct tmf_call *
doctor_gather_queue(
    struct doctor *doctor, const struct ec2_list *list, const char *filter, ec2_page_fn *on_page)
{
	json_t *values = json_array();
	json_t *filters;
	struct tmf_call *call;
	size_t left;

	while ((left = json_array_size(doctor->queue)) > 0 &&
	       json_array_size(values) < EC2_FILTER_VALUES_MAX) {
		json_array_append(values, json_array_get(doctor->queue, left - 1));
		json_array_remove(doctor->queue, left - 1);
	}
	if (json_array_size(values) == 0) {
		json_decref(values);
		return NULL;
	}
	filters = describe_filter(filter, values);
	call = ec2_pages(doctor->opts.ec2,
	    &(struct ec2_pages){
		.list = list, .filters = filters, .on_page = on_page, .arg = doctor});
	json_decref(filters);
	return call;
}

static void
queue_add(struct doctor *doctor, const char *id)
{
	if (id != NULL)
		json_array_append_new(doctor->queue, json_string(id));
}

static enum ec2_page_next
doctor_gather_images_page(void *arg, json_t *reply, struct tmf_err *err)
{
	struct doctor *doctor = arg;
	json_t *image;
	size_t i;

	(void)err;
	json_array_foreach (jsonx_get_array(reply, "Images"), i, image)
		if (jsonx_get_string(image, "ImageId") != NULL)
			json_object_set(doctor->images, jsonx_get_string(image, "ImageId"), image);
	return EC2_PAGE_MORE;
}

static struct tmf_call *
doctor_step_images(struct doctor *doctor, const json_t *reply)
{
	const struct mirror *mirror = doctor->opts.mirror;

	(void)reply;
	for (size_t i = 0;
	     !doctor->looked && mirror != NULL && i < mirror_config_rule_count(mirror->config);
	     i++) {
		const struct config_rule *rule = mirror_config_rule(mirror->config, i);

		if (rule->target_id == NULL)
			queue_add(doctor, rule->target_instance_ami);
	}
	doctor->looked = true;
	return doctor_gather_queue(doctor, &ec2_list_images, "image-id", doctor_gather_images_page);
}

/* --- load balancers: five questions each, and one a target group --- */

static json_t *
balancer_of(struct doctor *doctor, const char *arn)
{
	json_t *balancer = json_object_get(doctor->balancers, arn);

	if (balancer == NULL) {
		balancer = json_pack("{s:[], s:[], s:[]}", "listeners", "groups", "members");
		json_object_set_new(doctor->balancers, arn, balancer);
	}
	return balancer;
}

/* Those of targets that rules name. */
static void
balancers_list(struct doctor *doctor)
{
	const char *id;
	json_t *sum;

	json_object_foreach (doctor->wanted, id, sum)
		queue_add(doctor, jsonx_get_string(json_object_get(doctor->targets, id),
				      "NetworkLoadBalancerArn"));
}

enum { STAGE_BALANCER, STAGE_LISTENERS, STAGE_ATTRIBUTES, STAGE_GROUPS, STAGE_HEALTH };

static void
balancer_keep(struct doctor *doctor, json_t *balancer, const json_t *reply)
{
	json_t *item;
	size_t i;

	switch (doctor->stage) {
	case STAGE_BALANCER:
		json_object_set(balancer, "balancer",
		    json_array_get(jsonx_get_array(reply, "LoadBalancers"), 0));
		break;
	case STAGE_LISTENERS:
		json_array_extend(
		    json_object_get(balancer, "listeners"), jsonx_get_array(reply, "Listeners"));
		break;
	case STAGE_ATTRIBUTES:
		json_array_foreach (jsonx_get_array(reply, "Attributes"), i, item)
			if (strcmp(jsonx_get_string(item, "Key"),
				"load_balancing.cross_zone.enabled") == 0)
				json_object_set_new(balancer, "crossZone",
				    json_boolean(
					strcmp(jsonx_get_string(item, "Value"), "true") == 0));
		break;
	case STAGE_GROUPS:
		json_array_extend(
		    json_object_get(balancer, "groups"), jsonx_get_array(reply, "TargetGroups"));
		break;
	default:
		json_array_extend(json_object_get(balancer, "members"),
		    jsonx_get_array(reply, "TargetHealthDescriptions"));
		break;
	}
}

/* The balancer under way is the last of the queue. */
static struct tmf_call *
doctor_step_balancers(struct doctor *doctor, const json_t *reply)
{
	struct aws_client *elb = doctor->opts.elb;
	size_t left;

	if (!doctor->looked)
		balancers_list(doctor);
	left = json_array_size(doctor->queue);
	if (left == 0)
		return NULL;
	const char *arn = json_string_value(json_array_get(doctor->queue, left - 1));
	json_t *balancer = balancer_of(doctor, arn);

	if (doctor->looked && reply != NULL) {
		balancer_keep(doctor, balancer, reply);
		doctor->stage++;
	}
	doctor->looked = true;
	switch (doctor->stage) {
	case STAGE_BALANCER:
		return elbv2_describe_load_balancer(elb, arn);
	case STAGE_LISTENERS:
		return elbv2_describe_listeners(elb, arn);
	case STAGE_ATTRIBUTES:
		return elbv2_describe_attributes(elb, arn);
	case STAGE_GROUPS:
		return elbv2_describe_target_groups(elb, arn, NULL);
	default:
		break;
	}
	const json_t *groups = json_object_get(balancer, "groups");
	const char *group = jsonx_get_string(
	    json_array_get(groups, doctor->stage - STAGE_HEALTH), "TargetGroupArn");

	if (group != NULL)
		return elbv2_describe_target_health(elb, group);
	json_array_remove(doctor->queue, left - 1);
	doctor->stage = STAGE_BALANCER;
	return json_array_size(doctor->queue) > 0 ? doctor_step_balancers(doctor, NULL) : NULL;
}

/* --- receivers --- */

static enum ec2_page_next
doctor_gather_interfaces_page(void *arg, json_t *reply, struct tmf_err *err)
{
	struct doctor *doctor = arg;
	json_t *interface;
	size_t i;

	(void)err;
	json_array_foreach (jsonx_get_array(reply, "NetworkInterfaces"), i, interface)
		if (jsonx_get_string(interface, "NetworkInterfaceId") != NULL)
			json_object_set(doctor->interfaces,
			    jsonx_get_string(interface, "NetworkInterfaceId"), interface);
	return EC2_PAGE_MORE;
}

/* Of targets that are interfaces. */
static struct tmf_call *
doctor_step_interfaces(struct doctor *doctor, const json_t *reply)
{
	const char *id;
	json_t *sum;

	(void)reply;
	if (!doctor->looked)
		json_object_foreach (doctor->wanted, id, sum)
			queue_add(doctor, jsonx_get_string(json_object_get(doctor->targets, id),
					      "NetworkInterfaceId"));
	doctor->looked = true;
	return doctor_gather_queue(
	    doctor, &ec2_list_interfaces, "network-interface-id", doctor_gather_interfaces_page);
}

/* Of members that are instances; those that are addresses are found by their address. */
static void
queue_members(struct doctor *doctor, bool instances)
{
	const char *arn;
	json_t *balancer;

	json_object_foreach (doctor->balancers, arn, balancer) {
		json_t *member;
		size_t i;

		json_array_foreach (jsonx_get_array(balancer, "members"), i, member) {
			const char *id = jsonx_get_string(json_object_get(member, "Target"), "Id");

			if (id != NULL && (strncmp(id, "i-", 2) == 0) == instances &&
			    strncmp(id, "arn:", 4) != 0)
				queue_add(doctor, id);
		}
	}
}

static struct tmf_call *
doctor_step_member_instances(struct doctor *doctor, const json_t *reply)
{
	(void)reply;
	if (!doctor->looked)
		queue_members(doctor, true);
	doctor->looked = true;
	return doctor_gather_queue(
	    doctor, &ec2_list_interfaces, "attachment.instance-id", doctor_gather_interfaces_page);
}

static struct tmf_call *
doctor_step_member_addresses(struct doctor *doctor, const json_t *reply)
{
	(void)reply;
	if (!doctor->looked)
		queue_members(doctor, false);
	doctor->looked = true;
	return doctor_gather_queue(doctor, &ec2_list_interfaces, "addresses.private-ip-address",
	    doctor_gather_interfaces_page);
}

static enum ec2_page_next
doctor_gather_receivers_page(void *arg, json_t *reply, struct tmf_err *err)
{
	struct doctor *doctor = arg;
	json_t *instance;
	size_t i;

	(void)err;
	json_array_foreach (jsonx_get_array(reply, "Instances"), i, instance)
		if (jsonx_get_string(instance, "InstanceId") != NULL)
			json_object_set(
			    doctor->receivers, jsonx_get_string(instance, "InstanceId"), instance);
	return EC2_PAGE_MORE;
}

/* The instances that hold the targets' interfaces. */
static struct tmf_call *
doctor_step_receivers(struct doctor *doctor, const json_t *reply)
{
	const char *id;
	json_t *interface;

	(void)reply;
	if (!doctor->looked)
		json_object_foreach (doctor->interfaces, id, interface)
			queue_add(doctor, jsonx_get_string(json_object_get(interface, "Attachment"),
					      "InstanceId"));
	doctor->looked = true;
	return doctor_gather_queue(
	    doctor, &ec2_list_instances, "instance-id", doctor_gather_receivers_page);
}

static enum ec2_page_next
doctor_gather_rules_page(void *arg, json_t *reply, struct tmf_err *err)
{
	struct doctor *doctor = arg;

	(void)err;
	json_array_extend(doctor->rules, jsonx_get_array(reply, "Rules"));
	return EC2_PAGE_MORE;
}

static struct tmf_call *
doctor_step_rules(struct doctor *doctor, const json_t *reply)
{
	(void)reply;
	if (doctor->opts.events == NULL || doctor->looked)
		return NULL;
	doctor->looked = true;
	return token_pages(doctor->opts.events, &(struct token_pages){
						    .list = &eventbridge_list_rules,
						    .pages_max = RULE_PAGES_MAX,
						    .on_page = doctor_gather_rules_page,
						    .arg = doctor,
						});
}

/* --- the table --- */

static const struct {
	const char *operation; /* as IAM calls it */
	struct tmf_call *(*ask)(struct doctor *doctor, const json_t *reply);
} steps[] = {
    {"sts:GetCallerIdentity", doctor_step_identity},
    {"ec2:DescribeRegions", doctor_step_regions},
    {"ec2:DescribeTrafficMirrorTargets", doctor_step_targets},
    {"ec2:DescribeTrafficMirrorFilters", doctor_step_filters},
    {"ec2:DescribeSubnets", doctor_step_subnets},
    {"ec2:DescribeVpcs", doctor_step_vpcs},
    {"ec2:DescribeNetworkAcls", doctor_step_acls},
    {"ec2:DescribeRouteTables", doctor_step_route_tables},
    {"ec2:DescribeSecurityGroups", doctor_step_groups},
    {"", doctor_step_permissions},
    {"ec2:DescribeTrafficMirrorSessions", doctor_step_sessions},
    {"ec2:DescribeInstances", doctor_step_instances},
    {"ec2:DescribeImages", doctor_step_images},
    {"elasticloadbalancing:Describe*", doctor_step_balancers},
    {"ec2:DescribeNetworkInterfaces", doctor_step_interfaces},
    {"ec2:DescribeNetworkInterfaces", doctor_step_member_instances},
    {"ec2:DescribeNetworkInterfaces", doctor_step_member_addresses},
    {"ec2:DescribeInstances", doctor_step_receivers},
    {"events:ListRules", doctor_step_rules},
};
#define STEPS (sizeof(steps) / sizeof(steps[0]))

const char *const doctor_iam_actions[] = {"ec2:DescribeImages", "ec2:DescribeInstances",
    "ec2:DescribeNetworkAcls", "ec2:DescribeNetworkInterfaces", "ec2:DescribeRegions",
    "ec2:DescribeRouteTables", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets",
    "ec2:DescribeTrafficMirrorFilters", "ec2:DescribeTrafficMirrorSessions",
    "ec2:DescribeTrafficMirrorTargets", "ec2:DescribeVpcs",
    "elasticloadbalancing:DescribeListeners", "elasticloadbalancing:DescribeLoadBalancerAttributes",
    "elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth", "events:ListRules", NULL};

static void
doctor_gather_leave(struct doctor *doctor)
{
	doctor->step++;
	doctor->at = 0;
	doctor->stage = 0;
	doctor->looked = false;
	json_array_clear(doctor->queue);
}

static struct tmf_call *
doctor_gather_next(struct doctor *doctor, const json_t *reply)
{
	while (doctor->step < STEPS) {
		struct tmf_call *call = steps[doctor->step].ask(doctor, reply);

		if (call != NULL)
			return call;
		doctor_gather_leave(doctor);
		reply = NULL;
	}
	return NULL;
}

static void
doctor_gather_note_refusal(struct doctor *doctor, const struct tmf_err *err)
{
	json_t *refusal = json_object();

	jsonx_put_string(refusal, "error", err->name);
	jsonx_put_string(refusal, "cause", tmf_err_text(err));
	json_object_set_new(doctor->refused, steps[doctor->step].operation, refusal);
}

static struct tmf_call *
doctor_gather_step(void *frame, struct tmf_call *over, json_t **ret_result, struct tmf_err *err)
{
	struct doctor *doctor = frame;
	json_t *reply = tmf_call_take_result(over);
	struct tmf_call *next = NULL;

	(void)err;
	assert(doctor->step < STEPS);
	if (steps[doctor->step].ask == doctor_step_permissions) {
		permission_answered(doctor, &over->err);
	} else if (reply == NULL) {
		doctor_gather_note_refusal(doctor, &over->err);
		doctor_gather_leave(doctor);
	}
	if (doctor->account[0] != '\0' || doctor->step == 0)
		next = doctor_gather_next(doctor, reply);
	json_decref(reply);
	if (next == NULL)
		*ret_result = json_object();
	return next;
}

struct tmf_call *
doctor_gather(struct doctor *doctor)
{
	struct tmf_call *first = doctor_gather_next(doctor, NULL);

	assert(first != NULL); /* everybody is asked who he is */
	return tmf_call_sequence(first, doctor_gather_step, doctor, NULL);
}
