#include "asl/state/choice_internal.h"
#include "asl/state/dataflow_internal.h"

#include <assert.h>

/* AWS fails the execution when a Variable leads nowhere: IsPresent is there to ask first. */
static int
fail_reference(const struct asl_path *path, struct tmf_err *err)
{
	return tmf_err_set_name(err, TMF_ERR_ASL, "States.Runtime",
	    "Invalid path '%s': The choice state's condition path references an invalid value.",
	    asl_path_text(path));
}

/* 1 where op holds of value and operand, else 0. Values of different types have no order,
 * so every comparison of them is false. */
static int
apply(const struct asl_choice_op *op, const json_t *value, const json_t *operand)
{
	int order;

	if (op->compare == NULL)
		return op->is(value) == json_is_true(operand);
	if (!op->compare(value, operand, &order))
		return 0;
	if (order != 0)
		return (op->orders & (order < 0 ? CHOICE_LESS : CHOICE_GREATER)) != 0;
	return (op->orders & CHOICE_EQUAL) != 0;
}

/* The operand's path is evaluated for each comparison, since the input may differ with each
 * entry. */
static int
apply_path(const struct asl_choice_rule *rule, const struct asl_scope *scope, const json_t *value,
    struct tmf_err *err)
{
	json_t *operand = NULL;
	int holds;

	switch (asl_path_eval(rule->operand_path, scope, &operand, err)) {
	case ASL_FOUND_ERROR:
		return -1;
	case ASL_FOUND_NOTHING:
		return fail_reference(rule->operand_path, err);
	case ASL_FOUND:
		break;
	}
	holds = apply(rule->op, value, operand);
	json_decref(operand);
	return holds;
}

/* IsPresent is the only operator for which a path that leads nowhere is an answer. The
 * value is a reference of its own, since a path may have made it. */
static int
compare_holds(
    const struct asl_choice_rule *rule, const struct asl_scope *scope, struct tmf_err *err)
{
	bool asks_presence = rule->op->compare == NULL && rule->op->is == NULL;
	json_t *value = NULL;
	enum asl_found found = asl_path_eval(rule->variable, scope, &value, err);
	int holds;

	if (found == ASL_FOUND_ERROR)
		return -1;
	if (asks_presence)
		holds = (found == ASL_FOUND) == json_is_true(rule->operand);
	else if (found == ASL_FOUND_NOTHING)
		holds = fail_reference(rule->variable, err);
	else if (rule->operand_path != NULL)
		holds = apply_path(rule, scope, value, err);
	else
		holds = apply(rule->op, value, rule->operand);
	json_decref(value);
	return holds;
}

/* The first child that decides (And: one that does not hold, Or: one that does) or fails
 * ends it. In order and no further than needed, so a rule that asks IsPresent first
 * protects those behind it. */
static int
children_hold(
    const struct asl_choice_rule *rule, const struct asl_scope *scope, struct tmf_err *err)
{
	int all = rule->kind == ASL_RULE_AND;

	for (size_t i = 0; i < rule->child_count; i++) {
		int holds = asl_choice_holds(&rule->children[i], scope, err);

		if (holds != all)
			return holds;
	}
	return all;
}

/* A failure (-1) passes through Not unchanged, and ends And and Or. */
int
asl_choice_holds(
    const struct asl_choice_rule *rule, const struct asl_scope *scope, struct tmf_err *err)
{
	int holds;

	switch (rule->kind) {
	case ASL_RULE_COMPARE:
		return compare_holds(rule, scope, err);
	case ASL_RULE_CONDITION:
		return rule->condition != NULL
			   ? dataflow_jsonata_condition(rule->condition, scope, err)
			   : json_is_true(rule->operand);
	case ASL_RULE_AND:
	case ASL_RULE_OR:
		return children_hold(rule, scope, err);
	case ASL_RULE_NOT:
		holds = asl_choice_holds(rule->children, scope, err);
		return holds < 0 ? holds : !holds;
	}
	assert(!"a choice rule of unknown kind");
	return -1;
}
