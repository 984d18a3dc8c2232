#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"
#include "mirror/actions/action.h"
#include "mirror/dry_run.h"
#include "mirror/gather.h"
#include "mirror/ownership.h"
#include "mirror/session.h"
#include "mirror/unsupported.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/*
 * tmflow:find-sessions: what is mirrored already, for a whole page in one describe of 200
 * interfaces: a fleet that is mirrored costs 0.015 calls an instance. Where a rule's targets are
 * created, a session counts only if the instance behind its target lives; so these are known first.
 * What the filters of others' sessions accept is looked up where they come first, see
 * session_shadow.
 */

#define KEPT_SESSIONS "sessions" /* {interface: [session]} */
#define KEPT_RESULT   "result"	 /* while sessions are adopted */
#define KEPT_ADOPTED  "adopted"	 /* [id] of sessions that still have to be given the name */
#define ADOPTED_MAX   1000u	 /* resources of one CreateTags. See: API_CreateTags.html */

/* What must outlive a stage. */
struct find_sessions {
	bool created_targets; /* a rule of the page has its targets made */
	unsigned readings;    /* of the inventory, before the sessions were listed */
	int looks;	      /* for targets that no listing knew */
};

static tmf_op_stage_fn find_sessions_adopted;
static tmf_op_stage_fn find_sessions_answer;
static tmf_op_stage_fn find_sessions_look_again;
static tmf_op_stage_fn find_sessions_looked_again;

/* The lists of the output. */
static const char *const find_sessions_lists[] = {
    [SESSION_MISSING] = "Missing",
    [SESSION_PRESENT] = "Present",
    [SESSION_DRIFTED] = "Drifted",
    [SESSION_CONFLICT] = "Conflicts",
    [SESSION_LIMIT] = "Conflicts",
    [SESSION_DEAD] = "Conflicts",
};

static const json_t *
find_sessions_matched(const struct tmf_op *op)
{
	return action_field_of(op, "Matched");
}

static const char *
find_sessions_interface(const json_t *entry)
{
	return jsonx_get_string(entry, "NetworkInterfaceId");
}

static const json_t *
find_sessions_instance(const json_t *entry)
{
	return jsonx_get_object(entry, "Instance");
}

static const char *
find_sessions_subnet(const json_t *entry)
{
	return jsonx_get_string(find_sessions_instance(entry), "SubnetId");
}

/* Also says whether the page needs the inventory, so that rules with targets of their own cost no
 * listing. */
static int
find_sessions_check(struct tmf_op *op, bool *ret_created_targets)
{
	const json_t *matched = find_sessions_matched(op);
	json_t *entry;
	size_t i;

	*ret_created_targets = false;
	json_array_foreach (matched, i, entry) {
		const struct config_rule *rule;

		if (find_sessions_interface(entry) == NULL || find_sessions_subnet(entry) == NULL ||
		    jsonx_get_string(find_sessions_instance(entry), "InstanceId") == NULL)
			return tmf_err_set(&op->err, TMF_ERR_INVALID,
			    "Matched: entry %zu lacks NetworkInterfaceId, Instance.InstanceId or "
			    "Instance.SubnetId",
			    i);
		rule = action_rule_of(op, jsonx_get_string(entry, "Rule"));
		if (rule == NULL)
			return -1;
		*ret_created_targets = *ret_created_targets || rule->target_id == NULL;
	}
	return 0;
}

/* --- the answer --- */

/* {SessionId, TargetId, FilterId, SessionNumber} of each. Only what a workflow may decide by: a
 * page of 200 interfaces with three sessions each has to fit into 256 KiB. Strings are shared with
 * the reply rather than copied. */
static json_t *
find_sessions_slim(const json_t *sessions)
{
	json_t *slim = json_array();
	json_t *session;
	size_t i;

	json_array_foreach (sessions, i, session) {
		json_t *item;

		if (json_object_get(session, "TrafficMirrorSessionId") == NULL)
			continue;
		item = json_object();
		jsonx_share_string(item, "SessionId", session, "TrafficMirrorSessionId");
		jsonx_share_string(item, "TargetId", session, "TrafficMirrorTargetId");
		jsonx_share_string(item, "FilterId", session, "TrafficMirrorFilterId");
		json_object_set(item, "SessionNumber", json_object_get(session, "SessionNumber"));
		json_array_append_new(slim, item);
	}
	return slim;
}

