#ifndef TMFLOW_MIRROR_ACTIONS_ACTION_INPUT_H
#define TMFLOW_MIRROR_ACTIONS_ACTION_INPUT_H

#include "mirror/ledger.h"
#include "tmflow/action.h"

/* What the stages of native actions share. */

static inline struct mirror *
env(const struct tmf_op *op)
{
	return op->env;
}

#define MEMBER_ACCOUNT "MemberAccountId"

/* For the input of actions that work in another account where they are told one. */
#define MEMBER_ACCOUNT_FIELD                                                                       \
	{                                                                                          \
		MEMBER_ACCOUNT, "string", false,                                                   \
		    "another account, as check-account gives it; null: this one"                   \
	}

/* Checks op->input against the action's table: unknown fields, missing ones, and kinds by their first word ("list", "string", "number", "boolean", "object").
 * null counts as absent. Opens the account of MemberAccountId, if it is given.
 * Errors: TMF_ERR_INVALID naming the field, TMF_ERR_CONFIG for an account without a role, into op->err. */
int action_input_check(struct tmf_op *op);

/* A field of an input that was checked; NULL where it is absent or null. Borrows. */
json_t *action_field_of(const struct tmf_op *op, const char *name);
const char *action_text_of(const struct tmf_op *op, const char *name);

/* The account that the action works in: that of MemberAccountId, or the process's own. Only after action_input_check. */
struct account *action_account(const struct tmf_op *op);

/* The rule that the field Rule names. Errors: TMF_ERR_INVALID, into op->err. */
const struct config_rule *action_rule_of(struct tmf_op *op, const char *name);

#endif
