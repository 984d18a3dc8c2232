#include "asl_vectors.h"
#include "machine_vectors.h"

#include "asl/expr/expr.h"
#include "asl/expr/template.h"
#include "base/jsonx.h"
#include "base/mem.h"

#include "run_suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct expr_vector {
	const char *expr;
	const char *input;
	const char *expected; /* for failures: a part of the cause */
};

static const struct expr_vector values[] = {
    {"$.a", "{'a':1}", "1"},
    {"$x", "null", "5"},
    {"$$.Id", "null", "'id'"},
    {"States.Array()", "1", "[]"},
    {"States.Array( 1 , -2.5,'a' ,true,false,null , $.x)", "{'x':[{}]}",
	"[1,-2.5,'a',true,false,null,[{}]]"},
    {"States.Array('')", "1", "['']"},
    {"States.Array(9007199254740993, 9223372036854775807, -9223372036854775808)", "1",
	"[9007199254740993,9223372036854775807,-9223372036854775808]"},
    {"States.Array($['a,b'], $.c[?(@.d == 'x)')].d)", "{'a,b':1,'c':[{'d':'x)'}]}", "[1,['x)']]"},
    {"States.ArrayPartition($, 2)", "[1,2,3]", "[[1,2],[3]]"},
    {"States.ArrayPartition($, 1.5)", "[1,2,3]", "[[1],[2],[3]]"},
    {"States.ArrayPartition($, 9223372036854775807)", "[1]", "[[1]]"},
    {"States.ArrayPartition($, 3)", "[]", "[]"},
    {"States.ArrayContains($, 2)", "[1,2]", "true"},
    {"States.ArrayContains($, '2')", "[1,2]", "false"},
    {"States.ArrayContains($, 2)", "['1','2']", "true"},
    {"States.ArrayContains($, true)", "['true']", "true"},
    {"States.ArrayContains($, 2.5)", "['2.5']", "true"},
    {"States.ArrayContains($, 9007199254740991)", "['9007199254740991']", "true"},
    {"States.ArrayContains($, null)", "['null']", "false"},
    {"States.ArrayLength($.a ) \t", "{'a':[1]}", "1"},
    {"$.a ", "{'a':[1]}", "[1]"},
    {"States.ArrayContains($, 2)", "[2.0]", "true"},
    {"States.ArrayContains($, null)", "[]", "false"},
    {"States.ArrayContains($.a, $.b)", "{'a':[{'x':[1]}],'b':{'x':[1]}}", "true"},
    {"States.ArrayRange(1, 9, 2)", "1", "[1,3,5,7,9]"},
    {"States.ArrayRange(9, 1, -4)", "1", "[9,5,1]"},
    {"States.ArrayRange(9, 1, 1)", "1", "[]"},
    {"States.ArrayRange(1, 1, -1)", "1", "[1]"},
    {"States.ArrayRange(0.5, 2.4, 1)", "1", "[0,1,2]"},
    {"States.ArrayRange(1.6, 1.4, 1)", "1", "[1]"},
    {"States.ArrayRange(5.4, -0.6, -2.4)", "1", "[5,3,1]"},
    {"States.ArrayPartition($, 2.6)", "[1,2,3,4]", "[[1,2],[3,4]]"},
    {"States.ArrayGetItem($, 1.9)", "[10,20,30]", "20"},
    {"States.ArrayGetItem($, 7)", "[]", "null"},
    {"States.MathRandom(7.9, 8.9)", "1", "7"},
    {"States.ArrayLength(States.ArrayRange(1, 1000, 1))", "1", "1000"},
    {"States.ArrayRange(-9223372036854775808, 9223372036854775807, 9223372036854775807)", "1",
	"[-9223372036854775808,-1,9223372036854775806]"},
    {"States.ArrayGetItem($, 1)", "[1,{'a':2}]", "{'a':2}"},
    {"States.ArrayLength($)", "[1,[2,3]]", "2"},
    {"States.ArrayUnique($)", "[1,'1',1,1.0,true,[1],[1],{'a':1,'b':2},{'b':2,'a':1},null,null]",
	"[[1],{'a':1,'b':2},null,1,'1',true]"},
    {"States.ArrayUnique($)", "[true,false,true]", "[false,true]"},
    {"States.ArrayUnique($)", "['c','b','a']", "['a','b','c']"},
    {"States.ArrayUnique($)", "[30,20,10,1]", "[1,20,10,30]"},
    {"States.Base64Encode('Data to encode')", "1", "'RGF0YSB0byBlbmNvZGU='"},
    {"States.Base64Decode('RGF0YSB0byBlbmNvZGU=')", "1", "'Data to encode'"},
    {"States.Base64Encode('')", "1", "''"},
    {"States.Base64Decode('')", "1", "''"},
    {"States.Base64Decode('Zm8')", "1", "'fo'"},
    {"States.Base64Decode('Zg')", "1", "'f'"},
    {"States.Base64Decode('ab==cd')", "1", "'i'"},
    {"States.Base64Decode('***')", "1", "''"},
    {"States.Base64Decode('Zm9vY')", "1", "'foo'"},
    {"States.Base64Decode(' Zm 8==')", "1", "'fo'"},
    {"States.Base64Decode('w78_')", "1", "'\xc3\xbf?'"},
    {"States.Base64Decode('QQBC/w==')", "1", "'A\\u0000B\xef\xbf\xbd'"},
    {"States.Hash('input data', 'MD5')", "1", "'812f45842bc6d66ee14572ce20db8e86'"},
    {"States.Hash('input data', 'SHA-1')", "1", "'aaff4a450a104cd177d28d18d74485e8cae074b7'"},
    {"States.Hash($, 'SHA-256')", "{'a':1}",
	"'16f764774c91b93a1e6c8d401cdf1a0108f19fc31ae8733b6fd9b206b0533395'"},
    {"States.Hash($, 'SHA-1')", "{'foo':'bar'}", "'dc2935b70ad43836e2e74df2d9758b1e51397997'"},
    {"States.Hash($, 'SHA-1')", "['foo']", "'8872240bc6bded9428d70b074a49f0e136766238'"},
    {"States.JsonMerge($.a, $.b, false)", "{'a':{'x':{'p':1},'y':1},'b':{'x':{'q':2}}}",
	"{'x':{'q':2},'y':1}"},
    {"States.JsonMerge($.a, $.b, 'false')", "{'a':{'x':1},'b':{'y':2}}", "{'x':1,'y':2}"},
    {"States.StringToJson($)", "'{\\\"a\\\": [1, 2.5]}'", "{'a':[1,2.5]}"},
    {"States.StringToJson('')", "1", "null"},
    {"States.StringToJson($)", "'{\\\"a\\\":1,\\\"b\\\":2,\\\"a\\\":3}'", "{'a':3,'b':2}"},
    {"States.StringToJson(' 9007199254740993 ')", "1", "9007199254740993"},
    {"States.JsonToString($)", "{'a':[1,null,true]}", "'{\\\"a\\\":[1,null,true]}'"},
    {"States.JsonToString($)", "9007199254740993", "'9007199254740993'"},
    {"States.MathAdd(2147483646, 1)", "1", "2147483647"},
    {"States.MathAdd(-2147483648, 0)", "1", "-2147483648"},
    {"States.MathAdd(-3.5, 0)", "1", "-3"},
    {"States.MathAdd(1e3, 2)", "1", "1002"},
    {"States.MathRandom(7, 8)", "1", "7"},
    {"States.MathRandom(-9223372036854775808, -9223372036854775807)", "1", "-9223372036854775808"},
    {"States.StringSplit('a,b;;c', ',;')", "1", "['a','b','c']"},
    {"States.StringSplit('abc', '')", "1", "['abc']"},
    {"States.StringSplit('', ',')", "1", "[]"},
    {"States.StringSplit('a\xc3\xa9\x62\xc3\xa8\x63', '\xc3\xa9')", "1", "['a','b\xc3\xa8\x63']"},
    {"States.Format('plain')", "1", "'plain'"},
    {"States.Format('{} and {}', 1, 'x')", "1", "'1 and x'"},
    {"States.Format('{}{}', true, null)", "1", "'truenull'"},
    {"States.Format('\\{\\} \\\\{} \\'', 1)", "1", "'{} \\\\1 \\u0027'"},
    {"States.Format('\\{ {} \\}', 1)", "1", "'{ 1 }'"},
    {"States.Format('{}', $)", "['x',1,{'a':null}]", "'[\\\"x\\\",1,{\\\"a\\\":null}]'"},
    {"States.Format($.t, 'x')", "{'t':'<{}>'}", "'<x>'"},
    {"States.Format('{}', $)", "{'a':1,'b':[1,'x',{}],'c':{'d':null}}",
	"'{a=1, b=[1,\\\"x\\\",{}], c={d=null}}'"},
    {"States.Format('{}', 9007199254740993)", "1", "'9007199254740993'"},
    {"States.Array('\\'\\{\\}\\\\')", "1", "['\\u0027{}\\\\']"},
    {"States.ArrayGetItem(States.StringSplit(States.Format('{}-{}', 'a', 'b'), '-'), "
     "States.MathAdd(States.ArrayLength(States.Array(1, 2)), -1))",
	"1", "'b'"},
};

