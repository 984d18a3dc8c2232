#include "base/jsonx.h"
#include "mirror/actions/action.h"
#include "mirror/config/instance.h"
#include "mirror/ledger.h"
#include "mirror/targets/targets.h"

#include <assert.h>
#include <string.h>

/*
 * tmflow:match: which rule takes each instance. Records what no rule takes and what cannot be
 * mirrored. Asks AWS for nothing: it judges the page that describe-page read.
 */

/* With --retry-failed: what the ledger has of the instance, as ledger_rows gives it. */
#define ROWS_KEPT "rows"

/* Lists of the output that are being filled; the result owns them. */
struct match {
	json_t *matched;
	json_t *unmatched;
	json_t *ineligible;
};

static const char *
match_id(const json_t *instance)
{
	return jsonx_get_string(instance, "InstanceId");
}

/* An outcome of the instance, at its primary interface if it has one; with --retry-failed, of
 * the instance itself, since its failed rows may be other interfaces'. */
static struct outcome
match_outcome(const struct tmf_op *op, enum outcome_kind kind, const json_t *instance)
{
	const json_t *primary = instance_primary_interface(instance);

	return (struct outcome){
	    .kind = kind,
	    .instance_id = match_id(instance),
	    .interface_id =
		env(op)->only_failed ? NULL : jsonx_get_string(primary, "NetworkInterfaceId"),
	};
}

/* Recorded, so that the report accounts for each instance that was seen. */
static int
match_unmatched(struct tmf_op *op, struct match *match, const json_t *instance)
{
	const struct outcome outcome = match_outcome(op, OUTCOME_UNMATCHED, instance);
	json_t *item = json_object();

	jsonx_share_string(item, "InstanceId", instance, "InstanceId");
	json_array_append_new(match->unmatched, item);
	return ledger_put(env(op), &outcome, &op->err);
}

/* As it is recorded, for a workflow that reports by itself. */
static void
match_add_ineligible(
    struct match *match, const json_t *instance, enum outcome_kind kind, const char *reason)
{
	json_t *item = json_object();

	jsonx_share_string(item, "InstanceId", instance, "InstanceId");
	jsonx_put_string(item, "Outcome", outcome_name(kind));
	jsonx_put_string(item, "Reason", reason);
	json_array_append_new(match->ineligible, item);
}

static int
match_ineligible(struct tmf_op *op, struct match *match, const json_t *instance, const char *reason,
    const char *cause)
{
	struct outcome outcome = match_outcome(op, OUTCOME_INELIGIBLE, instance);

	outcome.reason = reason;
	outcome.cause = cause;
	match_add_ineligible(match, instance, OUTCOME_INELIGIBLE, reason);
	return ledger_put(env(op), &outcome, &op->err);
}

/* A fault in the hook fails this instance, and the others go on: one odd tag must not stop a
 * fleet. */
static int
match_hook_failed(
    struct tmf_op *op, struct match *match, const json_t *instance, struct tmf_err *fault)
{
	const struct outcome outcome = match_outcome(op, OUTCOME_FAILED, instance);

	match_add_ineligible(match, instance, OUTCOME_FAILED, "hook");
	ledger_put_failed(env(op), &outcome, fault);
	tmf_err_fini(fault);
	return 0;
}

/* {NetworkInterfaceId, DeviceIndex} of each interface, or of one only. */
static json_t *
match_slim_interfaces(const json_t *instance, const json_t *only)
{
	const json_t *interfaces = jsonx_get_array(instance, "NetworkInterfaces");
	json_t *slim = json_array();
	json_t *interface;
	size_t i;

	json_array_foreach (interfaces, i, interface) {
		json_t *item;

		if (only != NULL && interface != only)
			continue;
		item = json_object();
		jsonx_share_string(item, "NetworkInterfaceId", interface, "NetworkInterfaceId");
		json_object_set(item, "DeviceIndex", json_object_get(interface, "DeviceIndex"));
		json_array_append_new(slim, item);
	}
	return slim;
}

/* The instance without its tags: a page must fit into a state's data. What later states want to
 * know of them is in Excluded. */
