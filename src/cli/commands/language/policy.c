#include "cli/commands/language/policy.h"

#include "aws/arn.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "cli/run/permissions.h"
#include "fleet/audit/audit.h"
#include "fleet/doctor/doctor.h"
#include "mirror/mirror.h"
#include "mirror/names.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* IAM policies: what the actions of a workflow need, of what bears tmflow's tags, and no more than
 * a configuration asks for. */

#define POLICY_VERSION "2012-10-17" /* of the policy language */

#define KEY_REQUEST_TOOL  "aws:RequestTag/" TAG_TOOL
#define KEY_RESOURCE_TOOL "aws:ResourceTag/" TAG_TOOL
#define KEY_RESOURCE_NAME "aws:ResourceTag/" TAG_NAME

/*
 * What a worker asks of its activity, and what it says of a task, which only the task's token
 * names.
 */
static const char *const activity_actions[] = {"states:GetActivityTask"};
static const char *const task_actions[] = {
    "states:SendTaskFailure",
    "states:SendTaskHeartbeat",
    "states:SendTaskSuccess",
};

/* Takes resource: an ARN, or a list of them. */
static void
policy_add_statement(
    json_t *statements, const char *sid, const char *const *actions, size_t count, json_t *resource)
{
	json_t *statement = json_object();
	json_t *list = json_array();

	jsonx_put_string(statement, "Sid", sid);
	jsonx_put_string(statement, "Effect", "Allow");
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_string(actions[i]));
	json_object_set_new(statement, "Action", list);
	json_object_set_new(statement, "Resource", resource);
	json_array_append_new(statements, statement);
}

static const char *const role_actions[] = {"sts:AssumeRole"};
#define ANY_ROLE "arn:*:iam::*:role/*"

/* True if some Task of the definition may take a role of another account. */
static bool
policy_takes_roles(const json_t *value)
{
	static const char prefix[] = "tmflow:";
	const char *resource = jsonx_get_string(value, "Resource");
	const json_t *arguments = json_object_get(value, "Arguments");
	const char *key;
	json_t *member;
	size_t i;

	if (arguments == NULL)
		arguments = json_object_get(value, "Parameters");
	if (resource != NULL && strncmp(resource, prefix, sizeof(prefix) - 1) == 0 &&
	    mirror_task_takes_roles(resource + sizeof(prefix) - 1, arguments))
		return true;
	json_object_foreach ((json_t *)value, key, member)
		if (policy_takes_roles(member))
			return true;
	json_array_foreach (value, i, member)
		if (policy_takes_roles(member))
			return true;
	return false;
}

static void
policy_add_role(json_t *resources, const char *template, const char *account_id)
{
	char *arn = arn_fill_in(template, account_id, "*");

	if (arn != NULL)
		json_array_append_new(resources, json_string(arn));
	free(arn);
}

/* As the configuration names it, in its accounts or in any; without a configuration any role that
 * lets us in. An empty list of accounts makes no statement. */
static void
policy_add_roles(json_t *statements, const struct mirror_config *config)
{
	const struct config_guardduty *guardduty =
	    config != NULL ? mirror_config_guardduty(config) : NULL;
	const char *template = guardduty != NULL ? guardduty->role_arn : ANY_ROLE;
	const json_t *accounts = guardduty != NULL ? guardduty->accounts : NULL;
	json_t *resources = json_array();
	char id[ARN_ACCOUNT_DIGITS + 1];
	json_t *account;
	size_t i;

	json_array_foreach (accounts, i, account)
		if (arn_account_of(account, id))
			policy_add_role(resources, template, id);
	if (accounts == NULL)
		policy_add_role(resources, template, "*");
	if (json_array_size(resources) > 0)
		policy_add_statement(statements, "TmflowRoles", role_actions,
		    sizeof(role_actions) / sizeof(role_actions[0]),
		    json_array_size(resources) == 1 ? json_incref(json_array_get(resources, 0))
						    : json_incref(resources));
	json_decref(resources);
}

/* --- narrowed by tags, and by a configuration --- */

/* A policy under way. */
struct policy {
	json_t *statements;
	json_t *needed;	    /* [action], see permissions_needed */
	const char *region; /* NULL: any */
	const struct mirror_config *config;
};

static bool
policy_needs(const struct policy *policy, const char *action)
{
	json_t *needed;
	size_t i;

	json_array_foreach (policy->needed, i, needed)
		if (strcmp(json_string_value(needed), action) == 0)
			return true;
	return false;
}

