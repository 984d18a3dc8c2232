#include "aws/services/pager.h"
#include "base/jsonx.h"
#include "mirror/actions/action.h"
#include "mirror/config/instance.h"
#include "mirror/exclusion.h"
#include "mirror/members/members.h"
#include "mirror/ownership.h"
#include "mirror/targets/targets.h"

#include <assert.h>
#include <string.h>

/*
 * tmflow:find-unwanted: which sessions of this configuration no rule wants any more, a page of
 * sessions at a time. It comes after the listing of instances: an interface that got its session,
 * or will get it, is in the ledger and costs no further question. The instances behind all others
 * are described again, since one that was launched or changed after the listing may be wanted.
 *
 * It changes nothing, and asks again what it asked before: so the workflow goes through the pages
 * twice, once to count and record, and once more to remove.
 *
 * Stages: start > came > ask > answer.
 */

/* All of them may be unwanted, and the items have to fit into a state's data (256 KiB): at most 450
 * bytes each. */
#define PAGE_SESSIONS_DEFAULT 500

#define NEXT_TOKEN_KEPT "next-token"
/* {interface: [{SessionId, NetworkInterfaceId, TargetId, FilterId, Rule, Reason?}]}: to be looked
 * at. Reason is the ledger's. */
#define CANDIDATES_KEPT "candidates"
#define INTERFACES_KEPT "interfaces" /* [interface] of the candidates */
/* {interface: {InstanceId, Reason?}} where an instance has it; without Reason a rule wants it. */
#define LOOKS_KEPT "looks"

/* Of an interface that no instance has: a row of the ledger has an instance. */
#define NO_INSTANCE "-"

struct find_unwanted {
	json_int_t sessions; /* of this configuration, on the page */
	size_t asked;	     /* of the interfaces */
};

static tmf_op_stage_fn find_unwanted_came;
static tmf_op_stage_fn find_unwanted_ask;
static tmf_op_stage_fn find_unwanted_answer;

static enum tmf_op_next
find_unwanted_start(struct tmf_op *op)
{
	const json_t *max;
	struct ec2_describe describe = {0};

	if (action_input_check(op) < 0)
		return TMF_OP_FAIL;
	max = action_field_of(op, "MaxResults");
	describe.max_results = max != NULL ? (int)json_integer_value(max) : PAGE_SESSIONS_DEFAULT;
	if (describe.max_results < EC2_PAGE_RESULTS_MIN ||
	    describe.max_results > EC2_PAGE_RESULTS_MAX)
		return tmf_op_fail(op, TMF_ERR_INVALID, "MaxResults must be from %d to %d",
		    EC2_PAGE_RESULTS_MIN, EC2_PAGE_RESULTS_MAX);
	describe.next_token = action_text_of(op, "NextToken");
	return tmf_op_await(op,
	    ec2_describe(action_account(op)->ec2, &ec2_list_session_tags, &describe),
	    find_unwanted_came);
}

/* --- candidates --- */

/* Reasons that the look at the instance finds by itself, as it is now. */
static bool
find_unwanted_is_seen(const char *reason)
{
	static const char *const seen[] = {"configured", "hook", "no-interface", "no-rule",
	    "not-attached", "terminated", "pending", "running", "stopping", "stopped"};

	for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++)
		if (strcmp(seen[i], reason) == 0)
			return true;
	return false;
}

static void
find_unwanted_add(
    struct tmf_op *op, const json_t *session, enum ledger_claim claim, const char *reason)
{
	json_t *candidates = tmf_op_kept(op, CANDIDATES_KEPT);
	const char *interface_id = jsonx_get_string(session, "NetworkInterfaceId");
	json_t *of_interface = json_object_get(candidates, interface_id);
	json_t *item = json_object();

	jsonx_share_string(item, "SessionId", session, "TrafficMirrorSessionId");
	jsonx_share_string(item, "NetworkInterfaceId", session, "NetworkInterfaceId");
	jsonx_share_string(item, "TargetId", session, "TrafficMirrorTargetId");
	jsonx_share_string(item, "FilterId", session, "TrafficMirrorFilterId");
	jsonx_put_string(item, "Rule", tag_value(session, TAG_RULE));
	if (claim == LEDGER_OTHER)
		jsonx_put_string(item, "Reason", OUTCOME_REASON_SURPLUS);
	else if (reason != NULL && !find_unwanted_is_seen(reason))
		jsonx_put_string(item, "Reason", reason);
	if (of_interface == NULL) {
		of_interface = json_array();
		json_object_set_new(candidates, interface_id, of_interface);
		json_array_append_new(tmf_op_kept(op, INTERFACES_KEPT), json_string(interface_id));
	}
	json_array_append_new(of_interface, item);
}

