#include "asl/state/dataflow_internal.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/*
 * The data flow of a state whose QueryLanguage is JSONata. It is shorter than JSONPath's: Arguments
 * make the input of the work, Output makes the output of the state, and where either is missing the
 * value goes on as it is. $states.input is the raw input all along.
 */

/* Of the types, a Task and a Parallel alone have Arguments. */
static int
jsonata_input(const struct asl_state *state, const struct asl_scope *raw,
    const struct asl_trace *trace, json_t **ret_input, struct tmf_err *err)
{
	json_t *input = NULL;

	if (state->parameters == NULL || state->type == ASL_MAP) {
		*ret_input = json_incref(raw->input);
		return 0;
	}
	if (asl_template_eval(state->parameters, raw, &input, err) < 0)
		return -1;
	if (dataflow_check_size(state, input, err) < 0) {
		json_decref(input);
		return -1;
	}
	asl_trace_stage(trace, "afterArguments", input);
	*ret_input = input;
	return 0;
}

/* A result goes on as it came: what it is in the raw scope is $states.result. */
static int
jsonata_output(const struct asl_state *state, const struct asl_template *output,
    const struct asl_scope *raw, json_t *result, const struct asl_trace *trace, json_t **ret_output,
    struct tmf_err *err)
{
	(void)state;
	(void)trace;
	if (output != NULL)
		return asl_template_eval(output, raw, ret_output, err);
	*ret_output = json_incref(result);
	return 0;
}

static int
jsonata_catch_output(const struct asl_catcher *catcher, const struct asl_scope *raw,
    json_t *error_output, json_t **ret_output, struct tmf_err *err)
{
	if (catcher->output != NULL)
		return asl_template_eval(catcher->output, raw, ret_output, err);
	*ret_output = json_incref(error_output);
	return 0;
}

/* Recorded from AWS, both errors. */
static int
jsonata_items(const struct asl_state *state, const struct asl_scope *raw, json_t **ret_items,
    struct tmf_err *err)
{
	const struct asl_template *template = state->u.map.items;
	json_t *items = NULL;
	int ret;

	assert(state->type == ASL_MAP);
	if (template == NULL)
		items = json_incref(raw->input);
	else if (asl_template_eval(template, raw, &items, err) < 0)
		return -1;
	if (json_is_array(items)) {
		*ret_items = items;
		return 0;
	}
	if (template != NULL) {
		ret = asl_jsonata_wrong_type(asl_template_jsonata(template), "array", items, err);
	} else {
		char *text = jsonx_text(items);

		ret = tmf_err_set_name(err, TMF_ERR_ASL, ASL_ERROR_QUERY,
		    "Map state input must be an array but was: %s", text);
		free(text);
	}
	json_decref(items);
	return ret;
}

/* What Assign sees besides: $states.result, for the states that have work of their own. */
static void
jsonata_see_result(const struct asl_state *state, struct asl_scope *scope, json_t *result)
{
	if (state->type == ASL_TASK || state->type == ASL_PARALLEL || state->type == ASL_MAP)
		scope->result = result;
}

static void
jsonata_see_error(struct asl_scope *scope, json_t *error_output)
{
	scope->error_output = error_output;
}

const struct asl_query asl_query_jsonata = {
    .name = "JSONata",
    .input = jsonata_input,
    .output = jsonata_output,
    .catch_output = jsonata_catch_output,
    .items = jsonata_items,
    .see_result = jsonata_see_result,
    .see_error = jsonata_see_error,
};

/* --- fields of one value --- */

/* A value of a type; *ret_value is a new reference. is: one of jansson's questions. */
static int
jsonata_typed(const struct asl_jsonata *expr, const char *type, bool (*is)(const json_t *value),
    const struct asl_scope *scope, json_t **ret_value, struct tmf_err *err)
{
	json_t *value = NULL;

	assert(expr != NULL && is != NULL);
	if (asl_jsonata_eval(expr, scope, &value, err) < 0)
		return -1;
	if (is(value)) {
		*ret_value = value;
		return 0;
	}
	asl_jsonata_wrong_type(expr, type, value, err);
	json_decref(value);
	return -1;
}

static bool
jsonata_is_number(const json_t *value)
{
	return json_is_number(value);
}

static bool
jsonata_is_string(const json_t *value)
{
	return json_is_string(value);
}

static bool
jsonata_is_boolean(const json_t *value)
{
	return json_is_boolean(value);
}

int
dataflow_jsonata_real(const struct asl_jsonata *expr, double low, double high,
    const struct asl_scope *scope, double *ret_value, struct tmf_err *err)
{
	json_t *value = NULL;
	double number;

	assert(low <= high);
	if (jsonata_typed(expr, "number", jsonata_is_number, scope, &value, err) < 0)
		return -1;
	number = json_number_value(value);
	json_decref(value);
	if (number < low || number > high)
		return tmf_err_set_name(err, TMF_ERR_ASL, ASL_ERROR_QUERY,
		    "%s must be between %g and %g but was: %.15g", asl_jsonata_field(expr), low,
		    high, number);
	*ret_value = number;
	return 0;
}

int
dataflow_jsonata_integer(const struct asl_jsonata *expr, int64_t low, int64_t high,
    const struct asl_scope *scope, int64_t *ret_value, struct tmf_err *err)
{
	double number;

	if (dataflow_jsonata_real(expr, -HUGE_VAL, HUGE_VAL, scope, &number, err) < 0)
		return -1;
	if (floor(number) < number)
		return tmf_err_set_name(err, TMF_ERR_ASL, ASL_ERROR_QUERY,
		    "The %s field cannot be parsed as an integer: %.15g", asl_jsonata_field(expr),
		    number);
	/* In doubles first: a number of any size may come. */
	if (number < (double)low || number > (double)high)
		return tmf_err_set_name(err, TMF_ERR_ASL, ASL_ERROR_QUERY,
		    "%s must be between %" PRId64 " and %" PRId64 " but was: %.15g",
		    asl_jsonata_field(expr), low, high, number);
	*ret_value = (int64_t)number;
	return 0;
}

int
dataflow_jsonata_text(const struct asl_jsonata *expr, const struct asl_scope *scope,
    char **ret_text, struct tmf_err *err)
{
	json_t *value = NULL;

	if (jsonata_typed(expr, "string", jsonata_is_string, scope, &value, err) < 0)
		return -1;
	*ret_text = mem_strdup(json_string_value(value));
	json_decref(value);
	return 0;
}

/* The words are recorded from AWS. */
int
dataflow_jsonata_timestamp(const struct asl_jsonata *expr, const struct asl_scope *scope,
    struct timestamp *ret_timestamp, struct tmf_err *err)
{
	char *text = NULL;
	int ret = 0;

	if (dataflow_jsonata_text(expr, scope, &text, err) < 0)
		return -1;
	if (!timestamp_parse(str_of(text), ret_timestamp))
		ret = tmf_err_set_name(err, TMF_ERR_ASL, ASL_ERROR_QUERY,
		    "The Timestamp field cannot be parsed as an ISO-8601 extended offset "
		    "date-time format string: %s",
		    text);
	free(text);
	return ret;
}

int
dataflow_jsonata_condition(
    const struct asl_jsonata *expr, const struct asl_scope *scope, struct tmf_err *err)
{
	json_t *value = NULL;
	int holds;

	if (jsonata_typed(expr, "boolean", jsonata_is_boolean, scope, &value, err) < 0)
		return -1;
	holds = json_is_true(value);
	json_decref(value);
	return holds;
}
