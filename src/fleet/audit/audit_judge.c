#include "fleet/audit/audit_internal.h"

#include "base/jsonx.h"
#include "mirror/config/instance.h"
#include "mirror/config/instance_types.h"
#include "mirror/filters/filters.h"
#include "mirror/members/members.h"

#include <assert.h>
#include <string.h>

/* What is wrong with what was listed, whatever a configuration asks. Pure but for the findings. */

/* AWS's quotas of an account and region; none can be raised. See:
 * https://docs.aws.amazon.com/vpc/latest/mirroring/traffic-mirroring-limits.html */
#define QUOTA_RESOURCES 10000 /* of sessions, targets and filters each */
#define QUOTA_NEARLY	0.9

/* For evidence: what is not known is said so. */
static const char *
judge_text(const json_t *object, const char *key)
{
	const char *text = jsonx_get_string(object, key);

	return text != NULL ? text : "unknown";
}

static void
judge_count(json_t *counts, const char *id)
{
	if (id != NULL)
		json_object_set_new(
		    counts, id, json_integer(json_integer_value(json_object_get(counts, id)) + 1));
}

static json_int_t
judge_counted(const json_t *counts, const char *id)
{
	return json_integer_value(json_object_get(counts, id));
}

/* True once interfaces and instances could be listed: else the absence of one says nothing. */
static bool
judge_knows_instances(const struct audit *audit)
{
	return json_object_get(audit->refused, "ec2:DescribeNetworkInterfaces") == NULL &&
	       json_object_get(audit->refused, "ec2:DescribeInstances") == NULL;
}

/* --- whose targets --- */

static bool
judge_trusts(const struct audit *audit, const char *account)
{
	if (strcmp(account, audit->account) == 0 ||
	    json_object_get(audit->opts.trusted, account) != NULL)
		return true;
	return audit->opts.mirror != NULL &&
	       mirror_config_trusts(audit->opts.mirror->config, account);
}

/*
 * A session of tmflow's that leads to a stranger was turned there by somebody: it hides behind
 * tmflow's tags. A target that is not listed at all belongs to an account that does not share it
 * (any more), and still receives.
 */
static void
judge_receiver(struct audit *audit, const char *id, const json_t *session)
{
	const char *target_id = judge_text(session, "TrafficMirrorTargetId");
	const json_t *target = json_object_get(audit->targets, target_id);
	const char *owner = jsonx_get_string(target, "OwnerId");
	enum severity severity =
	    tag_value(session, TAG_TOOL) != NULL ? SEVERITY_CRITICAL : SEVERITY_COUNT;

	if (target == NULL)
		audit_find(audit, FINDING_FOREIGN_TARGET, severity, id,
		    "%s is mirrored to %s, which is not listed in this account: its owner is not "
		    "known",
		    judge_text(session, "NetworkInterfaceId"), target_id);
	else if (owner != NULL && !judge_trusts(audit, owner))
		audit_find(audit, FINDING_FOREIGN_TARGET, severity, id,
		    "%s is mirrored to %s of account %s", judge_text(session, "NetworkInterfaceId"),
		    target_id, owner);
}

/* An organization as a whole, or a unit of it, is less than the world and more than an account. */
static void
judge_shares(struct audit *audit, const char *id)
{
	json_t *principal;
	size_t i;

	json_array_foreach (json_object_get(audit->shares, id), i, principal) {
		const char *who = judge_text(principal, "id");
		bool external = json_is_true(json_object_get(principal, "external"));

		if (judge_trusts(audit, who))
			continue;
		audit_find(audit, FINDING_SHARED_TARGET, external ? SEVERITY_HIGH : SEVERITY_MEDIUM,
		    id, "shared with %s%s", who, external ? ", outside of the organization" : "");
	}
}

/* --- sessions --- */

/* The interface receives for a target, or stands beside one that does on the same instance. */
static const char *
judge_sensor_of(const struct audit *audit, const char *interface_id)
{
	const json_t *instance = audit_holder(audit, interface_id);
	const char *instance_id = jsonx_get_string(instance, "InstanceId");
	const char *target_id;
	json_t *target;

	json_object_foreach (audit->targets, target_id, target) {
		const char *receiver = jsonx_get_string(target, "NetworkInterfaceId");

		if (receiver == NULL)
			continue;
		if (strcmp(receiver, interface_id) == 0 ||
		    (instance != NULL && audit_holder(audit, receiver) == instance))
			return target_id;
	}
	if (instance_id == NULL || audit->opts.mirror == NULL)
		return NULL;
	return members_target_of(audit->opts.mirror->account->members, instance_id);
}