static json_t *
match_slim_instance(const json_t *instance, const json_t *only)
{
	static const char *const kept[] = {
	    "InstanceId", "InstanceType", "State", "VpcId", "SubnetId"};
	json_t *slim = json_object();

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		jsonx_share_string(slim, kept[i], instance, kept[i]);
	json_object_set_new(slim, "NetworkInterfaces", match_slim_interfaces(instance, only));
	return slim;
}

static const char *
match_exclusion(const struct tmf_op *op, const json_t *instance)
{
	if (instance_is_marked_target(instance))
		return "target-instance";
	return mirror_config_excludes(env(op)->config, instance) ? "configured" : NULL;
}

/* The slim instance has all interfaces where the rule takes the primary one, since
 * exclude-target-instances looks at each of them; with `interfaces: all` every one has an entry of
 * its own. */
static int
match_add(struct tmf_op *op, struct match *match, const json_t *instance, const json_t *interface,
    const struct config_rule *rule)
{
	bool all = rule->interfaces == RULE_INTERFACES_ALL;
	json_t *item;

	if (jsonx_get_string(interface, "NetworkInterfaceId") == NULL)
		return tmf_err_set(&op->err, TMF_ERR_INVALID,
		    "Instances: an interface of %s has no NetworkInterfaceId", match_id(instance));
	item = json_object();
	json_object_set_new(
	    item, "Instance", match_slim_instance(instance, all ? interface : NULL));
	jsonx_share_string(item, "NetworkInterfaceId", interface, "NetworkInterfaceId");
	jsonx_put_string(item, "Rule", rule->name);
	jsonx_put_string(item, "Excluded", match_exclusion(op, instance));
	json_array_append_new(match->matched, item);
	return 0;
}

/* One of the interfaces that the rule takes. With --retry-failed what did not fail is left
 * alone. */
static int
match_take(struct tmf_op *op, struct match *match, const json_t *instance, const json_t *interface,
    const struct config_rule *rule)
{
	json_t *rows = tmf_op_kept(op, ROWS_KEPT);
	const char *interface_id = jsonx_get_string(interface, "NetworkInterfaceId");

	if (rows != NULL && interface_id != NULL &&
	    !ledger_rows_take(env(op), rows, interface_id, rule->name))
		return 0;
	return match_add(op, match, instance, interface, rule);
}

static int
match_rule(struct tmf_op *op, struct match *match, json_t *instance, const struct config_rule *rule)
{
	const json_t *interfaces = jsonx_get_array(instance, "NetworkInterfaces");
	struct tmf_err fault = {0};
	json_t *interface;
	bool takes;
	size_t i;

	json_array_foreach (interfaces, i, interface) {
		if (rules_take_interface(
			env(op)->rules, instance, rule, interface, &takes, &fault) < 0)
			return match_hook_failed(op, match, instance, &fault);
		if (takes && match_take(op, match, instance, interface, rule) < 0)
			return -1;
	}
	return 0;
}

/* The rules that take it: one, or with matching: all one after the other. An instance that is being
 * launched may have no interface yet. That is recorded, and a later run finds it. */
static int
match_rules(
    struct tmf_op *op, struct match *match, json_t *instance, const struct config_rule *rule)
{
	struct tmf_err fault = {0};

	if (instance_primary_interface(instance) == NULL)
		return match_ineligible(op, match, instance, "no-interface", NULL);
	while (rule != NULL) {
		const struct config_rule *before = rule;

		assert(rule->name != NULL);
		if (match_rule(op, match, instance, before) < 0)
			return -1;
		if (rules_find(env(op)->rules, instance, before, &rule, &fault) < 0)
			return match_hook_failed(op, match, instance, &fault);
	}
	if (!env(op)->only_failed)
		return 0;
	return ledger_settle_rest(env(op), instance, tmf_op_kept(op, ROWS_KEPT), &op->err);
}

/*
 * What this run launched for a target does not belong to the fleet that it is about. A dry run does
 * not know of it, and plan and run must name the same instances, so the run's ledger leaves it out.
 * Where many runs share a ledger, the launch has an event of its own, and gets its row by that.
 */
static int
match_is_own_launch(struct tmf_op *op, const json_t *instance)
{
	struct mirror *mirror = env(op);

	if (mirror->account->targets == NULL || mirror->shares_run)
		return 0;
	return targets_launched(mirror->account->targets, instance, &op->err);
}

