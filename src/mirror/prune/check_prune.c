#include "base/jsonx.h"
#include "mirror/actions/action.h"

/*
 * tmflow:check-prune: are the sessions that find-unwanted counted to be removed, and may they be?
 * It stands between the two rounds through the sessions, so a run that would remove too many stops
 * before the first. It looks at nothing but its input: a run that is resumed comes to the same
 * answer.
 */

static enum tmf_op_next
check_prune_start(struct tmf_op *op)
{
	const struct mirror *mirror = env(op);
	json_int_t sessions, unwanted;
	json_t *result;

	if (action_input_check(op) < 0)
		return TMF_OP_FAIL;
	sessions = json_integer_value(action_field_of(op, "Sessions"));
	unwanted = json_integer_value(action_field_of(op, "Unwanted"));
	if (unwanted < 0 || sessions < unwanted)
		return tmf_op_fail(
		    op, TMF_ERR_INVALID, "Unwanted must be from 0 to the number of Sessions");
	if (mirror->prune && !prune_limit_allows(&mirror->prune_limit, unwanted, sessions)) {
		tmf_err_set_name(&op->err, TMF_ERR_LIMIT, ERROR_PRUNE_LIMIT,
		    "%lld of %lld sessions are unwanted, which is more than the limit: nothing was "
		    "removed; see the outcomes for the reasons, and --prune-limit",
		    (long long)unwanted, (long long)sessions);
		return TMF_OP_FAIL;
	}
	result = json_object();
	json_object_set_new(result, "Prune", json_boolean(mirror->prune && unwanted > 0));
	return tmf_op_done(op, result);
}

static const struct tmf_action_field input[] = {
    {"Sessions", "number", true, "sessions of this configuration"},
    {"Unwanted", "number", true, "those of them that no rule wants any more"},
    {.name = NULL},
};

static const struct tmf_action_field output[] = {
    {"Prune", "boolean", true, "true: remove them"},
    {.name = NULL},
};

const struct tmf_action action_check_prune = {
    .name = "check-prune",
    .summary = "Says whether unwanted sessions are removed, and stops where they are too many",
    .input = input,
    .output = output,
    .needs_aws = true,
    .start = check_prune_start,
};