struct number_vector {
	double number;
	const char *expected; /* what Java's Double.toString gives */
};

static const struct number_vector numbers[] = {
    {1.0, "1.0"},
    {1.1, "1.1"},
    {-2.5, "-2.5"},
    {0.001, "0.001"},
    {0.0123, "0.0123"},
    {0.0001, "1.0E-4"},
    {1.25e-7, "1.25E-7"},
    {1e10, "1.0E10"},
    {1234567.0, "1234567.0"},
    {9999999.0, "9999999.0"},
    {1e7, "1.0E7"},
    {12345678.5, "1.23456785E7"},
    {100.0, "100.0"},
    {1e300, "1.0E300"},
    {0.1 + 0.2, "0.30000000000000004"},
    {0.0, "0.0"},
    {-0.0, "-0.0"},
    {120.5, "120.5"},
};

static const struct expr_vector failures[] = {
    {"States.ArrayPartition('x', 1)", "1", "argument 1 must be of type array, not string"},
    {"States.ArrayPartition($, 0)", "[1]", "chunk size"},
    {"States.ArrayPartition($, -1)", "[1]", "chunk size"},
    {"States.ArrayPartition($, 0.6)", "[1]", "chunk size"},
    {"States.ArrayPartition($, '1')", "[1]", "argument 2 must be of type number, not string"},
    {"States.ArrayContains(1, 1)", "1", "argument 1"},
    {"States.ArrayRange(1, 2, 0)", "1", "step"},
    {"States.ArrayRange(0, 1000, 1)", "1", "more than 1000"},
    {"States.ArrayRange(-9223372036854775808, 9223372036854775807, 1)", "1", "more than 1000"},
    {"States.ArrayRange(9223372036854775807, -9223372036854775808, -1)", "1", "more than 1000"},
    {"States.ArrayRange('a', 2, 1)", "1", "argument 1"},
    {"States.ArrayRange(1, null, 1)", "1", "argument 2 must be of type number, not null"},
    {"States.ArrayRange(1, 1e30, 1)", "1", "argument 2 is out of range"},
    {"States.ArrayGetItem($, 2)", "[1,2]", "index 2"},
    {"States.ArrayGetItem($, -1)", "[1,2]", "index -1"},
    {"States.ArrayGetItem($, true)", "[1,2]", "argument 2"},
    {"States.ArrayGetItem($, 0)", "{}", "argument 1"},
    {"States.ArrayLength('abc')", "1", "argument 1"},
    {"States.ArrayUnique(null)", "1", "argument 1"},
    {"States.Base64Encode(1)", "1", "argument 1 must be of type string, not number"},
    {"States.Base64Decode($)", "{}", "argument 1"},
    {"States.Hash('x', 'SHA-3')", "1", "'SHA-3'"},
    {"States.Hash('x', 'sha-256')", "1", "'sha-256'"},
    {"States.Hash('x', 1)", "1", "argument 2"},
    {"States.JsonMerge($, 1, false)", "{}", "argument 2 must be of type object, not number"},
    {"States.JsonMerge($, $, true)", "{}", "argument 3 must be false"},
    {"States.JsonMerge($, $, 'true')", "{}", "argument 3 must be false"},
    {"States.StringToJson(1)", "1", "argument 1"},
    {"States.StringToJson('\\{')", "1", "not JSON"},
    {"States.StringToJson('1 2')", "1", "not JSON"},
    {"States.MathAdd('1', 2)", "1", "argument 1"},
    {"States.MathAdd(1, true)", "1", "argument 2 must be of type number, not boolean"},
    {"States.MathAdd(9223372036854775807, 1)", "1", "argument 1 is out of range"},
    {"States.MathAdd(2147483647, 1)", "1", "sum is out of range"},
    {"States.MathAdd(1, 2147483647.5)", "1", "argument 2 is out of range"},
    {"States.MathRandom(1.4, 1.6)", "1", "start number"},
    {"States.MathRandom(2, 1)", "1", "start number"},
    {"States.MathRandom(1, 1)", "1", "start number"},
    {"States.MathRandom('a', 1)", "1", "argument 1"},
    {"States.MathRandom(1, 2, 'a')", "1", "argument 3"},
    {"States.StringSplit(1, ',')", "1", "argument 1"},
    {"States.StringSplit('a', 1)", "1", "argument 2"},
    {"States.Format(1)", "1", "argument 1"},
    {"States.Format('{}')", "1", "do not match the occurrences of {}"},
    {"States.Format('{}{}', 1)", "1", "do not match the occurrences of {}"},
    {"States.Format('{}', 1, 2)", "1", "do not match the occurrences of {}"},
    {"States.Format('\\{\\}', 1)", "1", "do not match the occurrences of {}"},
    {"States.Format('size {')", "1",
	"States.Format('size {'). Invalid template in States.Format: matching '}' not found"},
    {"States.Format('{a} {}', 1)", "1", "matching '}' not found for '{'."},
    {"States.Format('a}')", "1", "matching '{' not found for '}'."},
    {"States.Array(1, States.MathAdd(1, 'x'))", "1",
	"function: States.MathAdd(1, 'x'). Invalid arguments in States.MathAdd: "},
};

