#include "asl/state/step.h"
#include "asl/state/dataflow_internal.h"

#include "base/jsonx.h"
#include "base/mem.h"
#include "base/rng.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#define ERROR_THRESHOLD "States.ExceedToleratedFailureThreshold"
#define PERCENT		100.0

/* --- entering --- */

static int
step_effective(const struct step *step, struct step_work *work, struct tmf_err *err)
{
	return asl_state_input(step->state, &step->scope, step->trace, &work->input, err);
}

static int
step_enter_pass(const struct step *step, struct step_work *work, struct tmf_err *err)
{
	json_t *literal = step->state->u.pass.result;

	/* Parameters are worked out even where Result replaces them: a fault in them fails the
	 * state. */
	if (step_effective(step, work, err) < 0)
		return -1;
	if (literal != NULL) {
		json_decref(work->input);
		work->input = json_incref(literal);
	}
	return 0;
}

/* Rules see the effective input, behind InputPath. */
static int
step_enter_choice(const struct step *step, struct step_work *work, struct tmf_err *err)
{
	struct asl_scope scope = step->scope;

	if (step_effective(step, work, err) < 0)
		return -1;
	scope.input = work->input;
	return asl_choose(step->state, &scope, &work->rule, err);
}

/* Its output is its input; until_wall_ms is all that entering adds. */
static int
step_enter_wait(const struct step *step, struct step_work *work, struct tmf_err *err)
{
	struct asl_scope scope = step->scope;

	if (step_effective(step, work, err) < 0)
		return -1;
	scope.input = work->input;
	return asl_wait_until(step->state, &scope, step->now_wall_ms, &work->until_wall_ms, err);
}

/* The time limits' paths see the raw input, unlike those of a Map's limits. */
static int
step_enter_task(const struct step *step, struct step_work *work, struct tmf_err *err)
{
	const struct asl_state *state = step->state;

	if (asl_number_eval(&state->u.task.timeout_seconds, "TimeoutSecondsPath", 0, &step->scope,
		&work->timeout_s, err) < 0 ||
	    asl_number_eval(&state->u.task.heartbeat_seconds, "HeartbeatSecondsPath", 0,
		&step->scope, &work->heartbeat_s, err) < 0)
		return -1;
	return step_effective(step, work, err);
}

/* A Parallel has no thresholds: its first failed branch fails it. */
static int
step_enter_parallel(const struct step *step, struct step_work *work, struct tmf_err *err)
{
	work->child_count = (int64_t)step->state->u.parallel.branch_count;
	work->concurrency = -1;
	work->tolerated = (struct step_tolerance){.count = -1, .percentage = -1};
	return step_effective(step, work, err);
}

/* AWS asks for one of the two limits. Without, a batch is as large as an input may be. */
static int
step_batches(const struct asl_batcher *batcher, const struct asl_scope *scope,
    struct step_source *source, struct tmf_err *err)
{
	if (!batcher->given)
		return 0;
	if (asl_number_eval(&batcher->max_items, "MaxItemsPerBatchPath", INT32_MAX, scope,
		&source->batch_items, err) < 0 ||
	    asl_number_eval(&batcher->max_bytes, "MaxInputBytesPerBatchPath", ASL_DATA_BYTES_MAX,
		scope, &source->batch_bytes, err) < 0)
		return -1;
	if (source->batch_items == 0 || source->batch_bytes == 0)
		return tmf_err_set_name(err, TMF_ERR_ASL, "States.Runtime",
		    "A batch must be allowed at least one item and one byte.");
	if (source->batch_bytes > ASL_DATA_BYTES_MAX)
		source->batch_bytes = ASL_DATA_BYTES_MAX;
	return batcher->input != NULL
		   ? asl_template_eval(batcher->input, scope, &source->batch_input, err)
		   : 0;
}

