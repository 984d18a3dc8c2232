#include "asl/compile/compile_field.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define WHOLE_MAX 9007199254740992.0 /* 2^53: beyond it a double cannot hold every integer */

/*
 * A row of a table holds offsets instead of functions that set a member each: some seventy fields
 * need a dozen functions. Which type the member has is known to the row's compile function alone.
 */
void *
field_slot(const struct field *field, void *base)
{
	return (char *)base + field->offset;
}

/* Offset 0 is a state's type or an object's first member, which is never a flag. */
void
field_raise(const struct field *field, void *base)
{
	assert(field->flag != 0);
	*(bool *)((char *)base + field->flag) = true;
}

/* Borrowed from the definition, which the machine keeps. */
void
compile_string(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	*(const char **)field_slot(field, base) =
	    compiler_expect_string(compiler, field->name, json);
}

/* A field without effect is checked even so, because AWS checks it. */
void
compile_ignored_string(
    struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	(void)base;
	compiler_expect_string(compiler, field->name, json);
}

void
compile_transition_field(
    struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	compiler_transition(compiler, field->name, json, field_slot(field, base));
}

/* AWS does not say in its message which numbers are allowed: here the range is added. */
static void
field_wrong_number(struct compiler *compiler, const struct field *field, const char *type)
{
	if (field->high > 0)
		compiler_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "The field '%s' should have a value of type %s from %" JSON_INTEGER_FORMAT
		    " to %" JSON_INTEGER_FORMAT,
		    field->name, type, field->low, field->high);
	else
		compiler_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "The field '%s' should have a value of type %s, at least "
		    "%" JSON_INTEGER_FORMAT,
		    field->name, type, field->low);
}

/* JSON knows one type of number, so 10.0 is an integer too: "TimeoutSeconds": 10.0 is valid. */
static bool
field_integer(const json_t *json, int64_t *ret_value)
{
	double real = json_real_value(json);

	if (json_is_integer(json)) {
		*ret_value = json_integer_value(json);
		return true;
	}
	if (!json_is_real(json) || fabs(real) > WHOLE_MAX || trunc(real) < real ||
	    trunc(real) > real)
		return false;
	*ret_value = (int64_t)real;
	return true;
}

void
compile_integer(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	int64_t value;

	if (compiler_accept_placeholder(compiler, json))
		return;
	if (field_integer(json, &value) && value >= field->low &&
	    (field->high == 0 || value <= field->high))
		*(int64_t *)field_slot(field, base) = value;
	else
		field_wrong_number(compiler, field, "integer");
}

/* A flag says that the number is there, where every number has a meaning. */
void
compile_real(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	double value = json_number_value(json);

	if (compiler_accept_placeholder(compiler, json))
		return;
	if (!json_is_number(json) || value < (double)field->low ||
	    (field->high > 0 && value > (double)field->high)) {
		field_wrong_number(compiler, field, "number");
		return;
	}
	*(double *)field_slot(field, base) = value;
	if (field->flag != 0)
		field_raise(field, base);
}

/* A number that another field may give by a path: both rows have the same struct asl_number. */
void
compile_number(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	struct asl_number *number = field_slot(field, base);
	struct field value = *field;

	value.offset = offsetof(struct asl_number, value);
	compile_integer(compiler, &value, json, number);
	number->given = true;
}

/*
 * The message is AWS's, recorded for a missing Z and a month 13. The flag says that the field is
 * there; no timestamp could, since every value of the struct is one.
 */
void
compile_timestamp(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	const char *text = compiler_expect_string(compiler, field->name, json);

	if (text == NULL || compiler_accept_placeholder(compiler, json))
		return;
	if (!timestamp_parse(str_of(text), field_slot(field, base)))
		compiler_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA,
		    "such as 2026-01-15T12:00:00Z", "String does not match RFC3339 timestamp");
	field_raise(field, base);
}

/* What the language is has been read before all other fields: only the word is checked here. */
void
compile_query_language(
    struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	static const char *const words[] = {"JSONPath", "JSONata", NULL};

	(void)field;
	(void)base;
	compiler_expect_word(compiler, "QueryLanguage", json, words);
}
