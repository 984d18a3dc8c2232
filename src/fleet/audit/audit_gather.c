#include "fleet/audit/audit_internal.h"

#include "aws/pace/retry.h"
#include "aws/services/pager.h"
#include "aws/services/ram.h"
#include "aws/services/sts.h"
#include "base/jsonx.h"
#include "mirror/members/members.h"
#include "mirror/targets/targets.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/*
 * Lists everything, one call after another. A step asks until it has nothing more to ask; what AWS
 * refuses for good is noted, and ends its step. A list with too many pages is noted, too. Only
 * without targets and sessions there is nothing to judge: their refusal ends the audit.
 */

/* RAM: 500 a page, and at most 5,000 shares an account; a page may be short or empty. */
#define SHARE_PAGES_MAX 1000

/* What is collected of a listing by id. */
struct audit_gather_list {
	const struct ec2_list *list;
	const char *set; /* of the reply */
	const char *id;	 /* of a member of it */
};

static const struct audit_gather_list list_targets = {
    &ec2_list_targets, "TrafficMirrorTargets", "TrafficMirrorTargetId"};
static const struct audit_gather_list list_filters = {
    &ec2_list_filters, "TrafficMirrorFilters", "TrafficMirrorFilterId"};
static const struct audit_gather_list list_sessions = {
    &ec2_list_sessions, "TrafficMirrorSessions", "TrafficMirrorSessionId"};
static const struct audit_gather_list list_interfaces = {
    &ec2_list_interfaces, "NetworkInterfaces", "NetworkInterfaceId"};
static const struct audit_gather_list list_instances = {
    &ec2_list_instances, "Instances", "InstanceId"};

/* Where a page goes: the frame of its listing stands in the audit. */
static void
audit_gather_keep(const struct audit_gather_list *of, const json_t *reply, json_t *into)
{
	json_t *item;
	size_t i;

	assert(json_is_object(into));
	json_array_foreach (jsonx_get_array(reply, of->set), i, item) {
		const char *id = jsonx_get_string(item, of->id);

		if (id != NULL)
			json_object_set(into, id, item);
	}
}

#define GATHER_PAGE(name, list, member)                                                            \
	static enum ec2_page_next name(void *arg, json_t *reply, struct tmf_err *err)              \
	{                                                                                          \
		struct audit *audit = arg;                                                         \
                                                                                                   \
		(void)err;                                                                         \
		audit_gather_keep(&(list), reply, audit->member);                                  \
		return EC2_PAGE_MORE;                                                              \
	}
GATHER_PAGE(audit_gather_targets_page, list_targets, targets)
GATHER_PAGE(audit_gather_filters_page, list_filters, filters)
GATHER_PAGE(audit_gather_sessions_page, list_sessions, sessions)
GATHER_PAGE(audit_gather_interfaces_page, list_interfaces, interfaces)
GATHER_PAGE(audit_gather_instances_page, list_instances, instances)

/* A whole list, once. */
static struct tmf_call *
audit_gather_all(struct audit *audit, const struct ec2_list *list, ec2_page_fn *on_page)
{
	if (audit->looked)
		return NULL;
	audit->looked = true;
	return ec2_pages(
	    audit->opts.ec2, &(struct ec2_pages){.list = list, .on_page = on_page, .arg = audit});
}

/* The next of the wanted ids, as many as a filter takes. */
static struct tmf_call *
audit_gather_wanted(
    struct audit *audit, const struct ec2_list *list, const char *filter, ec2_page_fn *on_page)
{
	json_t *values = json_array();
	json_t *filters;
	struct tmf_call *call;
	size_t left;

	while ((left = json_array_size(audit->wanted)) > 0 &&
	       json_array_size(values) < EC2_FILTER_VALUES_MAX) {
		json_array_append(values, json_array_get(audit->wanted, left - 1));
		json_array_remove(audit->wanted, left - 1);
	}
	assert(json_array_size(values) <= EC2_FILTER_VALUES_MAX);
	if (json_array_size(values) == 0) {
		json_decref(values);
		return NULL;
	}
	filters = describe_filter(filter, values);
	call = ec2_pages(audit->opts.ec2,
	    &(struct ec2_pages){
		.list = list, .filters = filters, .on_page = on_page, .arg = audit});
	json_decref(filters);
	return call;
}

/* Notes an id once. seen: {id: true} of those noted before. */
static void
audit_gather_want(struct audit *audit, json_t *seen, const char *id)
{
	if (id == NULL || json_object_get(seen, id) != NULL)
		return;
	json_object_set_new(seen, id, json_true());
	json_array_append_new(audit->wanted, json_string(id));
}

/* --- the steps: each gives its next call, or NULL at its end --- */

static struct tmf_call *
audit_step_identity(struct audit *audit, const json_t *reply)
{
	const char *account = jsonx_get_string(reply, "Account");

	if (account != NULL && strlen(account) < sizeof(audit->account))
		snprintf(audit->account, sizeof(audit->account), "%s", account);
	if (audit->looked || audit->opts.sts == NULL)
		return NULL;
	audit->looked = true;
	return sts_get_caller_identity(audit->opts.sts);
}

