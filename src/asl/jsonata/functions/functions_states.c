#include "asl/jsonata/functions/functions.h"

#include "asl/jsonata/text.h"
#include "base/digest.h"
#include "base/jsonx.h"
#include "base/rng.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/*
 * The functions that Step Functions adds to those of jsonata, and $random, to which it adds a seed.
 * See: https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
 */

#define RANGE_ELEMENTS_MAX 10000000.0 /* as of the operator .. */
#define PARSED_PER_BYTE	   48	      /* of jansson's memory, for a byte of "[[]," */
#define UUID_BYTES	   37

/* java.util.Random, which is what Step Functions has: $random(42) is the number it is there. */
#define JAVA_MULTIPLIER UINT64_C(0x5deece66d)
#define JAVA_INCREMENT	UINT64_C(0xb)
#define JAVA_MASK	((UINT64_C(1) << 48) - 1)
#define JAVA_UNIT	(1.0 / (double)(UINT64_C(1) << 53))

static uint64_t
java_next(uint64_t *state, int bits)
{
	assert(bits > 0 && bits <= 32);
	*state = (*state * JAVA_MULTIPLIER + JAVA_INCREMENT) & JAVA_MASK;
	return *state >> (48 - bits);
}

/* As Java casts: the fraction is cut off, and what is too large ends at the limits. */
static int64_t
java_long(double number)
{
	if (isnan(number))
		return 0;
	if (number >= 0x1p63)
		return INT64_MAX;
	return number <= -0x1p63 ? INT64_MIN : (int64_t)number;
}

/* With a seed the same number each time; without one the caller's source of chance. */
struct value
function_random(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	uint64_t state;
	uint64_t high;

	(void)context;
	if (count == 0 || args[0].type == VALUE_UNDEFINED)
		return value_number(rng_unit(ev->outside.rng));
	state = ((uint64_t)java_long(args[0].u.number) ^ JAVA_MULTIPLIER) & JAVA_MASK;
	high = java_next(&state, 26) << 27;
	return value_number((double)(high + java_next(&state, 27)) * JAVA_UNIT);
}

/* RFC 9562, version 4. Never of the system's chance: a step that is run again has to give the same,
 * and an id is often what makes a request safe to repeat. */
struct value
function_uuid(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	uint64_t high = (rng_next(ev->outside.rng) & ~UINT64_C(0xf000)) | UINT64_C(0x4000);
	uint64_t low = (rng_next(ev->outside.rng) >> 2) | UINT64_C(0x8000000000000000);
	char text[UUID_BYTES];

	(void)args, (void)count, (void)context;
	snprintf(text, sizeof(text), "%08x-%04x-%04x-%04x-%012" PRIx64, (unsigned)(high >> 32),
	    (unsigned)(high >> 16 & 0xffff), (unsigned)(high & 0xffff), (unsigned)(low >> 48),
	    low & UINT64_C(0xffffffffffff));
	return value_copy_string(&ev->heap, text, UUID_BYTES - 1);
}

/* Its end is included where a step lands on it. Recorded from AWS: a range of one number is that
 * number, as of every sequence. */
struct value
function_range(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	double from = args[0].u.number;
	double to = args[1].u.number;
	double by = args[2].u.number;
	double size;
	struct list *list;

	(void)count, (void)context;
	if (args[0].type == VALUE_UNDEFINED || args[1].type == VALUE_UNDEFINED ||
	    args[2].type == VALUE_UNDEFINED)
		return value_undefined();
	/* Not "== 0": a compiler flag forbids to compare floating numbers for equality. */
	if (!(by > 0) && !(by < 0))
		evaluator_raise(ev, "D3201");
	size = floor((to - from) / by) + 1;
	if (!(size > 0))
		return value_undefined();
	if (size > RANGE_ELEMENTS_MAX)
		evaluator_raise(ev, "D3202");
	list = list_new(&ev->heap, (size_t)size);
	assert(list->count == 0);
	list->is_sequence = true;
	heap_spend(&ev->heap, (uint64_t)size);
	for (size_t i = 0; i < (size_t)size; i++)
		list_push(&ev->heap, list, value_number(from + (double)i * by));
	return value_list(list);
}

/* The last part may be shorter. Recorded from AWS: $partition([0], 1) is [[0]], no sequence. */
struct value
function_partition(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	size_t total;
	size_t size;
	struct list *parts;

	(void)count, (void)context;
	if (args[0].type == VALUE_UNDEFINED || args[1].type == VALUE_UNDEFINED)
		return value_undefined();
	if (!(args[1].u.number >= 1))
		evaluator_raise(ev, "D3203", evaluator_show(ev, &args[1]));
	total = value_count(&args[0]);
	/* No part is larger than all there is, so the cast cannot overflow. */
	size = args[1].u.number < (double)total ? (size_t)args[1].u.number : total;
	assert(size > 0 || total == 0);
	parts = list_new(&ev->heap, 0);
	heap_spend(&ev->heap, total);
	for (size_t at = 0; at < total; at += size) {
		struct list *part = list_new(&ev->heap, size < total - at ? size : total - at);

		for (size_t i = at; i < total && i < at + size; i++)
			list_push(&ev->heap, part, value_at(&args[0], i));
		list_push(&ev->heap, parts, value_list(part));
	}
	return value_list(parts);
}

/* Lower-case hex. */
struct value
function_hash(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	struct str data = {args[0].u.text, args[0].len};
	struct buf hex = {0};
	const char *name;
	char copy[2 * 64 + 1]; /* SHA-512 */
	int ret;

	(void)count, (void)context;
	if (args[0].type == VALUE_UNDEFINED || args[1].type == VALUE_UNDEFINED)
		return value_undefined();
	heap_spend(&ev->heap, args[0].len / 16); /* a step is about as long as 16 bytes */
	name = heap_text(&ev->heap, args[1].u.text, args[1].len);
	ret = digest_named_hex(name, data, &hex, NULL);
	/* Through the stack: what follows may not return, and hex is malloc's. */
	snprintf(copy, sizeof(copy), "%s", ret == 0 ? buf_cstr(&hex) : "");
	buf_fini(&hex);
	if (ret < 0)
		evaluator_raise(ev, "D3204", name);
	return value_copy_string(&ev->heap, copy, strlen(copy));
}

static void
parse_release(void *json)
{
	json_decref(json);
}

/* What jansson makes of a text takes many times its length, so that is charged before. Of two
 * members of one name the last counts, as in the input of a state. */
struct value
function_parse(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	struct tmf_err err = {0};
	char why[80];
	json_t *json;

	(void)count, (void)context;
	if (args[0].type == VALUE_UNDEFINED)
		return value_undefined();
	heap_spend(&ev->heap, args[0].len);
	heap_charge(&ev->heap, (size_t)args[0].len * PARSED_PER_BYTE);
	json = jsonx_parse_last_wins((struct str){args[0].u.text, args[0].len}, &err);
	snprintf(why, sizeof(why), "%s", tmf_err_text(&err));
	tmf_err_fini(&err);
	if (json == NULL)
		evaluator_raise(ev, "D3205", why);
	heap_own(&ev->heap, json, parse_release);
	return value_of_json(json);
}