static int
match_judge(struct tmf_op *op, struct match *match, json_t *instance)
{
	const struct rules *rules = env(op)->rules;
	const struct config_rule *rule;
	struct tmf_err fault = {0};
	json_t *reason = NULL;
	const char *state;
	bool eligible;
	int ret;

	if (match_id(instance) == NULL)
		return tmf_err_set(
		    &op->err, TMF_ERR_INVALID, "Instances: an instance has no InstanceId");
	ret = match_is_own_launch(op, instance);
	if (ret != 0)
		return ret < 0 ? -1 : 0;
	if (ledger_note_instance(env(op), instance, &op->err) < 0)
		return -1;
	if (env(op)->only_failed) {
		json_t *rows;

		if (ledger_rows(env(op), match_id(instance), &rows, &op->err) < 0)
			return -1;
		if (!ledger_rows_failed(tmf_op_keep(op, ROWS_KEPT, rows)))
			return 0;
	}
	state = mirror_config_refused_state(env(op)->config, instance);
	if (state != NULL)
		return match_ineligible(op, match, instance, state, NULL);
	if (rules_eligible(rules, instance, &eligible, &reason, &fault) < 0)
		return match_hook_failed(op, match, instance, &fault);
	if (!eligible) {
		ret = match_ineligible(op, match, instance, "hook", json_string_value(reason));
		json_decref(reason);
		return ret;
	}
	if (rules_find(rules, instance, NULL, &rule, &fault) < 0)
		return match_hook_failed(op, match, instance, &fault);
	return rule == NULL ? match_unmatched(op, match, instance)
			    : match_rules(op, match, instance, rule);
}

/* A workflow may say which hook it counts on. */
static int
match_check_hook(struct tmf_op *op)
{
	const char *wanted = action_text_of(op, "Hook");
	const struct mirror *mirror = env(op);

	if (wanted == NULL || (mirror->hook != NULL && strcmp(wanted, mirror->hook_name) == 0))
		return 0;
	return tmf_err_set(&op->err, TMF_ERR_HOOK, "Hook: the run has %s%s, not %s",
	    mirror->hook != NULL ? "the hook " : "no hook",
	    mirror->hook != NULL ? mirror->hook_name : "", wanted);
}

static enum tmf_op_next
match_start(struct tmf_op *op)
{
	const json_t *instances;
	struct match match;
	json_t *result;
	json_t *instance;
	size_t i;

	if (action_input_check(op) < 0 || match_check_hook(op) < 0)
		return TMF_OP_FAIL;
	mirror_set_last_round(env(op), json_is_true(action_field_of(op, "LastRound")));
	match = (struct match){json_array(), json_array(), json_array()};
	result = json_object();
	json_object_set_new(result, "Matched", match.matched);
	json_object_set_new(result, "Unmatched", match.unmatched);
	json_object_set_new(result, "Ineligible", match.ineligible);
	instances = action_field_of(op, "Instances");
	json_array_foreach (instances, i, instance) {
		if (match_judge(op, &match, instance) < 0) {
			json_decref(result);
			return TMF_OP_FAIL;
		}
	}
	return tmf_op_done(op, result);
}

static const struct tmf_action_field input[] = {
    {"Instances", "list of Instance", true, "as tmflow:describe-page gives them"},
    {"LastRound", "boolean", false, "as tmflow:describe-page was given it"},
    {"Hook", "string", false, "the hook that the workflow counts on; another one is an error"},
    {.name = NULL},
};

static const struct tmf_action_field output[] = {
    {"Matched", "list of {Instance, NetworkInterfaceId, Rule, Excluded?}", true,
	"one for each interface to mirror; Instance is without its tags, Rule is the rule's name"},
    {"Unmatched", "list of {InstanceId}", true, "no rule takes them"},
    {"Ineligible", "list of {InstanceId, Outcome, Reason}", true,
	"terminated, no-interface, hook, or the state that instanceStates leaves out; where the "
	"hook "
	"failed Outcome is failed, and else ineligible"},
    {.name = NULL},
};

const struct tmf_action action_match = {
    .name = "match",
    .summary = "Finds the rule that takes each instance",
    .input = input,
    .output = output,
    .needs_aws = true,
    .start = match_start,
};
