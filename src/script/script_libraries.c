#include "script/script_budget.h"
#include "script/script_internal.h"

#include "script/script.h"

#include <lauxlib.h>
#include <lualib.h>
#include <string.h>

/* What a script may not have: everything that loads code, reaches out of the sandbox, or escapes
 * its bounds. */
static const char *const taken_globals[] = {
    "dofile", "loadfile", "load", "require", "collectgarbage", "print", "warn"};

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

/*
 * An instruction count does not interrupt a function in C. Those whose time is more than linear in
 * what they are given are our own, with a count (script_match.c, script_table.c).
 * The others pay for the text that goes in or comes out.
 */

#define TEXT_BYTES_STEP 64 /* of text that Lua's own functions work through for one step */

/* Pays for the texts on the stack from index first to last. */
static void
library_charge(lua_State *L, int first, int last)
{
	size_t steps = 1;

	for (int i = first; i <= last; i++)
		if (lua_type(L, i) == LUA_TSTRING)
			steps += 1 + lua_rawlen(L, i) / TEXT_BYTES_STEP;
	script_spend(L, steps);
}

/* Calls the function of the library, which stands in upvalue 1, with the same arguments, and pays
 * for its results. */
static int
library_call(lua_State *L)
{
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
	library_charge(L, 1, lua_gettop(L));
	return lua_gettop(L);
}

/* For what reads all of its arguments. */
static int
library_call_reading(lua_State *L)
{
	library_charge(L, 1, lua_gettop(L));
	return library_call(L);
}

/* For what reads all of a format, and as much of the other arguments as it returns. */
static int
library_call_format(lua_State *L)
{
	library_charge(L, 1, 1);
	return library_call(L);
}

/* Lua's own repeats an empty text as often as it is asked to. */
static int
library_call_rep(lua_State *L)
{
	size_t len;
	size_t separator_len;

	luaL_checklstring(L, 1, &len);
	luaL_checkinteger(L, 2);
	luaL_optlstring(L, 3, "", &separator_len);
	if (len + separator_len == 0) {
		lua_pushliteral(L, "");
		return 1;
	}
	return library_call(L);
}

/* A finaliser would run when Lua pleases, without any bound. */
static int
without_finaliser(lua_State *L)
{
	if (lua_istable(L, 2)) {
		lua_pushliteral(L, "__gc");
		if (lua_rawget(L, 2) != LUA_TNIL)
			return luaL_error(L, "a hook may have no __gc");
		lua_pop(L, 1);
	}
	return library_call(L);
}

static const struct {
	const char *library; /* a global table */
	const char *function;
	lua_CFunction counted;
} counted_functions[] = {
    {LUA_STRLIBNAME, "byte", library_call},
    {LUA_STRLIBNAME, "char", library_call},
    {LUA_STRLIBNAME, "find", script_string_find},
    {LUA_STRLIBNAME, "format", library_call_reading},
    {LUA_STRLIBNAME, "gmatch", script_string_gmatch},
    {LUA_STRLIBNAME, "gsub", script_string_gsub},
    {LUA_STRLIBNAME, "lower", library_call},
    {LUA_STRLIBNAME, "match", script_string_match},
    {LUA_STRLIBNAME, "pack", library_call_format},
    {LUA_STRLIBNAME, "packsize", library_call_format},
    {LUA_STRLIBNAME, "rep", library_call_rep},
    {LUA_STRLIBNAME, "reverse", library_call},
    {LUA_STRLIBNAME, "sub", library_call},
    {LUA_STRLIBNAME, "unpack", library_call_format},
    {LUA_STRLIBNAME, "upper", library_call},
    {LUA_TABLIBNAME, "concat", script_table_concat},
    {LUA_TABLIBNAME, "insert", script_table_insert},
    {LUA_TABLIBNAME, "move", script_table_move},
    {LUA_TABLIBNAME, "pack", library_call},
    {LUA_TABLIBNAME, "remove", script_table_remove},
    {LUA_TABLIBNAME, "sort", script_table_sort},
    {LUA_TABLIBNAME, "unpack", script_table_unpack},
    {LUA_UTF8LIBNAME, "codepoint", library_call},
    {LUA_UTF8LIBNAME, "len", library_call_reading},
    {LUA_UTF8LIBNAME, "offset", library_call_reading},
    {LUA_GNAME, "setmetatable", without_finaliser},
    {LUA_GNAME, "tonumber", library_call_reading},
    {LUA_GNAME, "tostring", library_call},
};

/* Lua's own function is an upvalue of the counted one, so a script cannot get at it. */
static void
library_count_functions(lua_State *L)
{
	for (size_t i = 0; i < sizeof(counted_functions) / sizeof(counted_functions[0]); i++) {
		lua_getglobal(L, counted_functions[i].library);
		lua_getfield(L, -1, counted_functions[i].function);
		lua_pushcclosure(L, counted_functions[i].counted, 1);
		lua_setfield(L, -2, counted_functions[i].function);
		lua_pop(L, 1);
	}
}

/* The strings' metatable is shared with what a script sees: `("x"):find` goes through the counted
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
	library_count_functions(L);
}