static const char *const invalid[] = {
    "",
    "x",
    "1",
    "'x'",
    " $",
    " States.UUID()",
    "States.UUID",
    "States.UUID(",
    "States.UUID()x",
    "States.Xyz($.result)",
    "States.uuid()",
    "states.UUID()",
    "Foo.UUID()",
    "States.UUID(1)",
    "States.MathAdd(1)",
    "States.MathAdd(1,2,3)",
    "States.MathRandom(1)",
    "States.MathRandom(1,2,3,4)",
    "States.Format()",
    "States.ArrayRange(1,2)",
    "States.JsonMerge($, $)",
    "States.Array(1,)",
    "States.Array(,1)",
    "States.Array(1 2)",
    "States.Array('a)",
    "States.Array(\"a\")",
    "States.Array('a\\n')",
    "States.Array('a\\\"')",
    "States.StringToJson('{\"text\":\"An \\\"escaped double quote\\\" here\"}')",
    "States.Array('a\\",
    "States.Array(tru)",
    "States.Array(nulls)",
    "States.Array(1.2.3)",
    "States.Array([1])",
    "States.Array({})",
    "States.Array(@.a)",
    "States.Array($.)",
    "States.Array($.a.lenth())",
    "States.Array(foo)",
    "States.Array ()",
    "States.",
    "States.Array(States.Nope())",
    "$.a $.b",
    "States.Array('\xff')",
    "ipsum",
};

