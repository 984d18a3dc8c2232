#include "fleet/doctor/doctor_internal.h"

#include "base/jsonx.h"
#include "mirror/config/instance_types.h"
#include "mirror/filters/filters.h"

#include <stdlib.h>
#include <string.h>

/* Whether packets get to where the rules send them: the targets, what stands behind them, and what
 * stands on the way. */

#define PORT_VXLAN 4789
/* See: https://docs.aws.amazon.com/vpc/latest/mirroring/traffic-mirroring-network-limitations.html
 * 54 bytes of VXLAN within a jumbo frame of 9,001; a transit gateway takes 8,500. */
#define MTU_WHOLE	  8947
#define MTU_WHOLE_TRANSIT 8446

static const char *
target_word(const json_t *object, const char *key)
{
	const char *text = jsonx_get_string(object, key);

	return text != NULL ? text : "unknown";
}

/* What one target's check has collected. */
struct target_look {
	const char *id;
	json_t *sum; /* of doctor->wanted */
	struct buf name;
};

static const char *
look_name(struct target_look *look, const char *what)
{
	buf_reset(&look->name);
	buf_printf(&look->name, "%s:%s", what,
	    strncmp(look->id, DOCTOR_NEW, strlen(DOCTOR_NEW)) == 0 ? look->id + strlen(DOCTOR_NEW)
								   : look->id);
	return buf_cstr(&look->name);
}

/* --- the way --- */

struct way_kind {
	const char *what;
	const char *closed;
	const char *remedy;
};
static const struct way_kind way_groups = {"security-groups",
    "the receiver's security groups do not let UDP 4789 in from",
    "add an inbound rule for UDP 4789 from the sources' subnets"};
static const struct way_kind way_acls = {"network-acls", "a network ACL drops UDP 4789 from",
    "allow UDP 4789 out of the sources' subnets and into the "
    "receiver's"};
static const struct way_kind way_routes = {"routes", "no private route leads to the receiver from",
    "peer the VPCs or attach both to a transit gateway, and add routes"};

/* A check of one kind for a target: the first subnet that is closed stands for all, with how many
 * there are. */
static void
way_check(struct doctor *doctor, struct target_look *look, const struct way_kind *kind,
    size_t closed, size_t unknown, const char *subnet)
{
	if (closed > 0)
		doctor_check(doctor, look_name(look, kind->what), DOCTOR_FAIL, kind->remedy,
		    "%s %zu of the sources' subnets, such as %s", kind->closed, closed, subnet);
	else if (unknown > 0)
		doctor_check(doctor, look_name(look, kind->what), DOCTOR_WARN, kind->remedy,
		    "unknown for %zu of the sources' subnets, such as %s", unknown, subnet);
	else
		doctor_check(doctor, look_name(look, kind->what), DOCTOR_PASS, NULL,
		    "open from the subnets of the sources: %zu of them",
		    json_object_size(json_object_get(look->sum, "subnets")));
}

/* groups NULL: nothing stands before the receiver. transit: set where one is on the way. */
static void
way_judge(struct doctor *doctor, struct target_look *look, const char *subnet, const json_t *groups,
    bool *transit)
{
	const struct way_kind *const kinds[] = {&way_groups, &way_acls, &way_routes};
	size_t closed[3] = {0};
	size_t unknown[3] = {0};
	const char *first[3] = {NULL, NULL, NULL};
	const char *source;
	json_t *ignored;

	json_object_foreach (json_object_get(look->sum, "subnets"), source, ignored) {
		const struct doctor_way way = {source, subnet, groups};
		bool by_transit;
		const enum doctor_passage passages[] = {doctor_groups_pass(doctor, &way),
		    doctor_acls_pass(doctor, &way), doctor_routes_pass(doctor, &way, &by_transit)};

		*transit = *transit || by_transit;
		for (size_t i = 0; i < 3; i++) {
			closed[i] += passages[i] == PASSAGE_CLOSED;
			unknown[i] += passages[i] == PASSAGE_UNKNOWN;
			if (passages[i] == PASSAGE_CLOSED ||
			    (passages[i] == PASSAGE_UNKNOWN && first[i] == NULL))
				first[i] = source;
		}
	}
	for (size_t i = 0; i < 3; i++)
		way_check(doctor, look, kinds[i], closed[i], unknown[i], first[i]);
}

