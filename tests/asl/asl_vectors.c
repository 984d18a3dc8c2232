#include "asl_vectors.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static json_t *
vector_context(void *arg)
{
	struct vector_scope *v = arg;

	return v->context;
}

json_t *
vector_json(const char *text)
{
	char *json = mem_strdup(text);
	struct tmf_err err = {0};
	json_t *value;

	for (char *c = json; *c != '\0'; c++) {
		if (*c == '\'')
			*c = '"';
	}
	value = jsonx_parse(str_of(json), &err);
	ck_assert_msg(value != NULL, "%s: %s", json, tmf_err_text(&err));
	free(json);
	return value;
}

void
vector_scope_init(
    struct vector_scope *v, const char *input, const char *variables, const char *context)
{
	*v = (struct vector_scope){.context = vector_json(context != NULL ? context : "{}")};
	v->scope.input = vector_json(input);
	v->scope.variables = variables != NULL ? vector_json(variables) : NULL;
	v->scope.context = vector_context;
	v->scope.context_arg = v;
	v->scope.rng = &v->rng;
	rng_seed(&v->rng, 1);
}

void
vector_scope_fini(struct vector_scope *v)
{
	json_decref(v->scope.input);
	json_decref(v->scope.variables);
	json_decref(v->context);
}

void
vector_expect(const char *name, json_t *value, const char *expected)
{
	json_t *want = vector_json(expected);
	char *text = jsonx_text(value);

	ck_assert_msg(jsonx_same(want, value), "%s: got %s, want %s", name, text, expected);
	free(text);
	json_decref(want);
	json_decref(value);
}