static struct asl_expr *
parse(const char *text)
{
	struct tmf_err err = {0};
	struct asl_expr *expr = asl_expr_parse(str_of(text), &err);

	ck_assert_msg(expr != NULL, "%s: %s", text, tmf_err_text(&err));
	ck_assert_str_eq(asl_expr_text(expr), text);
	return expr;
}

START_TEST(test_values)
{
	const struct expr_vector *vector = &values[_i];
	struct asl_expr *expr = parse(vector->expr);
	struct vector_scope v;
	struct tmf_err err = {0};
	json_t *value = NULL;

	vector_scope_init(&v, vector->input, "{'x':5}", "{'Id':'id'}");
	ck_assert_msg(asl_expr_eval(expr, "f.$", &v.scope, &value, &err) == 0, "%s: %s",
	    vector->expr, tmf_err_text(&err));
	vector_expect(vector->expr, value, vector->expected);
	vector_scope_fini(&v);
	asl_expr_free(expr);
}
END_TEST

START_TEST(test_format_numbers)
{
	const struct number_vector *vector = &numbers[_i];
	struct asl_expr *expr = parse("States.Format('{}', $)");
	struct asl_scope scope = {.input = json_real(vector->number)};
	json_t *value = NULL;

	ck_assert_int_eq(asl_expr_eval(expr, "f.$", &scope, &value, NULL), 0);
	ck_assert_str_eq(json_string_value(value), vector->expected);
	json_decref(value);
	json_decref(scope.input);
	asl_expr_free(expr);
}
END_TEST

