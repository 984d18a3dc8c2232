#include "script_internal.h"

#include "tmflow/script/script.h"

#include <lauxlib.h>
#include <math.h>
#include <stdint.h>

/* --- JSON to Lua --- */

static void push_value(lua_State *L, const json_t *value, int depth);

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

static json_t *to_value(lua_State *L, int index, int depth, const char **ret_reason);

static json_t *
refuse(const char *reason, const char **ret_reason)
{
	*ret_reason = reason;
	return NULL;
}

static json_t *
to_number(lua_State *L, int index, const char **ret_reason)
{
	if (lua_isinteger(L, index))
		return json_integer(lua_tointeger(L, index));
	if (!isfinite(lua_tonumber(L, index)))
		return refuse("JSON has no infinite number", ret_reason);
	return json_real(lua_tonumber(L, index));
}

static json_t *
to_string(lua_State *L, int index, const char **ret_reason)
{
	size_t len;
	const char *text = lua_tolstring(L, index, &len);
	json_t *string = json_stringn(text, len);

	return string != NULL ? string : refuse("a string is not UTF-8", ret_reason);
}

static json_t *
to_array(lua_State *L, int index, size_t count, int depth, const char **ret_reason)
{
	json_t *array = json_array();

	for (size_t i = 1; i <= count; i++) {
		json_t *member;

		lua_rawgeti(L, index, (lua_Integer)i);
		member = to_value(L, lua_gettop(L), depth + 1, ret_reason);
		lua_pop(L, 1);
		if (member == NULL) {
			json_decref(array);
			return NULL;
		}
		json_array_append_new(array, member);
	}
	return array;
}

/* How many members a table has, and whether all keys are strings. */
static size_t
count_members(lua_State *L, int index, bool *ret_all_strings)
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

static json_t *
to_object(lua_State *L, int index, int depth, const char **ret_reason)
{
	json_t *object = json_object();

	lua_pushnil(L);
	while (lua_next(L, index) != 0) {
		size_t len;
		const char *key = lua_tolstring(L, -2, &len);
		json_t *member = to_value(L, lua_gettop(L), depth + 1, ret_reason);

		lua_pop(L, 1);
		if (member == NULL || json_object_setn_new(object, key, len, member) < 0) {
			if (*ret_reason == NULL)
				*ret_reason = "a key is not UTF-8";
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

/* A sequence becomes an array, a table with string keys an object; the empty table is an empty array. */
static json_t *
to_table(lua_State *L, int index, int depth, const char **ret_reason)
{
	size_t sequence = (size_t)lua_rawlen(L, index);
	bool all_strings;
	size_t members;

	if (depth > (int)SCRIPT_DEPTH_MAX || !lua_checkstack(L, 6))
		return refuse("a table is nested too deep, or holds itself", ret_reason);
	members = count_members(L, index, &all_strings);
	if (members == sequence)
		return to_array(L, index, sequence, depth, ret_reason);
	if (!all_strings)
		return refuse("a table mixes a list with named members", ret_reason);
	return to_object(L, index, depth, ret_reason);
}

static json_t *
to_value(lua_State *L, int index, int depth, const char **ret_reason)
{
	switch (lua_type(L, index)) {
	case LUA_TNIL:
	case LUA_TNONE:
		return json_null();
	case LUA_TBOOLEAN:
		return json_boolean(lua_toboolean(L, index));
	case LUA_TNUMBER:
		return to_number(L, index, ret_reason);
	case LUA_TSTRING:
		return to_string(L, index, ret_reason);
	case LUA_TTABLE:
		return to_table(L, index, depth, ret_reason);
	default:
		return refuse("JSON has no functions, threads or userdata", ret_reason);
	}
}

json_t *
script_to_json(lua_State *L, int index, const char **ret_reason)
{
	*ret_reason = NULL;
	return to_value(L, lua_absindex(L, index), 0, ret_reason);
}