static void
mtu_check(struct doctor *doctor, struct target_look *look, bool transit)
{
	const struct config_rule *rule = mirror_config_rule_named(
	    doctor->opts.mirror->config, jsonx_get_string(look->sum, "rule"));

	if (rule != NULL && rule->packet_length > 0)
		doctor_check(doctor, look_name(look, "mtu"), DOCTOR_PASS, NULL,
		    "packets are cut to %d bytes, as the rule says", rule->packet_length);
	else
		doctor_check(doctor, look_name(look, "mtu"), transit ? DOCTOR_WARN : DOCTOR_PASS,
		    "set packetLength, or keep the sources' MTU below",
		    "packets of more than %d bytes are cut%s",
		    transit ? MTU_WHOLE_TRANSIT : MTU_WHOLE,
		    transit ? ": a transit gateway is on the way" : "");
}

/* --- a load balancer --- */

static bool
balancer_listens(const json_t *balancer)
{
	json_t *listener;
	size_t i;

	json_array_foreach (json_object_get(balancer, "listeners"), i, listener) {
		const char *protocol = target_word(listener, "Protocol");

		if ((strcmp(protocol, "UDP") == 0 || strcmp(protocol, "TCP_UDP") == 0) &&
		    json_integer_value(json_object_get(listener, "Port")) == PORT_VXLAN)
			return true;
	}
	return false;
}

/* The interface of a member, by its instance or its address. */
static const json_t *
member_interface(const struct doctor *doctor, const char *member)
{
	const char *id;
	json_t *interface;

	json_object_foreach (doctor->interfaces, id, interface) {
		const char *instance =
		    jsonx_get_string(json_object_get(interface, "Attachment"), "InstanceId");
		const char *address = jsonx_get_string(interface, "PrivateIpAddress");

		if ((instance != NULL && strcmp(instance, member) == 0) ||
		    (address != NULL && strcmp(address, member) == 0))
			return interface;
	}
	return NULL;
}

/* {zone: true} of healthy members. New reference. */
static json_t *
balancer_zones(const struct doctor *doctor, const json_t *balancer, size_t *ret_healthy)
{
	json_t *zones = json_object();
	json_t *member;
	size_t i;

	*ret_healthy = 0;
	json_array_foreach (json_object_get(balancer, "members"), i, member) {
		const json_t *target = json_object_get(member, "Target");
		const json_t *interface = member_interface(doctor, target_word(target, "Id"));
		const char *zone = jsonx_get_string(interface, "AvailabilityZone");

		if (strcmp(target_word(json_object_get(member, "TargetHealth"), "State"),
			"healthy") != 0)
			continue;
		++*ret_healthy;
		if (zone == NULL)
			zone = jsonx_get_string(target, "AvailabilityZone");
		if (zone != NULL)
			json_object_set_new(zones, zone, json_true());
	}
	return zones;
}

/* The first zone of sources in which no healthy member stands; NULL: each has one. */
static const char *
balancer_zone_without(
    const struct doctor *doctor, const struct target_look *look, const json_t *zones)
{
	const char *subnet;
	json_t *ignored;

	json_object_foreach (json_object_get(look->sum, "subnets"), subnet, ignored) {
		const char *zone =
		    jsonx_get_string(json_object_get(doctor->subnets, subnet), "AvailabilityZone");

		if (zone != NULL && json_object_get(zones, zone) == NULL)
			return zone;
	}
	return NULL;
}

static void
balancer_check_members(struct doctor *doctor, struct target_look *look, const json_t *balancer)
{
	bool cross = json_is_true(json_object_get(balancer, "crossZone"));
	size_t members = json_array_size(json_object_get(balancer, "members"));
	size_t healthy;
	json_t *zones = balancer_zones(doctor, balancer, &healthy);
	const char *without = cross ? NULL : balancer_zone_without(doctor, look, zones);

	if (healthy == 0)
		doctor_check(doctor, look_name(look, "members"), DOCTOR_FAIL,
		    "register members that answer the health check",
		    "%zu members, none of them healthy", members);
	else if (without != NULL)
		doctor_check(doctor, look_name(look, "members"), DOCTOR_FAIL,
		    "add members there, or turn cross-zone load balancing on",
		    "no healthy member in %s, where there are sources, and cross-zone load "
		    "balancing is off",
		    without);
	else
		doctor_check(doctor, look_name(look, "members"),
		    healthy < members ? DOCTOR_WARN : DOCTOR_PASS,
		    "mend the members that are not healthy", "%zu of %zu members are healthy%s",
		    healthy, members, cross ? ", across zones" : "");
	json_decref(zones);
}

/* The members get the packets with their sources' addresses, so that their own groups count. The
 * first that is closed to any of the sources' subnets is named. */