START_TEST(test_failures)
{
	const struct expr_vector *vector = &failures[_i];
	struct asl_expr *expr = parse(vector->expr);
	struct vector_scope v;
	struct tmf_err err = {0};
	json_t *value = NULL;

	vector_scope_init(&v, vector->input, NULL, NULL);
	ck_assert_msg(asl_expr_eval(expr, "f.$", &v.scope, &value, &err) < 0, "%s", vector->expr);
	ck_assert_ptr_null(value);
	ck_assert_str_eq(err.name, "States.Runtime");
	ck_assert_msg(strncmp(tmf_err_text(&err),
			  "There was an error while evaluating the intrinsic function: ", 60) == 0,
	    "%s", tmf_err_text(&err));
	ck_assert_msg(strstr(tmf_err_text(&err), vector->expected) != NULL, "%s: %s", vector->expr,
	    tmf_err_text(&err));
	tmf_err_fini(&err);
	vector_scope_fini(&v);
	asl_expr_free(expr);
}
END_TEST

START_TEST(test_invalid)
{
	struct tmf_err err = {0};

	ck_assert_msg(asl_expr_parse(str_of(invalid[_i]), &err) == NULL, "%s", invalid[_i]);
	ck_assert_int_eq(err.code, TMF_ERR_INVALID);
	ck_assert_str_ne(tmf_err_text(&err), "");
	tmf_err_fini(&err);
}
END_TEST

START_TEST(test_hint)
{
	struct tmf_err err = {0};

	ck_assert_ptr_null(asl_expr_parse(STR("States.ArrayUniqe($)"), &err));
	ck_assert_ptr_nonnull(strstr(tmf_err_text(&err),
	    "unknown function States.ArrayUniqe; did you mean States.ArrayUnique?"));
	tmf_err_fini(&err);
}
END_TEST

START_TEST(test_not_found)
{
	struct vector_scope v;
	struct tmf_err err = {0};
	json_t *value = NULL;
	struct asl_expr *path = parse("$.no");
	struct asl_expr *call = parse("States.Format('{}', States.ArrayLength($.nope))");

	vector_scope_init(&v, "{'a':'x'}", NULL, NULL);
	ck_assert_int_lt(asl_expr_eval(path, "value.$", &v.scope, &value, &err), 0);
	ck_assert_str_eq(err.name, "States.Runtime");
	ck_assert_str_eq(tmf_err_text(&err),
	    "The JSONPath '$.no' specified for the field 'value.$' "
	    "could not be found in the input '{\"a\":\"x\"}'");
	ck_assert_int_lt(asl_expr_eval(call, "value.$", &v.scope, &value, &err), 0);
	ck_assert_str_eq(err.name, "States.Runtime");
	ck_assert_str_eq(tmf_err_text(&err),
	    "The function 'States.Format('{}', States.ArrayLength($.nope))' had the following "
	    "error: The JsonPath argument for the field '$.nope' could not be found in the input "
	    "'{\"a\":\"x\"}'");
	ck_assert_ptr_nonnull(asl_expr_path(path));
	ck_assert_ptr_null(asl_expr_path(call));
	tmf_err_fini(&err);
	vector_scope_fini(&v);
	asl_expr_free(call);
	asl_expr_free(path);
}
END_TEST

