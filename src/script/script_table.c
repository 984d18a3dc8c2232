#include "script/script_budget.h"
#include "script/script_internal.h"

#include <lauxlib.h>
#include <limits.h>
#include <stdbool.h>

/*
 * The functions of `table` that go over a list, with a count: Lua's own run for as long as a list
 * says that it is long (by __len, 2^63 elements), and an __index chain makes each access thousands
 * of steps that no instruction of the script's pays for.
 * See: https://www.lua.org/manual/5.4/manual.html#6.6
 */

#define LIST_BYTES_STEP 64 /* of text that is copied for one step */

/* Two texts are compared by strcoll, from NUL to NUL: slower than they are copied. */
#define LIST_COMPARE_BYTES_STEP 8

/* How long the list in argument 1 says it is. */
static lua_Integer
list_length(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	return luaL_len(L, 1);
}

/* Element `from` of the list becomes element `to` of the list at index. */
static void
list_copy(lua_State *L, lua_Integer from, int index, lua_Integer to)
{
	script_spend(L, 1);
	lua_geti(L, 1, from);
	lua_seti(L, index, to);
}

int
script_table_insert(lua_State *L)
{
	lua_Unsigned end = (lua_Unsigned)list_length(L) + 1;
	lua_Integer at = (lua_Integer)end;
	int arguments = lua_gettop(L);

	if (arguments != 2 && arguments != 3)
		return luaL_error(L, "wrong number of arguments to 'insert'");
	if (arguments == 3) {
		at = luaL_checkinteger(L, 2);
		luaL_argcheck(L, (lua_Unsigned)at - 1 < end, 2, "position out of bounds");
		for (lua_Integer i = (lua_Integer)end; i > at; i--)
			list_copy(L, i - 1, 1, i);
	}
	script_spend(L, 1);
	lua_seti(L, 1, at);
	return 0;
}

/* Position #list + 1 may be removed too, and 0 of an empty list. */
int
script_table_remove(lua_State *L)
{
	lua_Integer length = list_length(L);
	lua_Integer at = luaL_optinteger(L, 2, length);

	if (at != length)
		luaL_argcheck(
		    L, (lua_Unsigned)at - 1 <= (lua_Unsigned)length, 2, "position out of bounds");
	script_spend(L, 1);
	lua_geti(L, 1, at);
	for (; at < length; at++)
		list_copy(L, at + 1, 1, at);
	lua_pushnil(L);
	lua_seti(L, 1, at);
	return 1;
}

/* table.move(list, from, to, at [, other]). Where the ranges overlap it goes backwards, so that
 * nothing is overwritten before it is read. */
int
script_table_move(lua_State *L)
{
	lua_Integer from = luaL_checkinteger(L, 2);
	lua_Integer to = luaL_checkinteger(L, 3);
	lua_Integer at = luaL_checkinteger(L, 4);
	int other = lua_isnoneornil(L, 5) ? 1 : 5;
	bool backwards;
	lua_Integer count;

	luaL_checktype(L, 1, LUA_TTABLE);
	luaL_checktype(L, other, LUA_TTABLE);
	lua_settop(L, 5);
	if (to >= from) {
		luaL_argcheck(
		    L, from > 0 || to < LUA_MAXINTEGER + from, 3, "too many elements to move");
		count = to - from + 1;
		luaL_argcheck(L, at <= LUA_MAXINTEGER - count + 1, 4, "destination wrap around");
		backwards = at > from && at <= to && (other == 1 || lua_compare(L, 1, 5, LUA_OPEQ));
		for (lua_Integer i = 0; i < count; i++) {
			lua_Integer step = backwards ? count - 1 - i : i;

			list_copy(L, from + step, other, at + step);
		}
	}
	lua_pushvalue(L, other);
	return 1;
}

/* The last element is added without a separator behind it. */
int
script_table_concat(lua_State *L)
{
	lua_Integer length = list_length(L);
	size_t separator_len;
	const char *separator = luaL_optlstring(L, 2, "", &separator_len);
	lua_Integer at = luaL_optinteger(L, 3, 1);
	lua_Integer end = luaL_optinteger(L, 4, length);
	luaL_Buffer out;

	luaL_buffinit(L, &out);
	while (at <= end) {
		size_t len;

		lua_geti(L, 1, at);
		if (!lua_isstring(L, -1))
			return luaL_error(L, "invalid value (%s) at index %I in table for 'concat'",
			    luaL_typename(L, -1), (LUAI_UACINT)at);
		lua_tolstring(L, -1, &len);
		script_spend(L, 1 + (len + separator_len) / LIST_BYTES_STEP);
		luaL_addvalue(&out);
		if (at++ == end) /* which may be the largest integer */
			break;
		luaL_addlstring(&out, separator, separator_len);
	}
	luaL_pushresult(&out);
	return 1;
}