static bool
judge_type_is_dead(const struct audit *audit, const char *type)
{
	return audit->opts.mirror != NULL
		   ? mirror_config_type_is_dead(audit->opts.mirror->config, type)
		   : instance_type_is_never_source(type);
}

static void
judge_source(struct audit *audit, const char *id, const char *interface_id)
{
	const json_t *instance = audit_holder(audit, interface_id);
	const char *type = jsonx_get_string(instance, "InstanceType");
	const char *sensor_of = judge_sensor_of(audit, interface_id);

	if (sensor_of != NULL)
		audit_find(audit, FINDING_MIRRORED_SENSOR, SEVERITY_COUNT, id, "%s receives for %s",
		    interface_id, sensor_of);
	if (!judge_knows_instances(audit))
		return;
	if (instance == NULL || instance_is_over(instance)) {
		audit_find(audit, FINDING_DETACHED_SOURCE, SEVERITY_COUNT, id,
		    "%s is attached to no instance", interface_id);
		return;
	}
	if (type != NULL && judge_type_is_dead(audit, type))
		audit_find(audit, FINDING_UNMIRRORABLE_SOURCE, SEVERITY_COUNT, id,
		    "%s is on %s of type %s", interface_id, judge_text(instance, "InstanceId"),
		    type);
	if (instance_is_stopped(instance))
		audit_find(audit, FINDING_STOPPED_SOURCE, SEVERITY_COUNT, id, "%s is on %s, %s",
		    interface_id, judge_text(instance, "InstanceId"),
		    judge_text(instance, "State"));
}

static void
judge_session(struct audit *audit, const char *id, const json_t *session)
{
	const char *interface_id = jsonx_get_string(session, "NetworkInterfaceId");

	judge_count(audit->by_target, jsonx_get_string(session, "TrafficMirrorTargetId"));
	judge_count(audit->used, jsonx_get_string(session, "TrafficMirrorFilterId"));
	judge_receiver(audit, id, session);
	if (tag_value(session, TAG_TOOL) == NULL)
		audit_find(audit, FINDING_STRANGER_SESSION, SEVERITY_COUNT, id,
		    "mirrors %s to %s with number %lld, without tmflow's tags",
		    judge_text(session, "NetworkInterfaceId"),
		    judge_text(session, "TrafficMirrorTargetId"),
		    (long long)json_integer_value(json_object_get(session, "SessionNumber")));
	if (interface_id != NULL)
		judge_source(audit, id, interface_id);
}

/* --- targets --- */

static bool
judge_made_target(const json_t *target)
{
	const char *name = tag_value(target, TAG_NAME);

	return tag_value(target, TAG_TOOL) != NULL ||
	       (name != NULL && strcmp(name, TAG_NAME_VALUE) == 0);
}

/* What is not an interface has members of its own: doctor looks at these. */
static void
judge_life(struct audit *audit, const char *id, const json_t *target, json_int_t sessions)
{
	const char *interface_id = jsonx_get_string(target, "NetworkInterfaceId");
	const json_t *instance = audit_holder(audit, interface_id);
	const char *type = jsonx_get_string(instance, "InstanceType");
	bool alive =
	    instance != NULL && !instance_is_over(instance) && !instance_is_stopped(instance);

	if (interface_id == NULL || !judge_knows_instances(audit) || sessions == 0)
		return;
	if (!alive)
		audit_find(audit, FINDING_DEAD_TARGET, SEVERITY_COUNT, id,
		    "%lld sessions lead to %s, %s%s", (long long)sessions, interface_id,
		    instance != NULL ? "whose instance is " : "which no instance has",
		    instance != NULL ? judge_text(instance, "State") : "");
	else if (!judge_made_target(target) && type != NULL &&
		 sessions >= (json_int_t)instance_type_sources_max(type))
		audit_find(audit, FINDING_FULL_QUOTA, SEVERITY_MEDIUM, id,
		    "%lld sessions lead to an interface on a %s, which takes %u sources",
		    (long long)sessions, type, instance_type_sources_max(type));
}

