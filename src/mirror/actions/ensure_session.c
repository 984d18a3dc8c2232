#include "aws/pace/retry.h"
#include "base/jsonx.h"
#include "mirror/actions/action.h"
#include "mirror/dry_run.h"
#include "mirror/gather.h"
#include "mirror/refusals.h"
#include "mirror/session.h"
#include "mirror/unsupported.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/*
 * tmflow:ensure-session: an interface's session, created or brought back to what the rule says.
 *
 * The first try goes without another look, since find-sessions looked a moment ago: that is one
 * call an interface instead of two. Only a definite refusal is looked into. The client token of a
 * creation is a function of the request, so a retry after a lost reply, or another process, gets
 * the same session. Which number is free find-sessions has seen, too: SessionNumber of the input.
 *
 * Stages: start > make > made, and from a refusal: look > looked > ready > make. Where the look
 * shows nothing that explains the refusal, another process may have been faster, and describes lag
 * behind: ready > (pause) > look.
 */

#define SESSIONS_KEPT "sessions" /* as gather_ask gives them */
#define SESSION_KEPT  "session"	 /* id of the one to modify */
/* {Name, Text, RequestId, Operation, Status}: why AWS refused. */
#define REFUSAL_KEPT	  "refusal"
#define LOOKS_IN_VAIN_MAX 8
#define MAKES_MAX	  5 /* somebody else may take a number, or delete what is to be modified */

/* What must outlive a stage. */
struct ensure_session {
	const struct config_rule *rule;
	bool modifies;	       /* SESSION_KEPT; otherwise creates */
	int session_number;    /* of one that is created */
	int64_t after_wall_ms; /* of the session_order */
	int makes;	       /* so far */
	int looks;	       /* after a pause, for what describes may show late */
	unsigned readings;     /* of the inventory, before the pause */
};

static tmf_op_stage_fn ensure_session_look;
static tmf_op_stage_fn ensure_session_looked;
static tmf_op_stage_fn ensure_session_ready;
static tmf_op_stage_fn ensure_session_made;

/* --- the end --- */

/* A session that is made and gets no packet is what the plan says, so it counts as created; that it
 * is good for nothing is its reason (a plan's is `planned`). The next run finds it shadowed. */
static void
ensure_session_shadow(
    const struct tmf_op *op, struct outcome *outcome, char cause[SESSION_CAUSE_BYTES])
{
	const char *by = action_text_of(op, "ShadowedBy");

	if (by == NULL)
		return;
	if (outcome->kind == OUTCOME_PRESENT)
		outcome->kind = OUTCOME_SHADOWED;
	else if ((outcome->kind == OUTCOME_CREATED || outcome->kind == OUTCOME_UPDATED) &&
		 env(op)->dry_run == NULL)
		outcome->reason = outcome_name(OUTCOME_SHADOWED);
	else
		return;
	outcome->cause = session_shadow_cause(by, NULL, cause);
}

/* Records what became of the interface, and ends the op with that. */
static enum tmf_op_next
ensure_session_settle(struct tmf_op *op, struct outcome outcome)
{
	const struct ensure_session *f = op->frame;
	char cause[SESSION_CAUSE_BYTES];
	json_t *result;
	int used = 0;

	ensure_session_shadow(op, &outcome, cause);
	outcome.instance_id = action_text_of(op, "InstanceId");
	outcome.interface_id = action_text_of(op, "NetworkInterfaceId");
	outcome.rule = f->rule->name;
	if (outcome.target_id == NULL)
		outcome.target_id = action_text_of(op, "TargetId");
	tmf_err_fini(&op->err);
	targets_settle_place(action_account(op)->targets, action_text_of(op, "TargetId"),
	    outcome.interface_id,
	    outcome.kind == OUTCOME_CREATED || outcome.kind == OUTCOME_UPDATED);
	if (outcome.session_id != NULL)
		used = targets_note_used(action_account(op)->targets, outcome.target_id, &op->err);
	if (used < 0 || ledger_put(env(op), &outcome, &op->err) < 0)
		return TMF_OP_FAIL;
	result = json_object();
	if (outcome.session_id != NULL)
		jsonx_put_string(result, "SessionId", outcome.session_id);
	else
		json_object_set_new(result, "SessionId", json_null());
	jsonx_put_string(result, "Outcome", outcome_name(outcome.kind));
	jsonx_put_string_or_null(result, "Reason", outcome.reason);
	return tmf_op_done(op, result);
}

