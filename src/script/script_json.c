#include "script/script_internal.h"

#include "script/script.h"

#include <assert.h>
#include <lauxlib.h>
#include <math.h>
#include <stdint.h>

/*
 * JSON null is nil, so a member that is null is absent in Lua, and a list with a null in it has a
 * hole. A hook asks `if x.Name then`, which is what one means; a light userdata for null would be
 * true. The other way round an empty table could be a list or an object: it becomes a list, since
 * hooks return lists (of tags, of targets) and an empty object is never asked for.
 */

/* --- JSON to Lua --- */

static void push_value(lua_State *L, const json_t *value, int depth);

/* The table is sized at once, so it is not grown member by member. */
static void
push_object(lua_State *L, const json_t *object, int depth)
{
	json_t *borrowed = (json_t *)(uintptr_t)object; /* iterating does not change it */
	const char *key;
	json_t *member;

	lua_createtable(L, 0, (int)json_object_size(object));
	json_object_foreach (borrowed, key, member) {
		push_value(L, member, depth + 1);
		lua_setfield(L, -2, key);
	}
}

/* Lua counts from 1. */
static void
push_array(lua_State *L, const json_t *array, int depth)
{
	size_t count = json_array_size(array);

	lua_createtable(L, (int)count, 0);
	for (size_t i = 0; i < count; i++) {
		push_value(L, json_array_get(array, i), depth + 1);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
}

/* A text keeps its length, as one in Lua may hold a NUL. */
static void
push_value(lua_State *L, const json_t *value, int depth)
{
	if (depth > (int)SCRIPT_DEPTH_MAX)
		luaL_error(L, "a value is nested deeper than %d levels", (int)SCRIPT_DEPTH_MAX);
	luaL_checkstack(L, 4, "too many values");
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		push_object(L, value, depth);
		break;
	case JSON_ARRAY:
		push_array(L, value, depth);
		break;
	case JSON_STRING:
		lua_pushlstring(L, json_string_value(value), json_string_length(value));
		break;
	case JSON_INTEGER:
		lua_pushinteger(L, json_integer_value(value));
		break;
	case JSON_REAL:
		lua_pushnumber(L, json_real_value(value));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		lua_pushboolean(L, json_is_true(value));
		break;
	case JSON_NULL:
		lua_pushnil(L);
		break;
	}
}

void
script_push_json(lua_State *L, const json_t *value)
{
	push_value(L, value, 0);
}

/* --- Lua to JSON: raw accesses only, so nothing here raises --- */

#define VALUE_BYTES 16 /* of any value, beside its text */

/* What is taken counts by occurrence: a table that stands twice in another is taken twice, so a few
 * dozen of them could make more than any memory holds. */
struct taking {
	size_t bytes_left;
	const char *reason; /* why a value is refused */
};

/* False when that is more than is left. */
static bool
taking_spend(struct taking *taking, size_t bytes)
{
	if (bytes > taking->bytes_left) {
		taking->reason = "a result is too large";
		return false;
	}
	taking->bytes_left -= bytes;
	return true;
}

static json_t *to_value(lua_State *L, int index, int depth, struct taking *taking);

static json_t *
taking_refuse(const char *reason, struct taking *taking)
{
	taking->reason = reason;
	return NULL;
}

/* An integer of Lua stays one: ids of accounts and ports must not become 8080.0. */
static json_t *
to_number(lua_State *L, int index, struct taking *taking)
{
	if (lua_isinteger(L, index))
		return json_integer(lua_tointeger(L, index));
	if (!isfinite(lua_tonumber(L, index)))
		return taking_refuse("JSON has no infinite number", taking);
	return json_real(lua_tonumber(L, index));
}