static int
step_destination(const struct asl_writer *writer, const struct asl_scope *scope,
    struct step_source *source, struct tmf_err *err)
{
	if (writer->resource == NULL)
		return 0;
	if (writer->arguments != NULL)
		return asl_template_eval(writer->arguments, scope, &source->destination, err);
	source->destination = json_object();
	return 0;
}

/* What a Map has its items from: a list in its data, an object somewhere else, or either in
 * batches. */
static int
step_items(const struct step *step, const struct asl_scope *scope, struct step_work *work,
    struct tmf_err *err)
{
	const struct asl_state *state = step->state;
	const struct asl_reader *reader = &state->u.map.reader;
	struct step_source *source = &work->source;

	source->streamed = reader->resource != NULL || state->u.map.batcher.given ||
			   state->u.map.writer.resource != NULL;
	source->items_max = -1;
	if (reader->resource == NULL || state->u.map.foreign != NULL) {
		if (asl_map_items(state, scope, &work->items, err) < 0)
			return -1;
		if (!source->streamed)
			work->child_count = (int64_t)json_array_size(work->items);
		asl_trace_stage(step->trace, "afterItemsPath", work->items);
		return step_batches(&state->u.map.batcher, scope, source, err);
	}
	if (reader->arguments == NULL)
		source->arguments = json_object();
	else if (asl_template_eval(reader->arguments, scope, &source->arguments, err) < 0)
		return -1;
	if (asl_number_eval(
		&reader->max_items, "MaxItemsPath", -1, scope, &source->items_max, err) < 0)
		return -1;
	return step_batches(&state->u.map.batcher, scope, source, err);
}

/* ItemsPath and the limits see the effective input. */
static int
step_enter_map(const struct step *step, struct step_work *work, struct tmf_err *err)
{
	const struct asl_state *state = step->state;
	struct asl_scope scope = step->scope;

	if (step_effective(step, work, err) < 0)
		return -1;
	scope.input = work->input;
	if (step_items(step, &scope, work, err) < 0 ||
	    step_destination(&state->u.map.writer, &scope, &work->source, err) < 0)
		return -1;
	if (asl_number_eval(&state->u.map.max_concurrency, "MaxConcurrencyPath", -1, &scope,
		&work->concurrency, err) < 0 ||
	    asl_number_eval(&state->u.map.tolerated_failure_count, "ToleratedFailureCountPath", -1,
		&scope, &work->tolerated.count, err) < 0)
		return -1;
	return asl_tolerated_percentage(state, &scope, &work->tolerated.percentage, err);
}

/* The author's error, in the author's words: never prefixed. A Fail without Cause has an error
 * without a text. */
static int
step_enter_fail(const struct step *step, struct step_work *work, struct tmf_err *err)
{
	char *error = NULL;
	char *cause = NULL;

	(void)work;
	if (asl_fail_evaluate(step->state, &step->scope, &error, &cause, err) < 0)
		return -1;
	tmf_err_set_name(
	    err, TMF_ERR_SERVICE, error != NULL ? error : "", cause != NULL ? "%s" : NULL, cause);
	free(error);
	free(cause);
	return -1;
}

static const struct {
	int (*enter)(const struct step *step, struct step_work *work, struct tmf_err *err);
	enum step_kind kind;
} step_types[ASL_STATE_TYPE_COUNT] = {
    [ASL_PASS] = {step_enter_pass, STEP_DONE},
    [ASL_TASK] = {step_enter_task, STEP_TASK},
    [ASL_CHOICE] = {step_enter_choice, STEP_DONE},
    [ASL_WAIT] = {step_enter_wait, STEP_WAIT},
    [ASL_SUCCEED] = {step_effective, STEP_DONE},
    [ASL_FAIL] = {step_enter_fail, STEP_FAILED},
    [ASL_PARALLEL] = {step_enter_parallel, STEP_CHILDREN},
    [ASL_MAP] = {step_enter_map, STEP_CHILDREN},
};

