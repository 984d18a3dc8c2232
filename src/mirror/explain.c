#include "mirror/explain.h"

#include "base/jsonx.h"
#include "base/mem.h"
#include "mirror/config/instance.h"
#include "mirror/exclusion.h"
#include "mirror/gather.h"
#include "mirror/members/members.h"
#include "mirror/session.h"
#include "mirror/unsupported.h"
#include "mirror/waiters.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Describes the instance, the targets and the sessions of its interfaces, then puts to them the
 * same questions as the actions of a run. */

struct explanation {
	struct mirror *mirror;
	char *instance_id;
	json_t *instance;
	json_t *sessions; /* {interface: [session]}; NULL before they came */
	json_t *left;	  /* the same, as the rules before have left them to the next */
	struct waiters waiters;
	struct tmf_call *asking;
};

/* The id is copied: it may come from a command line that is freed before the answer. */
struct explanation *
explanation_new(struct mirror *mirror, const char *instance_id)
{
	struct explanation *explanation = mem_zalloc(1, sizeof(*explanation));

	explanation->mirror = mirror;
	explanation->instance_id = mem_strdup(instance_id);
	return explanation;
}

/* NULL is fine, so that a command frees what it may not have begun. */
void
explanation_free(struct explanation *explanation)
{
	if (explanation == NULL)
		return;
	tmf_call_cancel(explanation->asking);
	waiters_fini(&explanation->waiters);
	json_decref(explanation->instance);
	json_decref(explanation->sessions);
	json_decref(explanation->left);
	free(explanation->instance_id);
	free(explanation);
}

/* --- the answer --- */

/* All of them, those too that others made: three sessions of somebody else's are why a fourth does
 * not fit. */
static json_t *
explain_sessions(const struct explanation *explanation, const char *interface_id)
{
	json_t *list = json_array();
	json_t *session;
	size_t i;

	json_array_foreach (json_object_get(explanation->sessions, interface_id), i, session) {
		json_t *item = json_object();

		jsonx_put_string(
		    item, "sessionId", jsonx_get_string(session, "TrafficMirrorSessionId"));
		jsonx_put_string(
		    item, "targetId", jsonx_get_string(session, "TrafficMirrorTargetId"));
		jsonx_put_string(
		    item, "filterId", jsonx_get_string(session, "TrafficMirrorFilterId"));
		json_object_set(item, "sessionNumber", json_object_get(session, "SessionNumber"));
		json_object_set_new(
		    item, "ours", json_boolean(tag_value(session, TAG_TOOL) != NULL));
		jsonx_put_string(item, "configuration", tag_value(session, TAG_CONFIGURATION));
		json_array_append_new(list, item);
	}
	return list;
}

static struct session_shadows
explain_shadows(const struct explanation *explanation, const struct config_rule *rule,
    const char *interface_id, const json_t *sessions)
{
	return (struct session_shadows){
	    .filters = explanation->mirror->account->filters,
	    .rule = rule,
	    .interface_id = interface_id,
	    .sessions = sessions,
	};
}

/* Sets the outcome that the session leads to. One that is there, or will be, may be left with
 * nothing by one of somebody else's with a lower number. What is made or changed counts as that in
 * a run's first report, see ensure-session. */
static void
explain_put_outcome(const struct explanation *explanation, const struct session_question *question,
    enum outcome_kind kind, json_t *item)
{
	const struct session_shadows shadows = explain_shadows(
	    explanation, question->rule, question->interface_id, question->sessions);
	const json_t *shadow = session_shadow(
	    &shadows, (int)json_integer_value(json_object_get(item, "sessionNumber")));

	if (shadow != NULL && kind == OUTCOME_PRESENT)
		kind = OUTCOME_SHADOWED;
	jsonx_put_string(item, "outcome", outcome_name(kind));
	jsonx_put_string(item, "shadowedBy", jsonx_get_string(shadow, "TrafficMirrorSessionId"));
}

/*
 * Without a session: can it have one, and to which target? The order is that of find-sessions and
 * ensure-session: what AWS has refused before comes first, then what the type lists say. `created`
 * is a forecast, as AWS may refuse for a reason that only it knows. No target means that a run
 * would make one.
 */
