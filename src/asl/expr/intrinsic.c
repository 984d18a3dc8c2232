#include "asl/expr/intrinsic.h"
#include "asl/expr/expr.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define INT64_LIMIT 9223372036854775808.0 /* 2^63 */

/* The letters give the types of the arguments, see arg_read; the number before them says
 * how many must be there. */
static const struct intrinsic intrinsics[] = {
    {"Array", 0, "+", false, intrinsic_array},
    {"ArrayContains", 2, "a*", false, intrinsic_array_contains},
    {"ArrayGetItem", 2, "ai", false, intrinsic_array_get_item},
    {"ArrayLength", 1, "a", false, intrinsic_array_length},
    {"ArrayPartition", 2, "ai", false, intrinsic_array_partition},
    {"ArrayRange", 3, "iii", false, intrinsic_array_range},
    {"ArrayUnique", 1, "a", false, intrinsic_array_unique},
    {"Base64Decode", 1, "t", false, intrinsic_base64_decode},
    {"Base64Encode", 1, "t", false, intrinsic_base64_encode},
    {"Format", 1, "s+", true, intrinsic_format},
    {"Hash", 2, "*s", false, intrinsic_hash},
    {"JsonMerge", 3, "oo*", false, intrinsic_json_merge},
    {"JsonToString", 1, "*", false, intrinsic_json_to_string},
    {"MathAdd", 2, "rr", false, intrinsic_math_add},
    {"MathRandom", 2, "iii", false, intrinsic_math_random},
    {"StringSplit", 2, "st", false, intrinsic_string_split},
    {"StringToJson", 1, "s", false, intrinsic_string_to_json},
    {"UUID", 0, "", false, intrinsic_uuid},
};

#define INTRINSIC_COUNT (sizeof(intrinsics) / sizeof(intrinsics[0]))
_Static_assert(INTRINSIC_COUNT == 18, "Step Functions has 18 intrinsic functions");

/* Only the compiler searches, so a walk over 18 names is enough. */
const struct intrinsic *
intrinsic_find(struct str name)
{
	for (size_t i = 0; i < INTRINSIC_COUNT; i++) {
		if (str_is(name, intrinsics[i].name))
			return &intrinsics[i];
	}
	return NULL;
}

/* For the hint "did you mean States.ArrayUnique?". NULL where no name is near enough to be
 * meant. */
const char *
intrinsic_nearest(struct str name)
{
	const char *names[INTRINSIC_COUNT + 1] = {NULL};

	for (size_t i = 0; i < INTRINSIC_COUNT; i++)
		names[i] = intrinsics[i].name;
	return str_nearest(name, names);
}

/* A "+" takes any number of further arguments. */
size_t
intrinsic_args_max(const struct intrinsic *fn)
{
	return strchr(fn->args, '+') != NULL ? ASL_EXPR_ARGS_MAX : strlen(fn->args);
}

/* Arguments are counted from 1, as a person does. */
static int
arg_fail_kind(const struct intrinsic_call *call, size_t at, const char *kind, const json_t *json)
{
	intrinsic_fail(
	    call, "argument %zu must be of type %s, not %s", at + 1, kind, jsonx_kind(json));
	return -1;
}

static int
arg_fail_range(const struct intrinsic_call *call, size_t at)
{
	intrinsic_fail(call, "argument %zu is out of range", at + 1);
	return -1;
}

/* A number. Recorded from AWS: MathAdd rounds half up, so MathAdd(1.49, 1.5) is 1 + 2, and takes 32
 * bits; all others cut what stands behind the point. */
static int
arg_read_integer(
    const struct intrinsic_call *call, size_t at, bool rounds, struct intrinsic_arg *arg)
{
	double real = json_real_value(arg->json);
	double whole = rounds ? floor(real + 0.5) : trunc(real);

	if (!json_is_number(arg->json))
		return arg_fail_kind(call, at, "number", arg->json);
	if (json_is_integer(arg->json))
		arg->integer = json_integer_value(arg->json);
	else if (whole >= -INT64_LIMIT && whole < INT64_LIMIT)
		arg->integer = (int64_t)whole;
	else
		return arg_fail_range(call, at);
	if (rounds && (arg->integer < INT32_MIN || arg->integer > INT32_MAX))
		return arg_fail_range(call, at);
	return 0;
}

/* AWS documents the limit for Base64 and Hash in characters, so it is not counted in bytes. */
static int
arg_read_text(const struct intrinsic_call *call, size_t at, size_t max, struct intrinsic_arg *arg)
{
	if (!json_is_string(arg->json))
		return arg_fail_kind(call, at, "string", arg->json);
	arg->text = (struct str){json_string_value(arg->json), json_string_length(arg->json)};
	if (arg->text.len <= max || intrinsic_char_count(arg->text) <= max)
		return 0;
	intrinsic_fail(call, "argument %zu has more than %zu characters", at + 1, max);
	return -1;
}

/* Checks arg->json against its letter in the table, and fills in the rest of arg. "*" takes
 * any value and "+" any number of them, so neither has a check. */
static int
arg_read(const struct intrinsic_call *call, size_t at, char letter, struct intrinsic_arg *arg)
{
	switch (letter) {
	case 'a':
		return json_is_array(arg->json) ? 0 : arg_fail_kind(call, at, "array", arg->json);
	case 'o':
		return json_is_object(arg->json) ? 0 : arg_fail_kind(call, at, "object", arg->json);
	case 's':
		return arg_read_text(call, at, SIZE_MAX, arg);
	case 't':
		return arg_read_text(call, at, ASL_HASH_BYTES_MAX, arg);
	case 'i':
	case 'r':
		return arg_read_integer(call, at, letter == 'r', arg);
	default:
		assert(letter == '*' || letter == '+');
		return 0;
	}
}

/*
 * An example: "ai" makes of States.ArrayGetItem($.list, 1.2) an array and the integer 1; "s+"
 * takes a string and then whatever comes, since the letter + is not moved past.
 */
json_t *
intrinsic_run(struct intrinsic_call *call, json_t *const *values)
{
	struct intrinsic_arg *args = mem_zalloc(call->arg_count + 1, sizeof(*args));
	const char *letter = call->fn->args;
	json_t *result = NULL;
	size_t at = 0;

	assert(call->arg_count >= call->fn->args_min);
	assert(call->arg_count <= intrinsic_args_max(call->fn));
	for (; at < call->arg_count; at++) {
		args[at].json = values[at];
		if (arg_read(call, at, *letter, &args[at]) < 0)
			break;
		letter += *letter != '+';
	}
	call->args = args;
	if (at == call->arg_count)
		result = call->fn->run(call);
	free(args);
	return result;
}
