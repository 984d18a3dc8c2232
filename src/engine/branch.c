#include "engine/execution.h"

#include "base/clock.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "engine/op.h"

#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define MS 1000

struct branch *
branch_new(struct execution *x, struct branch *parent, int64_t index, const struct asl_state *state,
    json_t *input, json_t *variables)
{
	struct branch *branch = mem_zalloc(1, sizeof(*branch));

	branch->task.run = branch_run;
	branch->timer.fire = branch_timer_fired;
	branch->x = x;
	branch->parent = parent;
	branch->index = index;
	branch->id = x->next_branch_id++;
	branch->state = state;
	branch->input = input;
	branch->variables = json_incref(variables);
	x->live_branches++;
	x->record_dirty = true;
	return branch;
}

/* Takes the op away from a branch that no longer wants it. */
static void
drop_op(struct branch *branch)
{
	if (branch->op == NULL)
		return;
	op_cancel(branch->op);
	branch->op = NULL;
	branch->x->live_ops--;
}

static void
unlink_from(struct branch **head, struct branch *branch, size_t link_offset)
{
	struct branch **at = head;

	while (*at != NULL && *at != branch)
		at = (struct branch **)((char *)*at + link_offset);
	if (*at != NULL)
		*at = *(struct branch **)((char *)branch + link_offset);
}

/* The branch's op may stand in the list of those to be started after the commit. */
static void
unlink_starting(struct branch *branch)
{
	struct engine *engine = branch->x->engine;

	if (branch->phase != PHASE_TASK || branch->op != NULL)
		return;
	unlink_from(&engine->starting, branch, offsetof(struct branch, start_next));
	engine->starting_end = &engine->starting;
	while (*engine->starting_end != NULL)
		engine->starting_end = &(*engine->starting_end)->start_next;
}

void
branch_free(struct branch *branch)
{
	struct execution *x = branch->x;

	if (branch->children != NULL)
		children_cancel(branch);
	unlink_starting(branch);
	drop_op(branch);
	tmf_loop_unpost(x->engine->loop, &branch->task);
	tmf_loop_timer_disarm(x->engine->loop, &branch->timer);
	checkpoint_forget(branch);
	json_decref(branch->input);
	json_decref(branch->variables);
	context_forget(branch);
	free(branch->retries);
	free(branch);
	x->live_branches--;
}

struct asl_scope
branch_scope(struct branch *branch, json_t *input)
{
	return (struct asl_scope){
	    .input = input,
	    .variables = branch->variables,
	    .context = context_of,
	    .context_arg = branch,
	    .rng = branch->x->engine->rng,
	};
}

void
branch_enter(struct branch *branch, const struct asl_state *state, json_t *input)
{
	struct execution *x = branch->x;

	json_decref(branch->input);
	branch->input = input;
	branch->state = state;
	branch->phase = PHASE_ENTERED;
	branch->retry_count = 0;
	free(branch->retries);
	branch->retries = NULL;
	context_forget(branch);
	branch->entered_wall_ms = execution_wall_ms(x);
	branch->entered_event = execution_state_event(branch, "StateEntered", input);
	x->transitions++;
	checkpoint_mark(branch);
}

void
branch_arm_timer(struct branch *branch, int64_t wall_ms)
{
	struct tmf_loop *loop = branch->x->engine->loop;
	struct tmf_clock *clock = tmf_loop_clock(loop);
	int64_t left_ms = wall_ms - clock->wall_ms(clock);

	tmf_loop_timer_arm(
	    loop, &branch->timer, clock->mono_ms(clock) + (left_ms > 0 ? left_ms : 0));
}

/* --- how a branch ends --- */

static void
branch_succeed(struct branch *branch, json_t *output)
{
	if (branch->parent != NULL)
		children_child_done(branch, output);
	else
		execution_succeed(branch->x, output);
}

static void
branch_fail(struct branch *branch, struct tmf_err *err)
{
	if (branch->parent != NULL)
		children_child_failed(branch, err);
	else
		execution_fail(branch->x, err);
}

/* --- how a state ends --- */

