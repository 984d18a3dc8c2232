#include "fleet/coverage/coverage_judge.h"

#include "base/jsonx.h"
#include "base/mem.h"
#include "mirror/config/instance.h"
#include "mirror/exclusion.h"
#include "mirror/filters/filters.h"
#include "mirror/members/members.h"
#include "mirror/ownership.h"
#include "mirror/session.h"
#include "mirror/unsupported.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* More rules than interfaces have sessions may take an instance: what the last ones find is a limit
 * in any case. */
#define JUDGE_RULES_MAX 64

/* An instance that is being judged. */
struct judging {
	const struct coverage_judge *judge;
	struct account *account;
	json_t *instance;
	const struct config_rule *rules[JUDGE_RULES_MAX]; /* that take it, in order */
	size_t rule_count;
};

/* What one rule finds at an interface. */
struct judge_finding {
	enum coverage_class class;
	const char *reason;
	const struct config_rule *rule;
	const json_t *session;
};

/* --- a session --- */

static bool
judge_is_ours(const json_t *session, const struct config_rule *rule)
{
	return session_owner(session, rule->configuration) == OWNER_OURS ||
	       session_is_adoptable(session, rule);
}

/* Why no packet gets through the session, or NULL. */
static const char *
judge_dead_reason(const struct account *account, const json_t *session)
{
	const char *target_id = jsonx_get_string(session, "TrafficMirrorTargetId");
	const char *filter_id = jsonx_get_string(session, "TrafficMirrorFilterId");
	const struct target *target =
	    target_id != NULL ? inventory_find(targets_inventory(account->targets), target_id)
			      : NULL;

	if (target != NULL && (target->dead || target->stopped))
		return "target-instance";
	if (target_id != NULL && members_target_is_dead(account->members, target_id))
		return "no-healthy-member";
	switch (filters_take_of(account->filters, filter_id)) {
	case FILTER_NOTHING:
		return "filter-empty";
	case FILTER_MISSING:
		return "filter-missing";
	case FILTER_UNKNOWN:
	case FILTER_SOME:
	case FILTER_ALL:
		break;
	}
	return NULL;
}

/* The session that is, or was, to do the rule's work and cannot: one of ours, or anybody's with the
 * rule's filter. */
static bool
judge_find_dead(const struct judging *judging, const struct session_question *question,
    struct judge_finding *finding)
{
	json_t *session;
	size_t i;

	json_array_foreach (question->sessions, i, session) {
		const char *filter_id = jsonx_get_string(session, "TrafficMirrorFilterId");
		const char *reason;

		if (filter_id == NULL || (!judge_is_ours(session, question->rule) &&
					     strcmp(filter_id, question->rule->filter_id) != 0))
			continue;
		reason = judge_dead_reason(judging->account, session);
		if (reason == NULL)
			continue;
		finding->class = COVERAGE_DEAD;
		finding->reason = reason;
		finding->session = session;
		return true;
	}
	return false;
}

/* --- a rule at an interface --- */

/* Filter and target are the rule's, or packets go through it as the rule wants: dead, shadowed or
 * mirrored. */
static void
judge_working(const struct judging *judging, const struct session_question *question,
    const json_t *session, struct judge_finding *finding)
{
	const struct session_shadows shadows = {
	    .filters = judging->account->filters,
	    .rule = question->rule,
	    .interface_id = question->interface_id,
	    .sessions = question->sessions,
	};
	const char *dead = judge_dead_reason(judging->account, session);
	int number = (int)json_integer_value(json_object_get(session, "SessionNumber"));

	finding->session = session;
	if (dead != NULL) {
		finding->class = COVERAGE_DEAD;
		finding->reason = dead;
	} else if (session_shadow(&shadows, number) != NULL) {
		finding->class = COVERAGE_SHADOWED;
		finding->reason = "lower-session";
	} else {
		finding->class = COVERAGE_MIRRORED;
	}
}

/* A session of ours that a run would change. Where only number, VXLAN id or length differ, the
 * packets go where they should. */