/* Refusals that say by themselves what became of the interface. AWS spells the id's error both
 * ways, depending on the call. */
static const struct {
	const char *error;
	enum outcome_kind kind;
	const char *reason;
} ensure_session_refusals[] = {
    {ERROR_TYPE, OUTCOME_INELIGIBLE, OUTCOME_REASON_TYPE},
    {ERROR_INTERFACE_IS_TARGET, OUTCOME_EXCLUDED, "target-instance"},
    {"InvalidNetworkInterfaceID.NotFound", OUTCOME_GONE, NULL},
    {"InvalidNetworkInterfaceId.NotFound", OUTCOME_GONE, NULL},
    {"InvalidInstanceID.NotFound", OUTCOME_GONE, NULL},
};

/* --- looking --- */

static enum tmf_op_next
ensure_session_look(struct tmf_op *op)
{
	json_t *ids = json_array();
	struct tmf_call *call;

	json_array_append(ids, action_field_of(op, "NetworkInterfaceId"));
	call = gather_ask(action_account(op)->sessions, ids);
	json_decref(ids);
	return tmf_op_await(op, call, ensure_session_looked);
}

/* What a pause brought to light may have a target that came late as well, whatever the pause was
 * for: after one the inventory is always read again. */
static enum tmf_op_next
ensure_session_looked(struct tmf_op *op)
{
	const struct ensure_session *f = op->frame;

	tmf_op_keep(op, SESSIONS_KEPT, json_incref(op->reply));
	if (f->rule->target_id != NULL && env(op)->dry_run == NULL)
		return ensure_session_ready(op);
	if (f->looks > 0)
		return tmf_op_await(op,
		    targets_load_lives_after(action_account(op)->targets, f->readings),
		    ensure_session_ready);
	return tmf_op_await(
	    op, targets_load_lives(action_account(op)->targets), ensure_session_ready);
}

/* Of the interface, after a look. NULL where it has none. */
static const json_t *
ensure_session_found(const struct tmf_op *op)
{
	return json_object_get(
	    tmf_op_kept(op, SESSIONS_KEPT), action_text_of(op, "NetworkInterfaceId"));
}

/* --- making --- */

static enum tmf_op_next
ensure_session_fail_as_refused(struct tmf_op *op)
{
	const json_t *refusal = tmf_op_kept(op, REFUSAL_KEPT);

	tmf_err_set_name(&op->err, TMF_ERR_SERVICE, jsonx_get_string(refusal, "Name"), "%s",
	    jsonx_get_string(refusal, "Text"));
	op->err.http_status = (int)json_integer_value(json_object_get(refusal, "Status"));
	snprintf(op->err.request_id, sizeof(op->err.request_id), "%s",
	    jsonx_get_string(refusal, "RequestId"));
	snprintf(op->err.operation, sizeof(op->err.operation), "%s",
	    jsonx_get_string(refusal, "Operation"));
	return TMF_OP_FAIL;
}

static void
ensure_session_keep_refusal(struct tmf_op *op)
{
	json_t *refusal = json_object();

	jsonx_put_string(refusal, "Name", op->err.name);
	jsonx_put_string(refusal, "Text", tmf_err_text(&op->err));
	jsonx_put_string(refusal, "RequestId", op->err.request_id);
	jsonx_put_string(refusal, "Operation", op->err.operation);
	json_object_set_new(refusal, "Status", json_integer(op->err.http_status));
	tmf_op_keep(op, REFUSAL_KEPT, refusal);
	tmf_err_fini(&op->err);
}

