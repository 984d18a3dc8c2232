#include "asl/compile/compile_field.h"

#include <assert.h>
#include <string.h>

/*
 * What is evaluated when the machine runs: it is checked here by being parsed, once. The machine's
 * arena owns the results, and gives them back through these.
 */
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

static void
release_jsonata(void *expr)
{
	asl_jsonata_free(expr);
}

static struct str
expr_text(const json_t *json)
{
	return (struct str){json_string_value(json), json_string_length(json)};
}

typedef struct asl_path *path_parse_fn(struct str text, struct tmf_err *err);

/* kind is what the path must be, for the message: AWS says that it "must be a valid JSONPath". */
static struct asl_path *
expr_path(struct compiler *compiler, const char *name, json_t *json, path_parse_fn *parse,
    const char *kind)
{
	const char *text = compiler_expect_string(compiler, name, json);
	struct asl_path *path;
	struct tmf_err err = {0};

	if (text == NULL)
		return NULL;
	path = parse(str_of(text), &err);
	if (path != NULL)
		arena_own(&compiler->machine->arena, path, release_path);
	else
		compiler_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, tmf_err_text(&err),
		    "The value for the field '%s' must be a valid %s", name, kind);
	tmf_err_fini(&err);
	/* cppcheck-suppress returnDanglingLifetime ; the parser copies its text */
	return path;
}

void
compile_path(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	*(struct asl_path **)field_slot(field, base) =
	    expr_path(compiler, field->name, json, asl_path_parse, "JSONPath");
}

/* "InputPath": null means {}, which no path could say: it is a flag beside the path. */
void
compile_path_or_null(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	if (json_is_null(json))
		field_raise(field, base);
	else
		compile_path(compiler, field, json, base);
}

/*
 * A reference path: one place to put a value. null throws the result away: the state's output is
 * its input then.
 */
void
compile_result_path(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	if (json_is_null(json))
		field_raise(field, base);
	else
		*(struct asl_path **)field_slot(field, base) = expr_path(
		    compiler, field->name, json, asl_reference_path_parse, "reference path");
}

void
compile_number_path(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	struct asl_number *number = field_slot(field, base);

	number->path = expr_path(compiler, field->name, json, asl_path_parse, "JSONPath");
	number->given = true;
}

/*
 * AWS asks for a reference path in the numbers of a Map, and refuses the context object there; a
 * variable it takes (recorded).
 */
void
compile_value_path(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	*(struct asl_path **)field_slot(field, base) =
	    expr_path(compiler, field->name, json, asl_value_path_parse, "reference path");
}

void
compile_value_number_path(
    struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	struct asl_number *number = field_slot(field, base);

	number->path =
	    expr_path(compiler, field->name, json, asl_value_path_parse, "reference path");
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

void
compile_text_expr(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	const struct asl_expr *expr;

	compile_expr(compiler, field, json, base);
	expr = *(struct asl_expr **)field_slot(field, base);
	if (expr != NULL && !asl_expr_may_give_text(expr))
		compiler_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA,
		    "the function must give a string",
		    "The value for the field '%s' must be a valid JSONPath or a valid intrinsic "
		    "function call",
		    field->name);
}

static bool
expr_key_is_dynamic(const char *key)
{
	size_t len = strlen(key);

	return len >= 2 && strcmp(key + len - 2, ".$") == 0;
}

/* "$5.00" and "$name" are prices and texts as often as paths: only what has a dot behind counts. */
static bool
expr_looks_dynamic(const json_t *json)
{
	const char *text = json_string_value(json);

	return text != NULL && (strncmp(text, "$.", 2) == 0 || strncmp(text, "$$.", 3) == 0 ||
				   (strncmp(text, "States.", 7) == 0 && strchr(text, '(') != NULL));
}

static void
expr_check_key(struct compiler *compiler, const char *key, const json_t *value, bool evaluated)
{
	bool dynamic = expr_key_is_dynamic(key);

	if (evaluated && !dynamic && expr_looks_dynamic(value))
		compiler_warn(compiler, DIAG_AT_KEY, "NO_DOLLAR", NULL,
		    "The value of '%s' is a constant: it is evaluated only in '%s.$'", key, key);
	if (!evaluated && dynamic)
		compiler_warn(compiler, DIAG_AT_KEY, "PASS_RESULT_IS_STATIC",
		    "Parameters is evaluated, Result is not", "The key '%s' is a constant", key);
}

