#include "asl/expr/intrinsic.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

/* Recorded from AWS: arguments may be negative or fractional; those are rounded before. The sum, as
 * each argument, has 32 bits. */
json_t *
intrinsic_math_add(const struct intrinsic_call *call)
{
	int64_t sum = call->args[0].integer + call->args[1].integer;

	if (sum < INT32_MIN || sum > INT32_MAX)
		return intrinsic_fail(call, "the sum is out of range");
	return json_integer(sum);
}

/* From the first number, which may come out, to the second, which may not; a third is the seed. */
json_t *
intrinsic_math_random(const struct intrinsic_call *call)
{
	int64_t from = call->args[0].integer;
	int64_t to = call->args[1].integer;
	struct rng *rng = call->rng;
	struct rng seeded;
	uint64_t number;

	if (from >= to)
		return intrinsic_fail(call, "the start number must be less than the end number");
	/* With a seed the same call gives the same number, as on AWS (though not AWS's number). */
	if (call->arg_count == 3) {
		rng_seed(&seeded, (uint64_t)call->args[2].integer);
		rng = &seeded;
	}
	assert(rng != NULL);
	number = (uint64_t)from + rng_below(rng, (uint64_t)to - (uint64_t)from);
	return json_integer((json_int_t)number);
}

/* RFC 9562, version 4. From the engine's generator, so a test with a fixed seed gets the
 * same ids. */
json_t *
intrinsic_uuid(const struct intrinsic_call *call)
{
	uint64_t high;
	uint64_t low;
	char text[37];

	assert(call->rng != NULL);
	high = (rng_next(call->rng) & ~UINT64_C(0xf000)) | UINT64_C(0x4000);
	low = (rng_next(call->rng) >> 2) | UINT64_C(0x8000000000000000);
	snprintf(text, sizeof(text), "%08x-%04x-%04x-%04x-%012" PRIx64, (unsigned)(high >> 32),
	    (unsigned)(high >> 16 & 0xffff), (unsigned)(high & 0xffff), (unsigned)(low >> 48),
	    low & UINT64_C(0xffffffffffff));
	return json_string(text);
}
