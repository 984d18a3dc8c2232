#include "base/jsonx.h"
#include "base/mem.h"
#include "mirror/actions/action.h"

#include <stdlib.h>
#include <string.h>

/*
 * tmflow:lua: calls a function of the user's. Each call has a fresh Lua state, so that what it
 * gives depends on its arguments alone: a task that runs again after a crash, or in another worker,
 * gives the same.
 */

#define ARGUMENTS_MAX 16 /* by position; an object holds any number */
#define INLINE_NAME   "Script"

/* The source that Script means. Borrows. */
static const char *
action_lua_source(struct tmf_op *op, const char *script)
{
	const char *source;

	if (!mirror_is_script_file(script))
		return script;
	source = jsonx_get_string(env(op)->scripts, script);
	if (source == NULL)
		tmf_err_set(&op->err, TMF_ERR_INVALID,
		    "Script: %s was not read when the run began: only files that the workflow "
		    "names by a constant are; a value that is worked out must be Lua source",
		    script);
	return source;
}

/* A list is the arguments one by one, anything else is the only one. */
static size_t
action_lua_arguments(struct tmf_op *op, json_t *arguments[ARGUMENTS_MAX])
{
	json_t *given = json_object_get(op->input, "Arguments");
	size_t count = json_array_size(given);

	if (given == NULL)
		return 0;
	if (!json_is_array(given)) {
		arguments[0] = given;
		return 1;
	}
	for (size_t i = 0; i < count && i < ARGUMENTS_MAX; i++)
		arguments[i] = json_array_get(given, i);
	return count;
}

/* A Lua table has its keys in no order of its own: sorted, the same result is the same text. Takes
 * value. */
static json_t *
action_lua_sorted(json_t *value)
{
	struct buf text = {0};
	json_t *sorted;

	if (!json_is_object(value) && !json_is_array(value))
		return value;
	jsonx_write_canonical(value, &text);
	sorted = jsonx_parse(buf_str(&text), NULL);
	buf_fini(&text);
	if (sorted == NULL)
		return value;
	json_decref(value);
	return sorted;
}

/* The count is checked before the call, as action_lua_arguments says how many there are but stores
 * ARGUMENTS_MAX at most. Results after the first are dropped, as a Task has one output. */
static enum tmf_op_next
action_lua_call(struct tmf_op *op, struct script *script)
{
	const char *function = action_text_of(op, "Function");
	json_t *arguments[ARGUMENTS_MAX];
	json_t *results[SCRIPT_RESULTS_MAX];
	size_t count = action_lua_arguments(op, arguments);

	if (count > ARGUMENTS_MAX)
		return tmf_op_fail(op, TMF_ERR_INVALID, "Arguments: %zu are too many, at most %d",
		    count, ARGUMENTS_MAX);
	if (!script_has(script, function))
		return tmf_op_fail(op, TMF_ERR_INVALID,
		    "Function: the script's table has no function \"%s\"", function);
	if (script_call(script, function, arguments, count, results, &op->err) < 0)
		return TMF_OP_FAIL;
	for (size_t i = 1; i < SCRIPT_RESULTS_MAX; i++)
		json_decref(results[i]);
	return tmf_op_done(op, action_lua_sorted(results[0]));
}

static enum tmf_op_next
action_lua_start(struct tmf_op *op)
{
	const char *name;
	const char *source;
	struct script *script;
	enum tmf_op_next next;

	if (action_input_check(op) < 0)
		return TMF_OP_FAIL;
	name = action_text_of(op, "Script");
	source = action_lua_source(op, name);
	if (source == NULL)
		return TMF_OP_FAIL;
	script = script_new(source == name ? INLINE_NAME : name, str_of(source), &op->err);
	if (script == NULL)
		return TMF_OP_FAIL;
	next = action_lua_call(op, script);
	script_free(script);
	return next;
}

static const struct tmf_action_field input[] = {
    {"Script", "string", true,
	"a file (its name ends in .lua, relative to the workflow's folder), or Lua source"},
    {"Function", "string", true, "a member of the table that the script returns"},
    {"Arguments", "any JSON value", false, "a list: one by one; anything else: the only one"},
    {.name = NULL},
};

const struct tmf_action action_lua = {
    .name = "lua",
    .summary = "Calls a function of your own, written in Lua; its first result is the output",
    .input = input,
    .start = action_lua_start,
};