static struct session_order
ensure_session_order(const struct tmf_op *op)
{
	const struct ensure_session *f = op->frame;

	return (struct session_order){
	    .rule = f->rule,
	    .interface_id = action_text_of(op, "NetworkInterfaceId"),
	    .target_id = action_text_of(op, "TargetId"),
	    .session_id = f->modifies ? json_string_value(tmf_op_kept(op, SESSION_KEPT)) : NULL,
	    .tags = mirror_session_tags(env(op), f->rule),
	    .session_number = f->modifies ? f->rule->session_number : f->session_number,
	    .after_wall_ms = f->after_wall_ms,
	};
}

/* A dry run stands in at the last moment, so that all that leads to the request is the same
 * code. */
static struct tmf_call *
ensure_session_ask(void *arg)
{
	struct tmf_op *op = arg;
	struct account *account = action_account(op);
	const struct session_order order = ensure_session_order(op);

	if (env(op)->dry_run != NULL)
		return dry_run_session(
		    env(op)->dry_run, account, &order, action_text_of(op, "InstanceType"));
	return order.session_id != NULL ? session_order_modify(account->ec2, &order)
					: session_order_create(account->ec2, &order);
}

/* A source that AWS will most likely refuse takes no place at the target from others, who would
 * have one more launched. Once it is mirrored after all it is counted. */
static int
ensure_session_enter(struct tmf_op *op, const struct session_order *order)
{
	const struct ensure_session *f = op->frame;
	const char *type = action_text_of(op, "InstanceType");

	if (!f->modifies && type != NULL && !mirror_config_type_is_source(env(op)->config, type))
		return 0;
	return targets_enter(
	    action_account(op)->targets, order->target_id, order->interface_id, &op->err);
}

/* Creates the session, or modifies the one in SESSION_KEPT. Each further attempt follows from a
 * look that found something new, which others cause: MAKES_MAX ends a race that never calms
 * down. */
static enum tmf_op_next
ensure_session_make(struct tmf_op *op)
{
	struct ensure_session *f = op->frame;
	struct account *account = action_account(op);
	const struct session_order order = ensure_session_order(op);

	assert(f->modifies == (order.session_id != NULL));
	if (f->makes++ == MAKES_MAX)
		return ensure_session_fail_as_refused(op);
	if (ensure_session_enter(op, &order) < 0)
		return TMF_OP_FAIL; /* the workflow asks ensure-target for another one */
	if (sessions_destroyed(account, &f->after_wall_ms, &op->err) < 0)
		return TMF_OP_FAIL;
	if (env(op)->dry_run != NULL)
		return tmf_op_await_seen(op, ensure_session_ask(op), ensure_session_made);
	return tmf_op_await_seen(op,
	    refusals_ask(account->refusals,
		&(struct refusal_request){
		    .operation =
			f->modifies ? "ModifyTrafficMirrorSession" : "CreateTrafficMirrorSession",
		    .rule = f->rule->name,
		    .target_id = f->rule->target_id,
		    .filter_id = f->rule->filter_id,
		    .instance_type = f->modifies ? NULL : action_text_of(op, "InstanceType"),
		},
		ensure_session_ask, op),
	    ensure_session_made);
}

/* A rule that asks for a number gets that, whatever the input says. Without either the default is
 * tried, and AWS says whether it is free. */
static int
ensure_session_first_number(struct tmf_op *op)
{
	struct ensure_session *f = op->frame;
	const json_t *given = action_field_of(op, "SessionNumber");
	json_int_t number = json_integer_value(given);

	if (given != NULL && (number < 1 || number > CONFIG_SESSION_NUMBER_MAX))
		return tmf_err_set(&op->err, TMF_ERR_INVALID,
		    "SessionNumber must be a whole number from 1 to %d", CONFIG_SESSION_NUMBER_MAX);
	f->session_number = given != NULL && f->rule->session_number == 0
				? (int)number
				: session_number_for(f->rule, NULL, NULL);
	return 0;
}

