#include "asl/compile/compile_errors.h"

#include <stdint.h>
#include <string.h>

/*
 * Names are compared with those of earlier entries, which takes quadratic time. With these limits a
 * definition of 1 MiB is still checked in milliseconds; what they leave out are warnings only.
 */
#define HANDLERS_COMPARED_MAX 64u /* retriers or catchers */
#define NAMES_COMPARED_MAX    64u /* in one of them */

/*
 * What Step Functions itself reports.
 * See: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
 */
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

/* What only states with children can report. */
static const char *const child_error_names[] = {
    "States.BranchFailed",
    "States.ExceedToleratedFailureThreshold",
    "States.ItemReaderFailed",
    "States.NoChoiceMatched",
    "States.ResultWriterFailed",
    NULL,
};

static bool
errors_list_has(const char *const *names, const char *name)
{
	for (; *names != NULL; names++) {
		if (strcmp(*names, name) == 0)
			return true;
	}
	return false;
}

static bool
errors_entry_has(json_t *handler, const char *name, size_t names_max)
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

/* True when a retrier or catcher before at takes exactly this name. */
static bool
errors_taken(json_t *handlers, size_t at, const char *name)
{
	for (size_t i = 0; i < at && i < HANDLERS_COMPARED_MAX; i++) {
		if (errors_entry_has(json_array_get(handlers, i), name, NAMES_COMPARED_MAX))
			return true;
	}
	return false;
}

/* States.TaskFailed takes whatever a state's work reports, except timeouts. */
static bool
errors_taken_as_failure(json_t *handlers, size_t at, const char *name)
{
	return strcmp(name, "States.ALL") != 0 && strcmp(name, "States.Timeout") != 0 &&
	       strcmp(name, "States.HeartbeatTimeout") != 0 &&
	       errors_taken(handlers, at, "States.TaskFailed");
}

/*
 * AWS takes any name. What is written like one of its own, and is not, is most likely a mistake:
 * "State.ALL" never matches. A name that a workflow makes up in a Fail state has no such prefix.
 */
static void
errors_check_name(
    struct compiler *compiler, const struct handlers *handlers, size_t at, const char *name)
{
	struct buf hint = {0};
	bool known = strncmp(name, "State", 5) != 0 || errors_list_has(error_names, name);
	const char *near = known ? NULL : compiler_hint(compiler, &hint, name, error_names);

	/* Recorded from AWS: a Catch of ["States.Runtime"] does not catch it. */
	if (strcmp(name, "States.Runtime") == 0)
		compiler_warn(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "States.Runtime cannot be %s, not even by name",
		    handlers->catches ? "caught" : "retried");
	else if (near != NULL || (!known && strncmp(name, "States.", 7) == 0))
		compiler_warn(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, near,
		    "No state reports the error '%s'", name);
	else if (handlers->type == ASL_TASK && errors_list_has(child_error_names, name))
		compiler_warn(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "A Task does not report the error '%s'", name);
	else if (errors_taken(handlers->list, at, name))
		compiler_warn(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "The error '%s' is already handled by an earlier entry", name);
	else if (errors_taken_as_failure(handlers->list, at, name))
		compiler_warn(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "The error '%s' is already handled by States.TaskFailed in an earlier entry",
		    name);
	buf_fini(&hint);
}

void
compile_check_errors(struct compiler *compiler, const struct handlers *handlers, size_t at)
{
	json_t *handler = json_array_get(handlers->list, at);
	json_t *names = json_object_get(handler, "ErrorEquals");
	size_t mark = compiler_push(compiler, "ErrorEquals");
	json_t *name;
	size_t i;

	if (errors_entry_has(handler, "States.ALL", SIZE_MAX) &&
	    (json_array_size(names) > 1 || at + 1 < json_array_size(handlers->list)))
		compiler_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "States.ALL must appear alone and in the last entry");
	json_array_foreach (names, i, name) {
		size_t name_mark = compiler_push_index(compiler, i);

		if (json_is_string(name))
			errors_check_name(compiler, handlers, at, json_string_value(name));
		compiler_pop(compiler, name_mark);
	}
	compiler_pop(compiler, mark);
}