static void
find_sessions_note_outcome(json_t *item, const struct outcome *outcome)
{
	jsonx_put_string(item, "Outcome", outcome_name(outcome->kind));
	jsonx_put_string_or_null(item, "Reason", outcome->reason);
}

/* What is settled is recorded now, so a run that is killed has it, and the item says the same for a
 * workflow that reports by itself. What is missing or has drifted gets its row from
 * ensure-session. */
static int
find_sessions_record(struct tmf_op *op, const json_t *entry, enum session_verdict verdict,
    const json_t *session, const json_t *shadow, json_t *item)
{
	char cause[SESSION_CAUSE_BYTES];
	struct outcome outcome = {
	    .instance_id = jsonx_get_string(find_sessions_instance(entry), "InstanceId"),
	    .interface_id = find_sessions_interface(entry),
	    .rule = jsonx_get_string(entry, "Rule"),
	    .target_id = jsonx_get_string(session, "TrafficMirrorTargetId"),
	    .session_id = jsonx_get_string(session, "TrafficMirrorSessionId"),
	};

	switch (verdict) {
	case SESSION_MISSING:
	case SESSION_DRIFTED:
		return 0; /* not settled yet */
	case SESSION_PRESENT:
		outcome.kind = OUTCOME_PRESENT;
		if (shadow != NULL) {
			outcome.kind = OUTCOME_SHADOWED;
			outcome.cause = session_shadow_cause(
			    jsonx_get_string(shadow, "TrafficMirrorSessionId"), shadow, cause);
		} else {
			outcome.cause =
			    session_other_cause(action_rule_of(op, outcome.rule), session, cause);
			outcome.reason = outcome.cause != NULL ? SESSION_OTHER_REASON : NULL;
		}
		if (targets_note_used(action_account(op)->targets, outcome.target_id, &op->err) < 0)
			return -1;
		break;
	case SESSION_CONFLICT:
	case SESSION_LIMIT:
	case SESSION_DEAD:
		session_verdict_put(verdict, &outcome);
		break;
	}
	find_sessions_note_outcome(item, &outcome);
	return ledger_put(env(op), &outcome, &op->err);
}

/* What takes the packets of the session that is there, or that will be made. One that is changed
 * gets the number of its rule, where that has one. */
static const json_t *
find_sessions_shadow(struct tmf_op *op, const struct session_question *question,
    enum session_verdict verdict, const json_t *session)
{
	const struct session_shadows shadows = {
	    .filters = action_account(op)->filters,
	    .rule = question->rule,
	    .interface_id = question->interface_id,
	    .sessions = question->sessions,
	};
	int number = verdict == SESSION_PRESENT ? 0 : question->rule->session_number;

	if (session != NULL && number == 0)
		number = (int)json_integer_value(json_object_get(session, "SessionNumber"));
	if (number == 0)
		number =
		    session_number_for(question->rule, question->sessions, question->interface_id);
	return session_shadow(&shadows, number);
}

static json_t *
find_sessions_item(const struct session_question *question, const json_t *entry,
    const json_t *session, const json_t *shadow)
{
	json_t *item = json_object();

	jsonx_share_string(item, "InstanceId", find_sessions_instance(entry), "InstanceId");
	jsonx_share_string(item, "SubnetId", find_sessions_instance(entry), "SubnetId");
	jsonx_share_string(item, "NetworkInterfaceId", entry, "NetworkInterfaceId");
	jsonx_share_string(item, "Rule", entry, "Rule");
	/* The workflow names these: they are there in every item. */
	jsonx_put_string_or_null(
	    item, "SessionId", jsonx_get_string(session, "TrafficMirrorSessionId"));
	jsonx_put_string_or_null(
	    item, "InstanceType", jsonx_get_string(find_sessions_instance(entry), "InstanceType"));
	jsonx_put_string_or_null(item, "SessionTargetId", session_kept_target(question, session));
	jsonx_put_string_or_null(
	    item, "ShadowedBy", jsonx_get_string(shadow, "TrafficMirrorSessionId"));
	/* A session that is there keeps its number, unless the rule asks for another. */
	json_object_set_new(item, "SessionNumber",
	    session != NULL ? json_null()
			    : json_integer(session_number_for(
				  question->rule, question->sessions, question->interface_id)));
	json_object_set_new(item, "Sessions", find_sessions_slim(question->sessions));
	return item;
}

