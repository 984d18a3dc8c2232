#include "asl/expr/expr_internal.h"

#include "base/jsonx.h"

#include <assert.h>
#include <math.h>

#define REAL_INTEGER_MAX 9007199254740992.0 /* 2^53: up to it every whole number has a double */

int
intrinsic_array(const struct intrinsic_call *call, json_t **ret_value, struct tmf_err *err)
{
	json_t *array = json_array();

	(void)err;
	for (size_t i = 0; i < call->arg_count; i++)
		json_array_append(array, call->args[i]);
	*ret_value = array;
	return 0;
}

int
intrinsic_array_contains(const struct intrinsic_call *call, json_t **ret_value, struct tmf_err *err)
{
	json_t *array;
	json_t *element;
	bool found = false;
	size_t i;

	if (intrinsic_array_arg(call, 0, &array, err) < 0)
		return -1;
	json_array_foreach (array, i, element) {
		if (!found)
			found = jsonx_same(element, call->args[1]);
	}
	*ret_value = json_boolean(found);
	return 0;
}

int
intrinsic_array_get_item(const struct intrinsic_call *call, json_t **ret_value, struct tmf_err *err)
{
	json_t *array;
	int64_t at;

	if (intrinsic_array_arg(call, 0, &array, err) < 0 ||
	    intrinsic_integer_arg(call, 1, &at, err) < 0)
		return -1;
	if (at < 0 || (uint64_t)at >= json_array_size(array))
		return intrinsic_fail(call, err, "index %lld is not in an array of %zu",
		    (long long)at, json_array_size(array));
	*ret_value = json_incref(json_array_get(array, (size_t)at));
	return 0;
}

int
intrinsic_array_length(const struct intrinsic_call *call, json_t **ret_value, struct tmf_err *err)
{
	json_t *array;

	if (intrinsic_array_arg(call, 0, &array, err) < 0)
		return -1;
	*ret_value = json_integer((json_int_t)json_array_size(array));
	return 0;
}

int
intrinsic_array_partition(
    const struct intrinsic_call *call, json_t **ret_value, struct tmf_err *err)
{
	json_t *array;
	json_t *element;
	json_t *chunks;
	json_t *chunk = NULL;
	int64_t size;
	size_t i;

	if (intrinsic_array_arg(call, 0, &array, err) < 0 ||
	    intrinsic_integer_arg(call, 1, &size, err) < 0)
		return -1;
	if (size <= 0)
		return intrinsic_fail(
		    call, err, "the chunk size must be positive, not %lld", (long long)size);
	chunks = json_array();
	json_array_foreach (array, i, element) {
		if (i % (uint64_t)size == 0) {
			chunk = json_array();
			json_array_append_new(chunks, chunk);
		}
		json_array_append(chunk, element);
	}
	*ret_value = chunks;
	return 0;
}

/* How many numbers from first by step up to last, which is included. Unsigned, so that no difference of two overflows. */
static uint64_t
range_count(int64_t first, int64_t last, int64_t step)
{
	bool up = step > 0;
	uint64_t stride = up ? (uint64_t)step : 0 - (uint64_t)step;
	uint64_t span = up ? (uint64_t)last - (uint64_t)first : (uint64_t)first - (uint64_t)last;

	assert(step != 0);
	return (up ? last < first : last > first) ? 0 : span / stride + 1;
}

int
intrinsic_array_range(const struct intrinsic_call *call, json_t **ret_value, struct tmf_err *err)
{
	int64_t first;
	int64_t last;
	int64_t step;
	uint64_t count;
	json_t *range;

	if (intrinsic_integer_arg(call, 0, &first, err) < 0 ||
	    intrinsic_integer_arg(call, 1, &last, err) < 0 ||
	    intrinsic_integer_arg(call, 2, &step, err) < 0)
		return -1;
	if (step == 0)
		return intrinsic_fail(call, err, "the step must not be 0");
	count = range_count(first, last, step);
	/* 0: the whole range of 64 bits by 1. */
	if (count > ASL_ARRAY_RANGE_MAX ||
	    (count == 0 && ((step > 0) ? last >= first : last <= first)))
		return intrinsic_fail(
		    call, err, "the range has more than %u numbers", ASL_ARRAY_RANGE_MAX);
	range = json_array();
	for (uint64_t i = 0; i < count; i++) {
		uint64_t number = (uint64_t)first + i * (uint64_t)step;

		json_array_append_new(range, json_integer((json_int_t)number));
	}
	*ret_value = range;
	return 0;
}

/* Appends text that is the same for the same value, 1 and 1.0 included. */
static void
element_key(const json_t *element, struct buf *key)
{
	double real = json_real_value(element);

	if (json_is_real(element) && fabs(real) <= REAL_INTEGER_MAX && real == rint(real))
		buf_printf(key, "%lld", (long long)real);
	else
		jsonx_write_canonical(element, key);
}

int
intrinsic_array_unique(const struct intrinsic_call *call, json_t **ret_value, struct tmf_err *err)
{
	json_t *array;
	json_t *element;
	json_t *seen;
	json_t *unique;
	struct buf key = {0};
	size_t key_bytes = 0;
	size_t i;

	if (intrinsic_array_arg(call, 0, &array, err) < 0)
		return -1;
	seen = json_object();
	unique = json_array();
	json_array_foreach (array, i, element) {
		buf_reset(&key);
		element_key(element, &key);
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
	if (key_bytes > INTRINSIC_KEY_BYTES_MAX) {
		json_decref(unique);
		return intrinsic_fail(call, err, "the array is too large");
	}
	*ret_value = unique;
	return 0;
}