/* Repeats part count times between head and tail; the caller frees. */
static char *
repeat(const char *head, const char *part, size_t count, const char *tail)
{
	struct buf text = {0};

	buf_add_cstr(&text, head);
	for (size_t i = 0; i < count; i++)
		buf_add_cstr(&text, part);
	buf_add_cstr(&text, tail);
	return buf_take(&text);
}

START_TEST(test_limits_of_the_text)
{
	char *long_text = repeat("States.Array('", "a", ASL_EXPR_BYTES_MAX, "')");
	char *many = repeat("States.Array(1", ",1", ASL_EXPR_ARGS_MAX, ")");
	char *deep = repeat("", "States.Array(", ASL_EXPR_DEPTH_MAX + 1, "");
	char *closed = repeat(deep, ")", ASL_EXPR_DEPTH_MAX + 1, "");
	char *inner = repeat("", "States.Array(", ASL_EXPR_DEPTH_MAX, "");
	char *fits = repeat(inner, ")", ASL_EXPR_DEPTH_MAX, "");

	ck_assert_ptr_null(asl_expr_parse(str_of(long_text), NULL));
	ck_assert_ptr_null(asl_expr_parse(str_of(many), NULL));
	ck_assert_ptr_null(asl_expr_parse(str_of(closed), NULL));
	ck_assert_ptr_null(asl_expr_parse((struct str){"$.a\0b", 5}, NULL));
	asl_expr_free(parse(fits));
	free(fits);
	free(inner);
	free(closed);
	free(deep);
	free(many);
	free(long_text);
}
END_TEST

static void
expect_failure(const char *text, json_t *input)
{
	struct asl_expr *expr = parse(text);
	struct asl_scope scope = {.input = input};
	struct tmf_err err = {0};
	json_t *value = NULL;

	ck_assert_int_lt(asl_expr_eval(expr, "f.$", &scope, &value, &err), 0);
	ck_assert_str_eq(err.name, "States.Runtime");
	tmf_err_fini(&err);
	asl_expr_free(expr);
}

/* Base64 and Hash count characters, not bytes. */
START_TEST(test_limits_of_values)
{
	char *most = repeat("", "\xc3\xa9", ASL_HASH_BYTES_MAX, "");
	char *more = repeat(most, "a", 1, "");
	char *big = repeat("", "0123456789abcdef", 1 << 16, "");
	struct asl_expr *encode = parse("States.Base64Encode($)");
	struct asl_scope scope = {.input = json_string(most)};
	json_t *value = NULL;
	json_t *input = json_string(more);

	ck_assert_int_eq(asl_expr_eval(encode, "f.$", &scope, &value, NULL), 0);
	json_decref(value);
	expect_failure("States.Base64Encode($)", input);
	expect_failure("States.Base64Decode($)", input);
	expect_failure("States.Hash($, 'MD5')", input);
	json_decref(input);
	input = json_pack("[ss]", big, big);
	expect_failure("States.Format('{}{}{}', $[0], $[1], $[0])", input);
	expect_failure("States.JsonToString(States.Array($, $))", input);
	expect_failure("States.Hash($, 'MD5')", input);
	json_decref(input);
	asl_expr_free(encode);
	json_decref(scope.input);
	free(big);
	free(more);
	free(most);
}
END_TEST

