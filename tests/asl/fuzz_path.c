#include "asl/path/path.h"
#include "base/jsonx.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char standard[] =
    "{\"a\":{\"b\":[1,2.5,\"x\",null,true,{\"c\":\"\\u00e9\"}],\"c\":{\"a\":[]}},"
    "\"list\":[{\"a\":1,\"b\":\"q\"},{\"a\":\"1\"},[[3]]],\"s\":\"text\"}";

static json_t *
context(void *arg)
{
	return arg;
}

static void
evaluate(const struct asl_path *path, const struct asl_scope *scope)
{
	struct tmf_err err = {0};
	struct buf text = {0};
	json_t *value = NULL;
	enum asl_found found = asl_path_eval(path, scope, &value, &err);

	assert((found == ASL_FOUND) == (value != NULL));
	assert((found == ASL_FOUND_ERROR) == tmf_err_isset(&err));
	asl_path_bracket_text(path, &text);
	if (found == ASL_FOUND_NOTHING)
		asl_path_explain(path, scope, &text);
	buf_fini(&text);
	json_decref(value);
	tmf_err_fini(&err);
}

static void
put(struct str text, json_t *target)
{
	struct asl_path *path = asl_reference_path_parse(text, NULL);
	struct asl_scope scope = {0};
	json_t *result = NULL;
	json_t *back = NULL;

	if (path == NULL)
		return;
	if (asl_path_put(path, target, json_true(), &result, NULL) == 0) {
		scope.input = result;
		assert(asl_path_eval(path, &scope, &back, NULL) == ASL_FOUND);
		assert(json_is_true(back));
		json_decref(back);
		json_decref(result);
	}
	asl_path_free(path);
}

/* A path, and after a line feed the JSON that it is tried on. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = size > 0 ? (const char *)data : "";
	const char *end = memchr(text, '\n', size);
	struct str path_text = {text, end != NULL ? (size_t)(end - text) : size};
	struct str json = end != NULL ? (struct str){end + 1, size - path_text.len - 1}
				      : (struct str){standard, sizeof(standard) - 1};
	struct asl_scope scope = {.input = jsonx_parse(json, NULL), .context = context};
	struct tmf_err err = {0};
	struct asl_path *path = asl_path_parse(path_text, &err);

	assert((path == NULL) == tmf_err_isset(&err));
	if (path != NULL && scope.input != NULL) {
		scope.variables = scope.input;
		scope.context_arg = scope.input;
		evaluate(path, &scope);
		put(path_text, scope.input);
	}
	tmf_err_fini(&err);
	asl_path_free(path);
	json_decref(scope.input);
	return 0;
}