/* Appends the ARN of EC2 resources of a type to list: of all, or of one. An image is of no
 * account. */
static void
policy_add_arn(const struct policy *policy, json_t *list, const char *type, const char *id)
{
	const char *region = policy->region != NULL ? policy->region : "*";
	const char *account = strcmp(type, "image") == 0 ? "" : "*";

	json_array_append_new(
	    list, json_sprintf("arn:*:ec2:%s:%s:%s/%s", region, account, type, id));
}

/* ARNs of all resources of these types, NULL at the end. New reference. */
static json_t *
policy_all_of(const struct policy *policy, const char *const *types)
{
	json_t *list = json_array();

	for (; *types != NULL; types++)
		policy_add_arn(policy, list, *types, "*");
	return list;
}

/* {"StringEquals": {key: value}}. Takes value. */
static json_t *
policy_equals(const char *key, json_t *value)
{
	return json_pack("{s:{s:o}}", "StringEquals", key, value);
}

/* Adds a statement for those of the actions that are needed; nothing where none is. Takes resource
 * and condition (NULL: none). */
static void
policy_allow(struct policy *policy, const char *sid, const char *const *actions, json_t *resource,
    json_t *condition)
{
	const char *needed[8];
	size_t count = 0;

	for (; *actions != NULL; actions++) {
		assert(count < sizeof(needed) / sizeof(needed[0]));
		if (policy_needs(policy, *actions))
			needed[count++] = *actions;
	}
	if (count > 0 && json_array_size(resource) > 0) {
		policy_add_statement(policy->statements, sid, needed, count, json_incref(resource));
		if (condition != NULL)
			json_object_set(json_array_get(policy->statements,
					    json_array_size(policy->statements) - 1),
			    "Condition", condition);
	}
	json_decref(resource);
	json_decref(condition);
}

static bool
policy_looks(const char *action)
{
	return strncmp(action, "s3:", 3) != 0 &&
	       (strstr(action, ":Describe") != NULL || strstr(action, ":List") != NULL ||
		   strstr(action, ":Lookup") != NULL);
}

/* Describes take no resource. */
static void
policy_allow_describes(struct policy *policy)
{
	json_t *actions = json_array();
	json_t *statement = json_object();
	json_t *needed;
	size_t i;

	json_array_foreach (policy->needed, i, needed)
		if (policy_looks(json_string_value(needed)))
			json_array_append(actions, needed);
	jsonx_put_string(statement, "Sid", "TmflowLooks");
	jsonx_put_string(statement, "Effect", "Allow");
	json_object_set(statement, "Action", actions);
	jsonx_put_string(statement, "Resource", "*");
	if (policy->region != NULL)
		json_object_set_new(statement, "Condition",
		    policy_equals("aws:RequestedRegion", json_string(policy->region)));
	if (json_array_size(actions) > 0)
		json_array_append(policy->statements, statement);
	json_decref(statement);
	json_decref(actions);
}

/* What each rule names, once: its filter; its target, or any; of created targets image, groups,
 * subnet and type. */
struct policy_places {
	json_t *sessions; /* ARNs that a session is made of */
	json_t *launches; /* ARNs that an instance is made of */
	json_t *types;	  /* of instances; empty: any */
};

static void
policy_add_once(const struct policy *policy, json_t *list, const char *type, const char *id)
{
	json_t *one = json_array();
	json_t *listed;
	size_t i;

	policy_add_arn(policy, one, type, id);
	json_array_foreach (list, i, listed)
		if (json_equal(listed, json_array_get(one, 0))) {
			json_decref(one);
			return;
		}
	json_array_extend(list, one);
	json_decref(one);
}

static void
policy_add_rule(
    const struct policy *policy, const struct config_rule *rule, struct policy_places *places)
{
	policy_add_once(policy, places->sessions, "traffic-mirror-filter", rule->filter_id);
	policy_add_once(policy, places->sessions, "traffic-mirror-target",
	    rule->target_id != NULL ? rule->target_id : "*");
	if (rule->target_id != NULL)
		return;
	policy_add_once(policy, places->launches, "image", rule->target_instance_ami);
	policy_add_once(policy, places->launches, "subnet",
	    rule->target_subnet_id != NULL ? rule->target_subnet_id : "*");
	for (size_t i = 0; i < rule->target_security_group_count; i++)
		policy_add_once(
		    policy, places->launches, "security-group", rule->target_security_group_ids[i]);
	json_array_append_new(places->types, json_string(rule->target_instance_type));
}

