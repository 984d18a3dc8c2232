#ifndef TMFLOW_MIRROR_ACTIONS_ACTION_H
#define TMFLOW_MIRROR_ACTIONS_ACTION_H

#include "base/jsonx.h"
#include "mirror/ledger.h"
#include "tmflow/action.h"

/* All that the file of a native action includes from this room: its declaration, and what the
 * stages share. */

#define ACTION(name) extern const struct tmf_action action_##name;
#include "mirror/actions/actions.tbl.h"
#undef ACTION

/* The run that an op belongs to. Borrows. */
static inline struct mirror *
env(const struct tmf_op *op)
{
	return op->env;
}

#define MEMBER_ACCOUNT "MemberAccountId"

/* For the input of actions that work in another account where one is named. */
#define MEMBER_ACCOUNT_FIELD                                                                       \
	{                                                                                          \
		MEMBER_ACCOUNT, "string", false,                                                   \
		    "another account, as check-account gives it; null: this one"                   \
	}

/*
 * Checks op->input against the action's table: unknown fields, missing ones, and kinds by their
 * first word ("list", "string", "number", "boolean", "object"). null counts as absent. Opens the
 * account of MemberAccountId, if there is one. Errors, into op->err: TMF_ERR_INVALID naming the
 * field, TMF_ERR_CONFIG for an account without a role.
 */
int action_input_check(struct tmf_op *op);

/* A field of an input that was checked; NULL where it is absent or null. Borrows. */
json_t *action_field_of(const struct tmf_op *op, const char *name);

/* The same of a string. */
const char *action_text_of(const struct tmf_op *op, const char *name);

/* The account that the action works in: that of MemberAccountId, or the process's own. Only after
 * action_input_check. */
struct account *action_account(const struct tmf_op *op);

/* The rule of that name (NULL: an error). Errors, into op->err: TMF_ERR_INVALID. */
const struct config_rule *action_rule_of(struct tmf_op *op, const char *name);

#endif
