#ifndef TMFLOW_SCRIPT_SCRIPT_INTERNAL_H
#define TMFLOW_SCRIPT_SCRIPT_INTERNAL_H

#include <jansson.h>
#include <lua.h>

/* Pushes value. May raise (memory, depth); holds nothing then. JSON null becomes nil, also within
 * tables. */
void script_push_json(lua_State *L, const json_t *value);

/* Makes JSON of the value at index. NULL for what JSON has no word for (functions, mixed keys, too
 * deep); *ret_reason says which. Never raises. */
json_t *script_to_json(lua_State *L, int index, const char **ret_reason);

/* Functions of Lua's libraries that count their steps. They stand in for those of the manual's
 * §6.4 and §6.6 and raise as those do. */
int script_string_find(lua_State *L);
int script_string_match(lua_State *L);
int script_string_gmatch(lua_State *L);
int script_string_gsub(lua_State *L);
int script_table_concat(lua_State *L);
int script_table_insert(lua_State *L);
int script_table_move(lua_State *L);
int script_table_remove(lua_State *L);
int script_table_sort(lua_State *L);
int script_table_unpack(lua_State *L);

/* Opens the libraries that a script may have, without what could reach out of the sandbox. May
 * raise. */
void script_open_libraries(lua_State *L);

#endif