static void
judge_drifted(const struct judging *judging, const struct session_question *question,
    const json_t *session, struct judge_finding *finding)
{
	const char *filter_id = jsonx_get_string(session, "TrafficMirrorFilterId");

	if (filter_id != NULL && strcmp(filter_id, question->rule->filter_id) == 0 &&
	    session_kept_target(question, session) != NULL) {
		judge_working(judging, question, session, finding);
		if (finding->class == COVERAGE_MIRRORED)
			finding->reason = "drifted";
		return;
	}
	finding->session = session;
	if (!judge_find_dead(judging, question, finding)) {
		finding->class = COVERAGE_MISSING;
		finding->reason = "drifted";
	}
}

/* What AWS refused before, or its lists say. As explain has it. */
static int
judge_missing(const struct judging *judging, const struct session_question *question,
    struct judge_finding *finding, struct tmf_err *err)
{
	const struct mirror_config *config = judging->judge->mirror->config;
	const char *type = jsonx_get_string(judging->instance, "InstanceType");
	int refused =
	    unsupported_known(judging->account, config, question->interface_id, type, err);

	if (refused < 0)
		return -1;
	if (refused > 0 || (type != NULL && !mirror_config_type_is_source(config, type))) {
		finding->class = COVERAGE_INELIGIBLE;
		finding->reason = OUTCOME_REASON_TYPE;
	} else if (!judge_find_dead(judging, question, finding)) {
		finding->class = COVERAGE_MISSING;
		finding->reason = "no-session";
	}
	return 0;
}

static int
judge_verdict(const struct judging *judging, const struct session_question *question,
    enum session_verdict verdict, const json_t *session, struct judge_finding *ret_finding,
    struct tmf_err *err)
{
	struct judge_finding finding = {.rule = question->rule};
	struct outcome refused = {0};

	assert(question->rule != NULL && question->interface_id != NULL);
	switch (verdict) {
	case SESSION_MISSING:
		if (judge_missing(judging, question, &finding, err) < 0)
			return -1;
		break;
	case SESSION_PRESENT:
		judge_working(judging, question, session, &finding);
		break;
	case SESSION_DRIFTED:
		judge_drifted(judging, question, session, &finding);
		break;
	case SESSION_CONFLICT:
	case SESSION_LIMIT:
	case SESSION_DEAD:
		session_verdict_put(verdict, &refused);
		finding.class =
		    verdict == SESSION_CONFLICT ? COVERAGE_MISSING : COVERAGE_INELIGIBLE;
		finding.reason = refused.reason;
		finding.session = verdict == SESSION_DEAD ? session : NULL;
		break;
	}
	*ret_finding = finding;
	return 0;
}

/* All rules that take the interface, each in its round, as find-sessions has them. sessions is a
 * copy that is changed. Returns the number of rules that do, or -1. */
static int
judge_rules(const struct judging *judging, const json_t *interface, json_t *sessions,
    struct judge_finding *ret_worst, struct tmf_err *err)
{
	const struct mirror_config *config = judging->judge->mirror->config;
	bool all = mirror_config_matches_all(config);
	const char *type = jsonx_get_string(judging->instance, "InstanceType");
	bool done[JUDGE_RULES_MAX] = {false};
	int found = 0;

	for (int round = all ? SESSION_ROUND_FIRST : SESSION_ROUND_LAST;
	     round <= SESSION_ROUND_LAST; round++) {
		for (size_t i = 0; i < judging->rule_count; i++) {
			const struct config_rule *rule = judging->rules[i];
			const struct session_question question = {
			    .targets = judging->account->targets,
			    .rule = rule,
			    .subnet_id = jsonx_get_string(judging->instance, "SubnetId"),
			    .interface_id = jsonx_get_string(interface, "NetworkInterfaceId"),
			    .type_is_dead =
				type != NULL && mirror_config_type_is_dead(config, type),
			    .sessions = sessions,
			};
			struct judge_finding finding;
			enum session_verdict verdict;
			const json_t *session;
			bool takes;

			if (done[i])
				continue;
			if (rules_take_interface(judging->judge->mirror->rules, judging->instance,
				rule, interface, &takes, err) < 0)
				return -1;
			if (!takes)
				continue;
			verdict = session_judge(&question, &session);
			if (all && session_round(&question, verdict) > (enum session_round)round)
				continue;
			done[i] = true;
			if (judge_verdict(judging, &question, verdict, session, &finding, err) < 0)
				return -1;
			if (found++ == 0 ||
			    coverage_class_is_worse(finding.class, ret_worst->class))
				*ret_worst = finding;
			if (!all || verdict > SESSION_DRIFTED ||
			    finding.class == COVERAGE_INELIGIBLE)
				continue;
			session_take(sessions, &question, verdict, session);
		}
	}
	return found;
}