static void
judge_target(struct audit *audit, const char *id, const json_t *target)
{
	const char *owner = jsonx_get_string(target, "OwnerId");
	json_int_t sessions = judge_counted(audit->by_target, id);

	assert(sessions >= 0 && sessions <= (json_int_t)json_object_size(audit->sessions));
	judge_life(audit, id, target, sessions);
	if (owner == NULL || strcmp(owner, audit->account) != 0)
		return; /* somebody else's, who shares it with us: theirs to judge */
	judge_shares(audit, id);
	if (sessions == 0 && json_object_get(audit->shares, id) == NULL)
		audit_find(audit, FINDING_IDLE_TARGET, SEVERITY_COUNT, id, "no session leads to %s",
		    judge_text(target, jsonx_get_string(target, "NetworkInterfaceId") != NULL
					   ? "NetworkInterfaceId"
				       : jsonx_get_string(target, "NetworkLoadBalancerArn") != NULL
					   ? "NetworkLoadBalancerArn"
					   : "GatewayLoadBalancerEndpointId"));
	if (!judge_made_target(target) && !audit_is_named(audit, id))
		audit_find(audit, FINDING_STRANGER_TARGET, SEVERITY_COUNT, id,
		    "of type %s, without tmflow's tags", judge_text(target, "Type"));
}

/* --- filters --- */

static void
judge_filter(struct audit *audit, const char *id, const json_t *filter)
{
	json_int_t sessions = judge_counted(audit->used, id);
	enum filter_take take = filter_take_described(filter);

	if (sessions == 0 && !audit_is_named(audit, id))
		return;
	if (take == FILTER_NOTHING)
		audit_find(audit, FINDING_EMPTY_FILTER, SEVERITY_COUNT, id,
		    "no rule accepts a packet; used by %lld sessions", (long long)sessions);
	else if (take == FILTER_ALL)
		audit_find(audit, FINDING_OPEN_FILTER, SEVERITY_COUNT, id,
		    "accepts every packet in both directions; used by %lld sessions",
		    (long long)sessions);
}

/* --- the account --- */

static void
audit_judge_quota(struct audit *audit, const char *what, size_t count)
{
	if (count >= QUOTA_RESOURCES)
		audit_find(audit, FINDING_FULL_QUOTA, SEVERITY_HIGH, what, "%zu of %d are used",
		    count, QUOTA_RESOURCES);
	else if ((double)count >= QUOTA_NEARLY * QUOTA_RESOURCES)
		audit_find(audit, FINDING_FULL_QUOTA, SEVERITY_MEDIUM, what, "%zu of %d are used",
		    count, QUOTA_RESOURCES);
}

/* Targets of others do not count against the account's quota. */
static size_t
judge_own_targets(const struct audit *audit)
{
	size_t count = 0;
	const char *id;
	json_t *target;

	json_object_foreach (audit->targets, id, target)
		count += strcmp(judge_text(target, "OwnerId"), audit->account) == 0;
	return count;
}

/* Launched, and no interface of it is a target's: it costs by the hour. */
static void
judge_launch(struct audit *audit, const char *id, const json_t *instance)
{
	const char *target_id;
	json_t *target;

	if (!instance_is_marked_target(instance) || instance_is_over(instance))
		return;
	json_object_foreach (audit->targets, target_id, target) {
		const char *receiver = jsonx_get_string(target, "NetworkInterfaceId");
		json_t *interface;
		size_t i;

		json_array_foreach (jsonx_get_array(instance, "NetworkInterfaces"), i, interface)
			if (receiver != NULL &&
			    strcmp(judge_text(interface, "NetworkInterfaceId"), receiver) == 0)
				return;
	}
	audit_find(audit, FINDING_IDLE_INSTANCE, SEVERITY_COUNT, id,
	    "launched for targets of %s, %s, of type %s",
	    tag_value(instance, TAG_TARGET_OF) != NULL ? tag_value(instance, TAG_TARGET_OF)
						       : "an unknown subnet",
	    judge_text(instance, "State"), judge_text(instance, "InstanceType"));
}

void
audit_judge(struct audit *audit)
{
	const char *id;
	json_t *item;

	json_object_foreach (audit->sessions, id, item)
		judge_session(audit, id, item);
	json_object_foreach (audit->targets, id, item)
		judge_target(audit, id, item);
	json_object_foreach (audit->filters, id, item)
		judge_filter(audit, id, item);
	json_object_foreach (audit->instances, id, item)
		judge_launch(audit, id, item);
	audit_judge_quota(audit, "sessions", json_object_size(audit->sessions));
	audit_judge_quota(audit, "targets", judge_own_targets(audit));
	audit_judge_quota(audit, "filters", json_object_size(audit->filters));
}