/* Of anything that can be indexed, as in Lua. */
int
script_table_unpack(lua_State *L)
{
	lua_Integer from = luaL_optinteger(L, 2, 1);
	lua_Integer to = lua_isnoneornil(L, 3) ? luaL_len(L, 1) : luaL_checkinteger(L, 3);
	lua_Unsigned count = (lua_Unsigned)to - (lua_Unsigned)from;

	if (from > to)
		return 0;
	if (count >= INT_MAX || !lua_checkstack(L, (int)++count))
		return luaL_error(L, "too many results to unpack");
	for (lua_Unsigned i = 0; i < count; i++) {
		script_spend(L, 1);
		lua_geti(L, 1, from + (lua_Integer)i);
	}
	return (int)count;
}

/* --- sort --- */

/* The arguments of sort, and the two lists that it merges to and fro. */
enum { SORT_LIST = 1, SORT_LESS, SORT_FROM, SORT_TO };

/* Whether the value at index a comes before that at b; both are absolute. */
static bool
sort_less(lua_State *L, int a, int b)
{
	bool less;

	script_spend(L, 1);
	if (lua_isnil(L, SORT_LESS)) {
		if (lua_type(L, a) == LUA_TSTRING && lua_type(L, b) == LUA_TSTRING) {
			size_t len = lua_rawlen(L, a);

			if (lua_rawlen(L, b) < len)
				len = lua_rawlen(L, b);
			script_spend(L, len / LIST_COMPARE_BYTES_STEP);
		}
		return lua_compare(L, a, b, LUA_OPLT);
	}
	lua_pushvalue(L, SORT_LESS);
	lua_pushvalue(L, a);
	lua_pushvalue(L, b);
	lua_call(L, 2, 1);
	less = lua_toboolean(L, -1);
	lua_pop(L, 1);
	return less;
}

/* Merges the elements first to middle and middle to end, which are each in order, from the list
 * at `from` into that at `to`. Of two that are equal the left one goes first. */
static void
sort_merge(lua_State *L, int from, int to, lua_Integer first, lua_Integer middle, lua_Integer end)
{
	lua_Integer left = first;
	lua_Integer right = middle;

	for (lua_Integer at = first; at < end; at++) {
		bool take_right = left == middle;

		if (left < middle && right < end) {
			int a = lua_gettop(L) + 1;

			lua_rawgeti(L, from, left);
			lua_rawgeti(L, from, right);
			take_right = sort_less(L, a + 1, a);
			lua_pop(L, 2);
		}
		script_spend(L, 1);
		lua_rawgeti(L, from, take_right ? right++ : left++);
		lua_rawseti(L, to, at);
	}
}

/* A merge sort: an order function that contradicts itself makes some order, and no loop without an
 * end; it is called as rarely as can be. The list changes only when all is sorted. */
int
script_table_sort(lua_State *L)
{
	lua_Integer length = list_length(L);
	int from = SORT_FROM;
	int to = SORT_TO;

	if (length < 2)
		return 0;
	luaL_argcheck(L, length < INT_MAX, 1, "array too big");
	if (!lua_isnoneornil(L, 2))
		luaL_checktype(L, 2, LUA_TFUNCTION);
	lua_settop(L, 2);
	lua_newtable(L); /* they grow with what is there: a length that is a lie costs nothing */
	lua_newtable(L);
	for (lua_Integer i = 1; i <= length; i++)
		list_copy(L, i, from, i);
	for (lua_Integer width = 1; width < length; width *= 2) {
		int swap = from;

		for (lua_Integer first = 1; first <= length; first += 2 * width) {
			lua_Integer middle = first + width <= length ? first + width : length + 1;
			lua_Integer end = middle + width <= length ? middle + width : length + 1;

			sort_merge(L, from, to, first, middle, end);
		}
		from = to;
		to = swap;
	}
	for (lua_Integer i = 1; i <= length; i++) {
		script_spend(L, 1);
		lua_rawgeti(L, from, i);
		lua_seti(L, SORT_LIST, i);
	}
	return 0;
}