static struct tmf_call *
audit_step_targets(struct audit *audit, const json_t *reply)
{
	(void)reply;
	return audit_gather_all(audit, &ec2_list_targets, audit_gather_targets_page);
}

static struct tmf_call *
audit_step_filters(struct audit *audit, const json_t *reply)
{
	(void)reply;
	return audit_gather_all(audit, &ec2_list_filters, audit_gather_filters_page);
}

static struct tmf_call *
audit_step_sessions(struct audit *audit, const json_t *reply)
{
	(void)reply;
	return audit_gather_all(audit, &ec2_list_sessions, audit_gather_sessions_page);
}

/* Those of sources and of targets. */
static struct tmf_call *
audit_step_interfaces(struct audit *audit, const json_t *reply)
{
	const char *id;
	json_t *item;

	(void)reply;
	if (!audit->looked) {
		json_t *seen = json_object();

		json_object_foreach (audit->sessions, id, item)
			audit_gather_want(
			    audit, seen, jsonx_get_string(item, "NetworkInterfaceId"));
		json_object_foreach (audit->targets, id, item)
			audit_gather_want(
			    audit, seen, jsonx_get_string(item, "NetworkInterfaceId"));
		json_decref(seen);
	}
	audit->looked = true;
	return audit_gather_wanted(
	    audit, &ec2_list_interfaces, "network-interface-id", audit_gather_interfaces_page);
}

static struct tmf_call *
audit_step_instances(struct audit *audit, const json_t *reply)
{
	const char *id;
	json_t *item;

	(void)reply;
	if (!audit->looked) {
		json_t *seen = json_object();

		json_object_foreach (audit->interfaces, id, item)
			audit_gather_want(audit, seen,
			    jsonx_get_string(json_object_get(item, "Attachment"), "InstanceId"));
		json_decref(seen);
	}
	audit->looked = true;
	return audit_gather_wanted(
	    audit, &ec2_list_instances, "instance-id", audit_gather_instances_page);
}

/* What was launched for targets, whether it has one or not. */
static struct tmf_call *
audit_step_launches(struct audit *audit, const json_t *reply)
{
	(void)reply;
	if (!audit->looked)
		json_array_append_new(audit->wanted, json_string(TAG_TOOL_VALUE));
	audit->looked = true;
	return audit_gather_wanted(
	    audit, &ec2_list_instances, "tag:" TAG_TOOL, audit_gather_instances_page);
}

/* Which targets are whose: the rules are judged by it. */
static struct tmf_call *
audit_step_inventory(struct audit *audit, const json_t *reply)
{
	(void)reply;
	if (audit->looked || audit->opts.mirror == NULL)
		return NULL;
	audit->looked = true;
	return targets_load_lives(audit->opts.mirror->account->targets);
}

static struct tmf_call *
audit_step_members(struct audit *audit, const json_t *reply)
{
	(void)reply;
	if (audit->looked || audit->opts.mirror == NULL)
		return NULL;
	audit->looked = true;
	return members_load(
	    audit->opts.mirror->account->members, &(struct members_opts){
						      .config = audit->opts.mirror->config,
						      .account_of = mirror_account_of,
						      .arg = audit->opts.mirror,
						  });
}

/* arn:aws:ec2:REGION:ACCOUNT:traffic-mirror-target/ID */
static enum ec2_page_next
audit_gather_shared_page(void *arg, json_t *reply, struct tmf_err *err)
{
	struct audit *audit = arg;
	json_t *resource;
	size_t i;

	(void)err;
	json_array_foreach (jsonx_get_array(reply, "resources"), i, resource) {
		const char *arn = jsonx_get_string(resource, "arn");
		const char *share = jsonx_get_string(resource, "resourceShareArn");
		const char *id = arn != NULL ? strrchr(arn, '/') : NULL;
		json_t *targets;

		if (id == NULL || share == NULL)
			continue;
		targets = json_object_get(audit->share_targets, share);
		if (targets == NULL)
			json_object_set_new(audit->share_targets, share, targets = json_array());
		json_array_append_new(targets, json_string(id + 1));
	}
	return EC2_PAGE_MORE;
}

static struct tmf_call *
audit_step_shared(struct audit *audit, const json_t *reply)
{
	(void)reply;
	if (audit->opts.ram == NULL || audit->looked)
		return NULL;
	audit->looked = true;
	return token_pages(audit->opts.ram, &(struct token_pages){
						.list = &ram_list_shared_targets,
						.pages_max = SHARE_PAGES_MAX,
						.on_page = audit_gather_shared_page,
						.arg = audit,
					    });
}

static void
audit_gather_principal(struct audit *audit, json_t *principal)
{
	const char *share = jsonx_get_string(principal, "resourceShareArn");
	json_t *target;
	size_t i;

	assert(json_is_object(audit->share_targets));
	json_array_foreach (
	    share != NULL ? json_object_get(audit->share_targets, share) : NULL, i, target) {
		const char *id = json_string_value(target);
		json_t *principals = json_object_get(audit->shares, id);

		if (principals == NULL)
			json_object_set_new(audit->shares, id, principals = json_array());
		json_array_append(principals, principal);
	}
}