static int
explain_missing(const struct explanation *explanation, const struct session_question *question,
    json_t *item, struct tmf_err *err)
{
	struct mirror *mirror = explanation->mirror;
	const char *type = jsonx_get_string(explanation->instance, "InstanceType");
	const char *subnet = target_subnet(question->rule, question->subnet_id);
	const struct target *current;
	int refused =
	    unsupported_known(mirror->account, mirror->config, question->interface_id, type, err);

	if (refused < 0)
		return -1;
	if (refused > 0 || (type != NULL && !mirror_config_type_is_source(mirror->config, type))) {
		jsonx_put_string(item, "outcome", outcome_name(OUTCOME_INELIGIBLE));
		jsonx_put_string(item, "reason", "type");
		return 0;
	}
	assert(refused == 0);
	json_object_set_new(item, "sessionNumber",
	    json_integer(
		session_number_for(question->rule, question->sessions, question->interface_id)));
	explain_put_outcome(explanation, question, OUTCOME_CREATED, item);
	current = question->rule->target_id == NULL
		      ? inventory_current(targets_inventory(mirror->account->targets), subnet)
		      : NULL;
	jsonx_put_string(item, "targetId",
	    question->rule->target_id != NULL ? question->rule->target_id
	    : current != NULL		      ? current->id
					      : NULL);
	return 0;
}

/* The differences are the answer to why a run would change a session that works. */
static void
explain_drifted(const struct session_question *question, const json_t *session, json_t *item)
{
	struct buf text = {0};

	session_differences(question, session, &text);
	jsonx_put_string(item, "differences", buf_cstr(&text));
	buf_fini(&text);
}

/* A rule that takes an interface, in whose item the answer goes. */
struct explain_turn {
	const struct config_rule *rule;
	const char *interface_id;
	json_t *item; /* borrowed from the result */
	bool done;
};

/* Of a session that is there, or will be, also which one: with matching: all there are several. */
static void
explain_put_session(const json_t *session, json_t *item)
{
	jsonx_put_string(item, "sessionId", jsonx_get_string(session, "TrafficMirrorSessionId"));
	jsonx_put_string(item, "targetId", jsonx_get_string(session, "TrafficMirrorTargetId"));
	if (session != NULL)
		json_object_set(item, "sessionNumber", json_object_get(session, "SessionNumber"));
}

static int
explain_verdict(const struct explanation *explanation, const struct session_question *question,
    enum session_verdict verdict, const json_t *session, json_t *item, struct tmf_err *err)
{
	struct outcome refused = {0};

	switch (verdict) {
	case SESSION_MISSING:
		return explain_missing(explanation, question, item, err);
	case SESSION_DRIFTED:
		explain_put_session(session, item);
		if (question->rule->session_number != 0)
			json_object_set_new(
			    item, "sessionNumber", json_integer(question->rule->session_number));
		explain_put_outcome(explanation, question, OUTCOME_UPDATED, item);
		explain_drifted(question, session, item);
		break;
	case SESSION_PRESENT:
		explain_put_session(session, item);
		explain_put_outcome(explanation, question, OUTCOME_PRESENT, item);
		break;
	case SESSION_CONFLICT:
	case SESSION_LIMIT:
	case SESSION_DEAD:
		explain_put_session(session, item);
		session_verdict_put(verdict, &refused);
		jsonx_put_string(item, "outcome", outcome_name(refused.kind));
		jsonx_put_string(item, "reason", refused.reason);
		break;
	}
	return 0;
}

/* What a run would find at an interface that the rule takes, if its turn is in this round.
 * session_judge, session_round and session_take are what find-sessions asks as well. A judgement of
 * its own here could come to another answer than a run, and that would be worse than none. */
static int
explain_take_turn(const struct explanation *explanation, struct explain_turn *turn,
    enum session_round round, struct tmf_err *err)
{
	const char *type = jsonx_get_string(explanation->instance, "InstanceType");
	json_t *left = json_object_get(explanation->left, turn->interface_id);
	const struct session_question question = {
	    .targets = explanation->mirror->account->targets,
	    .rule = turn->rule,
	    .subnet_id = jsonx_get_string(explanation->instance, "SubnetId"),
	    .interface_id = turn->interface_id,
	    .type_is_dead =
		type != NULL && mirror_config_type_is_dead(explanation->mirror->config, type),
	    .sessions = left,
	};
	const json_t *session;
	enum session_verdict verdict = session_judge(&question, &session);

	assert(!turn->done && left != NULL);
	if (session_round(&question, verdict) > round)
		return 0;
	turn->done = true;
	if (explain_verdict(explanation, &question, verdict, session, turn->item, err) < 0)
		return -1;
	if (turn->rule->matching == MATCHING_ALL && verdict <= SESSION_DRIFTED &&
	    json_object_get(turn->item, "sessionNumber") != NULL)
		session_take(left, &question, verdict, session);
	return 0;
}

