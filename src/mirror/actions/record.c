#include "base/jsonx.h"
#include "mirror/actions/action.h"

#include <string.h>

/* tmflow:record: writes into the ledger what a workflow found out by itself, such as an instance
 * that its describe does not list any more. */

/* Outcomes that need no more than a reason. The others say what an action did: they are its own to
 * record. */
static const enum outcome_kind record_kinds[] = {
    OUTCOME_GONE, OUTCOME_EXCLUDED, OUTCOME_INELIGIBLE, OUTCOME_FOREIGN_ACCOUNT};

/* An unknown outcome fails before the first row is written. */
static int
record_read_kind(struct tmf_op *op, enum outcome_kind *ret_kind)
{
	const char *name = action_text_of(op, "Outcome");

	for (size_t i = 0; i < sizeof(record_kinds) / sizeof(record_kinds[0]); i++) {
		if (strcmp(outcome_name(record_kinds[i]), name) == 0) {
			*ret_kind = record_kinds[i];
			return 0;
		}
	}
	return tmf_err_set(&op->err, TMF_ERR_INVALID,
	    "Outcome is \"%s\", but must be gone, excluded, ineligible or foreign-account", name);
}

/* The input is the output, so that a workflow can record in passing. */
static enum tmf_op_next
record_start(struct tmf_op *op)
{
	struct outcome outcome = {0};
	json_t *id;
	size_t i;

	if (action_input_check(op) < 0 || record_read_kind(op, &outcome.kind) < 0)
		return TMF_OP_FAIL;
	mirror_set_last_round(env(op), json_is_true(action_field_of(op, "LastRound")));
	outcome.reason = action_text_of(op, "Reason");
	json_array_foreach (action_field_of(op, "InstanceIds"), i, id) {
		outcome.instance_id = json_string_value(id);
		if (outcome.instance_id == NULL)
			return tmf_op_fail(
			    op, TMF_ERR_INVALID, "InstanceIds must be a list of strings");
		if (ledger_put(env(op), &outcome, &op->err) < 0)
			return TMF_OP_FAIL;
	}
	return tmf_op_done(op, json_incref(op->input));
}

static const struct tmf_action_field input[] = {
    {"InstanceIds", "list of string", true, "the instances"},
    {"Outcome", "string", true, "gone, excluded, ineligible or foreign-account"},
    {"Reason", "string", false, "a word or two for the ledger"},
    {"LastRound", "boolean", false,
	"as tmflow:describe-page was given it: only what this run has recorded as failed"},
    {.name = NULL},
};

const struct tmf_action action_record = {
    .name = "record",
    .summary = "Records what became of instances, and gives its input back",
    .input = input,
    .start = record_start,
};
