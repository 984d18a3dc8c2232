#include "asl/state/dataflow_internal.h"

#include "base/jsonx.h"

#include <assert.h>
#include <string.h>

#define ERROR_RUNTIME "States.Runtime"

/* InputPath or OutputPath: {} when discarded, the same reference when no path is given.
 * InputPath null means {} by the specification. Without a path the same object goes on, so
 * a Pass costs no copy. */
static int
select_path(const struct asl_path *path, bool discard, const struct asl_scope *scope,
    json_t **ret_value, struct tmf_err *err)
{
	if (path != NULL)
		return dataflow_eval_path(path, scope, ret_value, err);
	*ret_value = discard ? json_object() : json_incref(scope->input);
	return 0;
}

int
dataflow_eval_path(const struct asl_path *path, const struct asl_scope *scope, json_t **ret_value,
    struct tmf_err *err)
{
	struct buf why = {0};

	switch (asl_path_eval(path, scope, ret_value, err)) {
	case ASL_FOUND:
		return 0;
	case ASL_FOUND_ERROR:
		return -1;
	case ASL_FOUND_NOTHING:
		break;
	}
	asl_path_explain(path, scope, &why);
	tmf_err_set_name(err, TMF_ERR_ASL, ERROR_RUNTIME, "Invalid path '%s' : %s",
	    asl_path_text(path), buf_cstr(&why));
	buf_fini(&why);
	return -1;
}

/* Data that goes on as it came is not counted again: see its callers. AWS limits the data
 * between states to 256 KiB of JSON text. */
int
dataflow_check_size(const struct asl_state *state, const json_t *data, struct tmf_err *err)
{
	if (jsonx_text_fits(data, ASL_DATA_BYTES_MAX))
		return 0;
	return tmf_err_set_name(err, TMF_ERR_ASL, "States.DataLimitExceeded",
	    "The state/task '%s' returned a result with a size exceeding the maximum number of "
	    "bytes service limit.",
	    state->name);
}

/* Only TestState asks for the stages; an execution has no trace. */
void
asl_trace_stage(const struct asl_trace *trace, const char *name, const json_t *value)
{
	if (trace != NULL)
		trace->stage(trace->arg, name, value);
}

/* A Map has its template evaluated for each item, so it is not evaluated here. */
static int
jsonpath_input(const struct asl_state *state, const struct asl_scope *raw,
    const struct asl_trace *trace, json_t **ret_input, struct tmf_err *err)
{
	struct asl_scope scope = *raw;
	json_t *effective = NULL;
	json_t *input = NULL;
	int ret;

	if (select_path(state->input_path, state->input_discard, raw, &effective, err) < 0)
		return -1;
	asl_trace_stage(trace, "afterInputPath", effective);
	if (state->parameters == NULL || state->type == ASL_MAP) {
		if (state->type != ASL_MAP && state->type != ASL_WAIT)
			asl_trace_stage(trace, "afterParameters", effective);
		*ret_input = effective;
		return 0;
	}
	scope.input = effective;
	ret = asl_template_eval(state->parameters, &scope, &input, err);
	json_decref(effective);
	if (ret == 0 && state->type != ASL_PASS) /* a Pass's is checked as its output */
		ret = dataflow_check_size(state, input, err);
	if (ret < 0) {
		json_decref(input);
		return -1;
	}
	asl_trace_stage(trace, "afterParameters", input);
	*ret_input = input;
	return 0;
}

/* ResultSelector: a new reference. The selector sees the result under $, not the input of
 * the state. */
static int
select_result(const struct asl_state *state, const struct asl_scope *raw, json_t *result,
    json_t **ret_result, struct tmf_err *err)
{
	struct asl_scope scope = *raw;

	if (state->result_selector == NULL) {
		*ret_result = json_incref(result);
		return 0;
	}
	scope.input = result;
	return asl_template_eval(state->result_selector, &scope, ret_result, err);
}

/* ResultPath: a new reference. ResultPath null keeps the raw input and drops the result. */
static int
place_result(const struct asl_path *path, bool discard, json_t *raw_input, json_t *result,
    json_t **ret_output, struct tmf_err *err)
{
	if (path != NULL)
		return asl_path_put(path, raw_input, result, ret_output, err);
	*ret_output = json_incref(discard ? raw_input : result);
	return 0;
}

/* ResultSelector, ResultPath, OutputPath, in
 * this order. The raw input under ResultPath is that before InputPath. */
static int
jsonpath_output(const struct asl_state *state, const struct asl_template *output,
    const struct asl_scope *raw, json_t *result, const struct asl_trace *trace, json_t **ret_output,
    struct tmf_err *err)
{
	struct asl_scope scope = *raw;
	json_t *selected = NULL;
	json_t *placed = NULL;
	int ret;

	assert(output == NULL);
	if (select_result(state, raw, result, &selected, err) < 0)
		return -1;
	asl_trace_stage(trace, "afterResultSelector", selected);
	ret = place_result(
	    state->result_path, state->result_discard, raw->input, selected, &placed, err);
	json_decref(selected);
	if (ret < 0)
		return -1;
	asl_trace_stage(trace, "afterResultPath", placed);
	scope.input = placed;
	ret = select_path(state->output_path, state->output_discard, &scope, ret_output, err);
	json_decref(placed);
	return ret;
}

