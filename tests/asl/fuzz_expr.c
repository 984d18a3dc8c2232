#include "asl/expr/expr.h"
#include "base/jsonx.h"
#include "base/rng.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char standard[] = "{\"a\":[1,2.5,\"x\",null,1,{\"c\":\"\\u00e9\"}],\"o\":{\"k\":1},"
			       "\"s\":\"a,b\",\"t\":\"{} \\\\{ {}\",\"n\":-1.5}";

static json_t *
context(void *arg)
{
	return arg;
}

/* An expression, and after a line feed the JSON that it is tried on. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = size > 0 ? (const char *)data : "";
	const char *end = memchr(text, '\n', size);
	struct str expr_text = {text, end != NULL ? (size_t)(end - text) : size};
	struct str json = end != NULL ? (struct str){end + 1, size - expr_text.len - 1}
				      : (struct str){standard, sizeof(standard) - 1};
	struct rng rng;
	struct asl_scope scope = {
	    .input = jsonx_parse(json, NULL), .context = context, .rng = &rng};
	struct tmf_err err = {0};
	struct asl_expr *expr = asl_expr_parse(expr_text, &err);
	json_t *value = NULL;

	assert((expr == NULL) == tmf_err_isset(&err));
	rng_seed(&rng, size);
	if (expr != NULL && scope.input != NULL) {
		scope.variables = scope.input;
		scope.context_arg = scope.input;
		if (asl_expr_eval(expr, "f.$", &scope, &value, &err) < 0)
			assert(value == NULL && strncmp(err.name, "States.", 7) == 0);
		else
			assert(value != NULL);
	}
	json_decref(value);
	tmf_err_fini(&err);
	asl_expr_free(expr);
	json_decref(scope.input);
	return 0;
}
