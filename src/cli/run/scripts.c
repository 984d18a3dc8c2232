#include "cli/run/scripts.h"

#include "base/file.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "mirror/mirror.h"
#include "script/script.h"

#include <stdlib.h>
#include <string.h>

#define ACTION	  "lua"
#define CODE	  "INVALID_SCRIPT"
#define INLINE	  "Script" /* what messages call source that stands in the workflow */
#define DEPTH_MAX 200u	   /* as of any document: DOC_DEPTH_MAX */

struct reader {
	const char *path; /* of the workflow */
	json_t *sources;
	struct diag_list *diags;
};

/* The fault is placed at the value of the field, so that an editor can jump to its line. */
static void
script_fault(const struct reader *reader, const struct asl_state *state, const char *field,
    const char *message)
{
	char *pointer = mem_printf("%s/Parameters/%s", state->pointer, field);

	diag_add(reader->diags, DIAG_ERROR, CODE, pointer, DIAG_AT_VALUE, NULL, "%s", message);
	free(pointer);
}

static void
script_fault_take(const struct reader *reader, const struct asl_state *state, struct tmf_err *err)
{
	script_fault(reader, state, "Script", tmf_err_text(err));
	tmf_err_fini(err);
}

/* The file's text, read once. Borrows; NULL after a fault. */
static const char *
script_read(struct reader *reader, const struct asl_state *state, const char *name)
{
	struct buf source = {0};
	struct tmf_err err = {0};
	char *path;

	if (json_object_get(reader->sources, name) != NULL)
		return jsonx_get_string(reader->sources, name);
	path = file_beside(reader->path, name);
	if (file_read(path, SCRIPT_SOURCE_BYTES_MAX, &source, NULL, &err) < 0)
		script_fault_take(reader, state, &err);
	else
		json_object_set_new(
		    reader->sources, name, json_stringn(buf_cstr(&source), source.len));
	free(path);
	buf_fini(&source);
	return jsonx_get_string(reader->sources, name);
}

/*
 * The script is loaded as for a run: a syntax error or a missing function is found now, and not at
 * the thousandth instance.
 */
static void
script_check(const struct reader *reader, const struct asl_state *state, const char *name,
    const char *source, const char *function)
{
	struct tmf_err err = {0};
	struct script *script = script_new(name, str_of(source), &err);

	if (script == NULL) {
		script_fault_take(reader, state, &err);
	} else if (function != NULL && !script_has(script, function)) {
		char *message = mem_printf("the script's table has no function \"%s\"", function);

		script_fault(reader, state, "Function", message);
		free(message);
	}
	script_free(script);
}

/*
 * A Script that is not the name of a file is the source itself. Script and Function from the input
 * (Script.$) are known only when the task runs, so that they are not checked here.
 */
static void
script_read_task(struct reader *reader, const struct asl_state *state, json_t *definition)
{
	const json_t *task = doc_at(definition, state->pointer);
	const json_t *arguments = json_object_get(task, "Arguments");
	const json_t *parameters =
	    arguments != NULL ? arguments : json_object_get(task, "Parameters");
	const char *script = jsonx_get_string(parameters, "Script");
	const char *function = jsonx_get_string(parameters, "Function");
	const char *source = script;

	if (script == NULL)
		return;
	if (mirror_is_script_file(script))
		source = script_read(reader, state, script);
	if (source != NULL)
		script_check(reader, state, source == script ? INLINE : script, source, function);
}

json_t *
scripts_read(const struct asl_machine *machine, const char *path, struct diag_list *diags)
{
	struct reader reader = {.path = path, .sources = json_object(), .diags = diags};

	for (size_t i = 0; i < asl_machine_state_count(machine); i++) {
		const struct asl_state *state = asl_machine_state(machine, (unsigned)i);

		if (state->type == ASL_TASK && state->u.task.action != NULL &&
		    strcmp(state->u.task.action, ACTION) == 0)
			script_read_task(&reader, state, asl_machine_json(machine));
	}
	return reader.sources;
}

/* --- export --- */

/*
 * {"action": "lua", "input": {"Script": "x.lua", ...}} with the file's text. NULL: these are no
 * such Parameters.
 */
static json_t *
inline_parameters(json_t *parameters, const json_t *scripts)
{
	const char *action = jsonx_get_string(parameters, "action");
	const json_t *input = json_object_get(parameters, "input");
	const char *script = jsonx_get_string(input, "Script");
	const char *source = script != NULL ? jsonx_get_string(scripts, script) : NULL;

	if (action == NULL || strcmp(action, ACTION) != 0 || source == NULL)
		return NULL;
	return jsonx_with(parameters, "input", jsonx_with(input, "Script", json_string(source)));
}

static json_t *inline_value(json_t *value, const json_t *scripts, unsigned depth);

static json_t *
inline_object(json_t *object, const json_t *scripts, unsigned depth)
{
	json_t *copy = json_object();
	const char *key;
	json_t *value;

	json_object_foreach (object, key, value) {
		bool given = strcmp(key, "Parameters") == 0 || strcmp(key, "Arguments") == 0;
		json_t *parameters = given ? inline_parameters(value, scripts) : NULL;

		json_object_set_new(copy, key,
		    parameters != NULL ? parameters : inline_value(value, scripts, depth + 1));
	}
	return copy;
}

/*
 * The given document stays as it was, because others may hold references to its values. The depth
 * is bounded, since a recursion must be.
 */
static json_t *
inline_value(json_t *value, const json_t *scripts, unsigned depth)
{
	json_t *copy;
	json_t *member;
	size_t i;

	if (depth > DEPTH_MAX)
		return json_incref(value);
	if (json_is_object(value))
		return inline_object(value, scripts, depth);
	if (!json_is_array(value))
		return json_incref(value);
	copy = json_array();
	json_array_foreach (value, i, member)
		json_array_append_new(copy, inline_value(member, scripts, depth + 1));
	return copy;
}

/*
 * Step Functions cannot read a file beside the workflow, so that an exported one carries the source
 * in its place.
 */
json_t *
scripts_inline(json_t *exported, const json_t *scripts)
{
	json_t *copy;

	if (json_object_size(scripts) == 0)
		return exported;
	copy = inline_value(exported, scripts, 0);
	json_decref(exported);
	return copy;
}
