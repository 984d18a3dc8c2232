#include "asl/path/filter.h"

#include "base/jsonx.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define OP_BYTES_PER_STEP 64 /* of text that is compared for one of the walk's budget */

/* All operators have one type, so that the table can hold them; most need no walk. */
typedef int op_fn(struct path_walk *walk, const json_t *a, const json_t *b);

struct filter_op {
	const char *name; /* compared without case */
	op_fn *holds;	  /* NULL: takes a regular expression */
	bool negates;	  /* holds where the function does not */
	bool swaps;	  /* the function gets the operands the other way round */
};

/* 64 bits of mantissa at least where it matters: every int64_t is exact. */
static long double
op_number(const json_t *value)
{
	if (json_is_integer(value))
		return (long double)json_integer_value(value);
	return (long double)json_real_value(value);
}

/* How a number reads as a string, and a string as a number: Jayway compares across the two. */
static bool
op_number_is_text(const json_t *value, const json_t *text)
{
	char *end;
	const char *s = json_string_value(text);
	long double read = strtold(s, &end);

	return end != s && *end == '\0' && isfinite(read) && read == op_number(value);
}

/* Pays for reading all of a value once, so that a large one that is compared for each node of a
 * list costs what it takes. What is small is paid for with its node. */
static int
op_spend_value(struct path_walk *walk, const json_t *value)
{
	size_t members = json_array_size(value) + json_object_size(value);
	const char *key;
	json_t *member;
	size_t i;

	if (path_walk_spend(
		walk, (unsigned)(members + json_string_length(value) / OP_BYTES_PER_STEP)) < 0)
		return -1;
	json_array_foreach (value, i, member)
		if (op_spend_value(walk, member) < 0)
			return -1;
	json_object_foreach ((json_t *)(uintptr_t)value, key, member)
		if (op_spend_value(walk, member) < 0)
			return -1;
	return 0;
}

/* What is not there equals nothing, not even another value that is not there. 1 or 0; -1 when the
 * budget is used up. */
static int
op_same(struct path_walk *walk, const json_t *a, const json_t *b)
{
	if (a == NULL || b == NULL)
		return 0;
	if (op_spend_value(walk, a) < 0 || (json_is_string(b) && op_spend_value(walk, b) < 0))
		return -1;
	if (json_is_number(a) && json_is_string(b))
		return op_number_is_text(a, b);
	if (json_is_string(a) && json_is_number(b))
		return op_number_is_text(b, a);
	return jsonx_same(a, b);
}

/* Sets *ret_order to <0, 0, >0; false where the two have no order. Other kinds have no
 * order, so < and > are both false for them. */
static bool
op_order(const json_t *a, const json_t *b, int *ret_order)
{
	if (json_is_number(a) && json_is_number(b)) {
		*ret_order = (op_number(a) > op_number(b)) - (op_number(a) < op_number(b));
		return true;
	}
	if (json_is_string(a) && json_is_string(b)) {
		*ret_order = strcmp(json_string_value(a), json_string_value(b));
		return true;
	}
	return false;
}

/* Of JSON values, in depth: objects and lists are compared member by member. */
static int
op_equal(struct path_walk *walk, const json_t *a, const json_t *b)
{
	return op_same(walk, a, b);
}

/* Booleans are two types to jansson and one to JSON. */
static bool
op_same_kind(const json_t *a, const json_t *b)
{
	return a != NULL && b != NULL && strcmp(jsonx_kind(a), jsonx_kind(b)) == 0;
}

/* "1" === 1 is false where "1" == 1 is true. */
static int
op_identical(struct path_walk *walk, const json_t *a, const json_t *b)
{
	return op_same_kind(a, b) ? op_same(walk, a, b) : 0;
}

/* > is this function with its operands swapped. */
static int
op_less(struct path_walk *walk, const json_t *a, const json_t *b)
{
	int by;

	if (op_spend_value(walk, a) < 0)
		return -1;
	return op_order(a, b, &by) && by < 0;
}

/* Not the negation of >: both are false for values without an order. */
static int
op_less_equal(struct path_walk *walk, const json_t *a, const json_t *b)
{
	int by;

	if (op_spend_value(walk, a) < 0)
		return -1;
	return op_order(a, b, &by) && by <= 0;
}

/* Each comparison costs one of the walk's budget, so that [?(@ in $.list)] cannot take
 * forever. A right side that is not a list has no elements, so nothing is in it. */
static int
op_in(struct path_walk *walk, const json_t *a, const json_t *b)
{
	json_t *element;
	size_t i;

	json_array_foreach (b, i, element) {
		int same = path_walk_spend(walk, 1) < 0 ? -1 : op_same(walk, a, element);

		if (same != 0)
			return same;
	}
	return 0;
}

