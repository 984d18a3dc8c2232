#include "asl/compile/compile_field.h"

#include <string.h>

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

static struct asl_path *
parse_path(struct compiler *compiler, const char *name, json_t *json, bool reference)
{
	const char *text = compiler_expect_string(compiler, name, json);
	struct asl_path *path;
	struct tmf_err err = {0};

	if (text == NULL)
		return NULL;
	path = reference ? asl_reference_path_parse(str_of(text), &err)
			 : asl_path_parse(str_of(text), &err);
	if (path != NULL)
		arena_own(&compiler->machine->arena, path, release_path);
	else
		compiler_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, tmf_err_text(&err),
		    "The value for the field '%s' must be a valid %s", name,
		    reference ? "reference path" : "JSONPath");
	tmf_err_fini(&err);
	return path;
}

void
compile_path(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	*(struct asl_path **)field_slot(field, base) =
	    parse_path(compiler, field->name, json, false);
}

void
compile_path_or_null(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	if (json_is_null(json))
		field_raise(field, base);
	else
		compile_path(compiler, field, json, base);
}

void
compile_result_path(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	if (json_is_null(json))
		field_raise(field, base);
	else
		*(struct asl_path **)field_slot(field, base) =
		    parse_path(compiler, field->name, json, true);
}

void
compile_number_path(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	struct asl_number *number = field_slot(field, base);

	number->path = parse_path(compiler, field->name, json, false);
	number->given = true;
}

void
compile_expr(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	const char *text = compiler_expect_string(compiler, field->name, json);
	struct asl_expr *expr;
	struct tmf_err err = {0};

	if (text == NULL)
		return;
	expr = asl_expr_parse(str_of(text), &err);
	if (expr != NULL)
		arena_own(&compiler->machine->arena, expr, release_expr);
	else
		compiler_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, tmf_err_text(&err),
		    "The value for the field '%s' must be a valid JSONPath or a valid intrinsic "
		    "function call",
		    field->name);
	tmf_err_fini(&err);
	*(struct asl_expr **)field_slot(field, base) = expr;
}

static bool
ends_dynamic(const char *key)
{
	size_t len = strlen(key);

	return len >= 2 && strcmp(key + len - 2, ".$") == 0;
}

static bool
looks_dynamic(const json_t *json)
{
	const char *text = json_string_value(json);

	return text != NULL && (strncmp(text, "$.", 2) == 0 || strncmp(text, "$$.", 3) == 0 ||
				   (strncmp(text, "States.", 7) == 0 && strchr(text, '(') != NULL));
}

static void
warn_of_constants(struct compiler *compiler, json_t *json)
{
	const char *key;
	json_t *value;
	size_t i;

	json_array_foreach (json, i, value) {
		size_t mark = compiler_push_index(compiler, i);

		warn_of_constants(compiler, value);
		compiler_pop(compiler, mark);
	}
	json_object_foreach (json, key, value) {
		size_t mark = compiler_push(compiler, key);

		if (!ends_dynamic(key) && looks_dynamic(value))
			compiler_warn(compiler, DIAG_AT_KEY, "NO_DOLLAR", NULL,
			    "The value of '%s' is a constant: it is evaluated only in '%s.$'", key,
			    key);
		if (!ends_dynamic(key))
			warn_of_constants(compiler, value);
		compiler_pop(compiler, mark);
	}
}

static void
warn_of_dynamic_keys(struct compiler *compiler, json_t *json)
{
	const char *key;
	json_t *value;
	size_t i;

	json_array_foreach (json, i, value) {
		size_t mark = compiler_push_index(compiler, i);

		warn_of_dynamic_keys(compiler, value);
		compiler_pop(compiler, mark);
	}
	json_object_foreach (json, key, value) {
		size_t mark = compiler_push(compiler, key);

		if (ends_dynamic(key))
			compiler_warn(compiler, DIAG_AT_KEY, "PASS_RESULT_IS_STATIC",
			    "Parameters is evaluated, Result is not", "The key '%s' is a constant",
			    key);
		warn_of_dynamic_keys(compiler, value);
		compiler_pop(compiler, mark);
	}
}

void
compile_template(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	struct asl_template *tmpl =
	    asl_template_compile(json, compiler_pointer(compiler), compiler->diags);

	if (tmpl == NULL)
		return;
	arena_own(&compiler->machine->arena, tmpl, release_template);
	warn_of_constants(compiler, json);
	*(struct asl_template **)field_slot(field, base) = tmpl;
}

void
compile_constant(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	warn_of_dynamic_keys(compiler, json);
	*(json_t **)field_slot(field, base) = json;
}