/*
 * Warns about constants that look as if they were to be evaluated. Both kinds are valid for AWS:
 * {"name": "$.user"} in Parameters gives the text "$.user", and {"name.$": "$.user"} in a Result,
 * which is never evaluated, gives a key that ends with ".$".
 */
static void
expr_check_constants(struct compiler *compiler, json_t *json, bool evaluated)
{
	const char *key;
	json_t *value;
	size_t mark;
	size_t i;

	json_array_foreach (json, i, value) {
		mark = compiler_push_index(compiler, i);
		expr_check_constants(compiler, value, evaluated);
		compiler_pop(compiler, mark);
	}
	json_object_foreach (json, key, value) {
		mark = compiler_push(compiler, key);
		expr_check_key(compiler, key, value, evaluated);
		expr_check_constants(compiler, value, evaluated);
		compiler_pop(compiler, mark);
	}
}

static struct asl_template *
expr_template_jsonata(struct compiler *compiler, const struct field *field, json_t *json)
{
	struct buf place = {0};
	struct asl_template *tmpl;

	assert(compiler_is_jsonata(compiler));
	compiler_field(compiler, &place);
	tmpl = asl_template_compile_jsonata(json, buf_cstr(&place),
	    field->reads & compiler->readable, compiler_pointer(compiler), compiler->diags);
	buf_fini(&place);
	return tmpl;
}

void
compile_template(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	bool is_jsonata = compiler_is_jsonata(compiler);
	struct asl_template *tmpl =
	    is_jsonata ? expr_template_jsonata(compiler, field, json)
		       : asl_template_compile(json, compiler_pointer(compiler), compiler->diags);

	if (tmpl == NULL)
		return;
	arena_own(&compiler->machine->arena, tmpl, release_template);
	if (!is_jsonata)
		expr_check_constants(compiler, json, true);
	*(struct asl_template **)field_slot(field, base) = tmpl;
}

/* An array may have expressions in it. */
void
compile_items(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	bool is_text =
	    json_is_string(json) && asl_jsonata_form(expr_text(json)) == ASL_JSONATA_TEXT;

	if (is_text || (!json_is_string(json) && !json_is_array(json)))
		compiler_wrong_type(compiler, field->name, "array, or a JSONata expression");
	else
		compile_template(compiler, field, json, base);
}

bool
compile_jsonata(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	struct asl_jsonata_fault fault;
	struct asl_jsonata *expr;
	struct buf place = {0};

	if (field->jsonata == 0 || !compiler_is_jsonata(compiler) || !json_is_string(json) ||
	    asl_jsonata_form(expr_text(json)) == ASL_JSONATA_TEXT)
		return false;
	if (asl_jsonata_form(expr_text(json)) == ASL_JSONATA_HALF) {
		compiler_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA,
		    "as in \"{% $states.input.name %}\"",
		    "A JSONata expression begins with {%% and ends with %%}");
		return true;
	}
	compiler_field(compiler, &place);
	expr = asl_jsonata_parse(
	    expr_text(json), buf_cstr(&place), field->reads & compiler->readable, &fault);
	buf_fini(&place);
	if (expr == NULL) {
		compiler_fault(compiler, DIAG_AT_VALUE, fault.code,
		    fault.hint[0] != '\0' ? fault.hint : NULL, "%s", fault.message);
		return true;
	}
	arena_own(&compiler->machine->arena, expr, release_jsonata);
	*(struct asl_jsonata **)((char *)base + field->jsonata) = expr;
	return true;
}

void
compile_object_template(
    struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	bool is_expression = compiler_is_jsonata(compiler) && json_is_string(json);

	if (is_expression || compiler_expect_object(compiler, field->name, json))
		compile_template(compiler, field, json, base);
}

/* Recorded from AWS: a Result is never a template, whatever its keys look like. */
void
compile_constant(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	expr_check_constants(compiler, json, false);
	*(json_t **)field_slot(field, base) = json;
}