/* Without a configuration it is not known what the rules name. */
static void
policy_add_any(const struct policy *policy, struct policy_places *places)
{
	static const char *const session_places[] = {
	    "traffic-mirror-filter", "traffic-mirror-target", NULL};
	static const char *const launch_places[] = {"image", "subnet", "security-group", NULL};

	for (const char *const *type = session_places; *type != NULL; type++)
		policy_add_arn(policy, places->sessions, *type, "*");
	for (const char *const *type = launch_places; *type != NULL; type++)
		policy_add_arn(policy, places->launches, *type, "*");
}

static const char *const of_sessions[] = {"traffic-mirror-session", NULL};
static const char *const of_targets[] = {"traffic-mirror-target", NULL};
static const char *const of_instances[] = {"instance", NULL};
static const char *const of_interfaces[] = {"network-interface", NULL};
static const char *const of_mirroring[] = {"traffic-mirror-session", "traffic-mirror-target", NULL};
static const char *const of_launched[] = {"network-interface", "volume", NULL};
static const char *const of_made[] = {
    "traffic-mirror-session", "traffic-mirror-target", "instance", "network-interface", NULL};

#define ACTIONS(...)   ((const char *const[]){__VA_ARGS__, NULL})
#define CREATE_SESSION "ec2:CreateTrafficMirrorSession"
#define MODIFY_SESSION "ec2:ModifyTrafficMirrorSession"
#define DELETE_SESSION "ec2:DeleteTrafficMirrorSession"
#define CREATE_TARGET  "ec2:CreateTrafficMirrorTarget"
#define DELETE_TARGET  "ec2:DeleteTrafficMirrorTarget"
#define RUN_INSTANCES  "ec2:RunInstances"

static json_t *
policy_tool(const char *key)
{
	return policy_equals(key, json_string(TAG_TOOL_VALUE));
}

/* What is made bears tmflow's tag from its first moment, and only what bears it is changed. */
static void
policy_allow_sessions(struct policy *policy, struct policy_places *places)
{
	json_t *places_of = json_incref(places->sessions);

	policy_add_arn(policy, places_of, "network-interface", "*");
	policy_allow(policy, "TmflowSessionPlaces", ACTIONS(CREATE_SESSION, MODIFY_SESSION),
	    places_of, NULL);
	policy_allow(policy, "TmflowSessionsMade", ACTIONS(CREATE_SESSION),
	    policy_all_of(policy, of_sessions), policy_tool(KEY_REQUEST_TOOL));
	policy_allow(policy, "TmflowSessionsOurs", ACTIONS(MODIFY_SESSION, DELETE_SESSION),
	    policy_all_of(policy, of_sessions), policy_tool(KEY_RESOURCE_TOOL));
}

static void
policy_allow_targets(struct policy *policy, struct policy_places *places)
{
	json_t *made = policy_tool(KEY_REQUEST_TOOL);

	policy_allow(policy, "TmflowTargetPlaces", ACTIONS(CREATE_TARGET),
	    policy_all_of(policy, of_interfaces), NULL);
	policy_allow(policy, "TmflowTargetsMade", ACTIONS(CREATE_TARGET),
	    policy_all_of(policy, of_targets), policy_tool(KEY_REQUEST_TOOL));
	policy_allow(policy, "TmflowTargetsOurs", ACTIONS(DELETE_TARGET),
	    policy_all_of(policy, of_targets), policy_tool(KEY_RESOURCE_TOOL));
	policy_allow(policy, "TmflowLaunchPlaces", ACTIONS(RUN_INSTANCES),
	    json_incref(places->launches), NULL);
	policy_allow(policy, "TmflowLaunchParts", ACTIONS(RUN_INSTANCES),
	    policy_all_of(policy, of_launched), NULL);
	if (json_array_size(places->types) > 0)
		json_object_set(
		    json_object_get(made, "StringEquals"), "ec2:InstanceType", places->types);
	policy_allow(policy, "TmflowLaunches", ACTIONS(RUN_INSTANCES),
	    policy_all_of(policy, of_instances), made);
	policy_allow(policy, "TmflowTerminates", ACTIONS("ec2:TerminateInstances"),
	    policy_all_of(policy, of_instances), policy_tool(KEY_RESOURCE_TOOL));
}

