#ifndef TMFLOW_ASL_STATE_CHOICE_INTERNAL_H
#define TMFLOW_ASL_STATE_CHOICE_INTERNAL_H

#include "asl/state/choice.h"

/* What stands beside an operator in a definition. */
enum choice_operand {
	CHOICE_STRING,
	CHOICE_NUMBER,
	CHOICE_BOOLEAN,
	CHOICE_TIMESTAMP,
	CHOICE_PATH,
};

/* Orders two values: true and *ret_order < 0, 0 or > 0; false when either is of the wrong type. */
typedef bool choice_compare_fn(const json_t *value, const json_t *operand, int *ret_order);

/* Whether a value is what an Is... operator asks for. */
typedef bool choice_is_fn(const json_t *value);

#define CHOICE_LESS    1u
#define CHOICE_EQUAL   2u
#define CHOICE_GREATER 4u

/* Either compare with the orders that hold, or is; IsPresent has neither. */
struct asl_choice_op {
	const char *name;
	enum choice_operand operand;
	choice_compare_fn *compare;
	unsigned orders;
	choice_is_fn *is;
};

/* NULL when there is not one of this name. */
const struct asl_choice_op *choice_op_find(const char *name);

/* The table's name number at; NULL behind the last. */
const char *choice_op_name(size_t at);

/* pattern's * stands for any text, \* for an asterisk and \\ for a backslash. */
bool choice_matches(struct str pattern, struct str text);

#endif
