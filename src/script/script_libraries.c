#include "script_internal.h"

#include "tmflow/script/script.h"

#include <lauxlib.h>
#include <lualib.h>
#include <string.h>

/* What a script may not have: everything that loads code, reaches out of the sandbox, or escapes its bounds. */
static const char *const taken_globals[] = {
    "dofile", "loadfile", "load", "require", "collectgarbage", "print", "warn"};
static const char *const taken_string[] = {"dump"};

static void
take(lua_State *L, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		lua_pushnil(L);
		lua_setfield(L, -2, names[i]);
	}
}

/* How many ways a pattern can divide its subject: one factor of its length for each item that may repeat. */
static int
count_repeats(const char *pattern, size_t len)
{
	int repeats = 0;

	for (size_t i = 0; i < len; i++) {
		if (pattern[i] == '%')
			i++;
		else if (strchr("*+-", pattern[i]) != NULL)
			repeats++;
	}
	return repeats;
}

/* Stands before find, match, gmatch and gsub: Lua's matcher backtracks without counting instructions, so a costly pattern is refused beforehand. */
static int
bounded_match(lua_State *L)
{
	size_t subject_len;
	size_t pattern_len;
	double steps = 1;

	luaL_checklstring(L, 1, &subject_len);
	const char *pattern = luaL_checklstring(L, 2, &pattern_len);
	int repeats = count_repeats(pattern, pattern_len) + (pattern[0] == '^' ? 0 : 1);
	for (int i = 0; i < repeats && steps <= SCRIPT_PATTERN_STEPS_MAX; i++)
		steps *= (double)(subject_len + 1);
	if (steps > SCRIPT_PATTERN_STEPS_MAX)
		return luaL_error(L, "the pattern '%s' may take too long on a text of %d bytes",
		    pattern, (int)subject_len);
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
	return lua_gettop(L);
}

static void
bound_matchers(lua_State *L)
{
	static const char *const matchers[] = {"find", "match", "gmatch", "gsub"};

	for (size_t i = 0; i < sizeof(matchers) / sizeof(matchers[0]); i++) {
		lua_getfield(L, -1, matchers[i]);
		lua_pushcclosure(L, bounded_match, 1);
		lua_setfield(L, -2, matchers[i]);
	}
}

/* The strings' metatable is shared with what a script sees: `("x"):find` goes through the bounded ones, since they stand in the same table. */
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
	take(L, taken_globals, sizeof(taken_globals) / sizeof(taken_globals[0]));
	lua_pop(L, 1);
	lua_getglobal(L, LUA_STRLIBNAME);
	take(L, taken_string, sizeof(taken_string) / sizeof(taken_string[0]));
	bound_matchers(L);
	lua_pop(L, 1);
}