/* At creation, and later on what is tmflow's; the seed application's targets lose their tag, too,
 * when they are full. */
static void
policy_allow_tags(struct policy *policy)
{
	policy_allow(policy, "TmflowTagsMade", ACTIONS("ec2:CreateTags"),
	    policy_all_of(policy, of_made),
	    policy_equals("ec2:CreateAction",
		json_pack("[s, s, s]", &CREATE_SESSION[4], &CREATE_TARGET[4], &RUN_INSTANCES[4])));
	policy_allow(policy, "TmflowTagsOurs", ACTIONS("ec2:CreateTags", "ec2:DeleteTags"),
	    policy_all_of(policy, of_mirroring), policy_tool(KEY_RESOURCE_TOOL));
	policy_allow(policy, "TmflowTagsOfSeed", ACTIONS("ec2:DeleteTags"),
	    policy_all_of(policy, of_targets),
	    policy_equals(KEY_RESOURCE_NAME, json_string(TAG_NAME_VALUE)));
}

/* Buckets have no account in their ARNs, and an input may name them. */
static void
policy_allow_objects(struct policy *policy)
{
	policy_allow(policy, "TmflowBuckets", ACTIONS("s3:ListBucket"),
	    json_pack("[s]", "arn:*:s3:::*"), NULL);
	policy_allow(policy, "TmflowObjects", ACTIONS("s3:GetObject", "s3:PutObject"),
	    json_pack("[s]", "arn:*:s3:::*/*"), NULL);
}

static void
policy_allow_actions(struct policy *policy)
{
	struct policy_places places = {json_array(), json_array(), json_array()};

	if (policy->config == NULL)
		policy_add_any(policy, &places);
	for (size_t i = 0; policy->config != NULL && i < mirror_config_rule_count(policy->config);
	     i++)
		policy_add_rule(policy, mirror_config_rule(policy->config, i), &places);
	policy_allow_describes(policy);
	policy_allow_sessions(policy, &places);
	policy_allow_targets(policy, &places);
	policy_allow_tags(policy);
	policy_allow_objects(policy);
	json_decref(places.sessions);
	json_decref(places.launches);
	json_decref(places.types);
}

/* --- commands --- */

#define SQS_ACTIONS "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"

static const char *const queue_actions[] = {SQS_ACTIONS, NULL};
static const char *const destroy_actions[] = {"ec2:DescribeInstances",
    "ec2:DescribeTrafficMirrorSessions", "ec2:DescribeTrafficMirrorTargets", DELETE_SESSION,
    DELETE_TARGET, "ec2:TerminateInstances", NULL};

/* What a policy is made of, by the command that it is for. */
static const struct policy_command {
	const char *name;
	bool works;		   /* does what the workflow's actions do */
	bool looks_as_workflow;	   /* only what its actions describe */
	const char *const *names;  /* these actions, or NULL */
	const char *const *names2; /* and these, or NULL */
} policy_commands[] = {
    {"run", true, false, NULL, NULL},
    {"reconcile", true, false, NULL, NULL},
    {"worker", true, false, NULL, NULL},
    {"listen", true, false, queue_actions, NULL},
    {"coverage", false, true, NULL, NULL},
    {"audit", false, false, audit_iam_actions, audit_trail_iam_actions},
    {"doctor", false, false, doctor_iam_actions, NULL},
    {"destroy", false, false, destroy_actions, NULL},
};

/* NULL with *err for an unknown name. */
static const struct policy_command *
policy_command_find(const struct policy_opts *opts, struct tmf_err *err)
{
	const char *name = opts->command != NULL ? opts->command : "run";

	for (size_t i = 0; i < sizeof(policy_commands) / sizeof(policy_commands[0]); i++) {
		if (strcmp(policy_commands[i].name, name) != 0)
			continue;
		if (strcmp(name, "worker") == 0 && opts->activity_arn == NULL) {
			tmf_err_set(err, TMF_ERR_INVALID, "--for worker: needs --activity-arn");
			return NULL;
		}
		return &policy_commands[i];
	}
	tmf_err_set(err, TMF_ERR_INVALID,
	    "--for takes run, reconcile, worker, listen, coverage, audit, doctor or destroy, not "
	    "\"%s\"",
	    name);
	return NULL;
}

