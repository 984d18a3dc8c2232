#include "asl_vectors.h"

#include "asl/expr/template.h"
#include "base/jsonx.h"

#include "run_suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

struct template_vector {
	const char *tmpl;
	const char *expected; /* a fault's message where the template is invalid */
	const char *pointer;  /* of the fault */
};

#define INPUT "{'a':{'b':[1,2]},'s':'x'}"

static const struct template_vector values[] = {
    {"{}", "{}", NULL},
    {"[]", "[]", NULL},
    {"'$.a'", "'$.a'", NULL},
    {"{'x.$':'$.a.b','y':1}", "{'x':[1,2],'y':1}", NULL},
    {"{'x':{'y.$':'$.s'},'z':{'c':[1]}}", "{'x':{'y':'x'},'z':{'c':[1]}}", NULL},
    {"{'x':[{'y.$':'$.s'},'$.s',[{'z.$':'States.Array($.s)'}]]}",
	"{'x':[{'y':'x'},'$.s',[{'z':['x']}]]}", NULL},
    {"{'x':'$.s','y':'States.UUID()','z':'{% $x %}','Comment':'c'}",
	"{'x':'$.s','y':'States.UUID()','z':'{% $x %}','Comment':'c'}", NULL},
    {"{'$.x':1,'x$':2,'$':3}", "{'$.x':1,'x$':2,'$':3}", NULL},
    {"{'.$':'$.s'}", "{'':'x'}", NULL},
    {"{'a.b.$':'$$.Id','v.$':'$v'}", "{'a.b':'id','v':9}", NULL},
    {"{'n.$':'$.a.none[*]'}", "{'n':[]}", NULL},
};

#define NOT_VALID " must be a valid JSONPath or a valid intrinsic function call"

static const struct template_vector faults[] = {
    {"{'x.$':'ipsum'}", "The value for the field 'x.$'" NOT_VALID, "/P/x.$"},
    {"{'x.$':1}", "The value for the field 'x.$'" NOT_VALID, "/P/x.$"},
    {"{'x.$':{'y':1}}", "The value for the field 'x.$'" NOT_VALID, "/P/x.$"},
    {"{'x.$':''}", "The value for the field 'x.$'" NOT_VALID, "/P/x.$"},
    {"{'q':[1,{'a/b':{'x.$':'$.'}}]}", "The value for the field 'x.$'" NOT_VALID,
	"/P/q/1/a~1b/x.$"},
    {"{'x.$':' States.UUID()'}", "The value for the field 'x.$'" NOT_VALID, "/P/x.$"},
    {"{'x.$':'States.UUID(1)'}", "The value for the field 'x.$'" NOT_VALID, "/P/x.$"},
    {"{'t':{'x':1,'x.$':'$.s'}}", "The fields 'x' and 'x.$' are in conflict", "/P/t/x.$"},
};

START_TEST(test_values)
{
	const struct template_vector *vector = &values[_i];
	json_t *json = vector_json(vector->tmpl);
	struct vector_scope v;
	struct diag_list diags;
	struct asl_template *tmpl;
	json_t *value = NULL;

	vector_scope_init(&v, INPUT, "{'v':9}", "{'Id':'id'}");
	diag_list_init(&diags, NULL);
	tmpl = asl_template_compile(json, "/P", &diags);
	ck_assert_msg(tmpl != NULL, "%s", vector->tmpl);
	json_decref(json);
	ck_assert_int_eq(asl_template_eval(tmpl, &v.scope, &value, NULL), 0);
	vector_expect(vector->tmpl, value, vector->expected);
	asl_template_free(tmpl);
	diag_list_fini(&diags);
	vector_scope_fini(&v);
}
END_TEST

START_TEST(test_faults)
{
	const struct template_vector *vector = &faults[_i];
	json_t *json = vector_json(vector->tmpl);
	struct diag_list diags;

	diag_list_init(&diags, NULL);
	ck_assert_ptr_null(asl_template_compile(json, "/P", &diags));
	ck_assert_uint_eq(diags.count, 1);
	ck_assert_str_eq(diags.at[0].code, "SCHEMA_VALIDATION_FAILED");
	ck_assert_str_eq(diags.at[0].message, vector->expected);
	ck_assert_str_eq(diags.at[0].pointer, vector->pointer);
	diag_list_fini(&diags);
	json_decref(json);
}
END_TEST

