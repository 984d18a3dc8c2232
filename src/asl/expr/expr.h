#ifndef TMFLOW_ASL_EXPR_EXPR_H
#define TMFLOW_ASL_EXPR_EXPR_H

#include "asl/path/path.h"

/* What may stand in a `key.$` field (and in ErrorPath, CausePath): a path or an intrinsic function call, nested at will.
 * See: https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html */
struct asl_expr;

#define ASL_EXPR_BYTES_MAX  10000u
#define ASL_EXPR_DEPTH_MAX  32u
#define ASL_EXPR_ARGS_MAX   1000u
#define ASL_ARRAY_RANGE_MAX 1000u  /* States.ArrayRange */
#define ASL_HASH_BYTES_MAX  10000u /* States.Hash, Base64: characters */

struct asl_expr *asl_expr_parse(struct str text, struct tmf_err *err);
void asl_expr_free(struct asl_expr *expr);
const char *asl_expr_text(const struct asl_expr *expr);
/* The path, when it is one; else NULL. Borrowed. */
const struct asl_path *asl_expr_path(const struct asl_expr *expr);

/* New reference in *ret_value. Errors: States.Runtime for a path that leads nowhere (text without the "An error occurred while executing" prefix, which the engine adds;
 * field is what the message names: "value.$"), States.IntrinsicFailure. */
int asl_expr_eval(const struct asl_expr *expr, const char *field, const struct asl_scope *scope,
    json_t **ret_value, struct tmf_err *err);

#endif
