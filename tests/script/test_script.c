#include "base/jsonx.h"
#include "base/watchdog.h"
#include "script/script.h"

#include "run_suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct script *
script_of(const char *source)
{
	struct tmf_err err = {0};
	struct script *script = script_new("hook.lua", str_of(source), &err);

	ck_assert_msg(script != NULL, "%s", tmf_err_text(&err));
	return script;
}

/* Calls f(arg) and gives both results as one JSON text, or the error's text. */
static char *
call(struct script *script, const char *arg_text)
{
	json_t *results[SCRIPT_RESULTS_MAX];
	struct tmf_err err = {0};
	json_t *arg = jsonx_parse(str_of(arg_text), &err);
	json_t *both = json_array();
	char *text;

	ck_assert_msg(arg != NULL, "%s", tmf_err_text(&err));
	if (script_call(script, "f", &arg, 1, results, &err) < 0) {
		ck_assert_int_eq(err.code, TMF_ERR_HOOK);
		text = strdup(tmf_err_text(&err));
	} else {
		for (size_t i = 0; i < SCRIPT_RESULTS_MAX; i++)
			json_array_append_new(both, results[i]);
		struct buf sorted = {0}; /* Lua's tables have no order */

		jsonx_write_canonical(both, &sorted);
		text = buf_take(&sorted);
	}
	json_decref(both);
	json_decref(arg);
	tmf_err_fini(&err);
	return text;
}

static void
gives(const char *source, const char *arg, const char *wanted)
{
	struct script *script = script_of(source);
	char *got = call(script, arg);

	ck_assert_str_eq(got, wanted);
	free(got);
	script_free(script);
}

/* The call fails with a text that holds part, and the script can be called again. */
static void
fails(const char *body, const char *part)
{
	struct buf source = {0};

	buf_printf(
	    &source, "return {f = function(a) if a == 1 then %s end return 'fine' end}", body);
	struct script *script = script_of(buf_cstr(&source));
	char *got = call(script, "1");
	ck_assert_msg(strstr(got, part) != NULL, "%s: %s", body, got);
	free(got);
	got = call(script, "2");
	ck_assert_str_eq(got, "[\"fine\",null]");
	free(got);
	script_free(script);
	buf_fini(&source);
}

START_TEST(values_cross_over)
{
	gives("return {f = function(v) return v, v.a[2] end}",
	    "{\"a\":[1,2.5,\"x\"],\"b\":true,\"c\":{\"d\":-1}}",
	    "[{\"a\":[1,2.5,\"x\"],\"b\":true,\"c\":{\"d\":-1}},2.5]");
	gives("return {f = function(v) return v.missing == nil, #v.list end}",
	    "{\"missing\":null,\"list\":[]}", "[true,0]");
	gives("return {f = function(v) return v.n + 1, 'z\\u{e9}' end}", "{\"n\":9007199254740993}",
	    "[9007199254740994,\"z\xc3\xa9\"]");
	gives("return {f = function() end}", "0", "[null,null]");
}
END_TEST

START_TEST(pure_libraries_are_there)
{
	gives("return {f = function(s) return s:match('^web%-(%d+)'), string.format('%03d', "
	      "math.max(1, 7)) end}",
	    "\"web-42.prod\"", "[\"42\",\"007\"]");
	gives("return {f = function(t) table.sort(t) return table.concat(t, ','), "
	      "utf8.len('\xc3\xa9') end}",
	    "[3,1,2]", "[\"1,2,3\",1]");
}
END_TEST

START_TEST(nothing_reaches_outside)
{
	static const char *const absent[] = {"io", "os", "package", "require", "debug", "load",
	    "loadfile", "dofile", "coroutine", "collectgarbage", "print", "string.dump"};

	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
		struct buf source = {0};

		buf_printf(&source, "return {f = function() return %s == nil end}", absent[i]);
		gives(buf_cstr(&source), "0", "[true,null]");
		buf_fini(&source);
	}
}
END_TEST

