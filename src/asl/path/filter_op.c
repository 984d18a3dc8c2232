#include "asl/path/filter.h"

#include "base/jsonx.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef int op_fn(struct path_walk *walk, const json_t *a, const json_t *b);

struct filter_op {
	const char *name; /* compared without case */
	op_fn *holds;	  /* NULL: takes a regular expression */
};

/* 64 bits of mantissa at least where it matters: every int64_t is exact. */
static long double
number(const json_t *value)
{
	if (json_is_integer(value))
		return (long double)json_integer_value(value);
	return (long double)json_real_value(value);
}

/* How a number reads as a string, and a string as a number: Jayway compares across the two. */
static bool
number_is_text(const json_t *value, const json_t *text)
{
	char *end;
	const char *s = json_string_value(text);
	long double read = strtold(s, &end);

	return end != s && *end == '\0' && isfinite(read) && read == number(value);
}

static bool
same(const json_t *a, const json_t *b)
{
	if (a == NULL || b == NULL)
		return false;
	if (json_is_number(a) && json_is_string(b))
		return number_is_text(a, b);
	if (json_is_string(a) && json_is_number(b))
		return number_is_text(b, a);
	return jsonx_same(a, b);
}

/* Sets *ret_order to <0, 0, >0; false where the two have no order. */
static bool
order(const json_t *a, const json_t *b, int *ret_order)
{
	if (json_is_number(a) && json_is_number(b)) {
		*ret_order = (number(a) > number(b)) - (number(a) < number(b));
		return true;
	}
	if (json_is_string(a) && json_is_string(b)) {
		*ret_order = strcmp(json_string_value(a), json_string_value(b));
		return true;
	}
	return false;
}

static int
op_equal(struct path_walk *walk, const json_t *a, const json_t *b)
{
	(void)walk;
	return same(a, b);
}

static int
op_unequal(struct path_walk *walk, const json_t *a, const json_t *b)
{
	(void)walk;
	return !same(a, b);
}

/* Booleans are two types to jansson and one to JSON. */
static bool
same_kind(const json_t *a, const json_t *b)
{
	return a != NULL && b != NULL && strcmp(jsonx_kind(a), jsonx_kind(b)) == 0;
}

static int
op_identical(struct path_walk *walk, const json_t *a, const json_t *b)
{
	(void)walk;
	return same_kind(a, b) && jsonx_same(a, b);
}

static int
op_not_identical(struct path_walk *walk, const json_t *a, const json_t *b)
{
	return !op_identical(walk, a, b);
}

static int
op_less(struct path_walk *walk, const json_t *a, const json_t *b)
{
	int by;

	(void)walk;
	return order(a, b, &by) && by < 0;
}

static int
op_less_equal(struct path_walk *walk, const json_t *a, const json_t *b)
{
	int by;

	(void)walk;
	return order(a, b, &by) && by <= 0;
}

static int
op_greater(struct path_walk *walk, const json_t *a, const json_t *b)
{
	return op_less(walk, b, a);
}

static int
op_greater_equal(struct path_walk *walk, const json_t *a, const json_t *b)
{
	return op_less_equal(walk, b, a);
}

static int
op_in(struct path_walk *walk, const json_t *a, const json_t *b)
{
	json_t *element;
	size_t i;

	json_array_foreach (b, i, element) {
		if (path_walk_spend(walk) < 0)
			return -1;
		if (same(a, element))
			return 1;
	}
	return 0;
}

static int
op_not_in(struct path_walk *walk, const json_t *a, const json_t *b)
{
	int in = op_in(walk, a, b);

	return in < 0 ? in : !in;
}

static int
op_contains(struct path_walk *walk, const json_t *a, const json_t *b)
{
	if (json_is_string(a) && json_is_string(b))
		return memmem(json_string_value(a), json_string_length(a), json_string_value(b),
			   json_string_length(b)) != NULL;
	return op_in(walk, b, a);
}

/* How many of a's elements are in b. */
static int
count_in(struct path_walk *walk, const json_t *a, const json_t *b, size_t *ret_count)
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

static int
op_subset_of(struct path_walk *walk, const json_t *a, const json_t *b)
{
	size_t count;

	if (count_in(walk, a, b, &count) < 0)
		return -1;
	return json_is_array(a) && json_is_array(b) && count == json_array_size(a);
}

static int
op_any_of(struct path_walk *walk, const json_t *a, const json_t *b)
{
	size_t count;

	return count_in(walk, a, b, &count) < 0 ? -1 : count > 0;
}

static int
op_none_of(struct path_walk *walk, const json_t *a, const json_t *b)
{
	size_t count;

	return count_in(walk, a, b, &count) < 0 ? -1 : json_is_array(a) && count == 0;
}

/* Characters, elements or keys; -1 for a value that has no size. */
static int64_t
size_of(const json_t *value)
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

static int
op_size(struct path_walk *walk, const json_t *a, const json_t *b)
{
	(void)walk;
	return json_is_integer(b) && size_of(a) >= 0 && size_of(a) == json_integer_value(b);
}

static int
op_empty(struct path_walk *walk, const json_t *a, const json_t *b)
{
	(void)walk;
	return json_is_boolean(b) && size_of(a) >= 0 && (size_of(a) == 0) == json_boolean_value(b);
}

/* The first that is a prefix of the text is taken: the longer ones come first. */
static const struct filter_op ops[] = {
    {"===", op_identical},
    {"!==", op_not_identical},
    {"==", op_equal},
    {"!=", op_unequal},
    {"=~", NULL},
    {"<=", op_less_equal},
    {">=", op_greater_equal},
    {"<", op_less},
    {">", op_greater},
    {"in", op_in},
    {"nin", op_not_in},
    {"contains", op_contains},
    {"size", op_size},
    {"empty", op_empty},
    {"subsetof", op_subset_of},
    {"anyof", op_any_of},
    {"noneof", op_none_of},
};

const struct filter_op *
filter_op_accept(struct path_parser *parser)
{
	struct str rest = {parser->text.p + parser->pos, parser->text.len - parser->pos};

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		size_t len = strlen(ops[i].name);
		bool word = isalpha((unsigned char)ops[i].name[0]);

		if (rest.len < len || strncasecmp(rest.p, ops[i].name, len) != 0)
			continue;
		if (word && rest.len > len && isalnum((unsigned char)rest.p[len]))
			continue;
		parser->pos += len;
		return &ops[i];
	}
	return NULL;
}

bool
filter_op_takes_regex(const struct filter_op *op)
{
	return op->holds == NULL;
}

int
filter_op_holds(
    const struct filter_op *op, struct path_walk *walk, const json_t *a, const json_t *b)
{
	return op->holds(walk, a, b);
}