/* Only for a dry run: a run changes the session and needs no text about it. */
static void
find_sessions_note_drift(
    struct tmf_op *op, const struct session_question *question, const json_t *session)
{
	struct buf text = {0};

	assert(env(op)->dry_run != NULL && session != NULL);
	session_differences(question, session, &text);
	dry_run_note_drift(
	    env(op)->dry_run, jsonx_get_string(session, "TrafficMirrorSessionId"), buf_cstr(&text));
	buf_fini(&text);
}

/* It fits, or it would not be one of these two. The dry run says the same and gives no tags. */
static void
find_sessions_note_adoptable(
    struct tmf_op *op, const struct session_question *question, const json_t *session)
{
	if (env(op)->dry_run == NULL && session_is_adoptable(session, question->rule))
		json_array_append(tmf_op_kept(op, KEPT_ADOPTED),
		    json_object_get(session, "TrafficMirrorSessionId"));
}

/* True for a source of a type that AWS does not list, whose question would launch an instance: a
 * rule's created target that is there already costs nothing to ask with. The configuration's
 * `mirrorable` decides otherwise. */
static bool
find_sessions_would_launch(
    struct tmf_op *op, const struct session_question *question, const char *type)
{
	const char *subnet_id;

	if (question->rule->target_id != NULL || type == NULL ||
	    mirror_config_type_is_source(env(op)->config, type))
		return false;
	subnet_id = target_subnet(question->rule, question->subnet_id);
	return question->type_is_dead || subnet_id == NULL ||
	       inventory_current(targets_inventory(question->targets), subnet_id) == NULL;
}

/* 1 if AWS has refused this interface on an instance of this type before, or will not mirror it as
 * far as that is known, 0 if not, -1. AWS's lists may be too old, so it is asked in spite of them,
 * except where that would launch an instance for a target. */
static int
find_sessions_is_refused(
    struct tmf_op *op, const json_t *entry, const struct session_question *question)
{
	const char *type = jsonx_get_string(find_sessions_instance(entry), "InstanceType");

	if (find_sessions_would_launch(op, question, type))
		return 1;
	return unsupported_known(
	    action_account(op), env(op)->config, question->interface_id, type, &op->err);
}

static void
find_sessions_take(struct tmf_op *op, const struct session_question *question,
    enum session_verdict verdict, const json_t *session)
{
	json_t *found = tmf_op_kept(op, KEPT_SESSIONS);
	json_t *sessions = json_object_get(found, question->interface_id);

	if (sessions == NULL) {
		sessions = json_array();
		json_object_set_new(found, question->interface_id, sessions);
	}
	session_take(sessions, question, verdict, session);
}

/* The memory of refusals is asked for missing sessions only: a session that exists shows that the
 * interface could be mirrored, and counts unless AWS rules the type out for good. */