START_TEST(bytecode_is_refused)
{
	struct tmf_err err = {0};

	ck_assert_ptr_null(script_new("b.luac", (struct str){"\x1bLua\x54", 5}, &err));
	ck_assert_ptr_nonnull(strstr(tmf_err_text(&err), "binary chunk"));
	tmf_err_fini(&err);
}
END_TEST

START_TEST(faults_end_the_call_only)
{
	fails("error('mine')", "hook.lua:1: mine");
	fails("error({})", "not text");
	fails("local x = nil; x.y = 1", "attempt to index a nil value");
	fails("return function() end", "JSON has no functions");
	fails("local t = {} t.t = t return t", "nested too deep");
	fails("return {1, 2, x = 3}", "mixes");
	fails("return 1/0", "infinite");
	fails("return '\\xff'", "UTF-8");
	fails("local function r() return 1 + r() end r()", "memory");
}
END_TEST

START_TEST(time_and_memory_are_bounded)
{
	fails("while true do end", "instructions");
	fails("while true do pcall(function() while true do end end) end", "instructions");
	fails("repeat pcall(error) until false", "instructions");
	fails("local t = {} for i = 1, 1e9 do t[i] = {} end", "");
	fails("local s = ('x'):rep(1e9)", "not enough memory");
	fails("local s = 'x' while true do s = s .. s end", "not enough memory");
	fails("return ('a'):rep(30000):find('.-.-.-.-b')", "instructions");
	fails("setmetatable(_G, {__index = function() while true do end end}) return undefined",
	    "instructions");
}
END_TEST

/* Functions in C are not interrupted by the count of instructions: each that could run on counts
 * for itself, or takes a time that is linear in its texts. */
START_TEST(functions_in_c_are_bounded)
{
	static const char *const bodies[] = {
	    "table.move({}, 1, 1 << 60, 2)",
	    "table.concat(setmetatable({}, {__index = function() return '' end}), '', 1, 1 << 60)",
	    "table.insert(setmetatable({}, {__len = function() return 1 << 50 end}), 1, 1)",
	    "table.remove(setmetatable({}, {__len = function() return 1 << 50 end}), 1)",
	    "table.sort(setmetatable({}, {__len = function() return 1 << 30 end}), rawequal)",
	    "('('):rep(4000000):find('%b()')",
	    "local s = ('a'):rep(5000) pcall(function() while true do s:find('.-b') end end) "
	    "while true do s:find('.-b') end",
	    "local n = 48 return ('a'):rep(n):match(('a?'):rep(n) .. ('a'):rep(n))",
	    "local s = ('^'):rep(4000) for m in s:gmatch('^.-.-x') do end",
	    "('a'):rep(4000):gsub('.-.-x', '')",
	    "local s = ('a'):rep(4000000) local t = {} for i = 1, 131072 do t[i] = s end "
	    "table.sort(t)",
	    "local t = {} for i = 1, 1900 do t = setmetatable({}, {__index = t}) end "
	    "table.sort(setmetatable({}, {__index = t, __len = function() return 1 << 20 end}), "
	    "function() return false end)",
	    "local s = ('a'):rep(4000000) while true do s:upper() end",
	    "local s = ('%'):rep(4000000) while true do s:rep(1) end",
	    "while true do string.packsize(('x'):rep(1000000)) end",
	    "local s = ('9'):rep(4000000) while true do tonumber(s) end",
	    "local s = ('a'):rep(4000000) while true do utf8.len(s) end",
	};

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		fails(bodies[i], "instructions");
	fails("table.move({}, math.mininteger, math.maxinteger, 2)", "too many elements");
	gives("return {f = function() return ('').rep('', 1 << 60) end}", "1", "[\"\",null]");
	gives("return {f = function() return ('^'):rep(4000000):find(('^'):rep(2000000) .. 'x', 1, "
	      "true) end}",
	    "1", "[null,null]");
}
END_TEST

