#ifndef TMFLOW_ASL_EXPR_EXPR_INTERNAL_H
#define TMFLOW_ASL_EXPR_EXPR_INTERNAL_H

#include "asl/path/path_internal.h"

#include "asl/expr/expr.h"
#include "base/rng.h"

#define INTRINSIC_TEXT_BYTES_MAX (1u << 20)  /* a string that a function makes */
#define INTRINSIC_KEY_BYTES_MAX	 (16u << 20) /* what ArrayUnique keeps to tell elements apart */

/* One call at work. Arguments are borrowed. */
struct intrinsic_call {
	const struct intrinsic *fn;
	json_t *const *args;
	size_t arg_count;
	struct rng *rng;
};

/* Puts a new reference into *ret_value, or fills err by intrinsic_fail. */
typedef int
intrinsic_fn(const struct intrinsic_call *call, json_t **ret_value, struct tmf_err *err);

struct intrinsic {
	const char *name; /* behind "States." */
	unsigned args_min;
	unsigned args_max;
	bool takes_template; /* the first argument's \{ \} and \\ are the function's to read */
	intrinsic_fn *run;
};

/* NULL when there is none of this name. */
const struct intrinsic *intrinsic_find(struct str name);

/* A name near to it, or NULL. */
const char *intrinsic_nearest(struct str name);

/* States.IntrinsicFailure, "Invalid arguments in States.X: " in front. Returns -1. */
int intrinsic_fail(const struct intrinsic_call *call, struct tmf_err *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The argument as what it must be; failures name it ("argument 2 must be a number, not a string"). */
int intrinsic_array_arg(
    const struct intrinsic_call *call, size_t at, json_t **ret_array, struct tmf_err *err);
int intrinsic_string_arg(
    const struct intrinsic_call *call, size_t at, struct str *ret_text, struct tmf_err *err);

/* A number, rounded as AWS does it: half up. */
int intrinsic_integer_arg(
    const struct intrinsic_call *call, size_t at, int64_t *ret_value, struct tmf_err *err);

/* A new string in *ret_value; fails when text is no UTF-8. Empties text. */
int intrinsic_return_text(
    const struct intrinsic_call *call, struct buf *text, json_t **ret_value, struct tmf_err *err);

intrinsic_fn intrinsic_array;
intrinsic_fn intrinsic_array_contains;
intrinsic_fn intrinsic_array_get_item;
intrinsic_fn intrinsic_array_length;
intrinsic_fn intrinsic_array_partition;
intrinsic_fn intrinsic_array_range;
intrinsic_fn intrinsic_array_unique;
intrinsic_fn intrinsic_base64_decode;
intrinsic_fn intrinsic_base64_encode;
intrinsic_fn intrinsic_format;
intrinsic_fn intrinsic_hash;
intrinsic_fn intrinsic_json_merge;
intrinsic_fn intrinsic_json_to_string;
intrinsic_fn intrinsic_math_add;
intrinsic_fn intrinsic_math_random;
intrinsic_fn intrinsic_string_split;
intrinsic_fn intrinsic_string_to_json;
intrinsic_fn intrinsic_uuid;

enum expr_kind { EXPR_LITERAL, EXPR_PATH, EXPR_CALL };

struct expr_call {
	const struct intrinsic *fn;
	struct expr_node *args;
	size_t arg_count;
};

struct expr_node {
	enum expr_kind kind;
	union {
		json_t *literal;
		struct asl_path *path;
		struct expr_call call;
	} u;
};

struct asl_expr {
	char *text;
	struct expr_node root;
};

void expr_node_fini(struct expr_node *node);

#endif
