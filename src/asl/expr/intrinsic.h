#ifndef TMFLOW_ASL_EXPR_INTRINSIC_H
#define TMFLOW_ASL_EXPR_INTRINSIC_H

#include "base/buf.h"
#include "base/rng.h"
#include "tmflow/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The intrinsic functions. Their table (intrinsic.c) says what arguments each takes; a function is
 * called with arguments that fit, and looks only at their values.
 * See: https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html
 */

#define INTRINSIC_TEXT_BYTES_MAX (1u << 20)  /* a string that a function makes */
#define INTRINSIC_KEY_BYTES_MAX	 (16u << 20) /* what ArrayUnique compares elements by */

struct intrinsic_call;

/* Returns: a new reference, or NULL by intrinsic_fail. */
typedef json_t *intrinsic_fn(const struct intrinsic_call *call);

struct intrinsic {
	const char *name; /* behind "States." */
	unsigned args_min;
	/*
	 * A letter for each argument: a array, o object, s string, t string of at most
	 * ASL_HASH_BYTES_MAX characters, i a number cut to an integer, r a number rounded to an
	 * integer of 32 bits, * any value. A + at the end: any number of further values.
	 */
	const char *args;
	bool takes_template; /* the first argument's \{ \} and \\ are the function's to read */
	intrinsic_fn *run;
};

struct intrinsic_arg {
	json_t *json;	 /* borrowed */
	struct str text; /* s and t */
	int64_t integer; /* i and r */
};

struct intrinsic_call {
	const struct intrinsic *fn;
	const struct intrinsic_arg *args;
	size_t arg_count;
	struct str text; /* as the definition has it */
	struct rng *rng; /* of the scope: may be NULL where no function needs chance */
	struct tmf_err *err;
};

/* The function of this name, NULL for an unknown one. */
const struct intrinsic *intrinsic_find(struct str name);

/* A name near to it, or NULL. */
const char *intrinsic_nearest(struct str name);

/* How many arguments it takes at most. */
size_t intrinsic_args_max(const struct intrinsic *fn);

/*
 * Calls the function with call->arg_count values, after checking their types.
 * Returns: a new reference, NULL with call->err.
 * Errors: States.Runtime, naming the argument ("argument 2 must be of type number, not string").
 */
json_t *intrinsic_run(struct intrinsic_call *call, json_t *const *values);

/* Fills call->err: States.Runtime, with the call and "Invalid arguments in States.X: ...".
 * Returns: NULL. */
json_t *intrinsic_fail(const struct intrinsic_call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same with "Invalid template in States.X: ". */
json_t *intrinsic_fail_template(const struct intrinsic_call *call, const char *detail);

/* Appends value as Java's toString has it: a string bare, an object as {a=1, b=[]}, an array as
 * JSON.
 * Returns: 0, -1 by intrinsic_fail where out gets too long. */
int intrinsic_write_value(const struct intrinsic_call *call, json_t *value, struct buf *out);

/* A new string of text, which is emptied. NULL, by intrinsic_fail, where it is not UTF-8. */
json_t *intrinsic_string(const struct intrinsic_call *call, struct buf *text);

/* Length in characters of text that is known to be UTF-8. */
size_t intrinsic_char_count(struct str text);

/* One for each row of the table. */
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

#endif