static void
balancer_check_groups(struct doctor *doctor, struct target_look *look, const json_t *balancer)
{
	json_t *member;
	size_t i;

	json_array_foreach (json_object_get(balancer, "members"), i, member) {
		const char *id = target_word(json_object_get(member, "Target"), "Id");
		const json_t *interface = member_interface(doctor, id);
		const char *source;
		json_t *ignored;

		json_object_foreach (json_object_get(look->sum, "subnets"), source, ignored) {
			const struct doctor_way way = {source, target_word(interface, "SubnetId"),
			    jsonx_get_array(interface, "Groups")};

			if (interface == NULL || doctor_groups_pass(doctor, &way) != PASSAGE_CLOSED)
				continue;
			doctor_check(doctor, look_name(look, "member-groups"), DOCTOR_FAIL,
			    way_groups.remedy, "%s of member %s, from %s", way_groups.closed, id,
			    source);
			return;
		}
	}
	doctor_check(doctor, look_name(look, "member-groups"), DOCTOR_PASS, NULL,
	    "no member is closed to the sources");
}

/* The balancer's own groups count where it has any. */
static void
balancer_check(struct doctor *doctor, struct target_look *look, const char *arn)
{
	const json_t *balancer = json_object_get(doctor->balancers, arn);
	const json_t *itself = json_object_get(balancer, "balancer");
	const char *state = target_word(json_object_get(itself, "State"), "Code");
	const json_t *groups = jsonx_get_array(itself, "SecurityGroups");
	const char *subnet = jsonx_get_string(
	    json_array_get(jsonx_get_array(itself, "AvailabilityZones"), 0), "SubnetId");
	bool transit = false;

	if (itself == NULL) {
		doctor_check(doctor, look_name(look, "load-balancer"), DOCTOR_WARN,
		    "grant elasticloadbalancing:Describe*, or look in the account that owns it",
		    "%s cannot be looked at", arn);
		return;
	}
	doctor_check(doctor, look_name(look, "load-balancer"),
	    strcmp(state, "active") == 0 ? DOCTOR_PASS : DOCTOR_FAIL,
	    "wait until it is active, or make another", "%s", state);
	doctor_check(doctor, look_name(look, "listener"),
	    balancer_listens(balancer) ? DOCTOR_PASS : DOCTOR_FAIL,
	    "add a listener for UDP, port 4789",
	    balancer_listens(balancer) ? "UDP 4789" : "no listener for UDP 4789");
	balancer_check_members(doctor, look, balancer);
	balancer_check_groups(doctor, look, balancer);
	if (subnet != NULL)
		way_judge(
		    doctor, look, subnet, json_array_size(groups) > 0 ? groups : NULL, &transit);
	mtu_check(doctor, look, transit);
}

/* --- an interface --- */

static void
interface_check(struct doctor *doctor, struct target_look *look, const char *interface_id)
{
	const json_t *interface = json_object_get(doctor->interfaces, interface_id);
	const char *instance_id =
	    jsonx_get_string(json_object_get(interface, "Attachment"), "InstanceId");
	const json_t *instance =
	    instance_id != NULL ? json_object_get(doctor->receivers, instance_id) : NULL;
	const char *state = target_word(instance, "State");
	json_int_t count = json_integer_value(json_object_get(look->sum, "count"));
	const char *type = jsonx_get_string(instance, "InstanceType");
	const char *subnet = jsonx_get_string(interface, "SubnetId");
	bool transit = false;

	if (strcmp(state, "running") != 0)
		doctor_check(doctor, look_name(look, "receiver"), DOCTOR_FAIL,
		    "start the instance, or give the rule another target", "%s is %s", interface_id,
		    instance_id == NULL ? "attached to no instance" : state);
	else
		doctor_check(doctor, look_name(look, "receiver"), DOCTOR_PASS, NULL,
		    "%s is running", instance_id);
	if (type != NULL)
		doctor_check(doctor, look_name(look, "sources"),
		    count > (json_int_t)instance_type_sources_max(type) ? DOCTOR_FAIL : DOCTOR_PASS,
		    "use a Network Load Balancer, or let the rule create its targets",
		    "%lld sources for a %s, which takes %u", (long long)count, type,
		    instance_type_sources_max(type));
	if (subnet != NULL)
		way_judge(doctor, look, subnet, jsonx_get_array(interface, "Groups"), &transit);
	mtu_check(doctor, look, transit);
}

/* --- targets --- */

