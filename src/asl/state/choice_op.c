#include "asl/state/choice_internal.h"

#include "base/buf.h"
#include "base/timestamp.h"

#include <string.h>

/* With its length, since a JSON string may hold a NUL. */
static struct str
choice_op_text_of(const json_t *value)
{
	return (struct str){json_string_value(value), json_string_length(value)};
}

/* Bytes of UTF-8 sort as the characters do. A value of another type compares with nothing,
 * which makes the rule false, not an error. */
static bool
compare_strings(const json_t *value, const json_t *operand, int *ret_order)
{
	struct str a = choice_op_text_of(value);
	struct str b = choice_op_text_of(operand);

	if (a.p == NULL || b.p == NULL)
		return false;
	*ret_order = memcmp(a.p, b.p, a.len < b.len ? a.len : b.len);
	if (*ret_order == 0)
		*ret_order = (a.len > b.len) - (a.len < b.len);
	return true;
}

/* Exactly, also where an integer has no double of its own. A double above 2^53 has no
 * neighbour at each integer, so converting the integer could make two different numbers
 * equal. The part behind the point decides only where the whole parts are equal. */
static int
order_integer_real(json_int_t integer, double real)
{
	double whole;

	if (real >= 0x1p63)
		return -1;
	if (real < -0x1p63)
		return 1;
	whole = (double)(json_int_t)real; /* towards zero */
	if (integer != (json_int_t)real)
		return integer > (json_int_t)real ? 1 : -1;
	return (whole > real) - (whole < real);
}

static int
order_reals(double a, double b)
{
	return (a > b) - (a < b);
}

/* 1 and 1.0 are equal, as in JSON, which has one type of number. */
static bool
compare_numbers(const json_t *value, const json_t *operand, int *ret_order)
{
	json_int_t a = json_integer_value(value);
	json_int_t b = json_integer_value(operand);

	if (!json_is_number(value) || !json_is_number(operand))
		return false;
	if (json_is_integer(value) && json_is_integer(operand))
		*ret_order = (a > b) - (a < b);
	else if (json_is_integer(value))
		*ret_order = order_integer_real(a, json_real_value(operand));
	else if (json_is_integer(operand))
		*ret_order = -order_integer_real(b, json_real_value(value));
	else
		*ret_order = order_reals(json_real_value(value), json_real_value(operand));
	return true;
}

static bool
compare_booleans(const json_t *value, const json_t *operand, int *ret_order)
{
	if (!json_is_boolean(value) || !json_is_boolean(operand))
		return false;
	*ret_order = json_is_true(value) - json_is_true(operand);
	return true;
}

/* A string without a timestamp makes the rule false, not an error. */
static bool
timestamp_of(const json_t *value, struct timestamp *ret_timestamp)
{
	return json_is_string(value) && timestamp_parse(choice_op_text_of(value), ret_timestamp);
}

/* As moments, not as texts: "12:00:00+01:00" equals "11:00:00Z" of the same day. */
static bool
compare_timestamps(const json_t *value, const json_t *operand, int *ret_order)
{
	struct timestamp a;
	struct timestamp b;

	if (!timestamp_of(value, &a) || !timestamp_of(operand, &b))
		return false;
	*ret_order = timestamp_compare(&a, &b);
	return true;
}

/* The literal text of the pattern up to its next star or its end. "\*" stands for a star and "\\"
 * for a backslash; a backslash before anything else is itself. Returns where it ends. */
static size_t
wildcard_piece(struct str pattern, size_t p, struct buf *piece)
{
	buf_reset(piece);
	for (; p < pattern.len && pattern.p[p] != '*'; p++) {
		if (pattern.p[p] == '\\' && p + 1 < pattern.len &&
		    (pattern.p[p + 1] == '*' || pattern.p[p + 1] == '\\'))
			p++;
		buf_add_char(piece, pattern.p[p]);
	}
	return p;
}

/* Where the piece stands in text, or NULL: at its start or its end if it has to, else the first
 * place. */
static const char *
wildcard_find(const struct buf *piece, struct str text, bool at_start, bool at_end)
{
	const char *place = text.p;

	if (piece->len > text.len || (at_start && at_end && piece->len < text.len))
		return NULL;
	if (!at_start && !at_end)
		return memmem(text.p, text.len, buf_cstr(piece), piece->len);
	if (!at_start)
		place += text.len - piece->len;
	return memcmp(place, buf_cstr(piece), piece->len) == 0 ? place : NULL;
}