static enum tmf_op_next
ensure_session_start(struct tmf_op *op)
{
	struct ensure_session *f = op->frame;

	if (action_input_check(op) < 0)
		return TMF_OP_FAIL;
	f->rule = action_rule_of(op, action_text_of(op, "Rule"));
	if (f->rule == NULL || ensure_session_first_number(op) < 0)
		return TMF_OP_FAIL;
	f->modifies = action_text_of(op, "SessionId") != NULL;
	if (f->modifies)
		tmf_op_keep(op, SESSION_KEPT, json_incref(action_field_of(op, "SessionId")));
	if (env(op)->dry_run != NULL)
		return tmf_op_await(
		    op, targets_load(action_account(op)->targets), ensure_session_make);
	return ensure_session_make(op);
}

/* A target that was created a moment ago may not be known everywhere yet: under a name of its own,
 * so that the workflow asks again for it, and not for a target that the configuration names and
 * that does not exist. */
static enum tmf_op_next
ensure_session_target_not_ready(struct tmf_op *op)
{
	tmf_err_prefix(&op->err, "%s", op->err.name);
	snprintf(op->err.name, sizeof(op->err.name), "%s", ERROR_TARGET_NOT_READY);
	return TMF_OP_FAIL;
}

/*
 * AWS refused for good. The name of the error alone does not say what to do: the session limit is
 * reached just as well by the session that this run wants, made by somebody else since the look.
 * So look at what the interface has by now, and judge that.
 */
static enum tmf_op_next
ensure_session_refused(struct tmf_op *op)
{
	struct ensure_session *f = op->frame;
	bool session_is_gone = f->modifies && aws_error_is_not_found(op->err.name) &&
			       strstr(op->err.name, "MirrorSession") != NULL;

	if (error_is_target_full(&op->err))
		return TMF_OP_FAIL; /* the workflow asks ensure-target for another one */
	if (tmf_err_is(&op->err, ERROR_TYPE) && env(op)->dry_run == NULL &&
	    action_text_of(op, "InstanceType") != NULL &&
	    unsupported_remember(action_account(op), action_text_of(op, "NetworkInterfaceId"),
		action_text_of(op, "InstanceType"), &op->err) < 0)
		return TMF_OP_FAIL;
	for (size_t i = 0; i < sizeof(ensure_session_refusals) / sizeof(ensure_session_refusals[0]);
	     i++)
		if (tmf_err_is(&op->err, ensure_session_refusals[i].error))
			return ensure_session_settle(
			    op, (struct outcome){.kind = ensure_session_refusals[i].kind,
				    .reason = ensure_session_refusals[i].reason});
	if (f->rule->target_id == NULL && aws_error_is_not_found(op->err.name) &&
	    strstr(op->err.name, "MirrorTarget") != NULL)
		return ensure_session_target_not_ready(op);
	if (refusals_count(&op->err))
		return TMF_OP_FAIL;
	ensure_session_keep_refusal(op);
	if (!session_is_gone)
		return ensure_session_look(op);
	f->modifies = false;
	return ensure_session_make(op);
}

static enum tmf_op_next
ensure_session_made(struct tmf_op *op)
{
	const struct ensure_session *f = op->frame;
	const struct dry_run *dry_run = env(op)->dry_run;
	const char *session_id;

	if (op->reply == NULL &&
	    (op->err.code != TMF_ERR_SERVICE || retry_classify(&op->err) != RETRY_NEVER))
		return TMF_OP_FAIL;
	if (op->reply == NULL)
		return ensure_session_refused(op);
	session_id = jsonx_get_string(
	    json_object_get(op->reply, "TrafficMirrorSession"), "TrafficMirrorSessionId");
	if (session_id == NULL && dry_run == NULL)
		return tmf_op_fail(op, TMF_ERR_REPLY, "the reply names no session");
	return ensure_session_settle(op,
	    (struct outcome){
		.kind = f->modifies ? OUTCOME_UPDATED : OUTCOME_CREATED,
		.session_id = session_id,
		.reason = dry_run != NULL ? DRY_RUN_REASON : NULL,
		.cause = dry_run != NULL && f->modifies ? dry_run_drift(dry_run, session_id) : NULL,
	    });
}

