#ifndef TMFLOW_ASL_EXPR_JSONATA_EXPR_H
#define TMFLOW_ASL_EXPR_JSONATA_EXPR_H

#include "asl/jsonata/jsonata.h"
#include "asl/path/scope.h"
#include "base/buf.h"
#include "tmflow/error.h"

/*
 * "{% ... %}" in a field of a state whose QueryLanguage is JSONata. It sees the variables of the
 * workflow and $states: the input of the state, the context object, and the result or the error
 * output where there is one. Compiled once, with the machine.
 * See: https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
 */
struct asl_jsonata;

enum asl_jsonata_form {
	ASL_JSONATA_TEXT,	/* a constant */
	ASL_JSONATA_EXPRESSION, /* begins with {% and ends with %} */
	ASL_JSONATA_HALF,	/* only one of the two: AWS refuses it */
};
enum asl_jsonata_form asl_jsonata_form(struct str text);

/* Why AWS refuses to create a machine with such an expression. */
struct asl_jsonata_fault {
	const char *code; /* static: INVALID_JSONATA_EXPRESSION, UNSUPPORTED_JSONATA_EXPRESSION */
	char message[JSONATA_MESSAGE_BYTES + 64];
	char hint[JSONATA_MESSAGE_BYTES]; /* "" for no hint */
};

/*
 * Parses text, which has the form of an expression. field: its place in the state as causes name it
 * ("Output/a[0]/b"); both are copied. allowed: of enum jsonata_states.
 * Returns: a new expression, or NULL with *ret_fault.
 */
struct asl_jsonata *asl_jsonata_parse(
    struct str text, const char *field, unsigned allowed, struct asl_jsonata_fault *ret_fault);

/* NULL is fine. */
void asl_jsonata_free(struct asl_jsonata *expr);

/* What stands between {% and %}, without blanks around it, and the place in the state. */
const char *asl_jsonata_text(const struct asl_jsonata *expr);
const char *asl_jsonata_field(const struct asl_jsonata *expr);

/*
 * Evaluates the expression; the scope's input is $states.input.
 * Returns: 0 with a new reference in *ret_value, -1.
 * Errors: States.QueryEvaluationError in AWS's words, also where nothing comes out.
 */
int asl_jsonata_eval(const struct asl_jsonata *expr, const struct asl_scope *scope,
    json_t **ret_value, struct tmf_err *err);

/* The error for a value of another type than the field takes; type as AWS has it: "array". */
int asl_jsonata_wrong_type(
    const struct asl_jsonata *expr, const char *type, const json_t *value, struct tmf_err *err);

#endif