/* --- an instance --- */

/* What is said of the instance as a whole; class COVERAGE_CLASS_COUNT: rules decide. hook: the text
 * of a fault, which outlives the finding. */
static struct judge_finding
judge_whole(struct judging *judging, struct tmf_err *fault, const char **ret_target_id)
{
	const struct mirror *mirror = judging->judge->mirror;
	const char *state = mirror_config_refused_state(mirror->config, judging->instance);
	const struct config_rule *rule = NULL;
	json_t *hook_reason = NULL;
	struct exclusion exclusion;
	bool eligible = true;

	*ret_target_id = NULL;
	if (state != NULL)
		return (struct judge_finding){.class = COVERAGE_INELIGIBLE, .reason = state};
	if (rules_eligible(mirror->rules, judging->instance, &eligible, &hook_reason, fault) < 0)
		return (struct judge_finding){.class = COVERAGE_MISSING, .reason = fault->name};
	json_decref(hook_reason);
	if (!eligible)
		return (struct judge_finding){.class = COVERAGE_INELIGIBLE, .reason = "hook"};
	do {
		if (rules_find(mirror->rules, judging->instance, rule, &rule, fault) < 0)
			return (struct judge_finding){
			    .class = COVERAGE_MISSING, .reason = fault->name};
		if (rule != NULL)
			judging->rules[judging->rule_count++] = rule;
	} while (rule != NULL && judging->rule_count < JUDGE_RULES_MAX);
	if (judging->rule_count == 0)
		return (struct judge_finding){.class = COVERAGE_UNMATCHED, .reason = "no-rule"};
	if (instance_primary_interface(judging->instance) == NULL)
		return (struct judge_finding){
		    .class = COVERAGE_INELIGIBLE, .reason = "no-interface"};
	exclusion = exclusion_of(judging->account, mirror->config, judging->instance);
	*ret_target_id = exclusion.target_id;
	if (exclusion.reason != NULL)
		return (struct judge_finding){.class = COVERAGE_EXCLUDED,
		    .reason = exclusion.reason,
		    .rule = judging->rules[0]};
	return (struct judge_finding){.class = COVERAGE_CLASS_COUNT};
}

/* No rule wants the interface: is it left alone by all? */
static void
judge_unwanted(const struct judging *judging, const json_t *sessions, struct judge_finding *finding)
{
	const char *name = mirror_config_name(judging->judge->mirror->config);
	json_t *session;
	size_t i;

	finding->class = COVERAGE_UNMATCHED;
	if (json_array_size(sessions) == 0)
		return;
	json_array_foreach (sessions, i, session) {
		finding->session = session;
		if (session_owner(session, name) != OWNER_OURS)
			continue;
		finding->reason = "unwanted-session";
		return;
	}
	finding->class = COVERAGE_FOREIGN;
}