static void
given_check(struct doctor *doctor, struct target_look *look)
{
	const json_t *target = json_object_get(doctor->targets, look->id);
	const char *owner = target_word(target, "OwnerId");
	const char *interface_id = jsonx_get_string(target, "NetworkInterfaceId");
	const char *arn = jsonx_get_string(target, "NetworkLoadBalancerArn");
	bool own = strcmp(owner, doctor->account) == 0;

	if (target == NULL) {
		doctor_check(doctor, look_name(look, "target"), DOCTOR_FAIL,
		    "correct targetId, or have its owner share it with this account",
		    DOCTOR_NOT_FOUND ", nor shared with it");
		return;
	}
	if (own || mirror_config_trusts(doctor->opts.mirror->config, owner))
		doctor_check(doctor, look_name(look, "target"), DOCTOR_PASS, NULL,
		    "%s of account %s", target_word(target, "Type"), owner);
	else
		doctor_check(doctor, look_name(look, "target"), DOCTOR_WARN,
		    "name the account in trustedAccounts, if it is to receive the traffic",
		    "%s of account %s, which is not trusted", target_word(target, "Type"), owner);
	if (interface_id != NULL && own)
		interface_check(doctor, look, interface_id);
	else if (arn != NULL)
		balancer_check(doctor, look, arn);
}

/* DOCTOR_NEW: an instance that a run would launch there. */
static void
created_check(struct doctor *doctor, struct target_look *look)
{
	const struct config_rule *rule = mirror_config_rule_named(
	    doctor->opts.mirror->config, jsonx_get_string(look->sum, "rule"));
	const json_t *image = json_object_get(doctor->images, rule->target_instance_ami);
	const char *subnet = look->id + strlen(DOCTOR_NEW);
	json_t *groups = json_array();
	const char *missing = NULL;
	bool transit = false;

	for (size_t i = 0; i < rule->target_security_group_count; i++) {
		const char *id = rule->target_security_group_ids[i];

		json_array_append_new(groups, json_string(id));
		if (json_object_get(doctor->groups, id) == NULL)
			missing = id;
	}
	if (image == NULL || strcmp(target_word(image, "State"), "available") != 0)
		doctor_check(doctor, look_name(look, "launch"), DOCTOR_FAIL,
		    "give an image that the account may launch", "image %s is %s",
		    rule->target_instance_ami,
		    image == NULL ? "not found" : target_word(image, "State"));
	else if (missing != NULL)
		doctor_check(doctor, look_name(look, "launch"), DOCTOR_FAIL,
		    "correct targetSecurityGroupIds", "security group %s is not found", missing);
	else
		doctor_check(doctor, look_name(look, "launch"), DOCTOR_PASS, NULL,
		    "%s with %s can be launched", rule->target_instance_type,
		    rule->target_instance_ami);
	way_judge(doctor, look, subnet, groups, &transit);
	mtu_check(doctor, look, transit);
	json_decref(groups);
}

static void
filters_check(struct doctor *doctor)
{
	const struct mirror_config *config = doctor->opts.mirror->config;
	json_t *seen = json_object();

	for (size_t i = 0; i < mirror_config_rule_count(config); i++) {
		struct target_look look = {.id = mirror_config_rule(config, i)->filter_id};
		const json_t *filter = json_object_get(doctor->filters, look.id);

		if (json_object_get(seen, look.id) != NULL)
			continue;
		json_object_set_new(seen, look.id, json_true());
		if (filter == NULL)
			doctor_check(doctor, look_name(&look, "filter"), DOCTOR_FAIL,
			    "correct filterId", DOCTOR_NOT_FOUND);
		else if (filter_take_described(filter) == FILTER_NOTHING)
			doctor_check(doctor, look_name(&look, "filter"), DOCTOR_FAIL,
			    "add rules that accept traffic", "no rule accepts a packet");
		else
			doctor_check(doctor, look_name(&look, "filter"), DOCTOR_PASS, NULL,
			    "accepts traffic");
		buf_fini(&look.name);
	}
	json_decref(seen);
}

void
doctor_judge_targets(struct doctor *doctor)
{
	struct target_look look = {.id = NULL};

	if (!doctor_lacks(doctor, "filters", "ec2:DescribeTrafficMirrorFilters"))
		filters_check(doctor);
	if (doctor_lacks(doctor, "sources", "ec2:DescribeInstances") ||
	    doctor_lacks(doctor, "targets", "ec2:DescribeTrafficMirrorTargets"))
		return;
	if (json_object_size(doctor->wanted) == 0)
		doctor_check(doctor, "sources", DOCTOR_WARN,
		    "tmflow explain INSTANCE-ID shows why a rule does not take an instance",
		    "no rule takes an instance of this account and region");
	json_object_foreach (doctor->wanted, look.id, look.sum) {
		if (strncmp(look.id, DOCTOR_NEW, strlen(DOCTOR_NEW)) == 0)
			created_check(doctor, &look);
		else
			given_check(doctor, &look);
	}
	buf_fini(&look.name);
}
