#include "script/script.h"

#include "base/mem.h"
#include "base/watchdog.h"
#include "script/script_budget.h"
#include "script/script_internal.h"

#include <assert.h>
#include <lauxlib.h>
#include <lua.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * A hook is a file of the user's, and may come from somebody else's repository: it must not read
 * credentials, write files or keep the process from its work. Lua's own means are a hook after a
 * number of instructions and an allocator that may refuse. Neither stops a function in C, so those
 * that can run long count for themselves (script_libraries.c). The clock stands behind both counts,
 * and the watchdog behind the clock.
 *
 * A Lua error is a longjmp. No function here that can raise holds anything that needs freeing:
 * what does (JSON) hangs on the request, outside of the protected call. After an error the state
 * is closed: what a script left half done in its globals is gone, so a call never sees another
 * one's ruins.
 */

struct script {
	char *name;
	char *source;
	size_t source_bytes;
	lua_State *L;	     /* NULL after a fault: made again at the next use */
	size_t memory_bytes; /* of L */
	struct script_budget budget;
};

/* What one protected call does; nothing here needs freeing when it raises. */
struct request {
	const char *function;
	json_t *const *args;
	size_t arg_count;
	json_t **results;
	const char *refused; /* why a result makes no JSON */
};

/* Over its limit is the script's fault: Lua runs a collection and asks again before it reports that
 * memory is short, so garbage does not count. Out of memory is not, and aborts. */
static void *
script_alloc(void *arg, void *old, size_t old_bytes, size_t new_bytes)
{
	struct script *script = arg;
	size_t before = old != NULL ? old_bytes : 0; /* for a new object old_bytes is its kind */

	if (new_bytes == 0) {
		script->memory_bytes -= before;
		free(old);
		return NULL;
	}
	if (new_bytes > before &&
	    script->memory_bytes + (new_bytes - before) > SCRIPT_MEMORY_BYTES_MAX)
		return NULL;
	script->memory_bytes += new_bytes - before;
	return mem_realloc(old, new_bytes);
}

/* Run before the stack is unwound, while the lines of the script are still known. */
static int
script_add_traceback(lua_State *L)
{
	const char *message = lua_tostring(L, 1);

	luaL_traceback(L, L, message != NULL ? message : "(an error that is not text)", 1);
	return 1;
}

/* Runs fn(arg) protected; on failure closes the state. */
static int
script_protect(struct script *script, lua_CFunction fn, void *arg, struct tmf_err *err)
{
	lua_State *L = script->L;
	const char *message;

	assert(L != NULL && lua_status(L) == LUA_OK);
	script_budget_begin(&script->budget, L);
	lua_settop(L, 0);
	lua_pushcfunction(L, script_add_traceback);
	lua_pushcfunction(L, fn);
	lua_pushlightuserdata(L, arg);
	if (lua_pcall(L, 1, 0, 1) == LUA_OK)
		return 0;
	message = lua_tostring(L, -1);
	if (script->budget.timed_out)
		watchdog_check(script->name, err);
	else
		tmf_err_set(err, TMF_ERR_HOOK, "%s: %s", script->name,
		    message != NULL ? message : "no memory left");
	lua_close(L);
	script->L = NULL;
	return -1;
}

/* Loads the file and leaves its table in the registry under script_table. */
static const char script_table;

/* "t": text only. Bytecode made by hand can crash the interpreter. The table that the file returns
 * is kept in the registry, under an address that no script can name. */
static int
script_load_source(lua_State *L)
{
	const struct script *script = lua_touserdata(L, 1);
	const char *chunk;

	script_open_libraries(L);
	lua_pushfstring(L, "@%s", script->name);
	chunk = lua_tostring(L, -1);
	if (luaL_loadbufferx(L, script->source, script->source_bytes, chunk, "t") != LUA_OK)
		return lua_error(L);
	lua_call(L, 0, 1);
	if (!lua_istable(L, -1))
		return luaL_error(L, "the file returns a %s: it must return a table of functions",
		    luaL_typename(L, -1));
	lua_rawsetp(L, LUA_REGISTRYINDEX, &script_table);
	return 0;
}

static int
script_call_function(lua_State *L)
{
	struct request *request = lua_touserdata(L, 1);

	lua_rawgetp(L, LUA_REGISTRYINDEX, &script_table);
	lua_getfield(L, -1, request->function);
	if (!lua_isfunction(L, -1))
		return luaL_error(L, "no function '%s' in the file's table", request->function);
	for (size_t i = 0; i < request->arg_count; i++)
		script_push_json(L, request->args[i]);
	lua_call(L, (int)request->arg_count, SCRIPT_RESULTS_MAX);
	for (int i = 0; i < SCRIPT_RESULTS_MAX; i++) {
		request->results[i] = script_to_json(L, i - SCRIPT_RESULTS_MAX, &request->refused);
		if (request->results[i] == NULL)
			return luaL_error(L, "%s", request->refused);
	}
	return 0;
}

static int
script_open_state(struct script *script, struct tmf_err *err)
{
	if (script->L != NULL)
		return 0;
	assert(script->memory_bytes == 0 && "what Lua closed was freed");
	script->L = lua_newstate(script_alloc, script);
	if (script->L == NULL)
		return tmf_err_set(err, TMF_ERR_HOOK, "%s: no memory for Lua", script->name);
	return script_protect(script, script_load_source, script, err);
}

struct script *
script_new(const char *name, struct str source, struct tmf_err *err)
{
	struct script *script;

	if (source.len > SCRIPT_SOURCE_BYTES_MAX) {
		tmf_err_set(err, TMF_ERR_HOOK, "%s: over the limit of %u bytes", name,
		    SCRIPT_SOURCE_BYTES_MAX);
		return NULL;
	}
	script = mem_zalloc(1, sizeof(*script));
	script->name = mem_strdup(name);
	script->source = mem_strndup(source.p, source.len);
	script->source_bytes = source.len;
	if (script_open_state(script, err) < 0) {
		script_free(script);
		return NULL;
	}
	return script;
}

void
script_free(struct script *script)
{
	if (script == NULL)
		return;
	if (script->L != NULL)
		lua_close(script->L);
	free(script->source);
	free(script->name);
	free(script);
}

/* By lua_getfield, as the call itself: a metatable of the script's own may answer. */
static int
script_find_function(lua_State *L)
{
	struct request *request = lua_touserdata(L, 1);

	lua_rawgetp(L, LUA_REGISTRYINDEX, &script_table);
	lua_getfield(L, -1, request->function);
	request->refused = lua_isfunction(L, -1) ? NULL : "no function";
	return 0;
}

bool
script_has(struct script *script, const char *function)
{
	struct request request = {.function = function};

	if (script_open_state(script, NULL) < 0 ||
	    script_protect(script, script_find_function, &request, NULL) < 0)
		return false;
	return request.refused == NULL;
}

/* A failed call may have made its first result already. */
int
script_call(struct script *script, const char *function, json_t *const *args, size_t arg_count,
    json_t *ret_results[SCRIPT_RESULTS_MAX], struct tmf_err *err)
{
	json_t *results[SCRIPT_RESULTS_MAX] = {NULL};
	struct request request = {
	    .function = function,
	    .args = args,
	    .arg_count = arg_count,
	    .results = results,
	};

	if (script_open_state(script, err) < 0 ||
	    script_protect(script, script_call_function, &request, err) < 0) {
		for (size_t i = 0; i < SCRIPT_RESULTS_MAX; i++)
			json_decref(results[i]);
		return -1;
	}
	memcpy(ret_results, results, sizeof(results));
	return 0;
}