enum step_kind
step_enter(const struct step *step, struct step_work *ret_work, struct tmf_err *err)
{
	assert(step->state->type < ASL_STATE_TYPE_COUNT);
	assert(step->scope.input != NULL);
	*ret_work = (struct step_work){0};
	if (step_types[step->state->type].enter(step, ret_work, err) == 0) {
		assert(ret_work->input != NULL);
		return step_types[step->state->type].kind;
	}
	step_work_fini(ret_work);
	return STEP_FAILED;
}

void
step_work_fini(struct step_work *work)
{
	json_decref(work->input);
	json_decref(work->items);
	json_decref(work->source.arguments);
	json_decref(work->source.batch_input);
	json_decref(work->source.destination);
	*work = (struct step_work){0};
}

/* Without ItemSelector each item is the input of its iteration. */
int
step_item(const struct step *step, json_t *effective, json_t *item, json_t **ret_input,
    struct tmf_err *err)
{
	struct asl_scope scope = step->scope;

	assert(step->state->type == ASL_MAP);
	if (step->state->parameters == NULL) {
		*ret_input = json_incref(item);
		return 0;
	}
	scope.input = effective;
	return asl_template_eval(step->state->parameters, &scope, ret_input, err);
}

/* --- how many of a Map's items may fail --- */

bool
step_tolerance_is_given(const struct step_tolerance *tolerated)
{
	return tolerated->count >= 0 || tolerated->percentage >= 0;
}

bool
step_tolerates(const struct step_tolerance *tolerated, int64_t failed, int64_t items)
{
	assert(failed >= 0 && items >= -1);
	if (!step_tolerance_is_given(tolerated))
		return failed == 0;
	if (tolerated->count >= 0 && failed > tolerated->count)
		return false;
	return items < 0 || tolerated->percentage < 0 ||
	       (double)failed * PERCENT <= tolerated->percentage * (double)items;
}

int
step_tolerance_error(struct tmf_err *err)
{
	return tmf_err_set_name(err, TMF_ERR_ASL, ERROR_THRESHOLD,
	    "The specified tolerated failure threshold was exceeded");
}

/* --- leaving --- */

/* Nothing is returned until all has succeeded, so a failure leaves no half of an exit
 * behind. */
int
step_leave(const struct step *step, const struct asl_choice_rule *rule, json_t *result,
    struct step_exit *ret_exit, struct tmf_err *err)
{
	const struct asl_state *state = step->state;
	struct step_exit exit = {.assign = state->assign, .next = state->next};
	struct asl_scope scope = step->scope;
	struct asl_scope assign_scope = step->scope;

	assert(rule == NULL || state->type == ASL_CHOICE);
	*ret_exit = (struct step_exit){0};
	if (state->type == ASL_CHOICE) {
		exit.assign = rule != NULL ? rule->assign : state->assign;
		exit.next = rule != NULL ? rule->next : state->u.choice.otherwise;
	}
	asl_trace_stage(step->trace, "result", result);
	state->query->see_result(state, &assign_scope, result);
	scope.result = assign_scope.result;
	if (asl_state_output(state, rule, &scope, result, step->trace, &exit.output, err) < 0)
		return -1;
	if (asl_assign(exit.assign, &assign_scope, &exit.variables, err) < 0) {
		step_exit_fini(&exit);
		return -1;
	}
	*ret_exit = exit;
	return 0;
}

void
step_exit_fini(struct step_exit *exit)
{
	json_decref(exit->output);
	json_decref(exit->variables);
	*exit = (struct step_exit){0};
}

/* --- failing --- */

/*
 * AWS words the faults of its own interpreter with the state in front, and those of an action or an
 * author as they are:
 *   "An error occurred while executing the state 'S' (entered at the event id #2). Invalid path
 *   '$.a' : ..."
 * The code then says that the words are complete, so that a Map around the state hands them on
 * unchanged.
 */
