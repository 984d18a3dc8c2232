#include "asl/state/dataflow_internal.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ERROR_RUNTIME	  "States.Runtime"
#define MS		  1000
#define NANOSECONDS_IN_MS 1000000
#define PERCENT_MAX	  100.0
#define INTEGER_MAX	  INT32_MAX /* what a field given by a path may hold */

/* The value as AWS's messages have it: a string bare, anything else as JSON. malloc'ed. The
 * bare string is what AWS's messages have, so that a test of the cause matches. */
static char *
shown(const json_t *value)
{
	return json_is_string(value) ? mem_strdup(json_string_value(value)) : jsonx_text(value);
}

/* A whole number, or a string that holds one. AWS takes "5" for 5 in these fields. Anything
 * behind the digits is refused. */
static bool
whole_number(const json_t *value, int64_t *ret_number)
{
	const char *text = json_string_value(value);
	size_t digits;
	char *end;

	if (json_is_integer(value)) {
		*ret_number = json_integer_value(value);
		return true;
	}
	if (text == NULL)
		return false;
	digits = strspn(text + (*text == '-' || *text == '+'), "0123456789");
	errno = 0;
	*ret_number = strtoll(text, &end, 10);
	return digits > 0 && errno == 0 && end == text + json_string_length(value);
}

/* The two fields of a Wait have words of their own on AWS for a path that leads nowhere. */
static int
field_value(const struct asl_path *path, const char *field, const struct asl_scope *scope,
    json_t **ret_value, struct tmf_err *err)
{
	enum asl_found found;

	if (strcmp(field, "SecondsPath") != 0 && strcmp(field, "TimestampPath") != 0)
		return dataflow_eval_path(path, scope, ret_value, err);
	found = asl_path_eval(path, scope, ret_value, err);
	if (found == ASL_FOUND_NOTHING)
		tmf_err_set_name(err, TMF_ERR_ASL, ERROR_RUNTIME,
		    "The %s parameter does not reference an input value: %s", field,
		    asl_path_text(path));
	return found == ASL_FOUND ? 0 : -1;
}

/* "The X field refers to value "v" which is not a valid integer: $.path". The words are
 * AWS's, so that a workflow that reads the cause finds what it expects. */
static int
fail_value(const struct asl_path *path, const char *field, const char *type, const json_t *value,
    struct tmf_err *err)
{
	char *text = shown(value);

	tmf_err_set_name(err, TMF_ERR_ASL, ERROR_RUNTIME,
	    "The %s field refers to value \"%s\" which is not a valid %s: %s", field, text, type,
	    asl_path_text(path));
	free(text);
	return -1;
}

/* AWS's words for a whole number below 0, each field's its own; the others are said to be
 * no integer. "-5" is a whole number, and AWS says so for two of the fields only. */
static int
fail_negative(const struct asl_path *path, const char *field, const json_t *value, int64_t whole,
    struct tmf_err *err)
{
	if (strcmp(field, "MaxConcurrencyPath") == 0)
		return tmf_err_set_name(err, TMF_ERR_ASL, ERROR_RUNTIME,
		    "Expected non-negative integer for MaxConcurrency, got '%" PRId64 "' instead.",
		    whole);
	if (strcmp(field, "ToleratedFailureCountPath") == 0)
		return tmf_err_set_name(
		    err, TMF_ERR_ASL, ERROR_RUNTIME, "ToleratedFailureCount cannot be negative.");
	return fail_value(path, field, "integer", value, err);
}

/* A limit of 0 seconds would end every task at once. Both are seconds until a failure; a
 * Wait of 0 seconds is fine. */
static bool
is_time_limit(const char *field)
{
	return strcmp(field, "TimeoutSecondsPath") == 0 ||
	       strcmp(field, "HeartbeatSecondsPath") == 0;
}

/* A literal was checked when the machine was compiled; a value behind a path is checked
 * here, at each entry. */
int
asl_number_eval(const struct asl_number *number, const char *field, int64_t fallback,
    const struct asl_scope *scope, int64_t *ret_value, struct tmf_err *err)
{
	json_t *value = NULL;
	int64_t whole;
	int ret = 0;

	if (number->jsonata != NULL)
		return dataflow_jsonata_integer(number->jsonata, is_time_limit(field) ? 1 : 0,
		    is_time_limit(field) ? ASL_SECONDS_MAX : INTEGER_MAX, scope, ret_value, err);
	if (!number->given || number->path == NULL) {
		*ret_value = number->given ? number->value : fallback;
		return 0;
	}
	if (field_value(number->path, field, scope, &value, err) < 0)
		return -1;
	if (!whole_number(value, &whole) || whole > INTEGER_MAX)
		ret = fail_value(number->path, field, "integer", value, err);
	else if (whole < 0)
		ret = fail_negative(number->path, field, value, whole, err);
	else if (whole == 0 && is_time_limit(field))
		ret = fail_value(number->path, field, "positive integer", value, err);
	else
		*ret_value = whole;
	json_decref(value);
	return ret;
}