/* What the command needs: the workflow's actions, or its own. */
static json_t *
policy_needs_of(const struct policy_command *command, const struct policy_opts *opts)
{
	json_t *list = json_array();

	if (command->works || command->looks_as_workflow) {
		json_decref(list);
		list = permissions_needed(opts->registry, opts->machine, opts->config);
	}
	for (const char *const *name = command->names; name != NULL && *name != NULL; name++)
		json_array_append_new(list, json_string(*name));
	for (const char *const *name = command->names2; name != NULL && *name != NULL; name++)
		json_array_append_new(list, json_string(*name));
	return list;
}

/* Only what bears tmflow's tag is removed, as destroy itself does it. */
static void
policy_allow_destroy(struct policy *policy)
{
	policy_allow(policy, "TmflowDeletes", ACTIONS(DELETE_SESSION, DELETE_TARGET),
	    policy_all_of(policy, of_mirroring), policy_tool(KEY_RESOURCE_TOOL));
	policy_allow(policy, "TmflowTerminates", ACTIONS("ec2:TerminateInstances"),
	    policy_all_of(policy, of_instances), policy_tool(KEY_RESOURCE_TOOL));
}

/* A policy does not know which queue: any of the region. */
static void
policy_allow_queue(struct policy *policy)
{
	policy_allow(policy, "TmflowQueue", ACTIONS(SQS_ACTIONS),
	    json_pack("[o]",
		json_sprintf("arn:*:sqs:%s:*:*", policy->region != NULL ? policy->region : "*")),
	    NULL);
}

static void
policy_allow_work(struct policy *policy, const struct policy_opts *opts)
{
	policy_allow_actions(policy);
	if (policy_takes_roles(asl_machine_json(opts->machine)))
		policy_add_roles(policy->statements, opts->config);
}

/* --- places --- */

/* Which regions an account has enabled is asked in any region, whatever the policy is narrowed
 * to. */
static const char *const regions_actions[] = {"ec2:DescribeRegions"};
static const char *const organization_actions[] = {"organizations:ListAccounts",
    "organizations:ListAccountsForParent", "organizations:ListOrganizationalUnitsForParent"};

/* Of the keys that take a role: the role is what asks for all else. */
static json_t *
policy_of_keys(const struct policy_opts *opts)
{
	json_t *statements = json_array();
	const char *role = opts->assume_role;

	if (opts->organization)
		policy_add_statement(statements, "TmflowOrganization", organization_actions,
		    sizeof(organization_actions) / sizeof(organization_actions[0]),
		    json_string("*"));
	if (strncmp(role, "arn:", 4) == 0) {
		char *arn = arn_fill_in(role, "*", opts->region != NULL ? opts->region : "*");

		policy_add_statement(statements, "TmflowRoles", role_actions, 1, json_string(arn));
		free(arn);
	} else {
		policy_add_statement(statements, "TmflowRoles", role_actions, 1,
		    json_sprintf("arn:*:iam::*:role/%s", role));
	}
	return json_pack("{s:s, s:o}", "Version", POLICY_VERSION, "Statement", statements);
}

json_t *
policy_document(const struct policy_opts *opts, struct tmf_err *err)
{
	struct policy policy = {
	    .statements = json_array(), .region = opts->region, .config = opts->config};
	const struct policy_command *command = policy_command_find(opts, err);

	if (command == NULL) {
		json_decref(policy.statements);
		return NULL;
	}
	if (opts->assume_role != NULL) {
		json_decref(policy.statements);
		return policy_of_keys(opts);
	}
	policy.needed = policy_needs_of(command, opts);
	if (command->works)
		policy_allow_work(&policy, opts);
	else
		policy_allow_describes(&policy);
	if (command->names == destroy_actions)
		policy_allow_destroy(&policy);
	if (command->names == queue_actions)
		policy_allow_queue(&policy);
	if (opts->organization)
		policy_add_statement(
		    policy.statements, "TmflowRegions", regions_actions, 1, json_string("*"));
	if (opts->activity_arn != NULL) {
		policy_add_statement(policy.statements, "TmflowActivity", activity_actions,
		    sizeof(activity_actions) / sizeof(activity_actions[0]),
		    json_string(opts->activity_arn));
		policy_add_statement(policy.statements, "TmflowTasks", task_actions,
		    sizeof(task_actions) / sizeof(task_actions[0]), json_string("*"));
	}
	json_decref(policy.needed);
	return json_pack("{s:s, s:o}", "Version", POLICY_VERSION, "Statement", policy.statements);
}
