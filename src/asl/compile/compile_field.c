#include "asl/compile/compile_field.h"

#include "base/jsonx.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#define WHOLE_MAX 9007199254740992.0 /* 2^53: beyond it a real has no ones */

void *
field_slot(const struct field *field, void *base)
{
	return (char *)base + field->offset;
}

void
field_raise(const struct field *field, void *base)
{
	*(bool *)((char *)base + field->flag) = true;
}

void
compile_string(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	*(const char **)field_slot(field, base) =
	    compiler_expect_string(compiler, field->name, json);
}

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
	void *slot = (char *)base + field->offset;

	compiler_transition(compiler, field->name, json, slot);
}

/* The range in words, for a message. */
static void
wrong_number(struct compiler *compiler, const struct field *field, const char *type)
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

/* 10.0 is a whole number too. */
static bool
whole_number(const json_t *json, int64_t *ret_value)
{
	double real = json_real_value(json);

	if (json_is_integer(json)) {
		*ret_value = json_integer_value(json);
		return true;
	}
	if (!json_is_real(json) || real < -WHOLE_MAX || real > WHOLE_MAX || trunc(real) < real ||
	    trunc(real) > real)
		return false;
	*ret_value = (int64_t)real;
	return true;
}

void
compile_integer(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	int64_t value;

	if (whole_number(json, &value) && value >= field->low &&
	    (field->high == 0 || value <= field->high))
		*(int64_t *)field_slot(field, base) = value;
	else
		wrong_number(compiler, field, "integer");
}

void
compile_real(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	double value = json_number_value(json);

	if (!json_is_number(json) || value < (double)field->low ||
	    (field->high > 0 && value > (double)field->high)) {
		wrong_number(compiler, field, "number");
		return;
	}
	*(double *)field_slot(field, base) = value;
	if (field->flag != 0)
		field_raise(field, base);
}

void
compile_number(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	struct asl_number *number = field_slot(field, base);
	struct field value = *field;

	value.offset = offsetof(struct asl_number, value);
	compile_integer(compiler, &value, json, number);
	number->given = true;
}

void
compile_timestamp(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	const char *text = compiler_expect_string(compiler, field->name, json);

	if (text == NULL)
		return;
	if (!timestamp_parse(str_of(text), field_slot(field, base)))
		compiler_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA,
		    "such as 2026-01-15T12:00:00Z", "String does not match RFC3339 timestamp");
	field_raise(field, base);
}

void
compile_jsonata(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	(void)json;
	(void)base;
	compiler_fault(compiler, DIAG_AT_KEY, COMPILE_SCHEMA, NULL,
	    "The field '%s' belongs to QueryLanguage JSONata, which is not supported by this "
	    "version: use JSONPath",
	    field->name);
}

void
compile_query_language(
    struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	static const char *const known[] = {"JSONPath", "JSONata", NULL};
	const char *language = compiler_expect_string(compiler, "QueryLanguage", json);
	struct buf hint = {0};

	(void)field;
	(void)base;
	if (language == NULL || strcmp(language, "JSONPath") == 0)
		return;
	if (strcmp(language, "JSONata") == 0)
		compiler_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "QueryLanguage JSONata is not supported by this version: use JSONPath");
	else
		compiler_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA,
		    compiler_hint(compiler, &hint, language, known),
		    "The field 'QueryLanguage' should have one of these values: [JSONPath, "
		    "JSONata]");
	buf_fini(&hint);
}