/* A number, or a string that holds one. strtod takes "inf", "0x1p3" and blanks as well, so
 * the characters are checked first. */
static bool
real_number(const json_t *value, double *ret_number)
{
	const char *text = json_string_value(value);
	char *end;

	if (json_is_number(value)) {
		*ret_number = json_number_value(value);
		return true;
	}
	if (text == NULL || strspn(text, "-0123456789.") != json_string_length(value))
		return false;
	*ret_number = strtod(text, &end);
	return end > text && *end == '\0';
}

/* -1 says that no threshold was given, which is not the same as 0: without one the Map
 * fails with the error of its item. */
int
asl_tolerated_percentage(const struct asl_state *state, const struct asl_scope *scope,
    double *ret_percentage, struct tmf_err *err)
{
	const struct asl_path *path = state->u.map.tolerated_failure_percentage_path;
	const struct asl_jsonata *expr = state->u.map.tolerated_failure_percentage_jsonata;
	json_t *value = NULL;
	double percentage;
	int ret = 0;

	assert(state->type == ASL_MAP);
	if (expr != NULL)
		return dataflow_jsonata_real(expr, 0, PERCENT_MAX, scope, ret_percentage, err);
	if (path == NULL) {
		*ret_percentage = state->u.map.tolerated_failure_percentage_given
				      ? state->u.map.tolerated_failure_percentage
				      : -1;
		return 0;
	}
	if (field_value(path, "ToleratedFailurePercentagePath", scope, &value, err) < 0)
		return -1;
	if (!real_number(value, &percentage))
		ret = fail_value(path, "ToleratedFailurePercentagePath", "float", value, err);
	else if (percentage < 0 || percentage > PERCENT_MAX)
		ret = tmf_err_set_name(err, TMF_ERR_ASL, ERROR_RUNTIME,
		    "ToleratedFailurePercentage must be between 0 and 100.");
	else
		*ret_percentage = percentage;
	json_decref(value);
	return ret;
}

/* "The X parameter WHAT: $.path == value". The value is in the cause, since the definition
 * has only the path to it. */
static int
fail_wait(const struct asl_path *path, const char *field, const char *what, const json_t *value,
    struct tmf_err *err)
{
	char *text = shown(value);

	tmf_err_set_name(err, TMF_ERR_ASL, ERROR_RUNTIME, "The %s parameter %s: %s == %s", field,
	    what, asl_path_text(path), text);
	free(text);
	return -1;
}

/* The limit is that of a literal Seconds, so a path cannot ask for more. Each fault has
 * words of its own on AWS, so they are found apart. */
static int
wait_seconds(const struct asl_path *path, const struct asl_scope *scope, int64_t *ret_seconds,
    struct tmf_err *err)
{
	static const char field[] = "SecondsPath";
	const char *fault = NULL;
	json_t *value = NULL;
	int64_t seconds = 0;
	int ret = 0;

	if (field_value(path, field, scope, &value, err) < 0)
		return -1;
	if (!whole_number(value, &seconds))
		fault = "cannot be parsed as a long value";
	else if (seconds < 0)
		fault = "references a negative value";
	else if (seconds > ASL_SECONDS_MAX)
		fault = "references a value over the limit of 99999999";
	if (fault != NULL)
		ret = fail_wait(path, field, fault, value, err);
	else
		*ret_seconds = seconds;
	json_decref(value);
	return ret;
}

/* A moment in the past is valid: the Wait is over at once. Parsed as in a literal
 * Timestamp. */
static int
wait_timestamp(const struct asl_path *path, const struct asl_scope *scope,
    struct timestamp *ret_timestamp, struct tmf_err *err)
{
	static const char field[] = "TimestampPath";
	json_t *value = NULL;
	int ret = 0;

	if (field_value(path, field, scope, &value, err) < 0)
		return -1;
	if (!json_is_string(value) ||
	    !timestamp_parse(
		(struct str){json_string_value(value), json_string_length(value)}, ret_timestamp))
		ret = fail_wait(path, field,
		    "does not reference a valid ISO-8601 extended offset date-time format string",
		    value, err);
	json_decref(value);
	return ret;
}