/* Output and new variables of the state; a new reference each. */
static int
apply_result(struct branch *branch, json_t *result, json_t **ret_output, json_t **ret_variables,
    struct tmf_err *err)
{
	struct asl_scope raw = branch_scope(branch, branch->input);
	struct asl_scope assign = branch_scope(branch, result);

	if (asl_state_output(branch->state, &raw, result, ret_output, err) < 0)
		return -1;
	if (asl_assign(branch->state->assign, &assign, ret_variables, err) == 0)
		return 0;
	json_decref(*ret_output);
	*ret_output = NULL;
	return -1;
}

void
branch_state_done(struct branch *branch, json_t *result)
{
	const struct asl_state *state = branch->state;
	json_t *output = NULL;
	json_t *variables = NULL;
	struct tmf_err err = {0};
	int ret = apply_result(branch, result, &output, &variables, &err);

	json_decref(result);
	if (ret < 0) {
		branch_state_failed(branch, &err);
		tmf_err_fini(&err);
		return;
	}
	json_decref(branch->variables);
	branch->variables = variables;
	execution_exit_event(branch, output, state->assign);
	if (state->next == NULL) {
		branch_succeed(branch, output);
		return;
	}
	branch_enter(branch, state->next, output);
	tmf_loop_post(branch->x->engine->loop, &branch->task);
}

/* "An error occurred while executing the state 'NAME' (entered at the event id #N). " before the causes that AWS words so. */
static void
prefix_cause(const struct branch *branch, struct tmf_err *err)
{
	char *text;

	if (!asl_cause_is_prefixed(err))
		return;
	text = mem_printf(
	    "An error occurred while executing the state '%s' (entered at the event id #%" PRId64
	    "). %s",
	    branch->state->name, branch->entered_event, tmf_err_text(err));
	free(err->text);
	err->text = text;
	err->code = TMF_ERR_SERVICE; /* worded: the states around it hand it on as it is */
}

/* True when a retrier takes the error: the branch then waits for its next attempt. */
static bool
retry(struct branch *branch, const struct tmf_err *err)
{
	const struct asl_state *state = branch->state;
	int which = asl_retrier_for(state, err->name);
	const struct asl_retrier *retrier;
	double delay_s;

	if (which < 0)
		return false;
	retrier = &state->retry[which];
	if (branch->retries == NULL)
		branch->retries = mem_zalloc(state->retry_count, sizeof(*branch->retries));
	if (branch->retries[which] >= retrier->max_attempts)
		return false;
	delay_s = asl_retry_delay(retrier, branch->retries[which]);
	if (retrier->jitter == ASL_JITTER_FULL)
		delay_s *= rng_unit(branch->x->engine->rng);
	branch->retries[which]++;
	branch->retry_count++;
	context_forget(branch);
	branch->phase = PHASE_BACKOFF;
	branch->wake_wall_ms = execution_wall_ms(branch->x) + (int64_t)(delay_s * MS);
	branch_arm_timer(branch, branch->wake_wall_ms);
	checkpoint_mark(branch);
	return true;
}

/* See ASL_ERROR_HEARTBEAT. */
static void
report_as_timeout(struct tmf_err *err)
{
	if (tmf_err_is(err, ASL_ERROR_HEARTBEAT))
		tmf_err_set_name(err, TMF_ERR_ASL, ASL_ERROR_TIMEOUT, NULL);
}

/* What a Catch hands on. */
static json_t *
error_output(const struct tmf_err *err)
{
	json_t *output = json_object();

	jsonx_put_string(output, "Error", err->name);
	jsonx_put_string(output, "Cause", tmf_err_text(err));
	return output;
}

/* What a catcher makes of an error. */
struct caught {
	const struct asl_catcher *catcher;
	bool by_name;
	json_t *output;
	json_t *variables;
};

