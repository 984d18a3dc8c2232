#ifndef TMFLOW_ASL_STATE_CHOICE_H
#define TMFLOW_ASL_STATE_CHOICE_H

#include "asl/expr/template.h"
#include "asl/path/path.h"

struct asl_state;
struct asl_choice_op; /* a row of the operator table */

/* A compiled choice rule: a comparison, And/Or/Not over others, or a Condition in JSONata.
 * See: https://states-language.net/#choice-state */
enum asl_rule_kind {
	ASL_RULE_COMPARE,
	ASL_RULE_AND,
	ASL_RULE_OR,
	ASL_RULE_NOT,
	ASL_RULE_CONDITION
};
struct asl_choice_rule {
	enum asl_rule_kind kind;
	struct asl_choice_rule *children;
	size_t child_count;
	const struct asl_choice_op *op;
	struct asl_path *variable;
	json_t *operand;	       /* literal, or NULL; of a Condition: a boolean */
	struct asl_jsonata *condition; /* NULL: the Condition is operand */
	struct asl_path *operand_path; /* ...Path operators */
	struct asl_state *next;	       /* top level rules only */
	struct asl_template *assign;   /* top level rules only */
	struct asl_template *output;   /* likewise; JSONata */
};

/* 1 it holds, 0 it does not, -1 with *err (a Variable that leads nowhere: States.Runtime in
 * AWS's words). */
int asl_choice_holds(
    const struct asl_choice_rule *rule, const struct asl_scope *scope, struct tmf_err *err);

/* The operator's name: "NumericLessThanEqualsPath". */
const char *asl_choice_op_name(const struct asl_choice_op *op);

#endif