static void
step_word_cause(const struct step *step, struct tmf_err *err)
{
	char *text;

	if (!asl_cause_is_prefixed(err))
		return;
	text = mem_printf(
	    "An error occurred while executing the state '%s' (entered at the event id #%" PRId64
	    "). %s",
	    step->state->name, step->entered_event, tmf_err_text(err));
	free(err->text);
	err->text = text;
	err->code = TMF_ERR_SERVICE;
}

/* Jitter FULL takes a random part of the delay, which keeps many branches from trying again
 * at one moment. */
static bool
step_retries(const struct step *step, uint32_t *retries, const struct tmf_err *err,
    struct step_failure *failure)
{
	int which = asl_retrier_for(step->state, err->name);
	const struct asl_retrier *retrier;

	if (which < 0)
		return false;
	retrier = &step->state->retry[which];
	/* The first retrier that takes the error decides: where it has no attempt left, no later
	 * one is asked. */
	if (retries[which] >= retrier->max_attempts)
		return false;
	failure->which = which;
	failure->interval_s = asl_retry_delay(retrier, retries[which]++);
	failure->delay_s = failure->interval_s;
	if (retrier->jitter == ASL_JITTER_FULL)
		failure->delay_s *= rng_unit(step->scope.rng);
	return true;
}

/* Only Retry and Catch distinguish a missing heartbeat from a timeout: what is reported is
 * States.Timeout, as on AWS. */
static void
step_report_as_timeout(struct tmf_err *err)
{
	if (tmf_err_is(err, ASL_ERROR_HEARTBEAT))
		tmf_err_set_name(err, TMF_ERR_ASL, ASL_ERROR_TIMEOUT, NULL);
}

/* A fault in the catcher's own data flow comes out in *err: the state then fails with it, and no
 * other catcher is asked. */
static bool
step_catches(const struct step *step, struct tmf_err *err, struct step_failure *failure)
{
	int which = asl_catcher_for(step->state, err->name);
	const struct asl_catcher *catcher = which >= 0 ? &step->state->catchers[which] : NULL;
	const struct asl_query *query = step->state->query;
	struct step_exit exit = {0};
	struct asl_scope scope = step->scope;
	struct asl_scope assign_scope = step->scope;
	json_t *error_output;
	bool by_name;
	bool ok;

	if (catcher == NULL)
		return false;
	by_name = asl_catcher_names(catcher, err->name);
	step_report_as_timeout(err);
	error_output = json_object();
	jsonx_put_string(error_output, "Error", err->name);
	jsonx_put_string(error_output, "Cause", tmf_err_text(err));
	exit.assign = catcher->assign;
	exit.next = catcher->next;
	query->see_error(&assign_scope, error_output);
	scope.error_output = error_output;
	ok = query->catch_output(catcher, &scope, error_output, &exit.output, err) == 0 &&
	     (catcher->output == NULL || dataflow_check_size(step->state, exit.output, err) == 0) &&
	     asl_assign(catcher->assign, &assign_scope, &exit.variables, err) == 0;
	json_decref(error_output);
	failure->which = which;
	if (!ok) {
		step_exit_fini(&exit);
		step_word_cause(step, err);
		return false;
	}
	failure->by_name = by_name;
	failure->exit = exit;
	return true;
}

enum step_failure_kind
step_fail(const struct step *step, uint32_t *retries, struct tmf_err *err,
    struct step_failure *ret_failure)
{
	assert(tmf_err_isset(err));
	assert(retries != NULL || step->state->retry_count == 0);
	*ret_failure = (struct step_failure){.which = -1};
	step_word_cause(step, err);
	if (step_retries(step, retries, err, ret_failure))
		return STEP_RETRY;
	if (step_catches(step, err, ret_failure))
		return STEP_CAUGHT;
	/* The author of a Fail may give it any name. */
	if (step->state->type != ASL_FAIL)
		step_report_as_timeout(err);
	return STEP_UNCAUGHT;
}