/* A moment and not a length, so that a restart does not begin the wait again. */
int
asl_wait_until(const struct asl_state *state, const struct asl_scope *scope, int64_t now_wall_ms,
    int64_t *ret_wall_ms, struct tmf_err *err)
{
	struct timestamp timestamp = state->u.wait.timestamp;
	const struct asl_path *timestamp_path = state->u.wait.timestamp_path;
	const struct asl_jsonata *expr = state->u.wait.seconds.jsonata;
	const struct asl_jsonata *timestamp_jsonata = state->u.wait.timestamp_jsonata;
	int64_t seconds = state->u.wait.seconds.value;

	assert(state->type == ASL_WAIT);
	if (state->u.wait.seconds.given || expr != NULL) {
		const struct asl_path *path = state->u.wait.seconds.path;

		if (expr != NULL &&
		    dataflow_jsonata_integer(expr, 0, ASL_SECONDS_MAX, scope, &seconds, err) < 0)
			return -1;
		if (path != NULL && wait_seconds(path, scope, &seconds, err) < 0)
			return -1;
		*ret_wall_ms = now_wall_ms + seconds * MS;
		return 0;
	}
	if (timestamp_path != NULL && wait_timestamp(timestamp_path, scope, &timestamp, err) < 0)
		return -1;
	if (timestamp_jsonata != NULL &&
	    dataflow_jsonata_timestamp(timestamp_jsonata, scope, &timestamp, err) < 0)
		return -1;
	/* Rounded up: never before its time. */
	*ret_wall_ms = timestamp.seconds * MS +
		       (timestamp.nanoseconds + NANOSECONDS_IN_MS - 1) / NANOSECONDS_IN_MS;
	return 0;
}

/* A literal or an expression's value; *ret_text is malloc'ed, or NULL where neither is
 * given. ErrorPath and CausePath may be intrinsic functions, States.Format above all, so
 * they are expressions and not plain paths. */
static int
fail_text(const char *literal, const struct asl_jsonata *jsonata, const struct asl_expr *expr,
    const char *field, const struct asl_scope *scope, char **ret_text, struct tmf_err *err)
{
	json_t *value = NULL;
	int ret = 0;

	if (jsonata != NULL)
		return dataflow_jsonata_text(jsonata, scope, ret_text, err);
	if (expr == NULL) {
		*ret_text = mem_strdup(literal);
		return 0;
	}
	if (asl_expr_eval(expr, field, scope, &value, err) < 0)
		return -1;
	if (json_is_string(value))
		*ret_text = mem_strdup(json_string_value(value));
	else
		ret = tmf_err_set_name(err, TMF_ERR_ASL, ERROR_RUNTIME,
		    "The value for the field '%s' must be a STRING but is of type %s: %s", field,
		    jsonx_kind(value), asl_expr_text(expr));
	json_decref(value);
	return ret;
}

/* Both are evaluated before either is returned: a fault in one replaces the Fail's own
 * error. */
int
asl_fail_evaluate(const struct asl_state *state, const struct asl_scope *scope, char **ret_error,
    char **ret_cause, struct tmf_err *err)
{
	char *error = NULL;
	char *cause = NULL;

	assert(state->type == ASL_FAIL);
	if (fail_text(state->u.fail.error, state->u.fail.error_jsonata, state->u.fail.error_path,
		"ErrorPath", scope, &error, err) < 0)
		return -1;
	if (fail_text(state->u.fail.cause, state->u.fail.cause_jsonata, state->u.fail.cause_path,
		"CausePath", scope, &cause, err) < 0) {
		free(error);
		return -1;
	}
	*ret_error = error;
	*ret_cause = cause;
	return 0;
}

/* The first rule that holds wins, in the order of the definition. */
int
asl_choose(const struct asl_state *state, const struct asl_scope *effective,
    const struct asl_choice_rule **ret_rule, struct tmf_err *err)
{
	for (size_t i = 0; i < state->u.choice.rule_count; i++) {
		int holds = asl_choice_holds(&state->u.choice.rules[i], effective, err);

		if (holds < 0)
			return -1;
		if (holds == 0)
			continue;
		*ret_rule = &state->u.choice.rules[i];
		return 0;
	}
	*ret_rule = NULL;
	if (state->u.choice.otherwise != NULL)
		return 0;
	return tmf_err_set_name(err, TMF_ERR_ASL, "States.Runtime",
	    "Failed to transition out of the state. The state does not point to a next state.");
}