static char *
eval_string(const char *text, struct asl_scope *scope)
{
	struct asl_expr *expr = parse(text);
	json_t *value = NULL;
	char *result;

	ck_assert_int_eq(asl_expr_eval(expr, "f.$", scope, &value, NULL), 0);
	result = jsonx_text(value);
	json_decref(value);
	asl_expr_free(expr);
	return result;
}

START_TEST(test_random)
{
	struct vector_scope v;
	char *a;
	char *b;

	vector_scope_init(&v, "1", NULL, NULL);
	a = eval_string("States.MathRandom(0, 1000000000, 7)", &v.scope);
	b = eval_string("States.MathRandom(0, 1000000000, 7)", &v.scope);
	ck_assert_str_eq(a, b);
	free(b);
	b = eval_string("States.MathRandom(0, 1000000000, 8)", &v.scope);
	ck_assert_str_ne(a, b);
	free(a);
	free(b);
	for (int i = 0; i < 1000; i++) {
		a = eval_string("States.MathRandom(-3, 2)", &v.scope);
		ck_assert(atoi(a) >= -3 && atoi(a) < 2);
		free(a);
	}
	vector_scope_fini(&v);
}
END_TEST

START_TEST(test_uuid)
{
	static const char form[] = "\"xxxxxxxx-xxxx-4xxx-vxxx-xxxxxxxxxxxx\"";
	struct vector_scope v;
	char *a;
	char *b;

	vector_scope_init(&v, "1", NULL, NULL);
	a = eval_string("States.UUID()", &v.scope);
	b = eval_string("States.UUID()", &v.scope);
	ck_assert_str_ne(a, b);
	ck_assert_uint_eq(strlen(a), strlen(form));
	for (size_t i = 0; i < strlen(form); i++) {
		const char *allowed = form[i] == 'x'   ? "0123456789abcdef"
				      : form[i] == 'v' ? "89ab"
						       : (char[]){form[i], '\0'};

		ck_assert_msg(strchr(allowed, a[i]) != NULL, "%s at %zu", a, i);
	}
	free(a);
	free(b);
	vector_scope_fini(&v);
}
END_TEST

/* What a recorded case may use to be one for this test. */
static const char *const corpus_features[] = {"Comment", "Pass", "Parameters", "ContextObject",
    "error:States.Runtime", "intrinsic:", "path:", NULL};

struct corpus_tally {
	int evaluated;
	int jsonata;
};

static bool
is_ours(json_t *features)
{
	bool templated = false;
	json_t *feature;
	size_t i;

	json_array_foreach (features, i, feature) {
		const char *const *known = corpus_features;

		while (*known != NULL &&
		       strncmp(json_string_value(feature), *known, strlen(*known)) != 0)
			known++;
		if (*known == NULL)
			return false;
		templated |= strcmp(json_string_value(feature), "Parameters") == 0;
	}
	return templated;
}

/* The names and ARNs are those that stand in the recordings for the real ones. */
static json_t *
corpus_context_new(json_t *input)
{
	return json_pack("{s:{s:s, s:O, s:s, s:s, s:s}, s:{s:s, s:s}}", "Execution", "Id",
	    "arn:<partition>:states:<region>:111111111111:execution:<ArnPart_0idx>:"
	    "<ExecArnPart_0idx>",
	    "Input", input, "Name", "<ExecArnPart_0idx>", "RoleArn", "snf_role_arn", "StartTime",
	    "2026-01-15T12:00:00.000Z", "StateMachine", "Id",
	    "arn:<partition>:states:<region>:111111111111:stateMachine:<ArnPart_0idx>", "Name",
	    "<ArnPart_0idx>");
}

static json_t *
corpus_context(void *arg)
{
	return arg;
}

/* The recorded cause without what the engine puts in front, up to the place where the recording
 * hides the input. */
static void
expect_cause(const char *id, const char *recorded, const char *cause)
{
	const char *text = strstr(recorded, "). ");
	const char *hidden;

	text = text != NULL ? text + 3 : recorded;
	hidden = strstr(text, "<json-input");
	ck_assert_msg(
	    strncmp(cause, text, hidden != NULL ? (size_t)(hidden - text) : strlen(text) + 1) == 0,
	    "%s: %s", id, cause);
}