/* 'abc' contains 'b', and ['a','b'] contains 'b'. */
static int
op_contains(struct path_walk *walk, const json_t *a, const json_t *b)
{
	if (json_is_string(a) && op_spend_value(walk, a) < 0)
		return -1;
	if (json_is_string(a) && json_is_string(b))
		return memmem(json_string_value(a), json_string_length(a), json_string_value(b),
			   json_string_length(b)) != NULL;
	return op_in(walk, b, a);
}

/* How many of a's elements are in b. */
static int
op_count_in(struct path_walk *walk, const json_t *a, const json_t *b, size_t *ret_count)
{
	json_t *element;
	size_t i;
	size_t count = 0;

	json_array_foreach (a, i, element) {
		int in = op_in(walk, element, b);

		if (in < 0)
			return -1;
		count += (size_t)in;
	}
	*ret_count = count;
	return 0;
}

/* The empty list is a subset of every list. */
static int
op_subset_of(struct path_walk *walk, const json_t *a, const json_t *b)
{
	size_t count;

	if (op_count_in(walk, a, b, &count) < 0)
		return -1;
	return json_is_array(a) && json_is_array(b) && count == json_array_size(a);
}

/* What is not a list has no elements, so the answer is false. */
static int
op_any_of(struct path_walk *walk, const json_t *a, const json_t *b)
{
	size_t count;

	return op_count_in(walk, a, b, &count) < 0 ? -1 : count > 0;
}

/* The left side must be a list: otherwise anything that is not one would pass. */
static int
op_none_of(struct path_walk *walk, const json_t *a, const json_t *b)
{
	size_t count;

	return op_count_in(walk, a, b, &count) < 0 ? -1 : json_is_array(a) && count == 0;
}

/* Characters, elements or keys; -1 for a value that has no size. */
static int64_t
op_size_of(const json_t *value)
{
	int64_t count = 0;

	if (json_is_array(value))
		return (int64_t)json_array_size(value);
	if (json_is_object(value))
		return (int64_t)json_object_size(value);
	if (!json_is_string(value))
		return -1;
	for (size_t i = 0; i < json_string_length(value); i++)
		count += ((unsigned char)json_string_value(value)[i] & 0xc0) != 0x80;
	return count;
}

/* A value without a size never matches, whatever number is asked for. */
static int
op_size(struct path_walk *walk, const json_t *a, const json_t *b)
{
	(void)walk;
	return json_is_integer(b) && op_size_of(a) >= 0 && op_size_of(a) == json_integer_value(b);
}

/* [?(@.a empty true)]: the right side says whether it is to be empty. */
static int
op_empty(struct path_walk *walk, const json_t *a, const json_t *b)
{
	(void)walk;
	return json_is_boolean(b) && op_size_of(a) >= 0 &&
	       (op_size_of(a) == 0) == json_boolean_value(b);
}

/*
 * The operators of Jayway's JsonPath. The first whose name begins the text is taken: so "==="
 * stands before "==", and "<=" before "<".
 * See: https://github.com/json-path/JsonPath#filter-operators
 */
static const struct filter_op filter_ops[] = {
    {"===", op_identical, false, false},
    {"!==", op_identical, true, false},
    {"==", op_equal, false, false},
    {"!=", op_equal, true, false},
    {"=~", NULL, false, false},
    {"<=", op_less_equal, false, false},
    {">=", op_less_equal, false, true},
    {"<", op_less, false, false},
    {">", op_less, false, true},
    {"in", op_in, false, false},
    {"nin", op_in, true, false},
    {"contains", op_contains, false, false},
    {"size", op_size, false, false},
    {"empty", op_empty, false, false},
    {"subsetof", op_subset_of, false, false},
    {"anyof", op_any_of, false, false},
    {"noneof", op_none_of, false, false},
};

/* A word ends where no letter or digit follows: "in" is not the beginning of "index". */
const struct filter_op *
filter_op_accept(struct path_parser *parser)
{
	struct str rest = {parser->text.p + parser->pos, parser->text.len - parser->pos};

	for (size_t i = 0; i < sizeof(filter_ops) / sizeof(filter_ops[0]); i++) {
		size_t len = strlen(filter_ops[i].name);
		bool word = isalpha((unsigned char)filter_ops[i].name[0]);

		if (rest.len < len || strncasecmp(rest.p, filter_ops[i].name, len) != 0)
			continue;
		if (word && rest.len > len && isalnum((unsigned char)rest.p[len]))
			continue;
		parser->pos += len;
		return &filter_ops[i];
	}
	return NULL;
}

/* The parser must know it before the right side is read, since /.../ is not a value. */
bool
filter_op_takes_regex(const struct filter_op *op)
{
	return op->holds == NULL;
}

int
filter_op_holds(
    const struct filter_op *op, struct path_walk *walk, const json_t *a, const json_t *b)
{
	int holds;

	assert(op->holds != NULL);
	holds = op->swaps ? op->holds(walk, b, a) : op->holds(walk, a, b);

	return op->negates && holds >= 0 ? !holds : holds;
}
