#include "asl/jsonata/functions/functions.h"

#include "base/rng.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The table of built-in functions, and those over values, arrays and objects. */

enum builtin_number {
#define BUILTIN(name, signature, run, arity) BUILTIN_##run,
#include "asl/jsonata/functions/functions.tbl.h"
#undef BUILTIN
};

/* In the order of their names: function_find searches by halves. */
static const struct function builtin_values[] = {
#define BUILTIN(name, signature, run, arity)                                                       \
	{FUNCTION_BUILTIN,                                                                         \
	    {.builtin = &(const struct builtin){BUILTIN_##run, name, signature, run, arity}}},
#include "asl/jsonata/functions/functions.tbl.h"
#undef BUILTIN
};

#define BUILTINS_COUNT (sizeof(builtin_values) / sizeof(builtin_values[0]))

/* bsearch compares names by length as well: "max" must not match a row of which it is only the
 * beginning. The order -1 puts the shorter name first, as the table does. */
static int
compare_builtin(const void *key, const void *row)
{
	const struct value *name = key;
	const struct function *function = row;
	const char *other = function->u.builtin->name;
	int order = strncmp(name->u.text, other, name->len);

	return order != 0 ? order : -(other[name->len] != '\0');
}

size_t
functions_count(void)
{
	return BUILTINS_COUNT;
}

/* The result is a row of a constant table, so an evaluation neither allocates nor frees it. */
const struct function *
function_find(const char *name, size_t len)
{
	struct value key = value_string(name, len);

	return bsearch(
	    &key, builtin_values, BUILTINS_COUNT, sizeof(builtin_values[0]), compare_builtin);
}

/* --- aggregation --- */

/* The signature has made an array of numbers of the argument, so no element is checked here.
 * $sum([]) is 0; $sum of undefined is undefined. */
struct value
function_sum(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	double sum = 0;

	(void)ev, (void)count, (void)context;
	if (args[0].type == VALUE_UNDEFINED)
		return args[0];
	for (size_t i = 0; i < value_count(&args[0]); i++)
		sum += value_at(&args[0], i).u.number;
	return value_number(sum);
}

/* Undefined counts as 0, unlike in $sum: $count(absent) is a number on which a condition can
 * rely. */
struct value
function_count(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	(void)ev, (void)count, (void)context;
	return value_number(args[0].type == VALUE_UNDEFINED ? 0 : (double)value_count(&args[0]));
}

/* The largest (sign 1) or smallest (sign -1) of the numbers; undefined of none. */
static struct value
extreme_of(const struct value *array, double sign)
{
	struct value found = value_undefined();

	if (array->type == VALUE_UNDEFINED)
		return found;
	for (size_t i = 0; i < value_count(array); i++) {
		struct value number = value_at(array, i);

		/* Of "not a number" it is that, wherever it stands. */
		if (isnan(number.u.number))
			return number;
		if (found.type == VALUE_UNDEFINED || number.u.number * sign > found.u.number * sign)
			found = number;
	}
	return found;
}

struct value
function_max(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	(void)ev, (void)count, (void)context;
	/* $max([]) is undefined, not the -Infinity of JavaScript's Math.max(). */
	return extreme_of(&args[0], 1);
}

struct value
function_min(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	(void)ev, (void)count, (void)context;
	return extreme_of(&args[0], -1);
}

/* Without elements the mean would be 0/0: $average([]) is undefined instead. */
struct value
function_average(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	struct value sum = function_sum(ev, args, count, context);

	if (sum.type == VALUE_UNDEFINED || value_count(&args[0]) == 0)
		return value_undefined();
	return value_number(sum.u.number / (double)value_count(&args[0]));
}

/* --- truth and kind --- */

/* The cast of a missing value is missing, not false: $boolean(absent) drops out of an array or an
 * object. A condition takes it for false. */
struct value
function_boolean(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	(void)ev, (void)count, (void)context;
	return args[0].type == VALUE_UNDEFINED ? args[0]
					       : value_boolean(value_is_true(&ev->heap, &args[0]));
}

/* $not(absent) is undefined, and so not the opposite of $boolean where a value is missing.
 * $not(null) is true, since null is false. */
struct value
function_not(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	(void)ev, (void)count, (void)context;
	return args[0].type == VALUE_UNDEFINED ? args[0]
					       : value_boolean(!value_is_true(&ev->heap, &args[0]));
}

/* Undefined is an answer here, not passed on: null exists, a missing member does not. */
struct value
function_exists(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	(void)ev, (void)count, (void)context;
	return value_boolean(args[0].type != VALUE_UNDEFINED);
}

/* Undefined has no row: $type(absent) is undefined, which the caller can test with $exists. */
struct value
function_type(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	static const char *const names[] = {[VALUE_NULL] = "null",
	    [VALUE_BOOLEAN] = "boolean",
	    [VALUE_NUMBER] = "number",
	    [VALUE_STRING] = "string",
	    [VALUE_ARRAY] = "array",
	    [VALUE_OBJECT] = "object",
	    [VALUE_FUNCTION] = "function"};

	(void)ev, (void)count, (void)context;
	if (args[0].type == VALUE_UNDEFINED)
		return args[0];
	/* As in jsonata, the type of NaN is "object", not "number". */
	if (args[0].type == VALUE_NUMBER && isnan(args[0].u.number))
		return value_string("object", 6);
	return value_string(names[args[0].type], strlen(names[args[0].type]));
}

/* The message is copied, since a fault needs a C string and a value has no NUL behind its text. */
struct value
function_error(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	const char *message = "$error() function evaluated";

	(void)count, (void)context;
	if (args[0].type == VALUE_STRING)
		message = heap_text(&ev->heap, args[0].u.text, args[0].len);
	evaluator_raise(ev, "D3137", message);
}

/* Only true passes: the signature has refused any other type already, and undefined fails as false
 * does. */
struct value
function_assert(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	const char *message = "$assert() statement failed";

	(void)count, (void)context;
	if (args[0].type == VALUE_BOOLEAN && args[0].u.boolean)
		return value_undefined();
	if (args[1].type == VALUE_STRING)
		message = heap_text(&ev->heap, args[1].u.text, args[1].len);
	evaluator_raise(ev, "D3141", message);
}

/* --- arrays --- */

struct value
function_append(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	struct list *list;

	(void)count, (void)context;
	if (args[0].type == VALUE_UNDEFINED)
		return args[1];
	if (args[1].type == VALUE_UNDEFINED)
		return args[0];
	/* Undefined has nothing to append, so above the other argument is returned as it is and not
	 * copied: $append(1, absent) is 1, not [1]. */
	list = list_new(&ev->heap, 2);
	list_append(&ev->heap, list, args[0]);
	list_append(&ev->heap, list, args[1]);
	return value_list(list);
}

/* A copy is made, since values are shared: a variable that holds the array must not see it change.
 * With one element or none there is nothing to reorder. */
struct value
function_reverse(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	struct list *list;

	(void)count, (void)context;
	if (args[0].type == VALUE_UNDEFINED || value_count(&args[0]) <= 1)
		return args[0];
	list = list_new(&ev->heap, value_count(&args[0]));
	for (size_t i = value_count(&args[0]); i > 0; i--)
		list_push(&ev->heap, list, value_at(&args[0], i - 1));
	return value_list(list);
}

struct value
function_shuffle(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	struct list *list;

	(void)count, (void)context;
	if (args[0].type == VALUE_UNDEFINED || value_count(&args[0]) <= 1)
		return args[0];
	list = list_new(&ev->heap, value_count(&args[0]));
	list_append(&ev->heap, list, args[0]);
	for (size_t i = list->count; i > 1; i--) {
		/* Fisher and Yates: each element is swapped with one at or before it, so all orders
		 * are equally likely. The source of chance comes from outside, so that a test can
		 * fix it. */
		size_t other = (size_t)(rng_unit(ev->outside.rng) * (double)i);
		struct value swapped = list->at[i - 1];

		list->at[i - 1] = list->at[other];
		list->at[other] = swapped;
	}
	return value_list(list);
}

/* Distinct values by open addressing: entries + 1 of list. A hash finds candidates and value_equal
 * decides, so two values with one hash are both kept. The table is at most half full, so the search
 * for a free entry ends. $distinct([1, "1", 1]) is [1, "1"]. */
static bool
distinct_add(struct evaluator *ev, struct list *list, uint32_t *index, size_t size,
    const struct value *value)
{
	size_t at = value_hash(&ev->heap, value) & (size - 1);

	while (index[at] != 0) {
		if (value_equal(&ev->heap, &list->at[index[at] - 1], value))
			return false;
		at = (at + 1) & (size - 1);
	}
	index[at] = list->count + 1;
	return true;
}

struct value
function_distinct(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	struct list *list;
	uint32_t *index;
	size_t size = 2;

	(void)count, (void)context;
	if (args[0].type != VALUE_ARRAY || value_count(&args[0]) <= 1)
		return args[0];
	/* A sequence stays one, so that a single distinct value of a path is that value, not an
	 * array. */
	list = value_is_sequence(&args[0]) ? list_sequence(&ev->heap) : list_new(&ev->heap, 0);
	/* A power of two, so that a mask replaces the remainder. */
	while (size < 2 * value_count(&args[0]))
		size *= 2;
	index = heap_array(&ev->heap, size, sizeof(*index));
	for (size_t i = 0; i < value_count(&args[0]); i++) {
		struct value value = value_at(&args[0], i);

		if (distinct_add(ev, list, index, size, &value))
			list_push(&ev->heap, list, value);
	}
	return value_list(list);
}

/* The shortest array ends the rows: $zip([1, 2], [3]) is [[1, 3]]. An undefined argument has length
 * 0 and leaves an empty array. */
struct value
function_zip(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	struct list *list = list_new(&ev->heap, 0);
	size_t shortest = SIZE_MAX;

	(void)context;
	for (size_t i = 0; i < count; i++) {
		size_t length = args[i].type == VALUE_ARRAY ? value_count(&args[i]) : 0;

		shortest = length < shortest ? length : shortest;
	}
	for (size_t i = 0; count > 0 && i < shortest; i++) {
		struct list *row = list_new(&ev->heap, count);

		for (size_t k = 0; k < count; k++)
			list_push(&ev->heap, row, value_at(&args[k], i));
		list_push(&ev->heap, list, value_list(row));
	}
	return value_list(list);
}

/* --- sorting --- */

/* Merge sort: stable, and never more than n log n comparisons, each of which may be a call. */
static void
merge_sort(struct evaluator *ev, struct value *at, struct value *spare, size_t count,
    bool (*swap)(struct evaluator *ev, void *arg, const struct value *a, const struct value *b),
    void *arg)
{
	size_t middle = count / 2;
	size_t left = 0, right = middle;

	if (count < 2)
		return;
	merge_sort(ev, at, spare, middle, swap, arg);
	merge_sort(ev, at + middle, spare, count - middle, swap, arg);
	memcpy(spare, at, count * sizeof(*at));
	for (size_t i = 0; i < count; i++) {
		/* The right half is taken only where the comparison asks for a swap, so equal
		 * values keep their order. */
		bool take_right =
		    left == middle || (right < count && swap(ev, arg, &spare[left], &spare[right]));

		at[i] = take_right ? spare[right++] : spare[left++];
	}
}

void
sort_values(struct evaluator *ev, struct value *at, size_t count,
    bool (*swap)(struct evaluator *ev, void *arg, const struct value *a, const struct value *b),
    void *arg)
{
	/* Comparisons may sort as well: each sorting has a room of its own. */
	merge_sort(ev, at, heap_array(&ev->heap, count, sizeof(*at)), count, swap, arg);
}

/* The function answers whether its first argument belongs behind its second, as in $sort(a,
 * function($l, $r) { $l > $r }). It gives no equality, which a merge sort does not need. */
static bool
swap_by_function(struct evaluator *ev, void *arg, const struct value *a, const struct value *b)
{
	struct value args[2] = {*a, *b};
	struct value result = evaluator_call(ev, arg, args, 2);

	return value_is_true(&ev->heap, &result);
}

/* function_sort has seen to it that both are of one type. Strings compare by UTF-16 code units, so
 * "C" sorts before "a". */
static bool
swap_by_value(struct evaluator *ev, void *arg, const struct value *a, const struct value *b)
{
	(void)ev, (void)arg;
	return a->type == VALUE_STRING ? value_compare_strings(a, b) > 0
				       : a->u.number > b->u.number;
}

struct value
function_sort(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	struct list *list;
	bool by_function = count > 1 && args[1].type == VALUE_FUNCTION;

	(void)context;
	if (args[0].type == VALUE_UNDEFINED || value_count(&args[0]) <= 1)
		return args[0];
	list = list_new(&ev->heap, value_count(&args[0]));
	list_append(&ev->heap, list, args[0]);
	/* All elements are checked before the first comparison, so $sort([1, "a"]) fails whatever
	 * the order. */
	for (size_t i = 0; !by_function && i < list->count; i++) {
		if ((list->at[i].type != VALUE_STRING && list->at[i].type != VALUE_NUMBER) ||
		    list->at[i].type != list->at[0].type)
			evaluator_raise(ev, "D3070");
	}
	sort_values(ev, list->at, list->count, by_function ? swap_by_function : swap_by_value,
	    by_function ? (void *)args[1].u.function : NULL);
	return value_list(list);
}

/* --- functions that take functions --- */

/* Calls function with the value, its place and the whole, as many of them as it takes. The
 * signature of $sift lets it be left out, where jsonata fails by an error of JavaScript's. */
static struct value
call_with(struct evaluator *ev, const struct value *function, struct value value,
    struct value place, const struct value *whole)
{
	struct value args[3] = {value, place, *whole};
	size_t arity;

	if (function->type != VALUE_FUNCTION)
		evaluator_raise(ev, "T0410", "2", ev->call_name != NULL ? ev->call_name : "");
	arity = evaluator_arity(function->u.function);
	return evaluator_call(ev, function->u.function, args,
	    /* A function that names no parameter is still passed the value: a built-in one may take
	     * it by its signature. One that names more than three has the others undefined. */
	    arity < 1	? 1
	    : arity > 3 ? 3
			: arity);
}

struct value
function_map(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	struct list *list;

	(void)count, (void)context;
	if (args[0].type == VALUE_UNDEFINED)
		return args[0];
	list = list_sequence(&ev->heap);
	for (size_t i = 0; i < value_count(&args[0]); i++) {
		struct value result = call_with(
		    ev, &args[1], value_at(&args[0], i), value_number((double)i), &args[0]);

		if (result.type != VALUE_UNDEFINED)
			list_push(&ev->heap, list, result);
	}
	return value_list(list);
}

/* The value is kept, not the result of the function: any true result selects it, as in a
 * predicate. */
struct value
function_filter(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	struct list *list;

	(void)count, (void)context;
	if (args[0].type == VALUE_UNDEFINED)
		return args[0];
	list = list_sequence(&ev->heap);
	for (size_t i = 0; i < value_count(&args[0]); i++) {
		struct value value = value_at(&args[0], i);
		struct value result =
		    call_with(ev, &args[1], value, value_number((double)i), &args[0]);

		if (value_is_true(&ev->heap, &result))
			list_push(&ev->heap, list, value);
	}
	return value_list(list);
}

/* Neither none nor several are a match: $single([]) raises D3139, two matches raise D3138. Without
 * a function each element matches, so the array must have exactly one. The whole array is not
 * searched once a second match is found. */
struct value
function_single(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	struct value found = value_undefined();
	bool has_found = false;

	(void)context;
	if (args[0].type == VALUE_UNDEFINED)
		return args[0];
	for (size_t i = 0; i < value_count(&args[0]); i++) {
		struct value value = value_at(&args[0], i);
		struct value result = value_boolean(true);

		if (count > 1 && args[1].type == VALUE_FUNCTION)
			result = call_with(ev, &args[1], value, value_number((double)i), &args[0]);
		if (!value_is_true(&ev->heap, &result))
			continue;
		if (has_found)
			evaluator_raise(ev, "D3138");
		found = value;
		has_found = true;
	}
	if (!has_found)
		evaluator_raise(ev, "D3139");
	return found;
}

/* Without an initial value the first element starts, and the function is not called for it.
 * $reduce([5], f) is 5 and $reduce([], f, 7) is 7. The index passed is that in the array, so it
 * begins with 1 where no initial value is given. */
struct value
function_reduce(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	size_t arity = evaluator_arity(args[1].u.function);
	struct value result = count > 2 ? args[2] : value_undefined();
	size_t i = 0;

	(void)context;
	if (args[0].type == VALUE_UNDEFINED)
		return args[0];
	if (arity < 2)
		evaluator_raise(ev, "D3050");
	if (result.type == VALUE_UNDEFINED && value_count(&args[0]) > 0)
		result = value_at(&args[0], i++);
	for (; i < value_count(&args[0]); i++) {
		struct value passed[4] = {
		    result, value_at(&args[0], i), value_number((double)i), args[0]};

		result = evaluator_call(ev, args[1].u.function, passed, arity < 4 ? arity : 4);
	}
	return result;
}

/* --- objects --- */

/* Adds the keys of an object, or of all objects of an array, each once. An object serves as the
 * set: it keeps the order in which the keys were found and takes each once. Arrays nest, and may
 * hold themselves, so each level counts against the depth. */
static void
collect_keys(struct evaluator *ev, const struct value *value, struct object *keys)
{
	struct member_cursor cursor = {0};

	heap_enter(&ev->heap);
	for (size_t i = 0; value->type == VALUE_ARRAY && i < value_count(value); i++) {
		struct value element = value_at(value, i);

		collect_keys(ev, &element, keys);
	}
	while (value->type == VALUE_OBJECT && value_next_member(value, &cursor))
		object_set(&ev->heap, keys, cursor.key, cursor.len, value_null());
	heap_leave(&ev->heap);
}

struct value
function_object_keys(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	struct object *keys = object_new(&ev->heap);
	struct list *list = list_sequence(&ev->heap);

	(void)count, (void)context;
	collect_keys(ev, &args[0], keys);
	for (uint32_t i = 0; i < keys->count; i++)
		list_push(&ev->heap, list, value_string(keys->at[i].key, keys->at[i].len));
	return value_list(list);
}

/* $lookup([{"a": 1}, {"a": 2}], "a") is [1, 2]: it acts as a step of a path does. */
struct value
function_lookup(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	(void)count, (void)context;
	return args[1].type == VALUE_STRING
		   ? lookup_member(ev, &args[0], args[1].u.text, args[1].len)
		   : value_undefined();
}

/* Later objects win, but the key keeps the place of its first object: $merge([{"a": 1, "b": 2},
 * {"a": 3}]) is {"a": 3, "b": 2}. */
struct value
function_merge(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	struct object *merged;

	(void)count, (void)context;
	if (args[0].type == VALUE_UNDEFINED)
		return args[0];
	merged = object_new(&ev->heap);
	for (size_t i = 0; i < value_count(&args[0]); i++) {
		struct value object = value_at(&args[0], i);
		struct member_cursor cursor = {0};

		while (value_next_member(&object, &cursor))
			object_set(&ev->heap, merged, cursor.key, cursor.len, cursor.value);
	}
	return value_object(merged);
}

/* $spread({"a": 1, "b": 2}) is [{"a": 1}, {"b": 2}]. What an array holds besides objects is passed
 * through. */
static void
spread_into(struct evaluator *ev, const struct value *value, struct list *list)
{
	struct member_cursor cursor = {0};

	heap_enter(&ev->heap);
	for (size_t i = 0; value->type == VALUE_ARRAY && i < value_count(value); i++) {
		struct value element = value_at(value, i);

		spread_into(ev, &element, list);
	}
	while (value->type == VALUE_OBJECT && value_next_member(value, &cursor)) {
		struct object *one = object_new(&ev->heap);

		object_set(&ev->heap, one, cursor.key, cursor.len, cursor.value);
		list_push(&ev->heap, list, value_object(one));
	}
	if (value->type != VALUE_ARRAY && value->type != VALUE_OBJECT)
		list_append(&ev->heap, list, *value);
	heap_leave(&ev->heap);
}

struct value
function_spread(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	struct list *list;

	(void)count, (void)context;
	if (args[0].type != VALUE_ARRAY && args[0].type != VALUE_OBJECT)
		return args[0];
	list = list_sequence(&ev->heap);
	/* What an array holds is appended, and that makes an array: $spread([1]) is [1]. */
	list->is_sequence = args[0].type == VALUE_OBJECT || value_count(&args[0]) == 0;
	spread_into(ev, &args[0], list);
	return value_list(list);
}

/* The function sees value, key, object in this order: the value first, as in $map. A call without a
 * result adds no element. */
struct value
function_each(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	struct list *list;
	struct member_cursor cursor = {0};

	(void)count, (void)context;
	if (args[0].type != VALUE_OBJECT)
		return value_undefined();
	list = list_sequence(&ev->heap);
	while (value_next_member(&args[0], &cursor)) {
		struct value result = call_with(
		    ev, &args[1], cursor.value, value_string(cursor.key, cursor.len), &args[0]);

		if (result.type != VALUE_UNDEFINED)
			list_push(&ev->heap, list, result);
	}
	return value_list(list);
}

/* Nothing kept is undefined, not {}: the member that would hold it is left out of the output. */
struct value
function_sift(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	struct object *kept;
	struct member_cursor cursor = {0};

	(void)count, (void)context;
	if (args[0].type != VALUE_OBJECT)
		return value_undefined();
	kept = object_new(&ev->heap);
	while (value_next_member(&args[0], &cursor)) {
		struct value result = call_with(
		    ev, &args[1], cursor.value, value_string(cursor.key, cursor.len), &args[0]);

		if (value_is_true(&ev->heap, &result))
			object_set(&ev->heap, kept, cursor.key, cursor.len, cursor.value);
	}
	return kept->count > 0 ? value_object(kept) : value_undefined();
}

/* The copy has no part of jansson's input left in it, and so may be changed by a transform. */
struct value
function_clone(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	(void)count, (void)context;
	return value_clone(&ev->heap, &args[0]);
}