START_TEST(test_every_fault_is_reported)
{
	json_t *json = vector_json("{'a.$':'x','b':{'c.$':'y'},'d.$':'$.ok','e':[{'f.$':null}]}");
	struct diag_list diags;

	diag_list_init(&diags, NULL);
	ck_assert_ptr_null(asl_template_compile(json, "", &diags));
	ck_assert_uint_eq(diags.errors, 3);
	diag_list_fini(&diags);
	json_decref(json);
}
END_TEST

/* What has no expression in it is the same value in every result. */
START_TEST(test_constants_are_shared)
{
	json_t *json = vector_json("{'big':{'k':[1,2,3]},'x.$':'$'}");
	struct vector_scope v;
	struct diag_list diags;
	struct asl_template *tmpl;
	json_t *first = NULL;
	json_t *second = NULL;

	vector_scope_init(&v, "1", NULL, NULL);
	diag_list_init(&diags, NULL);
	tmpl = asl_template_compile(json, "", &diags);
	ck_assert_int_eq(asl_template_eval(tmpl, &v.scope, &first, NULL), 0);
	ck_assert_int_eq(asl_template_eval(tmpl, &v.scope, &second, NULL), 0);
	ck_assert_ptr_eq(json_object_get(first, "big"), json_object_get(second, "big"));
	ck_assert_ptr_eq(json_object_get(first, "x"), v.scope.input);
	json_decref(first);
	json_decref(second);
	asl_template_free(tmpl);
	diag_list_fini(&diags);
	vector_scope_fini(&v);
	json_decref(json);
}
END_TEST

START_TEST(test_evaluation_fails)
{
	static const char *const templates[] = {
	    "{'ok':1,'x.$':'$.no'}", "{'l':[1,{'y':{'x.$':'$.no'}}]}"};

	for (size_t i = 0; i < 2; i++) {
		json_t *json = vector_json(templates[i]);
		struct vector_scope v;
		struct diag_list diags;
		struct asl_template *tmpl;
		struct tmf_err err = {0};
		json_t *value = NULL;

		vector_scope_init(&v, "{}", NULL, NULL);
		diag_list_init(&diags, NULL);
		tmpl = asl_template_compile(json, "", &diags);
		ck_assert_int_lt(asl_template_eval(tmpl, &v.scope, &value, &err), 0);
		ck_assert_str_eq(err.name, "States.Runtime");
		ck_assert_str_eq(tmf_err_text(&err),
		    "The JSONPath '$.no' specified for the field 'x.$' "
		    "could not be found in the input '{}'");
		tmf_err_fini(&err);
		asl_template_free(tmpl);
		diag_list_fini(&diags);
		vector_scope_fini(&v);
		json_decref(json);
	}
}
END_TEST

START_TEST(test_depth)
{
	json_t *json = vector_json("{'x.$':'$'}");
	struct diag_list diags;

	for (int i = 0; i < 500; i++)
		json = json_pack("[o]", json);
	diag_list_init(&diags, NULL);
	ck_assert_ptr_null(asl_template_compile(json, "", &diags));
	ck_assert_uint_eq(diags.errors, 1);
	diag_list_fini(&diags);
	json_decref(json);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int
main(void)
{
	Suite *suite = suite_create("asl_template");
	TCase *tcase = tcase_create("template");
	int failed;

	tcase_add_loop_test(tcase, test_values, 0, COUNT(values));
	tcase_add_loop_test(tcase, test_faults, 0, COUNT(faults));
	tcase_add_test(tcase, test_every_fault_is_reported);
	tcase_add_test(tcase, test_constants_are_shared);
	tcase_add_test(tcase, test_evaluation_fails);
	tcase_add_test(tcase, test_depth);
	suite_add_tcase(suite, tcase);
	failed = run_suite(suite);
	return failed == 0 ? 0 : 1;
}