static int
find_sessions_settle(struct tmf_op *op, const json_t *entry,
    const struct session_question *question, enum session_verdict verdict, const json_t *session)
{
	json_t *result = tmf_op_kept(op, KEPT_RESULT);
	const json_t *shadow = NULL;
	json_t *item;

	if (verdict == SESSION_MISSING) {
		int refused = find_sessions_is_refused(op, entry, question);

		if (refused < 0)
			return -1;
		if (refused > 0)
			verdict = SESSION_DEAD;
		else
			env(op)->progress.missing++;
	}
	if (verdict == SESSION_PRESENT || verdict == SESSION_DRIFTED)
		find_sessions_note_adoptable(op, question, session);
	if (verdict == SESSION_DRIFTED && env(op)->dry_run != NULL)
		find_sessions_note_drift(op, question, session);
	if (verdict <= SESSION_DRIFTED)
		shadow = find_sessions_shadow(op, question, verdict, session);
	item = find_sessions_item(question, entry, session, shadow);
	json_array_append_new(json_object_get(result, find_sessions_lists[verdict]), item);
	if (find_sessions_record(op, entry, verdict, session, shadow, item) < 0)
		return -1;
	if (question->rule->matching == MATCHING_ALL && verdict <= SESSION_DRIFTED)
		find_sessions_take(op, question, verdict, session);
	return 0;
}

/* The type only matters to a verdict. */
static struct session_question
find_sessions_question(struct tmf_op *op, const json_t *entry)
{
	const char *type = jsonx_get_string(find_sessions_instance(entry), "InstanceType");

	return (struct session_question){
	    .targets = action_account(op)->targets,
	    .rule = action_rule_of(op, jsonx_get_string(entry, "Rule")),
	    .subnet_id = find_sessions_subnet(entry),
	    .interface_id = find_sessions_interface(entry),
	    .type_is_dead = type != NULL && mirror_config_type_is_dead(env(op)->config, type),
	    .sessions =
		json_object_get(tmf_op_kept(op, KEPT_SESSIONS), find_sessions_interface(entry)),
	};
}

/* 1 if the entry has had its turn, 0 if that comes in a later round, -1. */
static int
find_sessions_classify(struct tmf_op *op, const json_t *entry, int round)
{
	const struct session_question question = find_sessions_question(op, entry);
	const json_t *session;
	enum session_verdict verdict = session_judge(&question, &session);

	assert(question.rule != NULL); /* find_sessions_check has seen it */
	if (session_round(&question, verdict) > (enum session_round)round)
		return 0;
	return find_sessions_settle(op, entry, &question, verdict, session) < 0 ? -1 : 1;
}

/* All entries of the page, each in its round. Where an interface has one entry, one is enough. */
static int
find_sessions_classify_all(struct tmf_op *op)
{
	const json_t *matched = find_sessions_matched(op);
	bool *done = mem_zalloc(json_array_size(matched) + 1, sizeof(*done));
	int round =
	    mirror_config_matches_all(env(op)->config) ? SESSION_ROUND_FIRST : SESSION_ROUND_LAST;
	json_t *entry;
	int turn = 0;
	size_t i;

	for (; turn >= 0 && round <= SESSION_ROUND_LAST; round++) {
		json_array_foreach (matched, i, entry) {
			turn = done[i] ? 1 : find_sessions_classify(op, entry, round);
			if (turn < 0)
				break;
			done[i] = turn > 0;
		}
	}
	free(done);
	return turn < 0 ? -1 : 0;
}

/* --- adopting --- */

/* Gives the next of them this configuration's name, so that a later run knows them whatever has
 * become of the rule. One request takes a whole page's. */
static enum tmf_op_next
find_sessions_adopt(struct tmf_op *op)
{
	json_t *left = tmf_op_kept(op, KEPT_ADOPTED);
	json_t *ids = json_array();
	json_t *tags = json_array();
	struct tmf_call *call;

	while (json_array_size(left) > 0 && json_array_size(ids) < ADOPTED_MAX) {
		json_array_append(ids, json_array_get(left, json_array_size(left) - 1));
		json_array_remove(left, json_array_size(left) - 1);
	}
	if (json_array_size(ids) == 0) {
		json_decref(ids);
		json_decref(tags);
		return tmf_op_done(op, json_incref(tmf_op_kept(op, KEPT_RESULT)));
	}
	tag_add(tags, TAG_CONFIGURATION, mirror_config_name(env(op)->config));
	call = ec2_create_tags(action_account(op)->ec2, ids, tags);
	json_decref(ids);
	json_decref(tags);
	return tmf_op_await_seen(op, call, find_sessions_adopted);
}

/* Mirroring does not need the name: where it is refused, a later run tries again. A refusal of one
 * id refuses its whole request, and that is a session which was deleted since it was listed. */
