#include "asl/expr/expr_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

int
intrinsic_math_add(const struct intrinsic_call *call, json_t **ret_value, struct tmf_err *err)
{
	int64_t a;
	int64_t b;
	int64_t sum;

	if (intrinsic_integer_arg(call, 0, &a, err) < 0 ||
	    intrinsic_integer_arg(call, 1, &b, err) < 0)
		return -1;
	if (__builtin_add_overflow(a, b, &sum))
		return intrinsic_fail(call, err, "the sum is out of range");
	*ret_value = json_integer(sum);
	return 0;
}

/* From the first number, which may come out, to the second, which may not; a third seeds the choice. */
int
intrinsic_math_random(const struct intrinsic_call *call, json_t **ret_value, struct tmf_err *err)
{
	struct rng seeded;
	struct rng *rng = call->rng;
	int64_t from;
	int64_t to;
	int64_t seed;
	uint64_t number;

	if (intrinsic_integer_arg(call, 0, &from, err) < 0 ||
	    intrinsic_integer_arg(call, 1, &to, err) < 0)
		return -1;
	if (from >= to)
		return intrinsic_fail(
		    call, err, "the start number must be less than the end number");
	if (call->arg_count == 3) {
		if (intrinsic_integer_arg(call, 2, &seed, err) < 0)
			return -1;
		rng_seed(&seeded, (uint64_t)seed);
		rng = &seeded;
	}
	assert(rng != NULL);
	number = (uint64_t)from + rng_below(rng, (uint64_t)to - (uint64_t)from);
	*ret_value = json_integer((json_int_t)number);
	return 0;
}

/* RFC 9562, version 4. */
int
intrinsic_uuid(const struct intrinsic_call *call, json_t **ret_value, struct tmf_err *err)
{
	uint64_t high;
	uint64_t low;
	char text[37];

	(void)err;
	assert(call->rng != NULL);
	high = (rng_next(call->rng) & ~UINT64_C(0xf000)) | UINT64_C(0x4000);
	low = (rng_next(call->rng) >> 2) | UINT64_C(0x8000000000000000);
	snprintf(text, sizeof(text), "%08x-%04x-%04x-%04x-%012" PRIx64, (unsigned)(high >> 32),
	    (unsigned)(high >> 16 & 0xffff), (unsigned)(high & 0xffff), (unsigned)(low >> 48),
	    low & UINT64_C(0xffffffffffff));
	*ret_value = json_string(text);
	return 0;
}