/* One of this configuration's is counted, and kept as a candidate unless the ledger claims it. */
static int
find_unwanted_sort(struct tmf_op *op, const json_t *session)
{
	struct find_unwanted *f = op->frame;
	const char *interface_id = jsonx_get_string(session, "NetworkInterfaceId");
	const struct ledger_session known = {
	    .id = jsonx_get_string(session, "TrafficMirrorSessionId"),
	    .interface_id = interface_id,
	    .rule = tag_value(session, TAG_RULE),
	};
	enum ledger_claim claim;
	json_t *reason;

	if (interface_id == NULL || known.id == NULL ||
	    session_owner(session, mirror_config_name(env(op)->config)) != OWNER_OURS)
		return 0;
	if (ledger_claim(env(op), &known, &claim, &reason, &op->err) < 0)
		return -1;
	if (claim != LEDGER_REMOVED)
		f->sessions++;
	if (claim == LEDGER_SILENT || claim == LEDGER_OTHER)
		find_unwanted_add(op, session, claim, json_string_value(reason));
	json_decref(reason);
	return 0;
}

static enum tmf_op_next
find_unwanted_came(struct tmf_op *op)
{
	json_t *session;
	size_t i;

	tmf_op_keep(op, NEXT_TOKEN_KEPT, json_incref(json_object_get(op->reply, "NextToken")));
	tmf_op_keep(op, CANDIDATES_KEPT, json_object());
	tmf_op_keep(op, INTERFACES_KEPT, json_array());
	tmf_op_keep(op, LOOKS_KEPT, json_object());
	store_reads_begin(env(op)->account->store);
	json_array_foreach (jsonx_get_array(op->reply, "TrafficMirrorSessions"), i, session)
		if (find_unwanted_sort(op, session) < 0)
			return TMF_OP_FAIL;
	if (json_array_size(tmf_op_kept(op, INTERFACES_KEPT)) == 0)
		return find_unwanted_answer(op);
	return tmf_op_await(op, targets_load(action_account(op)->targets), find_unwanted_ask);
}

/* --- the look --- */

/* Why no rule wants the interface, or NULL. The questions are those of match,
 * exclude-target-instances and find-sessions; what stands behind load balancers is known where
 * the listing has asked, and else in the ledger. A hook that fails says nothing, and nothing is
 * removed for that. */
static const char *
find_unwanted_reason(struct tmf_op *op, json_t *instance, const json_t *interface)
{
	const struct rules *rules = env(op)->rules;
	const char *state = mirror_config_refused_state(env(op)->config, instance);
	const char *type = jsonx_get_string(instance, "InstanceType");
	struct exclusion exclusion;
	json_t *hook_reason = NULL;
	struct tmf_err fault = {0};
	bool eligible, wants = false;

	if (state != NULL)
		return state;
	exclusion = exclusion_of(action_account(op), env(op)->config, instance);
	if (exclusion.reason != NULL)
		return exclusion.reason;
	if (rules_eligible(rules, instance, &eligible, &hook_reason, &fault) < 0 ||
	    (eligible && rules_want_interface(rules, instance, interface, &wants, &fault) < 0)) {
		tmf_err_fini(&fault);
		return NULL;
	}
	json_decref(hook_reason);
	if (!eligible)
		return "hook";
	if (!wants)
		return "no-rule";
	return type != NULL && mirror_config_type_is_dead(env(op)->config, type) ? "type" : NULL;
}

/* Whether the rule, which takes the interface, may want a session of the item's: by its name, or as
 * one that fits. Where the ledger has another one of the rule's, that is the one which it wants. */
static int
find_unwanted_rule_wants(
    struct tmf_op *op, const json_t *item, const struct config_rule *rule, struct tmf_err *err)
{
	const char *of_rule = jsonx_get_string(item, "Rule");
	const char *filter_id = jsonx_get_string(item, "FilterId");
	const char *target_id = jsonx_get_string(item, "TargetId");
	const struct ledger_session as_its_own = {
	    .id = jsonx_get_string(item, "SessionId"),
	    .interface_id = jsonx_get_string(item, "NetworkInterfaceId"),
	    .rule = rule->name,
	};
	bool fits = filter_id != NULL && strcmp(filter_id, rule->filter_id) == 0 &&
		    (rule->target_id == NULL ||
			(target_id != NULL && strcmp(target_id, rule->target_id) == 0));
	enum ledger_claim claim;
	json_t *reason;