static enum tmf_op_next
find_sessions_adopted(struct tmf_op *op)
{
	if (op->reply == NULL)
		log_event(LOG_WARN, "session.adoption_failed",
		    LOG_STR("configuration", mirror_config_name(env(op)->config)),
		    LOG_ERR(&op->err));
	tmf_err_fini(&op->err);
	return find_sessions_adopt(op);
}

/* --- judging the page --- */

/* An interface without a session is in no list of the reply, which is how it is known to be
 * missing. */
static enum tmf_op_next
find_sessions_answer(struct tmf_op *op)
{
	json_t *result = tmf_op_keep(op, KEPT_RESULT, json_object());

	tmf_op_keep(op, KEPT_ADOPTED, json_array());
	for (size_t verdict = 0; verdict <= SESSION_CONFLICT; verdict++)
		json_object_set_new(result, find_sessions_lists[verdict], json_array());
	/* What AWS would refuse is looked up for each that misses. */
	store_reads_begin(env(op)->account->store);
	if (find_sessions_classify_all(op) < 0)
		return TMF_OP_FAIL;
	return find_sessions_adopt(op);
}

/* One session is enough to know the targets for. */
static bool
find_sessions_needs_targets(struct tmf_op *op)
{
	const json_t *matched = find_sessions_matched(op);
	const json_t *found = tmf_op_kept(op, KEPT_SESSIONS);
	json_t *entry;
	size_t i;

	json_array_foreach (matched, i, entry) {
		const json_t *sessions = json_object_get(found, find_sessions_interface(entry));
		json_t *session;
		size_t k;

		json_array_foreach (sessions, k, session)
			if (session_needs_targets(
				action_rule_of(op, jsonx_get_string(entry, "Rule")), session))
				return true;
	}
	return false;
}

/* --- asking --- */

/* The filters of others' sessions that come before ours: mostly nobody else mirrors, and then this
 * costs no request. */
static enum tmf_op_next
find_sessions_look_at_filters(struct tmf_op *op)
{
	const json_t *found = tmf_op_kept(op, KEPT_SESSIONS);
	json_t *ids = json_array();
	struct tmf_call *call;
	json_t *entry;
	size_t i;

	json_array_foreach (find_sessions_matched(op), i, entry) {
		const char *interface_id = find_sessions_interface(entry);

		session_shadow_filters(
		    &(struct session_shadows){
			.rule = action_rule_of(op, jsonx_get_string(entry, "Rule")),
			.interface_id = interface_id,
			.sessions = json_object_get(found, interface_id),
		    },
		    ids);
	}
	if (json_array_size(ids) == 0) {
		json_decref(ids);
		return find_sessions_answer(op);
	}
	call = filters_load(action_account(op)->filters, ids);
	json_decref(ids);
	return tmf_op_await(op, call, find_sessions_answer);
}

/* The inventory is read after the sessions, and only where one of them makes it necessary: most
 * fleets never have such a session. */
static enum tmf_op_next
find_sessions_look_at_targets(struct tmf_op *op)
{
	if (find_sessions_needs_targets(op))
		return tmf_op_await(
		    op, targets_load(action_account(op)->targets), find_sessions_look_at_filters);
	return find_sessions_look_at_filters(op);
}

/* Of all sessions of the page that nobody knows the targets of. */
static json_t *
find_sessions_awaited(struct tmf_op *op)
{
	json_t *target_ids = json_array();
	json_t *entry;
	size_t i;

	json_array_foreach (find_sessions_matched(op), i, entry) {
		const struct session_question question = find_sessions_question(op, entry);

		session_await_targets(&question, target_ids);
	}
	return target_ids;
}

static enum tmf_op_next
find_sessions_look_again(struct tmf_op *op)
{
	const struct find_sessions *f = op->frame;
	struct mirror_targets *targets = action_account(op)->targets;

	return tmf_op_await(
	    op, targets_load_lives_after(targets, f->readings), find_sessions_looked_again);
}

/* Looks until each target is known, at once and then after pauses: a target that is never listed
 * has been made out of reach, and its session has drifted. */
