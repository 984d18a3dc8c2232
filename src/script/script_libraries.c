#include "script/script_internal.h"

#include "script/script.h"

#include <lauxlib.h>
#include <lualib.h>
#include <string.h>

/* What a script may not have: everything that loads code, reaches out of the sandbox, or escapes
 * its bounds. */
static const char *const taken_globals[] = {
    "dofile", "loadfile", "load", "require", "collectgarbage", "print", "warn"};
#define PATTERN_SHOWN_MAX 200 /* in a message */

static const char *const taken_string[] = {"dump"};

/* By name from the table on the stack: what a script cannot reach it cannot call. */
static void
library_remove(lua_State *L, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		lua_pushnil(L);
		lua_setfield(L, -2, names[i]);
	}
}

/* --- functions in C that could run on: an instruction count does not interrupt them, so what would
 * take too long is refused beforehand --- */

/* Calls the function of the library, which stands in upvalue 1, with the same arguments. */
static int
bounded_call(lua_State *L)
{
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
	return lua_gettop(L);
}

/* How many ways a pattern can divide its subject: one factor of its length for each item that may
 * repeat, or looks for its other end. */
static int
count_repeats(const char *pattern, size_t len)
{
	int repeats = 0;

	for (size_t i = 0; i < len; i++) {
		if (pattern[i] == '%')
			repeats += i + 1 < len && pattern[++i] == 'b';
		else if (strchr("*+-", pattern[i]) != NULL)
			repeats++;
	}
	return repeats;
}

/* find, match, gmatch, gsub: the matcher backtracks. */
static int
bounded_match(lua_State *L)
{
	size_t subject_len;
	size_t pattern_len;

	script_check_budget(L);
	luaL_checklstring(L, 1, &subject_len);
	const char *pattern = luaL_checklstring(L, 2, &pattern_len);
	int repeats = count_repeats(pattern, pattern_len) + (pattern[0] == '^' ? 0 : 1);
	double steps = (double)pattern_len;
	for (int i = 0; i < repeats && steps <= SCRIPT_PATTERN_STEPS_MAX; i++)
		steps *= (double)(subject_len + 1);
	if (steps > SCRIPT_PATTERN_STEPS_MAX)
		return luaL_error(L, "the pattern '%s' may take too long on a text of %d bytes",
		    pattern_len <= PATTERN_SHOWN_MAX ? pattern : "...", (int)subject_len);
	return bounded_call(L);
}

/* An empty text can be repeated without end and without memory. */
static int
bounded_rep(lua_State *L)
{
	script_check_budget(L);
	size_t len;
	luaL_checklstring(L, 1, &len);
	if (len == 0 && luaL_checkinteger(L, 2) > SCRIPT_LIST_MAX)
		return luaL_error(L, "more than %d repetitions", SCRIPT_LIST_MAX);
	return bounded_call(L);
}

/* A list that says by __len how long it is may say anything. */
static int
bounded_list(lua_State *L)
{
	script_check_budget(L);
	luaL_checkany(L, 1);
	if (luaL_len(L, 1) > SCRIPT_LIST_MAX)
		return luaL_error(L, "a list of more than %d elements", SCRIPT_LIST_MAX);
	return bounded_call(L);
}

/* From argument `first` to argument `first` + 1. Unsigned, since the difference of two
 * integers of Lua may overflow. */
static int
bounded_range(lua_State *L, int first, lua_Integer from, lua_Integer to)
{
	from = luaL_optinteger(L, first, from);
	to = luaL_optinteger(L, first + 1, to);
	if (from <= to && (lua_Unsigned)to - (lua_Unsigned)from >= SCRIPT_LIST_MAX)
		return luaL_error(L, "a range of more than %d elements", SCRIPT_LIST_MAX);
	return bounded_call(L);
}

/* Arguments 2 and 3 are the range that is copied. */
static int
bounded_move(lua_State *L)
{
	script_check_budget(L);
	return bounded_range(L, 2, 1, 0);
}

/* Arguments 3 and 4 are the range; by default it is the whole list. */
static int
bounded_concat(lua_State *L)
{
	script_check_budget(L);
	luaL_checkany(L, 1);
	return bounded_range(L, 3, 1, luaL_len(L, 1));
}

/* A finaliser would run when Lua pleases, without any bound. */
static int
without_finaliser(lua_State *L)
{
	script_check_budget(L);
	if (lua_istable(L, 2)) {
		lua_pushliteral(L, "__gc");
		if (lua_rawget(L, 2) != LUA_TNIL)
			return luaL_error(L, "a hook may have no __gc");
		lua_pop(L, 1);
	}
	return bounded_call(L);
}

static const struct {
	const char *library; /* a global table */
	const char *function;
	lua_CFunction bounded;
} bounds[] = {
    {LUA_STRLIBNAME, "find", bounded_match},
    {LUA_STRLIBNAME, "match", bounded_match},
    {LUA_STRLIBNAME, "gmatch", bounded_match},
    {LUA_STRLIBNAME, "gsub", bounded_match},
    {LUA_STRLIBNAME, "rep", bounded_rep},
    {LUA_TABLIBNAME, "insert", bounded_list},
    {LUA_TABLIBNAME, "remove", bounded_list},
    {LUA_TABLIBNAME, "sort", bounded_list},
    {LUA_TABLIBNAME, "move", bounded_move},
    {LUA_TABLIBNAME, "concat", bounded_concat},
    {LUA_GNAME, "setmetatable", without_finaliser},
};

/* The original is an upvalue of the bounded one, so a script cannot get at it. */
static void
bound_functions(lua_State *L)
{
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		lua_getglobal(L, bounds[i].library);
		lua_getfield(L, -1, bounds[i].function);
		lua_pushcclosure(L, bounds[i].bounded, 1);
		lua_setfield(L, -2, bounds[i].function);
		lua_pop(L, 1);
	}
}

/* The strings' metatable is shared with what a script sees: `("x"):find` goes through the bounded
 * ones, since they stand in the same table. */
void
script_open_libraries(lua_State *L)
{
	static const luaL_Reg libraries[] = {
	    {LUA_GNAME, luaopen_base},
	    {LUA_TABLIBNAME, luaopen_table},
	    {LUA_STRLIBNAME, luaopen_string},
	    {LUA_MATHLIBNAME, luaopen_math},
	    {LUA_UTF8LIBNAME, luaopen_utf8},
	};

	for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
		luaL_requiref(L, libraries[i].name, libraries[i].func, 1);
		lua_pop(L, 1);
	}
	lua_pushglobaltable(L);
	library_remove(L, taken_globals, sizeof(taken_globals) / sizeof(taken_globals[0]));
	lua_pop(L, 1);
	lua_getglobal(L, LUA_STRLIBNAME);
	library_remove(L, taken_string, sizeof(taken_string) / sizeof(taken_string[0]));
	lua_pop(L, 1);
	bound_functions(L);
}