/* What the watchdog ends has a name of its own, and the script can be called again. */
START_TEST(the_watchdog_ends_a_call)
{
	struct script *script = script_of("return {f = function() while true do end end, "
					  "g = function() return 1 end}");
	json_t *results[SCRIPT_RESULTS_MAX];
	struct tmf_err err = {0};

	watchdog_begin();
	watchdog_expire();
	ck_assert_int_eq(script_call(script, "f", NULL, 0, results, &err), -1);
	ck_assert_str_eq(err.name, "TMFlow.Timeout");
	watchdog_begin();
	ck_assert_int_eq(script_call(script, "g", NULL, 0, results, &err), 0);
	watchdog_end();
	for (size_t i = 0; i < SCRIPT_RESULTS_MAX; i++)
		json_decref(results[i]);
	script_free(script);
	tmf_err_fini(&err);
}
END_TEST

/* Finalisers run without a count, also when the state is closed. */
START_TEST(finalisers_are_refused)
{
	fails("setmetatable({}, {__gc = function() while true do end end})", "__gc");
	fails("setmetatable({}, {__gc = true})", "__gc");
	gives("return {f = function() local m = {} local t = setmetatable({}, m) m.__gc = "
	      "function() while true do end end t = nil return 'set too late' end}",
	    "0", "[\"set too late\",null]");
	gives("return {f = function() return getmetatable(setmetatable({}, {__index = {a = "
	      "1}})).__index.a, setmetatable({}, nil) end}",
	    "0", "[1,[]]");
}
END_TEST

/* What crosses over is bounded too: a table that holds another one twice, and so on, would fill
 * any memory. */
START_TEST(results_are_bounded)
{
	fails("local t = {} for i = 1, 60 do t = {t, t} end return t", "too large");
	fails(
	    "local s, t = ('x'):rep(1e6), {} for i = 1, 1e4 do t[i] = s end return t", "too large");
	fails("local k, t = ('k'):rep(9e5), {} for i = 1, 9 do t[i] = {[k] = 1} end return t",
	    "too large");
	fails("return {}, ('x'):rep(2e6)", "too large");
	fails("local t = {} for i = 0, 40 do t[1 << i] = i end return t", "");
}
END_TEST

START_TEST(files_that_do_not_load)
{
	static const struct {
		const char *source;
		const char *part;
	} cases[] = {
	    {"return {", "hook.lua:1:"},
	    {"return 1", "must return a table"},
	    {"error('at start')", "at start"},
	    {"while true do end", "instructions"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tmf_err err = {0};

		ck_assert_ptr_null(script_new("hook.lua", str_of(cases[i].source), &err));
		ck_assert_int_eq(err.code, TMF_ERR_HOOK);
		ck_assert_msg(
		    strstr(tmf_err_text(&err), cases[i].part) != NULL, "%s", tmf_err_text(&err));
		tmf_err_fini(&err);
	}
}
END_TEST

START_TEST(functions_are_found_by_name)
{
	struct script *script = script_of("return {match = function() end, priority = 7}");

	ck_assert(script_has(script, "match"));
	ck_assert(!script_has(script, "priority"));
	ck_assert(!script_has(script, "eligible"));
	script_free(script);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("script");
	TCase *tests = tcase_create("script");

	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, values_cross_over);
	tcase_add_test(tests, pure_libraries_are_there);
	tcase_add_test(tests, nothing_reaches_outside);
	tcase_add_test(tests, bytecode_is_refused);
	tcase_add_test(tests, faults_end_the_call_only);
	tcase_add_test(tests, time_and_memory_are_bounded);
	tcase_add_test(tests, functions_in_c_are_bounded);
	tcase_add_test(tests, the_watchdog_ends_a_call);
	tcase_add_test(tests, finalisers_are_refused);
	tcase_add_test(tests, results_are_bounded);
	tcase_add_test(tests, files_that_do_not_load);
	tcase_add_test(tests, functions_are_found_by_name);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