/* A catcher has no selector: the error output goes where its ResultPath says. */
static int
jsonpath_catch_output(const struct asl_catcher *catcher, const struct asl_scope *raw,
    json_t *error_output, json_t **ret_output, struct tmf_err *err)
{
	return place_result(catcher->result_path, catcher->result_discard, raw->input, error_output,
	    ret_output, err);
}

/* A variable or the context object is, for AWS, a document of its own: its path begins with
 * $. Without ItemsPath the effective input itself must be the array. */
static int
fail_items(const struct asl_path *path, struct tmf_err *err)
{
	const char *text = path != NULL ? asl_path_text(path) : "$";

	if (text[0] == '$' && text[1] == '$')
		text++;
	return tmf_err_set_name(
	    err, TMF_ERR_ASL, ERROR_RUNTIME, "Reference path \"%s\" must point to array.", text);
}

static int
jsonpath_items(const struct asl_state *state, const struct asl_scope *effective, json_t **ret_items,
    struct tmf_err *err)
{
	const struct asl_path *path = state->u.map.items_path;
	json_t *items = NULL;

	if (select_path(path, false, effective, &items, err) < 0)
		return -1;
	if (!json_is_array(items)) {
		json_decref(items);
		return fail_items(path, err);
	}
	*ret_items = items;
	return 0;
}

/* Assign sees the result of the state, not its output, as $. */
static void
jsonpath_see_result(const struct asl_state *state, struct asl_scope *scope, json_t *result)
{
	(void)state;
	scope->input = result;
}

static void
jsonpath_see_error(struct asl_scope *scope, json_t *error_output)
{
	scope->input = error_output;
}

const struct asl_query asl_query_jsonpath = {
    .name = "JSONPath",
    .input = jsonpath_input,
    .output = jsonpath_output,
    .catch_output = jsonpath_catch_output,
    .items = jsonpath_items,
    .see_result = jsonpath_see_result,
    .see_error = jsonpath_see_error,
};

/* --- in either language --- */

int
asl_state_input(const struct asl_state *state, const struct asl_scope *raw,
    const struct asl_trace *trace, json_t **ret_input, struct tmf_err *err)
{
	return state->query->input(state, raw, trace, ret_input, err);
}

/* Writing JSON only to count it is costly for large data, so what was counted before is
 * recognised by its pointer. */
int
asl_state_output(const struct asl_state *state, const struct asl_choice_rule *rule,
    const struct asl_scope *raw, json_t *result, const struct asl_trace *trace, json_t **ret_output,
    struct tmf_err *err)
{
	const struct asl_template *template = rule != NULL ? rule->output : state->output;
	bool from_outside = state->type == ASL_TASK && result != raw->input;
	bool is_counted;
	json_t *output = NULL;

	if (from_outside && dataflow_check_size(state, result, err) < 0)
		return -1;
	if (state->query->output(state, template, raw, result, trace, &output, err) < 0)
		return -1;
	/* The raw input was another state's output. */
	is_counted = output == raw->input || (from_outside && output == result);
	if (!is_counted && dataflow_check_size(state, output, err) < 0) {
		json_decref(output);
		return -1;
	}
	*ret_output = output;
	return 0;
}

/* All values see the variables as they were before: {"a.$": "$b", "b.$": "$a"} swaps the
 * two. The copy is shallow, since values are never changed in place. */
int
asl_assign(const struct asl_template *assign, const struct asl_scope *scope, json_t **ret_variables,
    struct tmf_err *err)
{
	json_t *assigned = NULL;
	json_t *variables;

	if (assign == NULL) {
		*ret_variables = json_incref(scope->variables);
		return 0;
	}
	if (asl_template_eval(assign, scope, &assigned, err) < 0)
		return -1;
	if (!jsonx_text_fits(assigned, ASL_DATA_BYTES_MAX)) {
		json_decref(assigned);
		return tmf_err_set_name(err, TMF_ERR_ASL, "States.DataLimitExceeded",
		    "The variables that are assigned exceed the maximum number of bytes service "
		    "limit.");
	}
	variables = scope->variables != NULL ? json_copy(scope->variables) : json_object();
	json_object_update(variables, assigned);
	json_decref(assigned);
	*ret_variables = variables;
	return 0;
}

/* What only Step Functions can do fails here and not in the compiler, so that such a
 * definition can still be checked. */
int
asl_map_items(const struct asl_state *state, const struct asl_scope *effective, json_t **ret_items,
    struct tmf_err *err)
{
	assert(state->type == ASL_MAP);
	if (state->u.map.foreign != NULL)
		return tmf_err_set_name(err, TMF_ERR_ASL, ERROR_RUNTIME,
		    "%s is not supported by this version: the Map runs on Step Functions only",
		    state->u.map.foreign);
	return state->query->items(state, effective, ret_items, err);
}
