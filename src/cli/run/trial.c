#include "cli/run/trial_internal.h"

#include "base/clock.h"
#include "base/jsonx.h"
#include "base/mem.h"

#include <stdlib.h>

#define NAME_OF_ALL "test-state" /* of the execution and of the machine, which are not there */
#define ENTERED_AT  0		 /* the event id in causes: there is no history */

static const char *const status_names[TRIAL_STATUS_COUNT] = {
    [TRIAL_SUCCEEDED] = "SUCCEEDED",
    [TRIAL_FAILED] = "FAILED",
    [TRIAL_RETRIABLE] = "RETRIABLE",
    [TRIAL_CAUGHT_ERROR] = "CAUGHT_ERROR",
};

const char *
trial_status_name(enum trial_status status)
{
	return status_names[status];
}

bool
trial_needs_result(const struct asl_state *state)
{
	return state->type == ASL_TASK || state->type == ASL_MAP || state->type == ASL_PARALLEL;
}

/* --- what the state sees --- */

static json_t *
new_context(const struct trial *trial)
{
	json_t *context = json_object();
	json_t *execution = json_object();
	json_t *machine = json_object();
	json_t *state = json_object();
	json_t *item = json_object();
	char time[CLOCK_ISO_BYTES];

	clock_iso(trial->now_wall_ms, time);
	jsonx_put_string(execution, "Id", NAME_OF_ALL);
	json_object_set(execution, "Input", trial->input);
	jsonx_put_string(execution, "Name", NAME_OF_ALL);
	jsonx_put_string(execution, "StartTime", time);
	jsonx_put_string(machine, "Id", NAME_OF_ALL);
	jsonx_put_string(machine, "Name", NAME_OF_ALL);
	jsonx_put_string(state, "Name", trial->state->name);
	jsonx_put_string(state, "EnteredTime", time);
	if (trial->state->type == ASL_TASK)
		json_object_set_new(state, "RetryCount", json_integer(0));
	/* As if the input were the first item of a Map. */
	json_object_set_new(item, "Index", json_integer(0));
	json_object_set(item, "Value", trial->input);
	json_object_set_new(context, "Execution", execution);
	json_object_set_new(context, "StateMachine", machine);
	json_object_set_new(context, "State", state);
	json_object_set_new(context, "Map", json_pack("{s:o}", "Item", item));
	return context;
}

json_t *
trial_context(struct trial *trial)
{
	if (trial->context == NULL)
		trial->context = new_context(trial);
	return trial->context;
}

static json_t *
context_of(void *arg)
{
	return trial_context(arg);
}

struct asl_scope
trial_scope(struct trial *trial, json_t *input)
{
	return (struct asl_scope){
	    .input = input,
	    .variables = trial->variables,
	    .context = context_of,
	    .context_arg = trial,
	    .rng = trial->rng,
	};
}

void
trial_inspect(struct trial *trial, const char *key, const json_t *value)
{
	char *text;

	if (value == NULL)
		return;
	text = jsonx_text(value);
	jsonx_put_string(trial->inspection, key, text);
	free(text);
}

/* --- the beginning --- */

static bool
has_parameters(const struct asl_state *state)
{
	return state->type != ASL_WAIT && state->type != ASL_MAP;
}

int
trial_begin(struct trial *trial)
{
	struct asl_scope raw = trial_scope(trial, trial->input);
	json_t *picked = NULL;

	trial->inspection = json_object();
	trial_inspect(trial, "input", trial->input);
	trial_inspect(trial, "variables", trial->variables);
	if (trial->state->type == ASL_FAIL)
		return 0;
	if (asl_state_input_path(trial->state, &raw, &picked, &trial->err) < 0)
		return -1;
	trial_inspect(trial, "afterInputPath", picked);
	if (!has_parameters(trial->state)) {
		trial->effective = picked;
		return trial->state->type == ASL_MAP ? trial_begin_map(trial) : 0;
	}
	json_decref(picked);
	if (asl_state_input(trial->state, &raw, &trial->effective, &trial->err) < 0)
		return -1;
	trial_inspect(trial, "afterParameters", trial->effective);
	return 0;
}

/* --- what the state does --- */

static int
choose(struct trial *trial, const struct asl_choice_rule **ret_rule)
{
	struct asl_scope scope = trial_scope(trial, trial->effective);

	if (asl_choose(trial->state, &scope, ret_rule, &trial->err) < 0)
		return -1;
	trial->next = *ret_rule != NULL ? (*ret_rule)->next : trial->state->u.choice.otherwise;
	return 0;
}

static int
fail(struct trial *trial)
{
	struct asl_scope scope = trial_scope(trial, trial->input);
	char *error = NULL;
	char *cause = NULL;

	if (asl_fail_evaluate(trial->state, &scope, &error, &cause, &trial->err) == 0)
		tmf_err_set_name(&trial->err, TMF_ERR_SERVICE, error != NULL ? error : "",
		    cause != NULL ? "%s" : NULL, cause);
	free(error);
	free(cause);
	return -1;
}

static int
check_wait(struct trial *trial)
{
	struct asl_scope scope = trial_scope(trial, trial->effective);
	int64_t until_wall_ms;

	return asl_wait_until(
	    trial->state, &scope, trial->now_wall_ms, &until_wall_ms, &trial->err);
}

