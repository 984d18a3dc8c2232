#include "asl/expr/template.h"
#include "base/jsonx.h"
#include "base/rng.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char standard[] = "{\"a\":[1,2.5,\"x\",null,{\"c\":\"\\u00e9\"}],\"o\":{\"k\":1},"
			       "\"s\":\"a,b\",\"n\":-1.5}";

static json_t *
context(void *arg)
{
	return arg;
}

/* Constants are shared with every result: evaluating again must find them as they were. */
static void
evaluate_twice(const struct asl_template *tmpl, const struct asl_scope *scope)
{
	json_t *first = NULL;
	json_t *second = NULL;
	struct tmf_err err = {0};
	int ret = asl_template_eval(tmpl, scope, &first, &err);

	assert((ret == 0) == (first != NULL) && (ret == 0) == !tmf_err_isset(&err));
	if (ret < 0)
		assert(strncmp(err.name, "States.", 7) == 0);
	tmf_err_fini(&err);
	assert(asl_template_eval(tmpl, scope, &second, &err) == ret);
	tmf_err_fini(&err);
	json_decref(first);
	json_decref(second);
}

/* A template, and after a line feed the JSON that it is tried on. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = size > 0 ? (const char *)data : "";
	const char *end = memchr(text, '\n', size);
	struct str first = {text, end != NULL ? (size_t)(end - text) : size};
	struct str json = end != NULL ? (struct str){end + 1, size - first.len - 1}
				      : (struct str){standard, sizeof(standard) - 1};
	json_t *template_json = jsonx_parse(first, NULL);
	struct rng rng;
	struct asl_scope scope = {
	    .input = jsonx_parse(json, NULL), .context = context, .rng = &rng};
	struct asl_template *tmpl;
	struct diag_list diags;

	diag_list_init(&diags, NULL);
	rng_seed(&rng, size);
	if (template_json != NULL && scope.input != NULL) {
		scope.variables = scope.input;
		scope.context_arg = scope.input;
		tmpl = asl_template_compile(template_json, "/Parameters", &diags);
		assert((tmpl == NULL) == (diags.errors > 0));
		json_decref(template_json); /* the template does without */
		template_json = NULL;
		if (tmpl != NULL)
			evaluate_twice(tmpl, &scope);
		asl_template_free(tmpl);
	}
	json_decref(template_json);
	diag_list_fini(&diags);
	json_decref(scope.input);
	return 0;
}
