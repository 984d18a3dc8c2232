/* The functions that count their steps give what Lua's own give: the same program, written in Lua
 * and seeded, runs in the sandbox and in a plain state, and prints the same. */

#include "base/mem.h"
#include "script/script.h"

#include "run_suite.h"

#include <check.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 400 /* seeds of each program */

/* Patterns of all items, well-formed or not, on texts of the same few letters. */
static const char patterns[] =
    "local seed\n"
    "local function rnd(n) seed = (seed * 1103515245 + 12345) % 2147483648\n"
    "  return seed // 65536 % n + 1 end\n"
    "local function pick(t) return t[rnd(#t)] end\n"
    "local letters = {'a', 'a', 'b', 'c', 'A', '_', '1', ' ', '(', ')', '-', '\\0', ']', '^', "
    "'%'}\n"
    "local items = {'a', 'b', '.', '%a', '%d', '%w', '%S', '%L', '[ab]', '[^a]', '[a-c]', "
    "'[%a_]',\n"
    "  '[]a]', '[^]]', '[a-]', '[%]%-]', '[%', '[a', '[^', '%(', '%1', '%2', '(', ')', '()', '(', "
    "')',\n"
    "  '%b()', '%bab', '%b', '%f[%a]', '%f[^a]', '%f', '%g', '%p', '%x', '\\0', '^', '$', '%%', "
    "'%',\n"
    "  '%z', '-', '*'}\n"
    "local repeats = {'', '', '', '', '*', '+', '-', '?'}\n"
    "local function text(n) local t = {} for i = 1, rnd(n) - 1 do t[i] = pick(letters) end\n"
    "  return table.concat(t) end\n"
    "local function pattern() local t = {}\n"
    "  if rnd(6) == 1 then t[1] = '^' end\n"
    "  for i = 1, rnd(6) do t[#t + 1] = pick(items) .. pick(repeats) end\n"
    "  if rnd(6) == 1 then t[#t + 1] = '$' end\n"
    "  return table.concat(t) end\n"
    "local out\n"
    "local function show(...)\n"
    "  for i = 1, select('#', ...) do out[#out + 1] = tostring((select(i, ...))) end end\n"
    "local function all(s, p, ...) local n = 0\n"
    "  for a, b in s:gmatch(p, ...) do show(a, b) n = n + 1 if n > 30 then break end end end\n"
    "return {f = function(from)\n"
    "  seed = from\n"
    "  out = {}\n"
    "  for _ = 1, 20 do\n"
    "    local s, p = text(16), pattern()\n"
    "    show('|', s, p)\n"
    "    show(pcall(string.find, s, p))\n"
    "    show(pcall(string.find, s, p, rnd(24) - 12, rnd(4) == 1))\n"
    "    show(pcall(string.match, s, p, rnd(24) - 12))\n"
    "    show(pcall(string.match, s, p))\n"
    "    show(pcall(all, s, p))\n"
    "    show(pcall(all, s, p, rnd(24) - 12))\n"
    "    show(pcall(string.gsub, s, p, pick{'x', '<%0>', '%1', '%2%1', '%%', '%', '%q', ''}))\n"
    "    show(pcall(string.gsub, s, p, {a = 'A', b = 1, c = false, ab = {}}, rnd(4) - 1))\n"
    "    show(pcall(string.gsub, s, p, function(x, y) if y then return y end\n"
    "      if x == 'a' then return x .. x elseif x == 'b' then return false end end))\n"
    "    show(pcall(string.gsub, s, p, true))\n"
    "    show(pcall(string.rep, s, rnd(5) - 2, pick{'', ',', nil}))\n"
    "  end\n"
    "  return table.concat(out, ';')\n"
    "end}\n";