	if (!fits && (of_rule == NULL || strcmp(of_rule, rule->name) != 0))
		return 0;
	if (ledger_claim(env(op), &as_its_own, &claim, &reason, err) < 0)
		return -1;
	json_decref(reason);
	return claim != LEDGER_OTHER;
}

/* With matching: all an interface that a rule wants may have sessions that no rule wants: of a rule
 * that has gone, or does not take this instance any more. */
static int
find_unwanted_judge_item(
    struct tmf_op *op, json_t *instance, const json_t *interface, json_t *item, struct tmf_err *err)
{
	const struct rules *rules = env(op)->rules;
	const struct config_rule *rule = NULL;
	struct tmf_err fault = {0};
	bool takes = false;
	int wants = 0;

	if (json_object_get(item, "Reason") != NULL)
		return 0;
	do {
		if (rules_find(rules, instance, rule, &rule, &fault) < 0 ||
		    (rule != NULL && rules_take_interface(
					 rules, instance, rule, interface, &takes, &fault) < 0)) {
			tmf_err_fini(&fault);
			return 0;
		}
		if (rule != NULL && takes)
			wants = find_unwanted_rule_wants(op, item, rule, err);
	} while (rule != NULL && wants == 0);
	if (wants == 0)
		jsonx_put_string(item, "Reason", "no-rule");
	return wants < 0 ? -1 : 0;
}

static int
find_unwanted_note(
    struct tmf_op *op, json_t *instance, const json_t *interface, struct tmf_err *err)
{
	const char *id = jsonx_get_string(interface, "NetworkInterfaceId");
	json_t *items = id != NULL ? json_object_get(tmf_op_kept(op, CANDIDATES_KEPT), id) : NULL;
	const char *reason;
	bool any_goes;
	json_t *item;
	json_t *look;
	size_t i;

	if (items == NULL)
		return 0;
	reason = find_unwanted_reason(op, instance, interface);
	any_goes = reason != NULL;
	json_array_foreach (items, i, item) {
		if (reason == NULL && mirror_config_matches_all(env(op)->config) &&
		    find_unwanted_judge_item(op, instance, interface, item, err) < 0)
			return -1;
		any_goes = any_goes || json_object_get(item, "Reason") != NULL;
	}
	if (any_goes && ledger_note_instance(env(op), instance, err) < 0)
		return -1;
	look = json_object();
	jsonx_share_string(look, "InstanceId", instance, "InstanceId");
	jsonx_put_string(look, "Reason", reason);
	json_object_set_new(tmf_op_kept(op, LOOKS_KEPT), id, look);
	return 0;
}

/* A verdict an interface is all that is kept of the page. */
static enum ec2_page_next
find_unwanted_page(void *arg, json_t *reply, struct tmf_err *err)
{
	struct tmf_op *op = arg;
	json_t *instance;
	size_t i;

	account_note_id(action_account(op), reply);
	json_array_foreach (jsonx_get_array(reply, "Instances"), i, instance) {
		json_t *interface;
		size_t k;

		json_array_foreach (jsonx_get_array(instance, "NetworkInterfaces"), k, interface)
			if (find_unwanted_note(op, instance, interface, err) < 0)
				return EC2_PAGE_FAIL;
	}
	return EC2_PAGE_MORE;
}

/* As many interfaces at once as a filter takes: 500 candidates are three describes. */
static enum tmf_op_next
find_unwanted_ask(struct tmf_op *op)
{
	struct find_unwanted *f = op->frame;
	const json_t *interfaces = tmf_op_kept(op, INTERFACES_KEPT);
	json_t *values;
	json_t *filters;
	struct tmf_call *call;

	if (f->asked == json_array_size(interfaces))
		return find_unwanted_answer(op);
	values = json_array();
	while (json_array_size(values) < EC2_FILTER_VALUES_MAX &&
	       f->asked < json_array_size(interfaces))
		json_array_append(values, json_array_get(interfaces, f->asked++));
	filters = describe_filter("network-interface.network-interface-id", values);
	call = ec2_pages(action_account(op)->ec2, &(struct ec2_pages){
						      .list = &ec2_list_instances,
						      .filters = filters,
						      .on_page = find_unwanted_page,
						      .arg = op,
						  });
	json_decref(filters);
	return tmf_op_await(op, call, find_unwanted_ask);
}

