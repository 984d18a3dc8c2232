#ifndef TMFLOW_ASL_STATE_DATAFLOW_H
#define TMFLOW_ASL_STATE_DATAFLOW_H

#include "asl/state/machine.h"

/*
 * The pure steps of a state's data flow, in AWS's order and with AWS's errors (asl-conformance
 * FACTS). scope->input is the raw input where raw is not a parameter of its own. Every out value is
 * a new reference. Errors carry the cause without the "An error occurred while executing the state
 * ..." prefix, see asl_cause_is_prefixed.
 */

/* Hears what each stage of a state's data flow gives, under its name in TestState's
 * inspectionData ("afterInputPath"). */
struct asl_trace {
	void (*stage)(void *arg, const char *name, const json_t *value); /* value is borrowed */
	void *arg;
};

/* Tells trace (NULL: nobody) of one stage. */
void asl_trace_stage(const struct asl_trace *trace, const char *name, const json_t *value);

/*
 * A query language: how the data of a state flow in it. The two are in dataflow.c and
 * dataflow_jsonata.c; a state has one of them, and step.c knows them by this only. Each function
 * returns 0 with a new reference, or -1 with *err.
 */
struct asl_query {
	const char *name; /* "JSONPath" */
	/* What the state's work is given. */
	int (*input)(const struct asl_state *state, const struct asl_scope *raw,
	    const struct asl_trace *trace, json_t **ret_input, struct tmf_err *err);
	/* What the state hands on. output: its Output, or that of the rule that a Choice took. */
	int (*output)(const struct asl_state *state, const struct asl_template *output,
	    const struct asl_scope *raw, json_t *result, const struct asl_trace *trace,
	    json_t **ret_output, struct tmf_err *err);
	/* What a catcher hands on. */
	int (*catch_output)(const struct asl_catcher *catcher, const struct asl_scope *raw,
	    json_t *error_output, json_t **ret_output, struct tmf_err *err);
	/* The items of a Map. */
	int (*items)(const struct asl_state *state, const struct asl_scope *effective,
	    json_t **ret_items, struct tmf_err *err);
	/* Lets Assign (in JSONata also Output) see a result or an error output; borrowed. */
	void (*see_result)(const struct asl_state *state, struct asl_scope *scope, json_t *result);
	void (*see_error)(struct asl_scope *scope, json_t *error_output);
};

extern const struct asl_query asl_query_jsonpath;
extern const struct asl_query asl_query_jsonata;

/* InputPath, then Parameters (not for a Map, whose selector is evaluated per item); in JSONata
 * Arguments. */
int asl_state_input(const struct asl_state *state, const struct asl_scope *raw,
    const struct asl_trace *trace, json_t **ret_input, struct tmf_err *err);

/* ResultSelector, ResultPath (into the raw input), OutputPath; in JSONata Output, which may be that
 * of rule (NULL: none). raw->input is the state's raw input. Size is checked against
 * ASL_DATA_BYTES_MAX (States.DataLimitExceeded). */
int asl_state_output(const struct asl_state *state, const struct asl_choice_rule *rule,
    const struct asl_scope *raw, json_t *result, const struct asl_trace *trace, json_t **ret_output,
    struct tmf_err *err);

/* Assign: new variables = variables of the scope plus those of the template, which sees $ as
 * scope->input. NULL template: the same variables. */
int asl_assign(const struct asl_template *assign, const struct asl_scope *scope,
    json_t **ret_variables, struct tmf_err *err);

/* A number by literal or path; fallback when not given. field names it in messages
 * ("MaxConcurrencyPath"). Errors: States.Runtime in AWS's words. */
int asl_number_eval(const struct asl_number *number, const char *field, int64_t fallback,
    const struct asl_scope *scope, int64_t *ret_value, struct tmf_err *err);

/* A Map's ToleratedFailurePercentage, literal or by path; -1 when not given. */
int asl_tolerated_percentage(const struct asl_state *state, const struct asl_scope *scope,
    double *ret_percentage, struct tmf_err *err);

/* The rule that a Choice takes on its effective input; NULL when that is Default. Errors: as
 * asl_choice_holds; States.Runtime where no rule holds. */
int asl_choose(const struct asl_state *state, const struct asl_scope *effective,
    const struct asl_choice_rule **ret_rule, struct tmf_err *err);

/* When a Wait ends: wall-clock ms. Negative seconds etc. are errors in AWS's words. */
int asl_wait_until(const struct asl_state *state, const struct asl_scope *scope,
    int64_t now_wall_ms, int64_t *ret_wall_ms, struct tmf_err *err);

/* A Fail state's error and cause (either may come out NULL); malloc'ed. */
int asl_fail_evaluate(const struct asl_state *state, const struct asl_scope *scope,
    char **ret_error, char **ret_cause, struct tmf_err *err);

/* The items of a Map: ItemsPath on its effective input. Errors: States.Runtime "must point to
 * array", or for a Map that cannot run here (foreign). */
int asl_map_items(const struct asl_state *state, const struct asl_scope *effective,
    json_t **ret_items, struct tmf_err *err);

/* A heartbeat that did not come has a name of its own for Retry and Catch, which may also name
 * the other; what comes out is always ASL_ERROR_TIMEOUT, as on AWS. See:
 * https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html */
#define ASL_ERROR_TIMEOUT   "States.Timeout"
#define ASL_ERROR_HEARTBEAT "States.HeartbeatTimeout"

/* A fault of an expression in JSONata. */
#define ASL_ERROR_QUERY "States.QueryEvaluationError"

/* The index of the first retrier or catcher whose ErrorEquals takes the error, or -1.
 * States.Runtime and States.DataLimitExceeded follow what AWS does (FACTS). */
int asl_retrier_for(const struct asl_state *state, const char *error);
int asl_catcher_for(const struct asl_state *state, const char *error);

/* True if a retrier or catcher of the state names the error itself. */
bool asl_state_names(const struct asl_state *state, const char *error);

/* True if the catcher names the error itself, rather than States.ALL or States.TaskFailed. */
bool asl_catcher_names(const struct asl_catcher *catcher, const char *error);

/* Seconds before retry number attempt (0 = first retry), before jitter; capped by
 * MaxDelaySeconds. */
double asl_retry_delay(const struct asl_retrier *retrier, int64_t attempt);

/* True if AWS puts "An error occurred while executing the state 'NAME' (entered at the event id
 * #N). " before this error's cause. */
bool asl_cause_is_prefixed(const struct tmf_err *err);

#endif