/* The order in which the rules have their turn is not that in which they are shown. */
static int
explain_take_turns(
    struct explanation *explanation, struct explain_turn *turns, size_t count, struct tmf_err *err)
{
	bool all = mirror_config_matches_all(explanation->mirror->config);
	const char *interface_id;
	json_t *sessions;

	json_decref(explanation->left);
	explanation->left = json_object();
	for (size_t i = 0; i < count; i++)
		json_object_set_new(explanation->left, turns[i].interface_id, json_array());
	json_object_foreach (explanation->sessions, interface_id, sessions)
		json_object_set_new(explanation->left, interface_id, json_copy(sessions));
	for (int round = all ? SESSION_ROUND_FIRST : SESSION_ROUND_LAST;
	     round <= SESSION_ROUND_LAST; round++)
		for (size_t i = 0; i < count; i++)
			if (!turns[i].done && explain_take_turn(explanation, &turns[i],
						  (enum session_round)round, err) < 0)
				return -1;
	return 0;
}

/* One of the interfaces, as the rule sees it: appended to list, and true if the rule takes it. It
 * is shown with its sessions if the rule does not take it, too: somebody may have mirrored it by
 * hand. */
static bool
explain_interface(const struct explanation *explanation, const struct config_rule *rule,
    const json_t *interface, json_t *list)
{
	const char *id = jsonx_get_string(interface, "NetworkInterfaceId");
	json_t *item = json_object();
	struct tmf_err fault = {0}; /* of the hook, which has answered for the rules before */
	bool taken = false;

	if (rule != NULL && id != NULL)
		rules_take_interface(explanation->mirror->rules, explanation->instance, rule,
		    interface, &taken, &fault);
	tmf_err_fini(&fault);

	json_array_append_new(list, item);
	jsonx_put_string(item, "networkInterfaceId", id);
	json_object_set(item, "deviceIndex", json_object_get(interface, "DeviceIndex"));
	json_object_set_new(item, "mirrored", json_boolean(taken));
	if (taken)
		jsonx_put_string(item, "rule", rule->name);
	json_object_set_new(item, "sessions", explain_sessions(explanation, id));
	return taken;
}

/* rule NULL: none of them is to be mirrored. With matching: all each has an entry for each rule
 * that takes the instance. */
static int
explain_interfaces(struct explanation *explanation, const struct config_rule *rule, json_t *result,
    struct tmf_err *err)
{
	const json_t *interfaces = jsonx_get_array(explanation->instance, "NetworkInterfaces");
	struct explain_turn *turns = NULL;
	json_t *list = json_array();
	json_t *interface;
	size_t count = 0;
	size_t i;
	int ret = 0;

	json_object_set_new(result, "interfaces", list);
	do {
		const struct config_rule *before = rule;

		json_array_foreach (interfaces, i, interface) {
			if (!explain_interface(explanation, rule, interface, list))
				continue;
			turns = mem_resize(turns, count + 1, sizeof(*turns));
			turns[count++] = (struct explain_turn){
			    .rule = rule,
			    .interface_id = jsonx_get_string(interface, "NetworkInterfaceId"),
			    .item = json_array_get(list, json_array_size(list) - 1),
			};
		}
		if (before != NULL)
			ret = rules_find(
			    explanation->mirror->rules, explanation->instance, before, &rule, err);
	} while (ret == 0 && rule != NULL);
	if (ret == 0)
		ret = explain_take_turns(explanation, turns, count, err);
	free(turns);
	return ret;
}

/* In the order of trying, up to the rule that takes it. Later rules are left out, although some may
 * match: they were not tried, and a hook may count on that. With matching: all there are no
 * such. */
static int
explain_rules(const struct explanation *explanation, json_t *result,
    const struct config_rule **ret_rule, struct tmf_err *err)
{
	const struct rules *rules = explanation->mirror->rules;
	json_t *list = json_array();

	*ret_rule = NULL;
	json_object_set_new(result, "rules", list);
	for (size_t i = 0; i < rules_count(rules); i++) {
		struct rule_answer answer;
		struct buf why = {0};
		json_t *item;

		if (rules_try(rules, i, explanation->instance, &answer, err) < 0)
			return -1;
		rule_explain(answer.rule, explanation->instance, &why);
		item = json_object();
		jsonx_put_string(item, "rule", answer.rule->name);
		json_object_set_new(item, "matches", json_boolean(answer.takes));
		jsonx_put_string(item, "by", answer.by_hook ? "hook" : "rule");
		jsonx_put_string(item, "why", buf_cstr(&why));
		json_array_append_new(list, item);
		buf_fini(&why);
		if (answer.takes && *ret_rule == NULL)
			*ret_rule = answer.rule;
		if (*ret_rule != NULL && (*ret_rule)->matching == MATCHING_FIRST)
			break;
	}
	jsonx_put_string_or_null(result, "rule", *ret_rule != NULL ? (*ret_rule)->name : NULL);
	return 0;
}