/* --- after a look --- */

static bool
ensure_session_was_refused_as(const struct tmf_op *op, const char *error)
{
	const char *name = jsonx_get_string(tmf_op_kept(op, REFUSAL_KEPT), "Name");

	return name != NULL && strcmp(name, error) == 0;
}

/*
 * True if it is worth to look once more. Where AWS refuses for another reason no look explains it,
 * and thousands of items must not wait for nothing: so after LOOKS_IN_VAIN_MAX of them in a row the
 * first look counts.
 */
static bool
ensure_session_may_wait(const struct tmf_op *op)
{
	const struct ensure_session *f = op->frame;

	return env(op)->dry_run == NULL && f->looks < SESSION_LOOKS_MAX - 1 &&
	       action_account(op)->looks_in_vain < LOOKS_IN_VAIN_MAX;
}

static enum tmf_op_next
ensure_session_wait(struct tmf_op *op)
{
	struct ensure_session *f = op->frame;

	assert(f->looks < SESSION_LOOKS_MAX - 1);
	f->readings = targets_readings(action_account(op)->targets);
	return tmf_op_sleep(op, (int64_t)SESSION_LOOK_DELAY_MS << f->looks++, ensure_session_look);
}

/* Whether pauses are of use is learned from those that are over. */
static void
ensure_session_note_looks(const struct tmf_op *op, bool found)
{
	const struct ensure_session *f = op->frame;
	struct account *account = action_account(op);

	if (f->looks > 0)
		account->looks_in_vain = found ? 0 : account->looks_in_vain + 1;
}

/* The look found nothing that is in the way. Where the rule lets tmflow choose the number,
 * another process may have taken the chosen one: the next free one is tried. Otherwise AWS's
 * word stands. */
static enum tmf_op_next
ensure_session_missing(struct tmf_op *op)
{
	struct ensure_session *f = op->frame;
	int free_number = session_number_for(
	    f->rule, ensure_session_found(op), action_text_of(op, "NetworkInterfaceId"));
	bool is_limit = ensure_session_was_refused_as(op, ERROR_SESSIONS_LIMIT);

	if ((is_limit || free_number == f->session_number) && ensure_session_may_wait(op))
		return ensure_session_wait(op);
	ensure_session_note_looks(op, false);
	if (is_limit)
		return ensure_session_settle(op,
		    (struct outcome){.kind = OUTCOME_INELIGIBLE, .reason = SESSION_LIMIT_REASON});
	if (free_number == f->session_number)
		return ensure_session_fail_as_refused(op);
	f->session_number = free_number;
	f->modifies = false;
	return ensure_session_make(op);
}

/* One of ours is brought back to the rule, unless AWS has just refused exactly that: it would
 * refuse it again. */
static enum tmf_op_next
ensure_session_drifted(struct tmf_op *op, const json_t *session)
{
	struct ensure_session *f = op->frame;

	if (f->modifies)
		return ensure_session_fail_as_refused(op);
	f->modifies = true;
	tmf_op_keep(
	    op, SESSION_KEPT, json_incref(json_object_get(session, "TrafficMirrorSessionId")));
	return ensure_session_make(op);
}

/* A session of ours to a target that another process has just made has not drifted. */
static bool
ensure_session_awaits_target(const struct tmf_op *op, const struct session_question *question)
{
	json_t *target_ids = json_array();
	bool awaits = session_await_targets(question, target_ids);

	json_decref(target_ids);
	return awaits && ensure_session_may_wait(op);
}

