#include "aws/pace/retry.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "mirror/actions/action.h"
#include "mirror/refusals.h"
#include "mirror/session.h"

#include <string.h>

/*
 * tmflow:remove-session: deletes an unwanted session. One that is gone already was removed: by an
 * attempt before a crash, or by somebody else.
 */

static tmf_op_stage_fn remove_session_done;

static struct outcome
remove_session_outcome(const struct tmf_op *op)
{
	const char *reason = action_text_of(op, "Reason");

	return (struct outcome){
	    .kind = OUTCOME_REMOVED,
	    /* As find-unwanted has recorded it. */
	    .slot = reason != NULL && strcmp(reason, OUTCOME_REASON_SURPLUS) == 0
			? action_text_of(op, "SessionId")
			: NULL,
	    .instance_id = action_text_of(op, "InstanceId"),
	    .interface_id = action_text_of(op, "NetworkInterfaceId"),
	    .session_id = action_text_of(op, "SessionId"),
	    .target_id = action_text_of(op, "TargetId"),
	    .rule = action_text_of(op, "Rule"),
	    .reason = reason,
	};
}

static enum tmf_op_next
remove_session_settle(struct tmf_op *op)
{
	const struct outcome outcome = remove_session_outcome(op);
	json_t *result;

	if (ledger_put(env(op), &outcome, &op->err) < 0)
		return TMF_OP_FAIL;
	result = json_object();
	jsonx_put_string(result, "Outcome", outcome_name(outcome.kind));
	return tmf_op_done(op, result);
}

static struct tmf_call *
remove_session_ask(void *arg)
{
	struct tmf_op *op = arg;

	return ec2_delete_session(action_account(op)->ec2, action_text_of(op, "SessionId"));
}

/* A session that is made for the interface afterwards has another client token: so the store has
 * the removal before AWS is asked. */
static enum tmf_op_next
remove_session_start(struct tmf_op *op)
{
	struct account *account;

	if (action_input_check(op) < 0)
		return TMF_OP_FAIL;
	if (env(op)->dry_run != NULL)
		return remove_session_settle(op);
	account = action_account(op);
	if (sessions_note_destroyed(account, &op->err) < 0)
		return TMF_OP_FAIL;
	return tmf_op_await_seen(op,
	    refusals_ask(account->refusals,
		&(struct refusal_request){.operation = "DeleteTrafficMirrorSession"},
		remove_session_ask, op),
	    remove_session_done);
}

static enum tmf_op_next
remove_session_done(struct tmf_op *op)
{
	if (op->reply == NULL && !aws_error_is_not_found(op->err.name))
		return TMF_OP_FAIL;
	tmf_err_fini(&op->err);
	log_event(LOG_INFO, "session.removed", LOG_STR("session", action_text_of(op, "SessionId")),
	    LOG_STR("interface", action_text_of(op, "NetworkInterfaceId")),
	    LOG_STR("reason", action_text_of(op, "Reason")));
	return remove_session_settle(op);
}

static void
remove_session_gave_up(struct tmf_op *op)
{
	const struct outcome item = remove_session_outcome(op);

	if (item.instance_id != NULL)
		ledger_put_failed(env(op), &item, &op->err);
}

static const struct tmf_action_field input[] = {
    {"SessionId", "string", true, "the session to delete"},
    {"NetworkInterfaceId", "string", true, "its source"},
    {"InstanceId", "string", true, "whose interface it is, as find-unwanted gives it"},
    {"TargetId", "string", false, "for the ledger"},
    {"Rule", "string", false, "for the ledger"},
    {"Reason", "string", false, "why it is unwanted"},
    MEMBER_ACCOUNT_FIELD,
    {.name = NULL},
};

static const struct tmf_action_field output[] = {
    {"Outcome", "string", true, "removed"},
    {.name = NULL},
};

static const char *const iam_actions[] = {
    "ec2:DeleteTrafficMirrorSession",
    NULL,
};

const struct tmf_action action_remove_session = {
    .name = "remove-session",
    .summary = "Deletes a session that no rule wants any more",
    .input = input,
    .output = output,
    .iam_actions = iam_actions,
    .needs_aws = true,
    .start = remove_session_start,
    .gave_up = remove_session_gave_up,
};