/* True when a catcher takes the error. A fault within the catcher comes out in *err. */
static bool
find_catcher(struct branch *branch, struct tmf_err *err, struct caught *ret_caught)
{
	int which = asl_catcher_for(branch->state, err->name);
	struct caught caught = {0};
	json_t *error;
	bool ok;

	if (which < 0)
		return false;
	caught.catcher = &branch->state->catchers[which];
	caught.by_name = asl_catcher_names(caught.catcher, err->name);
	report_as_timeout(err);
	error = error_output(err);
	struct asl_scope scope = branch_scope(branch, error);
	ok = asl_catch_output(caught.catcher, branch->input, error, &caught.output, err) == 0 &&
	     asl_assign(caught.catcher->assign, &scope, &caught.variables, err) == 0;
	json_decref(error);
	if (!ok) {
		json_decref(caught.output);
		prefix_cause(branch, err);
		return false;
	}
	*ret_caught = caught;
	return true;
}

/* The branch then stands in the catcher's state. */
static void
enter_catcher(struct branch *branch, const struct caught *caught)
{
	json_decref(branch->variables);
	branch->variables = caught->variables;
	execution_exit_event(branch, caught->output, caught->catcher->assign);
	branch_enter(branch, caught->catcher->next, caught->output);
	tmf_loop_post(branch->x->engine->loop, &branch->task);
}

void
branch_state_failed(struct branch *branch, struct tmf_err *err)
{
	struct tmf_op *op = branch->op != NULL ? branch->op : branch->ended_op;
	struct caught caught = {0};
	bool is_caught;

	branch->ended_op = NULL;
	prefix_cause(branch, err);
	if (retry(branch, err)) {
		drop_op(branch);
		return;
	}
	is_caught = find_catcher(branch, err, &caught);
	/* A workflow that names the error has its own way of going on from it. */
	if (!caught.by_name && op != NULL && op->action->gave_up != NULL)
		op->action->gave_up(op);
	drop_op(branch);
	if (is_caught) {
		enter_catcher(branch, &caught);
		return;
	}
	report_as_timeout(err);
	branch_fail(branch, err);
}

/* --- the work of each state type --- */

static void
run_pass(struct branch *branch)
{
	struct asl_scope raw = branch_scope(branch, branch->input);
	json_t *input = NULL;
	struct tmf_err err = {0};

	if (asl_state_input(branch->state, &raw, &input, &err) < 0) {
		branch_state_failed(branch, &err);
		tmf_err_fini(&err);
		return;
	}
	if (branch->state->u.pass.result != NULL) {
		json_decref(input);
		input = json_incref(branch->state->u.pass.result);
	}
	branch_state_done(branch, input);
}

static void
run_succeed(struct branch *branch)
{
	struct asl_scope raw = branch_scope(branch, branch->input);
	json_t *input = NULL;
	struct tmf_err err = {0};

	if (asl_state_input(branch->state, &raw, &input, &err) == 0)
		branch_state_done(branch, input);
	else
		branch_state_failed(branch, &err);
	tmf_err_fini(&err);
}

static int
choose(struct branch *branch, json_t *input, const struct asl_choice_rule **ret_rule,
    struct tmf_err *err)
{
	struct asl_scope scope = branch_scope(branch, input);

	return asl_choose(branch->state, &scope, ret_rule, err);
}

/* Output and variables by the rule taken. */
static int
leave_choice(
    struct branch *branch, json_t *input, const struct asl_choice_rule *rule, struct tmf_err *err)
{
	const struct asl_state *state = branch->state;
	const struct asl_state *next = rule != NULL ? rule->next : state->u.choice.otherwise;
	const struct asl_template *assign = rule != NULL ? rule->assign : state->assign;
	struct asl_scope raw = branch_scope(branch, branch->input);
	struct asl_scope scope = branch_scope(branch, input);
	json_t *output = NULL;
	json_t *variables = NULL;

	if (asl_state_output(state, &raw, input, &output, err) < 0)
		return -1;
	if (asl_assign(assign, &scope, &variables, err) < 0) {
		json_decref(output);
		return -1;
	}
	json_decref(branch->variables);
	branch->variables = variables;
	execution_exit_event(branch, output, assign);
	branch_enter(branch, next, output);
	tmf_loop_post(branch->x->engine->loop, &branch->task);
	return 0;
}