static enum tmf_op_next
ensure_session_ready(struct tmf_op *op)
{
	const struct ensure_session *f = op->frame;
	const char *type = action_text_of(op, "InstanceType");
	const struct session_question question = {
	    .targets = action_account(op)->targets,
	    .rule = f->rule,
	    .target_id = action_text_of(op, "TargetId"),
	    .interface_id = action_text_of(op, "NetworkInterfaceId"),
	    .type_is_dead = type != NULL && mirror_config_type_is_dead(env(op)->config, type),
	    .sessions = ensure_session_found(op),
	};
	const json_t *session;
	enum session_verdict verdict;
	struct outcome outcome = {0};

	if (ensure_session_awaits_target(op, &question))
		return ensure_session_wait(op);
	verdict = session_judge(&question, &session);
	if (verdict != SESSION_MISSING)
		ensure_session_note_looks(op, true);
	switch (verdict) {
	case SESSION_MISSING:
		return ensure_session_missing(op);
	case SESSION_DRIFTED:
		return ensure_session_drifted(op, session);
	case SESSION_PRESENT:
		outcome.kind = OUTCOME_PRESENT;
		break;
	case SESSION_CONFLICT:
	case SESSION_LIMIT:
	case SESSION_DEAD:
		session_verdict_put(verdict, &outcome);
		break;
	}
	outcome.session_id = jsonx_get_string(session, "TrafficMirrorSessionId");
	outcome.target_id = jsonx_get_string(session, "TrafficMirrorTargetId");
	return ensure_session_settle(op, outcome);
}

static void
ensure_session_gave_up(struct tmf_op *op)
{
	const struct outcome item = {
	    .instance_id = action_text_of(op, "InstanceId"),
	    .interface_id = action_text_of(op, "NetworkInterfaceId"),
	    .rule = action_text_of(op, "Rule"),
	    .target_id = action_text_of(op, "TargetId"),
	};

	if (item.target_id != NULL && item.interface_id != NULL)
		targets_settle_place(
		    action_account(op)->targets, item.target_id, item.interface_id, false);
	if (item.instance_id != NULL)
		ledger_put_failed(env(op), &item, &op->err);
}

static const struct tmf_action_field input[] = {
    {"NetworkInterfaceId", "string", true, "the source"},
    {"InstanceId", "string", true, "whose interface it is"},
    {"TargetId", "string", true, "where to mirror to"},
    {"Rule", "string", true, "the rule's name"},
    {"SessionId", "string", false, "one of tmflow's that has drifted: it is modified"},
    {"SessionNumber", "number", false,
	"one that is free, where the rule asks for none; 100 is tried if absent"},
    {"ShadowedBy", "string", false,
	"somebody else's session that takes all packets before: the reason is shadowed"},
    {"InstanceType", "string", false, "to remember that AWS does not mirror such an interface"},
    MEMBER_ACCOUNT_FIELD,
    {.name = NULL},
};

static const struct tmf_action_field output[] = {
    {"SessionId", "string or null", true, "null where the interface has no session in the end"},
    {"Outcome", "string", true, "as recorded: created, updated, present, ineligible, ..."},
    {"Reason", "string or null", true, "as recorded: type, session-limit, shadowed, ..."},
    {.name = NULL},
};

static const char *const iam_actions[] = {
    "ec2:CreateTags",
    "ec2:CreateTrafficMirrorSession",
    "ec2:DeleteTags",
    "ec2:DescribeInstances",
    "ec2:DescribeTrafficMirrorSessions",
    "ec2:DescribeTrafficMirrorTargets",
    "ec2:ModifyTrafficMirrorSession",
    NULL,
};

const struct tmf_action action_ensure_session = {
    .name = "ensure-session",
    .summary = "Creates an interface's mirror session, or brings it back to what the rule says",
    .input = input,
    .output = output,
    .iam_actions = iam_actions,
    .frame_size = sizeof(struct ensure_session),
    .needs_aws = true,
    .start = ensure_session_start,
    .gave_up = ensure_session_gave_up,
};