static enum tmf_op_next
find_sessions_looked_again(struct tmf_op *op)
{
	struct find_sessions *f = op->frame;
	struct mirror_targets *targets = action_account(op)->targets;
	json_t *awaited = f->created_targets ? find_sessions_awaited(op) : NULL;
	size_t count = json_array_size(awaited);
	json_t *id;
	size_t i;

	if (f->looks == SESSION_LOOKS_MAX)
		json_array_foreach (awaited, i, id)
			targets_give_up(targets, json_string_value(id));
	json_decref(awaited);
	if (count == 0 || f->looks == SESSION_LOOKS_MAX)
		return find_sessions_look_at_targets(op);
	if (f->looks++ == 0)
		return find_sessions_look_again(op);
	f->readings = targets_readings(targets);
	return tmf_op_sleep(
	    op, (int64_t)SESSION_LOOK_DELAY_MS << (f->looks - 2), find_sessions_look_again);
}

static enum tmf_op_next
find_sessions_came(struct tmf_op *op)
{
	tmf_op_keep(op, KEPT_SESSIONS, json_incref(op->reply));
	return find_sessions_looked_again(op);
}

/* All interfaces of the page together, whichever rule takes them: sessions are listed by
 * interface. */
static enum tmf_op_next
find_sessions_ask(struct tmf_op *op)
{
	struct find_sessions *f = op->frame;
	json_t *ids = json_array();
	struct tmf_call *call;
	json_t *entry;
	size_t i;

	json_array_foreach (find_sessions_matched(op), i, entry)
		json_array_append(ids, json_object_get(entry, "NetworkInterfaceId"));
	f->readings = targets_readings(action_account(op)->targets);
	call = gather_ask(action_account(op)->sessions, ids);
	json_decref(ids);
	return tmf_op_await(op, call, find_sessions_came);
}

/* Lives before sessions, since a session to a dead target counts as missing or drifted. */
static enum tmf_op_next
find_sessions_start(struct tmf_op *op)
{
	struct find_sessions *f = op->frame;

	if (action_input_check(op) < 0 || find_sessions_check(op, &f->created_targets) < 0)
		return TMF_OP_FAIL;
	if (f->created_targets)
		return tmf_op_await(
		    op, targets_load_lives(action_account(op)->targets), find_sessions_ask);
	return find_sessions_ask(op);
}

static const struct tmf_action_field input[] = {
    {"Matched", "list of {Instance, NetworkInterfaceId, Rule}", true, "the interfaces to look at"},
    MEMBER_ACCOUNT_FIELD,
    {.name = NULL},
};

#define ITEM                                                                                       \
	"list of {InstanceId, InstanceType, SubnetId, NetworkInterfaceId, Rule, SessionId, "       \
	"SessionTargetId, SessionNumber, ShadowedBy, Sessions}"

static const struct tmf_action_field output[] = {
    {"Missing", ITEM, true, "no session that counts: create one"},
    {"Present", ITEM, true,
	"the same interface, filter and a target of the rule's; Outcome is present or shadowed"},
    {"Drifted", ITEM, true, "tmflow's own, but other filter or target: modify SessionId"},
    {"Conflicts", ITEM, true,
	"the session number is taken, no room is left for a session, or the instance has a type "
	"that is not mirrored: Outcome and Reason, as in Present, are what was recorded"},
    {.name = NULL},
};

static const char *const iam_actions[] = {
    "ec2:CreateTags",
    "ec2:DeleteTags",
    "ec2:DescribeInstances",
    "ec2:DescribeTrafficMirrorFilters",
    "ec2:DescribeTrafficMirrorSessions",
    "ec2:DescribeTrafficMirrorTargets",
    NULL,
};

const struct tmf_action action_find_sessions = {
    .name = "find-sessions",
    .summary = "Finds the mirror sessions that interfaces have",
    .input = input,
    .output = output,
    .iam_actions = iam_actions,
    .frame_size = sizeof(struct find_sessions),
    .needs_aws = true,
    .start = find_sessions_start,
};