static enum ec2_page_next
audit_gather_principals_page(void *arg, json_t *reply, struct tmf_err *err)
{
	json_t *principal;
	size_t i;

	(void)err;
	json_array_foreach (jsonx_get_array(reply, "principals"), i, principal)
		audit_gather_principal(arg, principal);
	return EC2_PAGE_MORE;
}

/* Asked only where anything is shared. */
static struct tmf_call *
audit_step_principals(struct audit *audit, const json_t *reply)
{
	(void)reply;
	if (json_object_size(audit->share_targets) == 0 || audit->looked)
		return NULL;
	audit->looked = true;
	return token_pages(audit->opts.ram, &(struct token_pages){
						.list = &ram_list_target_principals,
						.pages_max = SHARE_PAGES_MAX,
						.on_page = audit_gather_principals_page,
						.arg = audit,
					    });
}

static struct tmf_call *
audit_step_events(struct audit *audit, const json_t *reply)
{
	(void)reply;
	return audit_trail_ask(audit);
}

static const struct {
	const char *operation; /* as IAM calls it */
	bool needed;
	struct tmf_call *(*ask)(struct audit *audit, const json_t *reply);
} steps[] = {
    {"sts:GetCallerIdentity", false, audit_step_identity},
    {"ec2:DescribeTrafficMirrorTargets", true, audit_step_targets},
    {"ec2:DescribeTrafficMirrorFilters", false, audit_step_filters},
    {"ec2:DescribeTrafficMirrorSessions", true, audit_step_sessions},
    {"ec2:DescribeNetworkInterfaces", false, audit_step_interfaces},
    {"ec2:DescribeInstances", false, audit_step_instances},
    {"ec2:DescribeInstances", false, audit_step_launches},
    {"ec2:DescribeInstances", false, audit_step_inventory},
    {"elasticloadbalancing:DescribeTargetHealth", false, audit_step_members},
    {"ram:ListResources", false, audit_step_shared},
    {"ram:ListPrincipals", false, audit_step_principals},
    {"cloudtrail:LookupEvents", false, audit_step_events},
};
#define STEPS (sizeof(steps) / sizeof(steps[0]))

/* Of all IAM actions; members_load and targets_load_lives need no others. */
const char *const audit_iam_actions[] = {"ec2:DescribeInstances", "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeTrafficMirrorFilters", "ec2:DescribeTrafficMirrorSessions",
    "ec2:DescribeTrafficMirrorTargets", "ec2:DescribeVpcEndpoints",
    "ec2:DescribeVpcEndpointServiceConfigurations", "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth", "ram:ListPrincipals", "ram:ListResources", NULL};
const char *const audit_trail_iam_actions[] = {"cloudtrail:LookupEvents", NULL};

/* The next call of this step, or of the first after it that has one. */
static struct tmf_call *
audit_gather_next(struct audit *audit, const json_t *reply)
{
	struct tmf_call *call = NULL;

	assert(audit->step <= STEPS);
	while (audit->step < STEPS) {
		call = steps[audit->step].ask(audit, reply);
		if (call != NULL)
			return call;
		audit->step++;
		audit->looked = false;
		json_array_clear(audit->wanted);
		reply = NULL;
	}
	return NULL;
}

/* What fails again however often it is asked for: the audit continues without it. Invalid keys are
 * not among them, since every other lookup fails with them, too. */
static bool
audit_gather_is_refusal(const struct tmf_err *err)
{
	return (err->code == TMF_ERR_SERVICE && retry_classify(err) == RETRY_NEVER) ||
	       err->code == TMF_ERR_TRANSPORT || err->code == TMF_ERR_LIMIT;
}

static struct tmf_call *
audit_gather_step(void *frame, struct tmf_call *over, json_t **ret_result, struct tmf_err *err)
{
	struct audit *audit = frame;
	json_t *reply = tmf_call_take_result(over);
	struct tmf_call *next;

	assert(audit->step < STEPS);
	if (reply == NULL) {
		if (steps[audit->step].needed || !audit_gather_is_refusal(&over->err)) {
			tmf_err_move(err, &over->err);
			return NULL;
		}
		jsonx_put_string(audit->refused, steps[audit->step].operation, over->err.name);
		/* A list with too many pages was read up to there, and others of the step may be
		 * shorter. */
		if (over->err.code != TMF_ERR_LIMIT) {
			audit->step++;
			audit->looked = false;
			json_array_clear(audit->wanted);
		}
	}
	next = audit_gather_next(audit, reply);
	json_decref(reply);
	if (next == NULL)
		*ret_result = json_object();
	return next;
}

struct tmf_call *
audit_gather(struct audit *audit)
{
	struct tmf_call *first;

	assert(audit->step == 0 && json_array_size(audit->wanted) == 0);
	first = audit_gather_next(audit, NULL);
	assert(first != NULL); /* targets are listed in any case */
	return tmf_call_sequence(first, audit_gather_step, audit, NULL);
}
