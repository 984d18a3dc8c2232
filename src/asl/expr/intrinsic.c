#include "asl/expr/expr_internal.h"

#include "base/jsonx.h"

#include <math.h>
#include <stdlib.h>

#define INT64_LIMIT 9223372036854775808.0 /* 2^63 */

/* See: https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html */
static const struct intrinsic intrinsics[] = {
    {"Array", 0, ASL_EXPR_ARGS_MAX, false, intrinsic_array},
    {"ArrayContains", 2, 2, false, intrinsic_array_contains},
    {"ArrayGetItem", 2, 2, false, intrinsic_array_get_item},
    {"ArrayLength", 1, 1, false, intrinsic_array_length},
    {"ArrayPartition", 2, 2, false, intrinsic_array_partition},
    {"ArrayRange", 3, 3, false, intrinsic_array_range},
    {"ArrayUnique", 1, 1, false, intrinsic_array_unique},
    {"Base64Decode", 1, 1, false, intrinsic_base64_decode},
    {"Base64Encode", 1, 1, false, intrinsic_base64_encode},
    {"Format", 1, ASL_EXPR_ARGS_MAX, true, intrinsic_format},
    {"Hash", 2, 2, false, intrinsic_hash},
    {"JsonMerge", 3, 3, false, intrinsic_json_merge},
    {"JsonToString", 1, 1, false, intrinsic_json_to_string},
    {"MathAdd", 2, 2, false, intrinsic_math_add},
    {"MathRandom", 2, 3, false, intrinsic_math_random},
    {"StringSplit", 2, 2, false, intrinsic_string_split},
    {"StringToJson", 1, 1, false, intrinsic_string_to_json},
    {"UUID", 0, 0, false, intrinsic_uuid},
};

#define INTRINSIC_COUNT (sizeof(intrinsics) / sizeof(intrinsics[0]))
_Static_assert(INTRINSIC_COUNT == 18, "Step Functions has 18 intrinsic functions");

const struct intrinsic *
intrinsic_find(struct str name)
{
	for (size_t i = 0; i < INTRINSIC_COUNT; i++) {
		if (str_is(name, intrinsics[i].name))
			return &intrinsics[i];
	}
	return NULL;
}

const char *
intrinsic_nearest(struct str name)
{
	const char *names[INTRINSIC_COUNT + 1] = {NULL};

	for (size_t i = 0; i < INTRINSIC_COUNT; i++)
		names[i] = intrinsics[i].name;
	return str_nearest(name, names);
}

int
intrinsic_fail(const struct intrinsic_call *call, struct tmf_err *err, const char *format, ...)
{
	struct buf text = {0};
	va_list args;

	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	tmf_err_set_name(err, TMF_ERR_ASL, "States.IntrinsicFailure",
	    "Invalid arguments in States.%s: %s", call->fn->name, buf_cstr(&text));
	buf_fini(&text);
	return -1;
}

static int
fail_kind(const struct intrinsic_call *call, size_t at, const char *kind, struct tmf_err *err)
{
	return intrinsic_fail(call, err, "argument %zu must be of type %s, not %s", at + 1, kind,
	    jsonx_kind(call->args[at]));
}

int
intrinsic_array_arg(
    const struct intrinsic_call *call, size_t at, json_t **ret_array, struct tmf_err *err)
{
	if (!json_is_array(call->args[at]))
		return fail_kind(call, at, "array", err);
	*ret_array = call->args[at];
	return 0;
}

int
intrinsic_string_arg(
    const struct intrinsic_call *call, size_t at, struct str *ret_text, struct tmf_err *err)
{
	const json_t *arg = call->args[at];

	if (!json_is_string(arg))
		return fail_kind(call, at, "string", err);
	*ret_text = (struct str){json_string_value(arg), json_string_length(arg)};
	return 0;
}

int
intrinsic_integer_arg(
    const struct intrinsic_call *call, size_t at, int64_t *ret_value, struct tmf_err *err)
{
	const json_t *arg = call->args[at];
	double rounded;

	if (!json_is_number(arg))
		return fail_kind(call, at, "number", err);
	if (json_is_integer(arg)) {
		*ret_value = json_integer_value(arg);
		return 0;
	}
	rounded = floor(json_real_value(arg) + 0.5);
	if (rounded < -INT64_LIMIT || rounded >= INT64_LIMIT)
		return intrinsic_fail(call, err, "argument %zu is out of range", at + 1);
	*ret_value = (int64_t)rounded;
	return 0;
}

int
intrinsic_return_text(
    const struct intrinsic_call *call, struct buf *text, json_t **ret_value, struct tmf_err *err)
{
	json_t *string = json_stringn(text->p != NULL ? text->p : "", text->len);

	buf_fini(text);
	if (string == NULL)
		return intrinsic_fail(call, err, "the result is not UTF-8");
	*ret_value = string;
	return 0;
}