/* --- the answer --- */

/* Why the session goes; NULL: it stays. One that is surplus stands beside the interface's own row,
 * whatever has become of the instance since that was written. Borrows. */
static const char *
find_unwanted_reason_of(const json_t *session, const json_t *look)
{
	const char *ledger = jsonx_get_string(session, "Reason");
	const char *seen = look != NULL ? jsonx_get_string(look, "Reason") : "not-attached";

	if (look != NULL && ledger != NULL && strcmp(ledger, OUTCOME_REASON_SURPLUS) == 0)
		return ledger;
	return seen != NULL ? seen : ledger;
}

/* Appends the sessions of an interface that no rule wants to items, and records them. */
static int
find_unwanted_settle(
    struct tmf_op *op, const char *interface_id, const json_t *sessions, json_t *items)
{
	const json_t *look = json_object_get(tmf_op_kept(op, LOOKS_KEPT), interface_id);
	struct outcome outcome = {
	    .kind = OUTCOME_UNWANTED,
	    .instance_id = look != NULL ? jsonx_get_string(look, "InstanceId") : NO_INSTANCE,
	    .interface_id = interface_id,
	};
	json_t *session;
	size_t i;

	json_array_foreach (sessions, i, session) {
		outcome.reason = find_unwanted_reason_of(session, look);
		if (outcome.reason == NULL)
			continue;
		outcome.rule = jsonx_get_string(session, "Rule");
		outcome.target_id = jsonx_get_string(session, "TargetId");
		outcome.session_id = jsonx_get_string(session, "SessionId");
		outcome.slot =
		    strcmp(outcome.reason, OUTCOME_REASON_SURPLUS) == 0 ? outcome.session_id : NULL;
		if (ledger_put(env(op), &outcome, &op->err) < 0)
			return -1;
		jsonx_put_string(session, "InstanceId", outcome.instance_id);
		jsonx_put_string(session, "Reason", outcome.reason);
		jsonx_put_string_or_null(session, "Rule", outcome.rule);
		json_object_del(session, "FilterId");
		json_array_append(items, session);
	}
	return 0;
}

static enum tmf_op_next
find_unwanted_answer(struct tmf_op *op)
{
	const struct find_unwanted *f = op->frame;
	json_t *result = json_object();
	json_t *items = json_array();
	const char *interface_id;
	json_t *sessions;

	json_object_set_new(result, "Items", items);
	json_object_foreach (tmf_op_kept(op, CANDIDATES_KEPT), interface_id, sessions) {
		if (find_unwanted_settle(op, interface_id, sessions, items) < 0) {
			json_decref(result);
			return TMF_OP_FAIL;
		}
	}
	assert(f->sessions >= (json_int_t)json_array_size(items));
	json_object_set_new(result, "Sessions", json_integer(f->sessions));
	json_object_set_new(result, "Unwanted", json_integer((json_int_t)json_array_size(items)));
	json_object_set(result, "NextToken", tmf_op_kept(op, NEXT_TOKEN_KEPT));
	return tmf_op_done(op, result);
}

static const struct tmf_action_field input[] = {
    {"NextToken", "string", false, "what the page before gave; null for the first"},
    {"MaxResults", "number", false, "sessions on the page, 5 to 1000; 500 if absent"},
    MEMBER_ACCOUNT_FIELD,
    {.name = NULL},
};

static const struct tmf_action_field output[] = {
    {"Sessions", "number", true, "sessions on the page that this configuration made"},
    {"Unwanted", "number", true, "those of them that no rule wants any more"},
    {"Items", "list of {SessionId, NetworkInterfaceId, InstanceId, TargetId, Rule, Reason}", true,
	"the unwanted ones; InstanceId is \"-\" where no instance has the interface"},
    {"NextToken", "string or null", true, "null at the end"},
    {.name = NULL},
};

static const char *const iam_actions[] = {
    "ec2:DescribeInstances",
    "ec2:DescribeTrafficMirrorSessions",
    "ec2:DescribeTrafficMirrorTargets",
    NULL,
};

const struct tmf_action action_find_unwanted = {
    .name = "find-unwanted",
    .summary = "Finds sessions of this configuration that no rule wants any more",
    .input = input,
    .output = output,
    .iam_actions = iam_actions,
    .frame_size = sizeof(struct find_unwanted),
    .needs_aws = true,
    .start = find_unwanted_start,
};
