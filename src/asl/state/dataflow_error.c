#include "asl/state/dataflow.h"

#include <math.h>
#include <string.h>

#define ERROR_ALL	  "States.ALL"
#define ERROR_RUNTIME	  "States.Runtime"
#define ERROR_TASK_FAILED "States.TaskFailed"

#define CAUSE_PREFIX "An error occurred while executing the state '"

/* Errors whose causes the engine itself words with the state's name in front. */
static const char *const prefixed_errors[] = {
    "States.IntrinsicFailure",
    "States.NoChoiceMatched",
    "States.ParameterPathFailure",
    ASL_ERROR_QUERY,
    "States.ResultPathMatchFailure",
    ERROR_RUNTIME,
};

/* States.TaskFailed stands for any error but a timeout, as the specification says. A
 * pattern States.Timeout takes a missing heartbeat, too, but not the other way round. */
static bool
pattern_takes(const char *pattern, const char *error)
{
	if (strcmp(pattern, ERROR_ALL) == 0)
		return true;
	if (strcmp(pattern, ERROR_TASK_FAILED) == 0)
		return strcmp(error, ASL_ERROR_TIMEOUT) != 0 &&
		       strcmp(error, ASL_ERROR_HEARTBEAT) != 0;
	if (strcmp(pattern, ASL_ERROR_TIMEOUT) == 0 && strcmp(error, ASL_ERROR_HEARTBEAT) == 0)
		return true;
	return strcmp(pattern, error) == 0;
}

/* AWS lets States.Runtime fail the execution: a fault of the definition does not go away by
 * a retry. */
static bool
takes(const char *const *patterns, const char *error)
{
	if (strcmp(error, ERROR_RUNTIME) == 0)
		return false; /* neither by States.ALL nor by name */
	for (; *patterns != NULL; patterns++) {
		if (pattern_takes(*patterns, error))
			return true;
	}
	return false;
}

/* States.TaskFailed is a pattern, also where an action fails with that very name. */
static bool
patterns_name(const char *const *patterns, const char *error)
{
	for (; *patterns != NULL; patterns++)
		if (strcmp(*patterns, error) == 0)
			return strcmp(error, ERROR_TASK_FAILED) != 0;
	return false;
}

/* The first retrier with a fitting name decides, in the order of the definition. */
int
asl_retrier_for(const struct asl_state *state, const char *error)
{
	for (size_t i = 0; i < state->retry_count; i++) {
		if (takes(state->retry[i].errors, error))
			return (int)i;
	}
	return -1;
}

/* States.ALL and States.TaskFailed are classes of errors, so a catcher that has only these
 * does not know this error by name. */
bool
asl_catcher_names(const struct asl_catcher *catcher, const char *error)
{
	return patterns_name(catcher->errors, error);
}

bool
asl_state_names(const struct asl_state *state, const char *error)
{
	for (size_t i = 0; i < state->retry_count; i++)
		if (patterns_name(state->retry[i].errors, error))
			return true;
	for (size_t i = 0; i < state->catcher_count; i++)
		if (patterns_name(state->catchers[i].errors, error))
			return true;
	return false;
}

int
asl_catcher_for(const struct asl_state *state, const char *error)
{
	for (size_t i = 0; i < state->catcher_count; i++) {
		if (takes(state->catchers[i].errors, error))
			return (int)i;
	}
	return -1;
}

/* IntervalSeconds times BackoffRate for each attempt before: 1, 2, 4 seconds with the
 * defaults. In doubles, so that a large number of attempts ends at the limit instead of
 * overflowing. */
double
asl_retry_delay(const struct asl_retrier *retrier, int64_t attempt)
{
	double limit = retrier->max_delay_seconds > 0 ? (double)retrier->max_delay_seconds
						      : (double)ASL_SECONDS_MAX;
	double delay =
	    (double)retrier->interval_seconds * pow(retrier->backoff_rate, (double)attempt);

	return delay < limit ? delay : limit;
}

/* An error keeps its words when it passes through a Map or Parallel, so the prefix is never
 * put twice. */
bool
asl_cause_is_prefixed(const struct tmf_err *err)
{
	if (err->code != TMF_ERR_ASL && err->code != TMF_ERR_LIMIT)
		return false; /* an action's or an author's own words */
	if (strncmp(tmf_err_text(err), CAUSE_PREFIX, strlen(CAUSE_PREFIX)) == 0)
		return false; /* from a state within this one */
	for (size_t i = 0; i < sizeof(prefixed_errors) / sizeof(*prefixed_errors); i++) {
		if (tmf_err_is(err, prefixed_errors[i]))
			return true;
	}
	return false;
}