/* The names are those of the command's output, not AWS's. Tags become a mapping here, since their
 * keys are unique and a reader looks for one by its key. */
static void
explain_instance(const struct explanation *explanation, json_t *result)
{
	static const char *const members[][2] = {{"InstanceId", "instanceId"},
	    {"InstanceType", "instanceType"}, {"State", "state"}, {"VpcId", "vpcId"},
	    {"SubnetId", "subnetId"}};
	json_t *tags = json_object();
	json_t *tag;
	size_t i;

	for (i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		jsonx_put_string(
		    result, members[i][1], jsonx_get_string(explanation->instance, members[i][0]));
	json_array_foreach (jsonx_get_array(explanation->instance, "Tags"), i, tag)
		jsonx_put_string(
		    tags, jsonx_get_string(tag, "Key"), jsonx_get_string(tag, "Value"));
	json_object_set_new(result, "tags", tags);
}

/* Whether it can be mirrored at all. What has no interface cannot be mirrored whatever the hook
 * says, so that comes first. */
static int
explain_eligible(
    const struct explanation *explanation, json_t *result, bool *ret_eligible, struct tmf_err *err)
{
	const char *state =
	    mirror_config_refused_state(explanation->mirror->config, explanation->instance);
	json_t *reason = NULL;

	*ret_eligible = false;
	if (state != NULL) {
		jsonx_put_string(result, "reason", state);
	} else if (instance_primary_interface(explanation->instance) == NULL) {
		jsonx_put_string(result, "reason", "no-interface");
	} else {
		if (rules_eligible(explanation->mirror->rules, explanation->instance, ret_eligible,
			&reason, err) < 0)
			return -1;
		if (!*ret_eligible)
			jsonx_put_string(result, "reason", "hook");
		jsonx_put_string(result, "hookReason", json_string_value(reason));
		json_decref(reason);
	}
	json_object_set_new(result, "eligible", json_boolean(*ret_eligible));
	return 0;
}

static bool
explain_excluded(const struct explanation *explanation, json_t *result)
{
	const struct mirror *mirror = explanation->mirror;
	const struct exclusion exclusion =
	    exclusion_of(mirror->account, mirror->config, explanation->instance);
	json_t *excluded;

	if (exclusion.reason == NULL)
		return false;
	excluded = json_object();
	jsonx_put_string(excluded, "reason", exclusion.reason);
	jsonx_put_string(excluded, "targetId", exclusion.target_id);
	json_object_set_new(result, "excluded", excluded);
	return true;
}

/* Rules are tried even if the instance is excluded or not eligible: the reader wants to know
 * whether mending that would be enough. */
static int
explain_build(struct explanation *explanation, json_t *result, struct tmf_err *err)
{
	const struct config_rule *rule;
	bool eligible;
	bool excluded;

	assert(explanation->instance != NULL);
	explain_instance(explanation, result);
	if (explain_eligible(explanation, result, &eligible, err) < 0)
		return -1;
	excluded = explain_excluded(explanation, result);
	if (explain_rules(explanation, result, &rule, err) < 0)
		return -1;
	return explain_interfaces(explanation, eligible && !excluded ? rule : NULL, result, err);
}

/* Built in one go when everything is known, so that an error leaves no half of an answer. */
static void
explanation_answer(struct explanation *explanation)
{
	json_t *result = json_object();
	struct tmf_err err = {0};

	if (explain_build(explanation, result, &err) < 0)
		waiters_fail(&explanation->waiters, &err);
	else
		waiters_complete(&explanation->waiters, result);
	tmf_err_fini(&err);
	json_decref(result);
}

/* --- asking --- */

/* Takes the call's reply, or fails with its error and returns NULL. */
static json_t *
explanation_reply(struct explanation *explanation, struct tmf_call *call)
{
	json_t *reply = tmf_call_take_result(call);

	assert(explanation->asking == call);
	explanation->asking = NULL;
	if (reply == NULL)
		waiters_fail(&explanation->waiters, &call->err);
	return reply;
}

static void
explanation_filters_came(void *arg, struct tmf_call *call)
{
	struct explanation *explanation = arg;
	json_t *reply = explanation_reply(explanation, call);

	if (reply == NULL)
		return;
	json_decref(reply);
	explanation_answer(explanation);
}

/* Which rule takes the instance is not known yet, so the filters that matter to any of them are
 * looked up. */
static void
explanation_sessions_came(void *arg, struct tmf_call *call)
{
	struct explanation *explanation = arg;
	const struct mirror *mirror = explanation->mirror;
	json_t *ids;
	const char *interface_id;
	json_t *sessions;

	explanation->sessions = explanation_reply(explanation, call);
	if (explanation->sessions == NULL)
		return;
	ids = json_array();
	json_object_foreach (explanation->sessions, interface_id, sessions)
		for (size_t i = 0; i < mirror_config_rule_count(mirror->config); i++) {
			const struct session_shadows shadows = explain_shadows(explanation,
			    mirror_config_rule(mirror->config, i), interface_id, sessions);

			session_shadow_filters(&shadows, ids);
		}
	explanation->asking = filters_load(mirror->account->filters, ids);
	tmf_call_on_done(explanation->asking, explanation_filters_came, explanation);
	json_decref(ids);
}

/* Sessions last: which ones count depends on the targets. */
static void
explanation_members_came(void *arg, struct tmf_call *call)
{
	struct explanation *explanation = arg;
	json_t *reply = explanation_reply(explanation, call);
	json_t *ids;
	json_t *interface;
	size_t i;

	if (reply == NULL)
		return;
	json_decref(reply);
	ids = json_array();
	json_array_foreach (
	    jsonx_get_array(explanation->instance, "NetworkInterfaces"), i, interface)
		json_array_append(ids, json_object_get(interface, "NetworkInterfaceId"));
	explanation->asking = gather_ask(explanation->mirror->account->sessions, ids);
	tmf_call_on_done(explanation->asking, explanation_sessions_came, explanation);
	json_decref(ids);
}

static void
explanation_targets_came(void *arg, struct tmf_call *call)
{
	struct explanation *explanation = arg;
	struct mirror *mirror = explanation->mirror;
	json_t *reply = explanation_reply(explanation, call);

	if (reply == NULL)
		return;
	json_decref(reply);
	explanation->asking =
	    members_load(mirror->account->members, &(struct members_opts){
						       .config = mirror->config,
						       .account_of = mirror_account_of,
						       .arg = mirror,
						   });
	tmf_call_on_done(explanation->asking, explanation_members_came, explanation);
}

/* Says where it was looked for, since the usual reason is the wrong region or account. */
static void
explanation_no_instance(struct explanation *explanation)
{
	struct tmf_err err = {0};

	tmf_err_set(&err, TMF_ERR_NOT_FOUND,
	    "instance not found: %s in %s (as far as these credentials see)",
	    explanation->instance_id, aws_client_region(explanation->mirror->account->ec2));
	waiters_fail(&explanation->waiters, &err);
	tmf_err_fini(&err);
}

/* AWS answers InvalidInstanceID.NotFound or .Malformed, and spells the ID both ways. Either means
 * that there is no such instance here. */
static void
explanation_instance_came(void *arg, struct tmf_call *call)
{
	struct explanation *explanation = arg;
	bool unknown = strncmp(call->err.name, "InvalidInstanceI", strlen("InvalidInstanceI")) == 0;
	json_t *reply;

	if (unknown) {
		explanation->asking = NULL;
		explanation_no_instance(explanation);
		return;
	}
	reply = explanation_reply(explanation, call);
	if (reply == NULL)
		return;
	explanation->instance = json_incref(json_array_get(jsonx_get_array(reply, "Instances"), 0));
	json_decref(reply);
	if (explanation->instance == NULL) {
		explanation_no_instance(explanation);
		return;
	}
	explanation->asking = targets_load_lives(explanation->mirror->account->targets);
	tmf_call_on_done(explanation->asking, explanation_targets_came, explanation);
}

/* By id and without a filter, so that AWS says whether it knows the instance at all. */
struct tmf_call *
explanation_start(struct explanation *explanation)
{
	json_t *ids = json_array();

	assert(explanation->asking == NULL && explanation->instance == NULL);
	json_array_append_new(ids, json_string(explanation->instance_id));
	explanation->asking = ec2_describe_instances(
	    explanation->mirror->account->ec2, &(struct ec2_describe){.ids = ids});
	tmf_call_on_done(explanation->asking, explanation_instance_came, explanation);
	json_decref(ids);
	return waiters_add(&explanation->waiters, explanation->mirror->account->loop);
}
