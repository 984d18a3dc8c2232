#include "asl/compile/compile_errors.h"

#include <stdint.h>
#include <string.h>

#define HANDLERS_COMPARED_MAX 64u /* retriers or catchers */
#define NAMES_COMPARED_MAX    64u /* in one of them */

/* What Step Functions itself reports. */
static const char *const error_names[] = {
    "States.ALL",
    "States.BranchFailed",
    "States.DataLimitExceeded",
    "States.ExceedToleratedFailureThreshold",
    "States.HeartbeatTimeout",
    "States.Http.Socket",
    "States.IntrinsicFailure",
    "States.ItemReaderFailed",
    "States.NoChoiceMatched",
    "States.ParameterPathFailure",
    "States.Permissions",
    "States.QueryEvaluationError",
    "States.ResultPathMatchFailure",
    "States.ResultWriterFailed",
    "States.Runtime",
    "States.TaskFailed",
    "States.Timeout",
    NULL,
};

static bool
is_error_name(const char *name)
{
	for (size_t i = 0; error_names[i] != NULL; i++) {
		if (strcmp(error_names[i], name) == 0)
			return true;
	}
	return false;
}

static bool
holds_name(json_t *handler, const char *name, size_t names_max)
{
	json_t *other;
	size_t i;

	json_array_foreach (json_object_get(handler, "ErrorEquals"), i, other) {
		if (i == names_max)
			break;
		if (json_is_string(other) && strcmp(json_string_value(other), name) == 0)
			return true;
	}
	return false;
}

/* True when a retrier or catcher before at takes this very name. Of very many, not all are looked at. */
static bool
taken_earlier(json_t *handlers, size_t at, const char *name)
{
	if (at > HANDLERS_COMPARED_MAX)
		at = HANDLERS_COMPARED_MAX;
	for (size_t i = 0; i < at; i++) {
		if (holds_name(json_array_get(handlers, i), name, NAMES_COMPARED_MAX))
			return true;
	}
	return false;
}

/* True when an earlier entry takes all that a state's work reports: everything but time-outs, and what no retrier or catcher sees. */
static bool
taken_as_failure(json_t *handlers, size_t at, const char *name)
{
	return strcmp(name, "States.ALL") != 0 && strcmp(name, "States.Timeout") != 0 &&
	       strcmp(name, "States.HeartbeatTimeout") != 0 &&
	       taken_earlier(handlers, at, "States.TaskFailed");
}

/* What only states with children can report. */
static bool
comes_from_children(const char *name)
{
	static const char *const names[] = {"States.BranchFailed",
	    "States.ExceedToleratedFailureThreshold", "States.ItemReaderFailed",
	    "States.NoChoiceMatched", "States.ResultWriterFailed"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

static void
check_error_name(
    struct compiler *compiler, const struct handlers *handlers, size_t at, const char *name)
{
	struct buf hint = {0};
	bool known = strncmp(name, "State", 5) != 0 || is_error_name(name);
	const char *near = known ? NULL : compiler_hint(compiler, &hint, name, error_names);

	if (strcmp(name, "States.Runtime") == 0)
		compiler_warn(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "States.Runtime cannot be %s, not even by name",
		    handlers->catches ? "caught" : "retried");
	else if (near != NULL || (!known && strncmp(name, "States.", 7) == 0))
		compiler_warn(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, near,
		    "No state reports the error '%s'", name);
	else if (handlers->type == ASL_TASK && comes_from_children(name))
		compiler_warn(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "A Task does not report the error '%s'", name);
	else if (taken_earlier(handlers->list, at, name))
		compiler_warn(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "The error '%s' is taken by an earlier entry", name);
	else if (taken_as_failure(handlers->list, at, name))
		compiler_warn(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "The error '%s' is taken by States.TaskFailed in an earlier entry", name);
	buf_fini(&hint);
}

void
compile_check_errors(struct compiler *compiler, const struct handlers *handlers, size_t at)
{
	json_t *names = json_object_get(json_array_get(handlers->list, at), "ErrorEquals");
	size_t mark = compiler_push(compiler, "ErrorEquals");
	json_t *name;
	size_t i;

	if (holds_name(json_array_get(handlers->list, at), "States.ALL", SIZE_MAX) &&
	    (json_array_size(names) > 1 || at + 1 < json_array_size(handlers->list)))
		compiler_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "States.ALL should stand alone and in the last entry");
	json_array_foreach (names, i, name) {
		size_t name_mark = compiler_push_index(compiler, i);

		if (json_is_string(name))
			check_error_name(compiler, handlers, at, json_string_value(name));
		compiler_pop(compiler, name_mark);
	}
	compiler_pop(compiler, mark);
}