/* Lists with all functions of `table` that go over one, by arguments in and out of bounds. */
static const char lists[] =
    "local seed\n"
    "local function rnd(n) seed = (seed * 1103515245 + 12345) % 2147483648\n"
    "  return seed // 65536 % n + 1 end\n"
    "local out\n"
    "local function show(...)\n"
    "  for i = 1, select('#', ...) do out[#out + 1] = tostring((select(i, ...))) end end\n"
    "local function list(n, texts) local t = {}\n"
    "  for i = 1, rnd(n) - 1 do t[i] = texts and ('k' .. rnd(30)) or rnd(30) end return t end\n"
    "local function show_list(t) for i = -2, 40 do show(t[i]) end end\n"
    "local function proxy(t) return setmetatable({}, {__index = t, __newindex = t,\n"
    "  __len = function() return #t end, __eq = function() return true end}) end\n"
    "return {f = function(from)\n"
    "  seed = from\n"
    "  out = {}\n"
    "  for _ = 1, 12 do\n"
    "    local t = list(12, rnd(2) == 1)\n"
    "    local seen = rnd(3) == 1 and proxy(t) or t\n"
    "    show('|', pcall(table.insert, seen, 7)) show_list(t)\n"
    "    show(pcall(table.insert, seen, rnd(16) - 2, 8)) show_list(t)\n"
    "    show(pcall(table.insert, seen, 1, 2, 3))\n"
    "    show(pcall(table.insert, seen))\n"
    "    show(pcall(table.remove, seen)) show_list(t)\n"
    "    show((pcall(table.remove, seen, rnd(16) - 2))) show_list(t)\n"
    "    show(pcall(table.concat, seen, rnd(2) == 1 and ',' or nil))\n"
    "    show(pcall(table.concat, seen, '-', rnd(14) - 2, rnd(14) - 2))\n"
    "    show(pcall(table.concat, {1, {}, 3}))\n"
    "    show(pcall(table.concat, seen, '-', math.maxinteger, math.maxinteger))\n"
    "    show(pcall(table.unpack, seen))\n"
    "    show(pcall(table.unpack, seen, rnd(14) - 2, rnd(14) - 2))\n"
    "    show(pcall(table.unpack, seen, 1, 1e8))\n"
    "    show(pcall(table.unpack, seen, math.mininteger, math.maxinteger))\n"
    "    show((pcall(table.move, seen, rnd(14) - 2, rnd(14) - 2, rnd(14) - 2))) show_list(t)\n"
    "    local other = list(6)\n"
    "    show((pcall(table.move, seen, rnd(14) - 2, rnd(14) - 2, rnd(14) - 2, other)))\n"
    "    show_list(other)\n"
    "    show((pcall(table.move, seen, 1, math.maxinteger, 2)))\n"
    "    show((pcall(table.move, t, rnd(5), rnd(9), rnd(9), proxy(t)))) show_list(t)\n"
    "    local sorted = list(30, rnd(2) == 1)\n"
    "    show(pcall(table.sort, rnd(3) == 1 and proxy(sorted) or sorted)) show_list(sorted)\n"
    "    show(pcall(table.sort, sorted, function(a, b) return a > b end)) show_list(sorted)\n"
    "    show((pcall(table.sort, {3, 'x', 1})), (pcall(table.sort, sorted, 1)))\n"
    "  end\n"
    "  return table.concat(out, ';')\n"
    "end}\n";

/* What the program's f gives for the seed in a state with Lua's own libraries. */
static char *
stock_result(const char *source, int seed, size_t *ret_len)
{
	lua_State *L = luaL_newstate();
	char *text;

	luaL_openlibs(L);
	ck_assert_msg(luaL_loadbuffer(L, source, strlen(source), "@program") == LUA_OK &&
			  lua_pcall(L, 0, 1, 0) == LUA_OK,
	    "%s", lua_tostring(L, -1));
	lua_getfield(L, -1, "f");
	lua_pushinteger(L, seed);
	ck_assert_msg(lua_pcall(L, 1, 1, 0) == LUA_OK, "%s", lua_tostring(L, -1));
	text = mem_strndup(lua_tostring(L, -1), lua_rawlen(L, -1));
	*ret_len = lua_rawlen(L, -1);
	lua_close(L);
	return text;
}

static void
compare(const char *source, int seed)
{
	struct tmf_err err = {0};
	struct script *script = script_new("program", str_of(source), &err);
	json_t *results[SCRIPT_RESULTS_MAX];
	json_t *arg = json_integer(seed);
	size_t len;
	size_t same = 0;
	char *wanted = stock_result(source, seed, &len);
	const char *got;

	ck_assert_msg(script != NULL, "%s", tmf_err_text(&err));
	ck_assert_msg(script_call(script, "f", &arg, 1, results, &err) == 0, "seed %d: %s", seed,
	    tmf_err_text(&err));
	got = json_string_value(results[0]);
	while (same < len && got[same] == wanted[same])
		same++;
	/* A NUL would end the message. */
	for (size_t i = 0; i < same; i++)
		wanted[i] = wanted[i] == '\0' ? '0' : wanted[i];
	ck_assert_msg(same == len && json_string_length(results[0]) == len,
	    "seed %d: %.300s ends in %.40s, not %.40s", seed,
	    wanted + (same > 300 ? same - 300 : 0), got + same, wanted + same);
	for (size_t i = 0; i < SCRIPT_RESULTS_MAX; i++)
		json_decref(results[i]);
	json_decref(arg);
	script_free(script);
	free(wanted);
}

START_TEST(patterns_match_as_in_lua)
{
	for (int seed = 1; seed <= ROUNDS; seed++)
		compare(patterns, seed * 7919);
}
END_TEST

START_TEST(lists_are_as_in_lua)
{
	for (int seed = 1; seed <= ROUNDS; seed++)
		compare(lists, seed * 7919);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("script_stock");
	TCase *tests = tcase_create("stock");

	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, patterns_match_as_in_lua);
	tcase_add_test(tests, lists_are_as_in_lua);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