static void
run_choice(struct branch *branch)
{
	struct asl_scope raw = branch_scope(branch, branch->input);
	const struct asl_choice_rule *rule = NULL;
	json_t *input = NULL;
	struct tmf_err err = {0};
	bool ok = asl_state_input(branch->state, &raw, &input, &err) == 0 &&
		  choose(branch, input, &rule, &err) == 0 &&
		  leave_choice(branch, input, rule, &err) == 0;

	json_decref(input);
	if (!ok)
		branch_state_failed(branch, &err);
	tmf_err_fini(&err);
}

static void
run_wait(struct branch *branch)
{
	struct asl_scope raw = branch_scope(branch, branch->input);
	json_t *input = NULL;
	struct tmf_err err = {0};
	int ret = asl_state_input_path(branch->state, &raw, &input, &err);

	if (ret == 0) {
		struct asl_scope scope = branch_scope(branch, input);

		ret = asl_wait_until(branch->state, &scope, execution_wall_ms(branch->x),
		    &branch->wake_wall_ms, &err);
	}
	json_decref(input);
	if (ret < 0) {
		branch_state_failed(branch, &err);
		tmf_err_fini(&err);
		return;
	}
	branch->phase = PHASE_WAITING;
	branch_arm_timer(branch, branch->wake_wall_ms);
	checkpoint_mark(branch);
}

static void
end_wait(struct branch *branch)
{
	struct asl_scope raw = branch_scope(branch, branch->input);
	json_t *input = NULL;
	struct tmf_err err = {0};

	if (asl_state_input_path(branch->state, &raw, &input, &err) == 0)
		branch_state_done(branch, input);
	else
		branch_state_failed(branch, &err);
	tmf_err_fini(&err);
}

static void
run_fail(struct branch *branch)
{
	struct asl_scope scope = branch_scope(branch, branch->input);
	char *error = NULL;
	char *cause = NULL;
	struct tmf_err err = {0};

	if (asl_fail_evaluate(branch->state, &scope, &error, &cause, &err) < 0)
		prefix_cause(branch, &err);
	else if (cause != NULL)
		tmf_err_set_name(&err, TMF_ERR_SERVICE, error != NULL ? error : "", "%s", cause);
	else
		tmf_err_set_name(&err, TMF_ERR_SERVICE, error != NULL ? error : "", NULL);
	free(error);
	free(cause);
	branch_fail(branch, &err);
	tmf_err_fini(&err);
}

typedef void state_run_fn(struct branch *branch);

static state_run_fn *const state_runs[ASL_STATE_TYPE_COUNT] = {
    [ASL_PASS] = run_pass,
    [ASL_TASK] = task_begin,
    [ASL_CHOICE] = run_choice,
    [ASL_WAIT] = run_wait,
    [ASL_SUCCEED] = run_succeed,
    [ASL_FAIL] = run_fail,
    [ASL_PARALLEL] = children_begin_parallel,
    [ASL_MAP] = children_begin_map,
};

/* From the ready queue: the state was entered. */
void
branch_run(struct tmf_task *task)
{
	struct branch *branch = (struct branch *)task;

	if (branch->x->interrupting)
		return; /* it stays as stored: a resume enters the state again */
	assert(branch->phase == PHASE_ENTERED);
	state_runs[branch->state->type](branch);
}

void
branch_timer_fired(struct tmf_timer *timer)
{
	struct branch *branch = (struct branch *)((char *)timer - offsetof(struct branch, timer));

	if (branch->x->interrupting && branch->phase != PHASE_TASK)
		return; /* it stays as stored */
	switch (branch->phase) {
	case PHASE_WAITING:
		end_wait(branch);
		break;
	case PHASE_BACKOFF:
		branch->phase = PHASE_ENTERED;
		checkpoint_mark(branch);
		state_runs[branch->state->type](branch);
		break;
	case PHASE_TASK:
		task_timer(branch);
		break;
	case PHASE_ENTERED:
	case PHASE_CHILDREN:
	case PHASE_COUNT:
		assert(!"no timer runs in this phase");
		break;
	}
}