static void
check_case(json_t *corpus_case, json_t *parameters)
{
	const char *id = jsonx_get_string(corpus_case, "id");
	json_t *expect = json_object_get(corpus_case, "expect");
	json_t *input = json_object_get(corpus_case, "input");
	json_t *context = corpus_context_new(input);
	struct rng rng;
	struct asl_scope scope = {
	    .input = input, .context = corpus_context, .context_arg = context, .rng = &rng};
	struct diag_list diags;
	struct asl_template *tmpl;
	struct tmf_err err = {0};
	json_t *output = NULL;

	rng_seed(&rng, 1);
	diag_list_init(&diags, NULL);
	tmpl = asl_template_compile(parameters, "/States/X/Parameters", &diags);
	ck_assert_msg(tmpl != NULL, "%s", id);
	if (asl_template_eval(tmpl, &scope, &output, &err) < 0) {
		ck_assert_msg(
		    jsonx_get_string(expect, "error") != NULL, "%s: %s", id, tmf_err_text(&err));
		ck_assert_str_eq(err.name, jsonx_get_string(expect, "error"));
		expect_cause(id, jsonx_get_string(expect, "cause"), tmf_err_text(&err));
	} else if (json_array_size(json_object_get(corpus_case, "volatile")) == 0 ||
		   vector_has(json_object_get(corpus_case, "features"), "ContextObject")) {
		ck_assert_msg(jsonx_same(output, json_object_get(expect, "output")), "%s", id);
	}
	tmf_err_fini(&err);
	json_decref(output);
	asl_template_free(tmpl);
	diag_list_fini(&diags);
	json_decref(context);
}

/* The Parameters of the only state, or NULL where there are more states or none. */
static json_t *
only_parameters(json_t *corpus_case)
{
	json_t *states = json_object_get(json_object_get(corpus_case, "definition"), "States");

	if (json_object_size(states) != 1)
		return NULL;
	return json_object_get(json_object_iter_value(json_object_iter(states)), "Parameters");
}

static void
try_case(void *arg, json_t *corpus_case)
{
	struct corpus_tally *tally = arg;
	json_t *parameters = only_parameters(corpus_case);

	if (vector_has(json_object_get(corpus_case, "features"), "JSONata")) {
		tally->jsonata++;
	} else if (parameters != NULL && is_ours(json_object_get(corpus_case, "features"))) {
		check_case(corpus_case, parameters);
		tally->evaluated++;
	}
}

START_TEST(test_recordings)
{
	struct corpus_tally tally = {0};

	if (vector_each_case(TEST_SHARED_DIR "/asl-conformance/execution", try_case, &tally) == 0)
		return;
	printf("%d recorded templates evaluated as AWS did, %d cases in JSONata skipped\n",
	    tally.evaluated, tally.jsonata);
	ck_assert_int_gt(tally.evaluated, 50);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int
main(void)
{
	Suite *suite = suite_create("asl_expr");
	TCase *tcase = tcase_create("expr");
	int failed;

	tcase_add_loop_test(tcase, test_values, 0, COUNT(values));
	tcase_add_loop_test(tcase, test_format_numbers, 0, COUNT(numbers));
	tcase_add_loop_test(tcase, test_failures, 0, COUNT(failures));
	tcase_add_loop_test(tcase, test_invalid, 0, COUNT(invalid));
	tcase_add_test(tcase, test_hint);
	tcase_add_test(tcase, test_not_found);
	tcase_add_test(tcase, test_limits_of_the_text);
	tcase_add_test(tcase, test_limits_of_values);
	tcase_add_test(tcase, test_random);
	tcase_add_test(tcase, test_uuid);
	tcase_add_test(tcase, test_recordings);
	suite_add_tcase(suite, tcase);
	failed = run_suite(suite);
	return failed == 0 ? 0 : 1;
}