/* The first place of a piece between two stars is as good as any later one, and the last piece
 * stands at the end: so nothing is tried twice, and the time is linear in both texts. */
bool
choice_matches(struct str pattern, struct str text)
{
	struct buf piece = {0};
	const char *found;
	size_t p = 0;
	size_t end;

	do {
		end = wildcard_piece(pattern, p, &piece);
		found = wildcard_find(&piece, text, p == 0, end == pattern.len);
		if (found != NULL) {
			text.len -= (size_t)(found - text.p) + piece.len;
			text.p = found + piece.len;
		}
		p = end + 1;
	} while (found != NULL && end < pattern.len);
	buf_fini(&piece);
	return found != NULL;
}

/* A match is "equal", any other text "greater", which the operator does not accept. */
static bool
compare_match(const json_t *value, const json_t *operand, int *ret_order)
{
	if (!json_is_string(value) || !json_is_string(operand))
		return false;
	*ret_order = choice_matches(choice_op_text_of(operand), choice_op_text_of(value)) ? 0 : 1;
	return true;
}

static bool
is_null(const json_t *value)
{
	return json_is_null(value);
}

static bool
is_numeric(const json_t *value)
{
	return json_is_number(value);
}

static bool
is_string(const json_t *value)
{
	return json_is_string(value);
}

static bool
is_boolean(const json_t *value)
{
	return json_is_boolean(value);
}

/* The same parser as for comparisons, so IsTimestamp says whether a Timestamp rule can
 * hold. */
static bool
is_timestamp(const json_t *value)
{
	struct timestamp timestamp;

	return timestamp_of(value, &timestamp);
}

/* An operator and its ...Path variant. */
#define COMPARE(NAME, OPERAND, FN, ORDERS)                                                         \
	{NAME, OPERAND, FN, ORDERS, NULL},                                                         \
	{                                                                                          \
		NAME "Path", CHOICE_PATH, FN, ORDERS, NULL                                         \
	}

#define COMPARE_ORDER(PREFIX, OPERAND, FN)                                                         \
	COMPARE(PREFIX "Equals", OPERAND, FN, CHOICE_EQUAL),                                       \
	    COMPARE(PREFIX "LessThan", OPERAND, FN, CHOICE_LESS),                                  \
	    COMPARE(PREFIX "GreaterThan", OPERAND, FN, CHOICE_GREATER),                            \
	    COMPARE(PREFIX "LessThanEquals", OPERAND, FN, CHOICE_LESS | CHOICE_EQUAL),             \
	    COMPARE(PREFIX "GreaterThanEquals", OPERAND, FN, CHOICE_GREATER | CHOICE_EQUAL)

#define IS(NAME, FN)                                                                               \
	{                                                                                          \
		NAME, CHOICE_BOOLEAN, NULL, 0, FN                                                  \
	}

/* Each order has a Path variant, whose operand comes from the input; StringMatches and the
 * Is operators have none in the specification. */
static const struct asl_choice_op ops[] = {
    COMPARE_ORDER("String", CHOICE_STRING, compare_strings),
    COMPARE_ORDER("Numeric", CHOICE_NUMBER, compare_numbers),
    COMPARE_ORDER("Timestamp", CHOICE_TIMESTAMP, compare_timestamps),
    COMPARE("BooleanEquals", CHOICE_BOOLEAN, compare_booleans, CHOICE_EQUAL),
    {"StringMatches", CHOICE_STRING, compare_match, CHOICE_EQUAL, NULL},
    IS("IsNull", is_null),
    /* Neither a comparison nor a type: choice.c knows it by that, since it asks before
	 * there is a value. */
    IS("IsPresent", NULL),
    IS("IsNumeric", is_numeric),
    IS("IsString", is_string),
    IS("IsBoolean", is_boolean),
    IS("IsTimestamp", is_timestamp),
};
_Static_assert(sizeof(ops) / sizeof(*ops) == 39, "the specification has 39 comparison operators");

/* Names are compared with case, as all names of fields in ASL. */
const struct asl_choice_op *
choice_op_find(const char *name)
{
	for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++) {
		if (strcmp(ops[i].name, name) == 0)
			return &ops[i];
	}
	return NULL;
}

/* For hints: a walk over all names until NULL. */
const char *
choice_op_name(size_t at)
{
	return at < sizeof(ops) / sizeof(*ops) ? ops[at].name : NULL;
}

const char *
asl_choice_op_name(const struct asl_choice_op *op)
{
	return op->name;
}
