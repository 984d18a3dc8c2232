#include "asl/compile/compile.h"

#include "base/jsonx.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#define WHOLE_MAX 9007199254740992.0 /* 2^53: beyond it a real has no ones */

/* Where the row's value goes. */
static void *
slot_of(const struct field *field, void *base)
{
	return (char *)base + field->offset;
}

static void
raise_flag(const struct field *field, void *base)
{
	*(bool *)((char *)base + field->flag) = true;
}

/* What the arena calls when the machine goes. */
static void
release_path(void *path)
{
	asl_path_free(path);
}

static void
release_expr(void *expr)
{
	asl_expr_free(expr);
}

static void
release_template(void *tmpl)
{
	asl_template_free(tmpl);
}

void
compile_string(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	*(const char **)slot_of(field, base) = compile_expect_string(compiler, field->name, json);
}

void
compile_ignored_string(
    struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	(void)base;
	compile_expect_string(compiler, field->name, json);
}

/* --- paths --- */

static struct asl_path *
parse_path(struct compiler *compiler, const char *name, json_t *json, bool reference)
{
	const char *text = compile_expect_string(compiler, name, json);
	struct asl_path *path;
	struct tmf_err err = {0};

	if (text == NULL)
		return NULL;
	path = reference ? asl_reference_path_parse(str_of(text), &err)
			 : asl_path_parse(str_of(text), &err);
	if (path != NULL)
		arena_own(&compiler->machine->arena, path, release_path);
	else
		compile_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, tmf_err_text(&err),
		    "The value for the field '%s' must be a valid %s", name,
		    reference ? "reference path" : "JSONPath");
	tmf_err_fini(&err);
	return path;
}

void
compile_path(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	*(struct asl_path **)slot_of(field, base) = parse_path(compiler, field->name, json, false);
}

void
compile_path_or_null(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	if (json_is_null(json))
		raise_flag(field, base);
	else
		compile_path(compiler, field, json, base);
}

void
compile_result_path(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	if (json_is_null(json))
		raise_flag(field, base);
	else
		*(struct asl_path **)slot_of(field, base) =
		    parse_path(compiler, field->name, json, true);
}

void
compile_expr(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	const char *text = compile_expect_string(compiler, field->name, json);
	struct asl_expr *expr;
	struct tmf_err err = {0};

	if (text == NULL)
		return;
	expr = asl_expr_parse(str_of(text), &err);
	if (expr != NULL)
		arena_own(&compiler->machine->arena, expr, release_expr);
	else
		compile_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, tmf_err_text(&err),
		    "The value for the field '%s' must be a valid JSONPath or a valid intrinsic "
		    "function call",
		    field->name);
	tmf_err_fini(&err);
	*(struct asl_expr **)slot_of(field, base) = expr;
}

/* --- templates and constants --- */

void
compile_template(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	struct asl_template *tmpl =
	    asl_template_compile(json, compile_pointer(compiler), compiler->diags);

	if (tmpl == NULL)
		return;
	arena_own(&compiler->machine->arena, tmpl, release_template);
	check_template_constants(compiler, json);
	*(struct asl_template **)slot_of(field, base) = tmpl;
}

void
compile_constant(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	check_result_constant(compiler, json);
	*(json_t **)slot_of(field, base) = json;
}

/* --- numbers --- */

/* The range in words, for a message. */
static void
wrong_number(struct compiler *compiler, const struct field *field, const char *type)
{
	if (field->high > 0)
		compile_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "The field '%s' should have a value of type %s from %" JSON_INTEGER_FORMAT
		    " to %" JSON_INTEGER_FORMAT,
		    field->name, type, field->low, field->high);
	else
		compile_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
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
		*(int64_t *)slot_of(field, base) = value;
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
	*(double *)slot_of(field, base) = value;
	if (field->flag != 0)
		raise_flag(field, base);
}

void
compile_number(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	struct asl_number *number = slot_of(field, base);
	struct field value = *field;

	value.offset = offsetof(struct asl_number, value);
	compile_integer(compiler, &value, json, number);
	number->given = true;
}

void
compile_number_path(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	struct asl_number *number = slot_of(field, base);

	number->path = parse_path(compiler, field->name, json, false);
	number->given = true;
}

/* --- the rest --- */

void
compile_timestamp(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	const char *text = compile_expect_string(compiler, field->name, json);

	if (text == NULL)
		return;
	if (!timestamp_parse(str_of(text), slot_of(field, base)))
		compile_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA,
		    "such as 2026-01-15T12:00:00Z", "String does not match RFC3339 timestamp");
	raise_flag(field, base);
}

void
compile_jsonata(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	(void)json;
	(void)base;
	compile_fault(compiler, DIAG_AT_KEY, COMPILE_SCHEMA, NULL,
	    "The field '%s' belongs to QueryLanguage JSONata, which is not supported by this "
	    "version: use JSONPath",
	    field->name);
}

void
compile_query_language(
    struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	static const char *const known[] = {"JSONPath", "JSONata", NULL};
	const char *language = compile_expect_string(compiler, "QueryLanguage", json);
	struct buf hint = {0};

	(void)field;
	(void)base;
	if (language == NULL || strcmp(language, "JSONPath") == 0)
		return;
	if (strcmp(language, "JSONata") == 0)
		compile_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "QueryLanguage JSONata is not supported by this version: use JSONPath");
	else
		compile_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA,
		    compile_hint(compiler, &hint, language, known),
		    "The field 'QueryLanguage' should have one of these values: [JSONPath, "
		    "JSONata]");
	buf_fini(&hint);
}