/* A string of Lua may be any bytes, JSON's is UTF-8. */
static json_t *
to_string(lua_State *L, int index, struct taking *taking)
{
	size_t len;
	const char *text = lua_tolstring(L, index, &len);
	json_t *string;

	if (!taking_spend(taking, len))
		return NULL;
	string = json_stringn(text, len);
	return string != NULL ? string : taking_refuse("a string is not UTF-8", taking);
}

/* By lua_rawgeti: an __index of the script's must not run outside of the budget. */
static json_t *
to_array(lua_State *L, int index, size_t count, int depth, struct taking *taking)
{
	json_t *array = json_array();

	for (size_t i = 1; i <= count; i++) {
		json_t *member;

		lua_rawgeti(L, index, (lua_Integer)i);
		member = to_value(L, lua_gettop(L), depth + 1, taking);
		lua_pop(L, 1);
		if (member == NULL) {
			json_decref(array);
			return NULL;
		}
		json_array_append_new(array, member);
	}
	return array;
}

/* How many members a table has, and whether all keys are strings. By lua_next, which calls no
 * metamethod. */
static size_t
table_count(lua_State *L, int index, bool *ret_all_strings)
{
	size_t count = 0;

	*ret_all_strings = true;
	lua_pushnil(L);
	while (lua_next(L, index) != 0) {
		count++;
		if (lua_type(L, -2) != LUA_TSTRING)
			*ret_all_strings = false;
		lua_pop(L, 1);
	}
	return count;
}

/* Keys are strings here (table_count), so lua_tolstring changes none of them; it would change a
 * number in place and confuse lua_next. */
static json_t *
to_object(lua_State *L, int index, int depth, struct taking *taking)
{
	json_t *object = json_object();

	lua_pushnil(L);
	while (lua_next(L, index) != 0) {
		size_t len;
		const char *key = lua_tolstring(L, -2, &len);
		json_t *member = taking_spend(taking, len)
				     ? to_value(L, lua_gettop(L), depth + 1, taking)
				     : NULL;

		lua_pop(L, 1);
		if (member == NULL || json_object_setn_new(object, key, len, member) < 0) {
			if (taking->reason == NULL)
				taking->reason = "a key is not UTF-8";
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

/* A sequence becomes an array, a table with string keys an object; the empty table is an empty
 * array. */
static json_t *
to_table(lua_State *L, int index, int depth, struct taking *taking)
{
	size_t sequence = (size_t)lua_rawlen(L, index);
	bool all_strings;
	size_t members;

	if (depth > (int)SCRIPT_DEPTH_MAX || !lua_checkstack(L, 6))
		return taking_refuse("a table is nested too deep, or holds itself", taking);
	members = table_count(L, index, &all_strings);
	if (members == sequence)
		return to_array(L, index, sequence, depth, taking);
	if (!all_strings)
		return taking_refuse("a table mixes a list with named members", taking);
	return to_object(L, index, depth, taking);
}

static json_t *
to_value(lua_State *L, int index, int depth, struct taking *taking)
{
	if (!taking_spend(taking, VALUE_BYTES))
		return NULL;
	switch (lua_type(L, index)) {
	case LUA_TNIL:
	case LUA_TNONE:
		return json_null();
	case LUA_TBOOLEAN:
		return json_boolean(lua_toboolean(L, index));
	case LUA_TNUMBER:
		return to_number(L, index, taking);
	case LUA_TSTRING:
		return to_string(L, index, taking);
	case LUA_TTABLE:
		return to_table(L, index, depth, taking);
	default:
		return taking_refuse("JSON has no functions, threads or userdata", taking);
	}
}

/* The index is made absolute: what is pushed meanwhile would move a negative one. */
json_t *
script_to_json(lua_State *L, int index, const char **ret_reason)
{
	struct taking taking = {.bytes_left = SCRIPT_RESULT_BYTES_MAX};
	json_t *value = to_value(L, lua_absindex(L, index), 0, &taking);

	assert((value == NULL) == (taking.reason != NULL));
	*ret_reason = taking.reason;
	return value;
}