/* Sets the result of those types that need nobody else; *ret_rule is a Choice's. */
static int
work(struct trial *trial, const struct asl_choice_rule **ret_rule)
{
	const struct asl_state *state = trial->state;

	if (trial_needs_result(state))
		return 0;
	if (state->type == ASL_FAIL)
		return fail(trial);
	if (state->type == ASL_WAIT && check_wait(trial) < 0)
		return -1;
	if (state->type == ASL_CHOICE && choose(trial, ret_rule) < 0)
		return -1;
	trial->result = json_incref(state->type == ASL_PASS && state->u.pass.result != NULL
					? state->u.pass.result
					: trial->effective);
	return 0;
}

/* --- the end --- */

/* The state's output as if it had none of the later stages. */
static int
stage(struct trial *trial, const char *key, bool keeps_result_path)
{
	struct asl_state part = *trial->state;
	struct asl_scope raw = trial_scope(trial, trial->input);
	json_t *value = NULL;

	part.output_path = NULL;
	part.output_discard = false;
	if (!keeps_result_path) {
		part.result_path = NULL;
		part.result_discard = false;
	}
	if (asl_state_output(&part, &raw, trial->result, &value, &trial->err) < 0)
		return -1;
	trial_inspect(trial, key, value);
	json_decref(value);
	return 0;
}

static int
leave(struct trial *trial, const struct asl_choice_rule *rule)
{
	const struct asl_state *state = trial->state;
	struct asl_scope raw = trial_scope(trial, trial->input);
	struct asl_scope scope = trial_scope(trial, trial->result);

	trial_inspect(trial, "result", trial->result);
	if (stage(trial, "afterResultSelector", false) < 0 ||
	    stage(trial, "afterResultPath", true) < 0 ||
	    asl_state_output(state, &raw, trial->result, &trial->output, &trial->err) < 0)
		return -1;
	return asl_assign(
	    rule != NULL ? rule->assign : state->assign, &scope, &trial->after, &trial->err);
}

/* "An error occurred while executing the state ..." where AWS says so. */
static void
word_cause(struct trial *trial)
{
	struct tmf_err *err = &trial->err;
	char *text;

	if (!asl_cause_is_prefixed(err))
		return;
	text = mem_printf(
	    "An error occurred while executing the state '%s' (entered at the event id #%d). %s",
	    trial->state->name, ENTERED_AT, tmf_err_text(err));
	free(err->text);
	err->text = text;
}

static bool
is_retried(const struct trial *trial, int *ret_retrier)
{
	*ret_retrier = asl_retrier_for(trial->state, trial->err.name);
	return *ret_retrier >= 0 && trial->state->retry[*ret_retrier].max_attempts > 0;
}

static void
note_retry(struct trial *trial, int retrier)
{
	json_t *details = json_object();

	json_object_set_new(details, "retryIndex", json_integer(retrier));
	json_object_set_new(details, "retryBackoffIntervalSeconds",
	    json_integer((json_int_t)asl_retry_delay(&trial->state->retry[retrier], 0)));
	json_object_set_new(trial->inspection, "errorDetails", details);
}

static void
note_catch(struct trial *trial, int catcher)
{
	json_t *details = json_object();

	json_object_set_new(details, "catchIndex", json_integer(catcher));
	json_object_set_new(trial->inspection, "errorDetails", details);
}

/* What a Catch hands on; false when none takes the error, or its own stages fail. */
static bool
is_caught(struct trial *trial)
{
	int which = asl_catcher_for(trial->state, trial->err.name);
	const struct asl_catcher *catcher = which >= 0 ? &trial->state->catchers[which] : NULL;
	json_t *caught;
	bool ok;

	if (catcher == NULL)
		return false;
	caught = json_object();
	jsonx_put_string(caught, "Error", trial->err.name);
	jsonx_put_string(caught, "Cause", tmf_err_text(&trial->err));
	struct asl_scope scope = trial_scope(trial, caught);
	struct tmf_err fault = {0};
	ok = asl_catch_output(catcher, trial->input, caught, &trial->output, &fault) == 0 &&
	     asl_assign(catcher->assign, &scope, &trial->after, &fault) == 0;
	if (!ok) {
		json_decref(trial->output);
		trial->output = NULL;
		tmf_err_move(&trial->err, &fault);
		word_cause(trial);
	}
	json_decref(caught);
	note_catch(trial, which);
	trial->next = catcher->next;
	return ok;
}

static void
end_failed(struct trial *trial)
{
	int retrier;

	json_decref(trial->output);
	trial->output = NULL;
	trial->next = NULL;
	word_cause(trial);
	if (is_retried(trial, &retrier)) {
		note_retry(trial, retrier);
		trial->status = TRIAL_RETRIABLE;
	} else if (is_caught(trial)) {
		trial->status = TRIAL_CAUGHT_ERROR;
	} else {
		trial->status = TRIAL_FAILED;
		trial->next = NULL;
	}
}

void
trial_end(struct trial *trial)
{
	const struct asl_choice_rule *rule = NULL;

	if (tmf_err_isset(&trial->err) || work(trial, &rule) < 0 || leave(trial, rule) < 0) {
		end_failed(trial);
		return;
	}
	trial->status = TRIAL_SUCCEEDED;
	if (trial->state->type != ASL_CHOICE)
		trial->next = trial->state->next;
}

void
trial_fini(struct trial *trial)
{
	json_decref(trial->context);
	json_decref(trial->inspection);
	json_decref(trial->effective);
	json_decref(trial->result);
	json_decref(trial->output);
	json_decref(trial->after);
	tmf_err_fini(&trial->err);
}