static void
judge_give(const struct judging *judging, const json_t *interface,
    const struct judge_finding *finding, const char *target_id)
{
	const json_t *instance = judging->instance;
	const char *vpc_id = jsonx_get_string(interface, "VpcId");
	const char *subnet_id = jsonx_get_string(interface, "SubnetId");
	const char *session_target = jsonx_get_string(finding->session, "TrafficMirrorTargetId");
	const char *account_id = judging->account->id;
	const struct coverage_item item = {
	    .class = finding->class,
	    .reason = finding->reason,
	    .keys = {[COVERAGE_KEY_ACCOUNT] = account_id[0] != '\0' ? account_id : NULL,
		[COVERAGE_KEY_REGION] = judging->judge->region,
		[COVERAGE_KEY_VPC] = vpc_id != NULL ? vpc_id : jsonx_get_string(instance, "VpcId"),
		[COVERAGE_KEY_SUBNET] =
		    subnet_id != NULL ? subnet_id : jsonx_get_string(instance, "SubnetId"),
		[COVERAGE_KEY_ZONE] = jsonx_get_string(instance, "AvailabilityZone"),
		[COVERAGE_KEY_TYPE] = jsonx_get_string(instance, "InstanceType"),
		[COVERAGE_KEY_RULE] = finding->rule != NULL ? finding->rule->name : NULL,
		[COVERAGE_KEY_TARGET] = session_target != NULL ? session_target : target_id},
	    .instance_id = jsonx_get_string(instance, "InstanceId"),
	    .interface_id = jsonx_get_string(interface, "NetworkInterfaceId"),
	    .name = tag_value(instance, TAG_NAME),
	    .session_id = jsonx_get_string(finding->session, "TrafficMirrorSessionId"),
	    .tags = jsonx_get_array(instance, "Tags"),
	};

	judging->judge->on_item(judging->judge->arg, &item);
}

static int
judge_interface(const struct judging *judging, const struct survey_page *page,
    const json_t *interface, const struct judge_finding *whole, const char *target_id,
    struct tmf_err *err)
{
	const char *id = jsonx_get_string(interface, "NetworkInterfaceId");
	struct judge_finding finding = *whole;
	json_t *sessions;
	json_t *copy;
	int ret = 0;

	/* As in a run: a share without it would be of something else. */
	if (id == NULL)
		return tmf_err_set(err, TMF_ERR_REPLY,
		    "an interface of %s has no NetworkInterfaceId",
		    jsonx_get_string(judging->instance, "InstanceId"));
	sessions = json_object_get(page->sessions, id);
	copy = sessions != NULL ? json_copy(sessions) : json_array();
	if (whole->class == COVERAGE_CLASS_COUNT) {
		finding = (struct judge_finding){.reason = "not-primary"};
		ret = judge_rules(judging, interface, copy, &finding, err);
		if (ret == 0)
			judge_unwanted(judging, sessions, &finding);
	} else if (whole->class == COVERAGE_UNMATCHED) {
		judge_unwanted(judging, sessions, &finding);
	}
	assert(ret < 0 || finding.class < COVERAGE_CLASS_COUNT);
	if (ret >= 0)
		judge_give(judging, interface, &finding, target_id);
	json_decref(copy);
	return ret < 0 ? -1 : 0;
}

static int
judge_instance(const struct coverage_judge *judge, const struct survey_page *page, json_t *instance,
    uint64_t *ret_bare, struct tmf_err *err)
{
	struct judging judging = {
	    .judge = judge, .account = judge->mirror->account, .instance = instance};
	const json_t *interfaces = jsonx_get_array(instance, "NetworkInterfaces");
	struct tmf_err fault = {0};
	struct judge_finding whole;
	const char *target_id;
	json_t *interface;
	int ret = 0;
	size_t i;

	if (json_array_size(interfaces) == 0) {
		++*ret_bare;
		return 0;
	}
	whole = judge_whole(&judging, &fault, &target_id);
	json_array_foreach (interfaces, i, interface)
		if (ret == 0)
			ret = judge_interface(&judging, page, interface, &whole, target_id, err);
	tmf_err_fini(&fault);
	return ret;
}

int
coverage_judge_page(const struct coverage_judge *judge, const struct survey_page *page,
    uint64_t *ret_bare, struct tmf_err *err)
{
	json_t *instance;
	size_t i;

	*ret_bare = 0;
	/* What AWS would refuse is looked up for each that misses. */
	store_reads_begin(judge->mirror->account->store);
	json_array_foreach (page->instances, i, instance)
		if (judge_instance(judge, page, instance, ret_bare, err) < 0)
			return -1;
	return 0;
}
