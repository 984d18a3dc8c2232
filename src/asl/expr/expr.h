#ifndef TMFLOW_ASL_EXPR_EXPR_H
#define TMFLOW_ASL_EXPR_EXPR_H

#include "asl/path/path.h"

/*
 * What may stand in a `key.$` field (and in ErrorPath, CausePath): a path or an intrinsic function
 * call, nested at will.
 * See: https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html
 */
struct asl_expr;

#define ASL_EXPR_BYTES_MAX  10000u
#define ASL_EXPR_DEPTH_MAX  32u
#define ASL_EXPR_ARGS_MAX   1000u
#define ASL_ARRAY_RANGE_MAX 1000u  /* States.ArrayRange */
#define ASL_HASH_BYTES_MAX  10000u /* States.Hash, Base64: characters */

/*
 * Parses an expression of at most ASL_EXPR_BYTES_MAX bytes.
 * Returns: a new expression, NULL after an error.
 * Errors: TMF_ERR_INVALID with what is wrong and at which character.
 */
struct asl_expr *asl_expr_parse(struct str text, struct tmf_err *err);

/* NULL is fine. */
void asl_expr_free(struct asl_expr *expr);

/* The text it was parsed from. */
const char *asl_expr_text(const struct asl_expr *expr);

/* The path, when it is one; else NULL. Borrowed. */
const struct asl_path *asl_expr_path(const struct asl_expr *expr);

/* False for a call whose function never gives a string, as States.MathAdd. */
bool asl_expr_may_give_text(const struct asl_expr *expr);

/*
 * Evaluates the expression. field is what a message calls it: "value.$".
 * Returns: 0 with a new reference in *ret_value, -1.
 * Errors: States.Runtime for a path that leads nowhere and for arguments that do not fit. The text
 * lacks the beginning "An error occurred while executing the state", which the engine adds.
 */
int asl_expr_eval(const struct asl_expr *expr, const char *field, const struct asl_scope *scope,
    json_t **ret_value, struct tmf_err *err);

#endif
