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

/* Raises when the call's instructions or time are used up: for functions in C, which the count of
 * instructions does not interrupt. */
void script_check_budget(lua_State *L);

/* Opens the libraries that a script may have, without what could reach out of the sandbox. May
 * raise. */
void script_open_libraries(lua_State *L);

#endif
