#include "asl/expr/expr.h"
#include "asl/expr/intrinsic.h"
#include "asl/expr/java_hash.h"

#include "base/jsonx.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define REAL_INTEGER_MAX 9007199254740992.0 /* 2^53: up to it every integer has a double */

/* The arguments are shared with the array, since values are never changed in place. */
json_t *
intrinsic_array(const struct intrinsic_call *call)
{
	json_t *array = json_array();

	for (size_t i = 0; i < call->arg_count; i++)
		json_array_append(array, call->args[i].json);
	return array;
}

/* Recorded from AWS: a number, true and false find their own text in the list. Whether a text finds
 * a number has not been recorded: it does not. */
static bool
array_has_text_of(const json_t *element, const json_t *value)
{
	char *text;
	bool same;

	if (!json_is_string(element) || (!json_is_number(value) && !json_is_boolean(value)))
		return false;
	text = jsonx_text(value);
	same = strcmp(json_string_value(element), text) == 0;
	free(text);
	return same;
}

/* Recorded from AWS: values are compared deeply, and 1 is 1.0. */
json_t *
intrinsic_array_contains(const struct intrinsic_call *call)
{
	json_t *element;
	size_t i;

	json_array_foreach (call->args[0].json, i, element) {
		if (jsonx_same(element, call->args[1].json) ||
		    array_has_text_of(element, call->args[1].json))
			return json_true();
	}
	return json_false();
}

/* An index outside is an error, and a negative one does not count from the end as it does
 * in a path. Recorded from AWS: in an empty list every index leads to null. */
json_t *
intrinsic_array_get_item(const struct intrinsic_call *call)
{
	json_t *array = call->args[0].json;
	int64_t at = call->args[1].integer;

	if (at >= 0 && json_array_size(array) == 0)
		return json_null();
	if (at < 0 || (uint64_t)at >= json_array_size(array))
		return intrinsic_fail(call, "index %lld is not in an array of %zu", (long long)at,
		    json_array_size(array));
	return json_incref(json_array_get(array, (size_t)at));
}

json_t *
intrinsic_array_length(const struct intrinsic_call *call)
{
	return json_integer((json_int_t)json_array_size(call->args[0].json));
}

/* Recorded from AWS: [] gives [], without an empty chunk in it. */
json_t *
intrinsic_array_partition(const struct intrinsic_call *call)
{
	int64_t size = call->args[1].integer;
	json_t *chunks;
	json_t *chunk = NULL;
	json_t *element;
	size_t i;

	if (size <= 0)
		return intrinsic_fail(
		    call, "the chunk size must be positive, not %lld", (long long)size);
	chunks = json_array();
	json_array_foreach (call->args[0].json, i, element) {
		if (i % (uint64_t)size == 0) {
			chunk = json_array();
			json_array_append_new(chunks, chunk);
		}
		json_array_append(chunk, element);
	}
	return chunks;
}

/*
 * Numbers from first by step up to last, which is included. All is unsigned, so that no difference
 * of two numbers overflows; the whole range of 64 bits by 1 wraps round to a count of 0.
 */
json_t *
intrinsic_array_range(const struct intrinsic_call *call)
{
	int64_t first = call->args[0].integer;
	int64_t last = call->args[1].integer;
	int64_t step = call->args[2].integer;
	bool up = step > 0;
	bool empty = up ? last < first : last > first;
	uint64_t span = up ? (uint64_t)last - (uint64_t)first : (uint64_t)first - (uint64_t)last;
	uint64_t stride = up ? (uint64_t)step : 0 - (uint64_t)step;
	uint64_t count;
	json_t *range;

	if (step == 0)
		return intrinsic_fail(call, "the step must not be 0");
	count = empty ? 0 : span / stride + 1;
	if (count > ASL_ARRAY_RANGE_MAX || (count == 0 && !empty))
		return intrinsic_fail(
		    call, "the range has more than %u numbers", ASL_ARRAY_RANGE_MAX);
	range = json_array();
	for (uint64_t i = 0; i < count; i++) {
		uint64_t number = (uint64_t)first + i * (uint64_t)step;

		json_array_append_new(range, json_integer((json_int_t)number));
	}
	return range;
}

/* Appends text that is the same for the same value, 1 and 1.0 included. */
static void
array_element_key(const json_t *element, struct buf *key)
{
	double real = json_real_value(element);

	if (json_is_real(element) && fabs(real) <= REAL_INTEGER_MAX && real == rint(real))
		buf_printf(key, "%lld", (long long)real);
	else
		jsonx_write_canonical(element, key);
}

/*
 * Elements are compared as texts in a set, since to compare each with each takes quadratic time: a
 * second for 10,000 of them. The texts together have a limit.
 */
json_t *
intrinsic_array_unique(const struct intrinsic_call *call)
{
	json_t *seen = json_object();
	json_t *unique = json_array();
	struct buf key = {0};
	size_t key_bytes = 0;
	json_t *element;
	size_t i;

	json_array_foreach (call->args[0].json, i, element) {
		buf_reset(&key);
		array_element_key(element, &key);
		key_bytes += key.len;
		if (key_bytes > INTRINSIC_KEY_BYTES_MAX)
			break;
		if (json_object_get(seen, buf_cstr(&key)) != NULL)
			continue;
		json_object_set_new(seen, buf_cstr(&key), json_true());
		json_array_append(unique, element);
	}
	buf_fini(&key);
	json_decref(seen);
	if (key_bytes <= INTRINSIC_KEY_BYTES_MAX) {
		java_hash_sort(unique);
		return unique;
	}
	json_decref(unique);
	return intrinsic_fail(call, "the array is too large");
}
