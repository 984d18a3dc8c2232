#include "engine/execution.h"

#include "base/clock.h"
#include "engine/op.h"

#include <assert.h>

#define MS 1000

static void
task_fail(struct branch *branch, struct tmf_err *err)
{
	branch_state_failed(branch, err);
	tmf_err_fini(err);
}

/* Puts the branch among those whose op starts after the commit. */
static void
start_after_commit(struct branch *branch)
{
	struct engine *engine = branch->x->engine;

	branch->phase = PHASE_TASK;
	branch->start_next = NULL;
	*engine->starting_end = branch;
	engine->starting_end = &branch->start_next;
	checkpoint_mark(branch);
}

/* The time-outs are worked out before the action is started: a path that leads nowhere fails the state. */
static int
evaluate_timeouts(struct branch *branch, struct tmf_err *err)
{
	const struct asl_state *state = branch->state;
	struct asl_scope scope = branch_scope(branch, branch->input);
	int64_t timeout_s;
	int64_t heartbeat_s;

	if (asl_number_eval(&state->u.task.timeout_seconds, "TimeoutSecondsPath", 0, &scope,
		&timeout_s, err) < 0 ||
	    asl_number_eval(&state->u.task.heartbeat_seconds, "HeartbeatSecondsPath", 0, &scope,
		&heartbeat_s, err) < 0)
		return -1;
	branch->timeout_wall_ms = timeout_s > 0 ? execution_wall_ms(branch->x) + timeout_s * MS : 0;
	branch->heartbeat_ms = heartbeat_s * MS;
	return 0;
}

void
task_begin(struct branch *branch)
{
	struct tmf_err err = {0};

	if (evaluate_timeouts(branch, &err) < 0)
		task_fail(branch, &err);
	else
		start_after_commit(branch);
}

/* How long the op may yet be without a sign of life. */
static int64_t
heartbeat_left_ms(const struct branch *branch)
{
	struct tmf_clock *clock = tmf_loop_clock(branch->x->engine->loop);

	return branch->op->stage_mono_ms + branch->heartbeat_ms - clock->mono_ms(clock);
}

/* For the nearer of the two time-outs, as far as it can be told now. */
static void
arm_timeouts(struct branch *branch)
{
	int64_t at_wall_ms = branch->timeout_wall_ms;
	int64_t beat_wall_ms = 0;

	if (branch->heartbeat_ms > 0)
		beat_wall_ms = execution_wall_ms(branch->x) + heartbeat_left_ms(branch);
	if (beat_wall_ms > 0 && (at_wall_ms == 0 || beat_wall_ms < at_wall_ms))
		at_wall_ms = beat_wall_ms;
	if (at_wall_ms > 0)
		branch_arm_timer(branch, at_wall_ms);
}

static void
note_failure(struct branch *branch, const char *type, const struct tmf_err *err)
{
	execution_event(branch->x, branch,
	    &(struct execution_event){.type = type, .error = err->name, .cause = err->text});
}

static void
note_start(struct branch *branch, json_t *input)
{
	int64_t left_ms = branch->timeout_wall_ms > 0
			      ? branch->timeout_wall_ms - execution_wall_ms(branch->x)
			      : 0;

	execution_event(branch->x, branch,
	    &(struct execution_event){
		.type = "TaskScheduled",
		.data = input,
		.timeout_s = left_ms > 0 ? (left_ms + MS - 1) / MS : 0,
		.heartbeat_s = branch->heartbeat_ms / MS,
	    });
	execution_event(branch->x, branch, &(struct execution_event){.type = "TaskStarted"});
}

static void
task_op_done(void *arg, struct tmf_op *op)
{
	struct branch *branch = arg;
	struct execution *x = branch->x;
	json_t *result = op->result;
	struct tmf_err err = {0};

	tmf_loop_timer_disarm(x->engine->loop, &branch->timer);
	x->live_ops--;
	if (x->interrupting && result == NULL) {
		branch->op = NULL; /* the task starts anew after a resume */
	} else if (result != NULL) {
		branch->op = NULL;
		op->result = NULL;
		execution_event(
		    x, branch, &(struct execution_event){.type = "TaskSucceeded", .data = result});
		branch_state_done(branch, result);
	} else {
		branch->op = NULL;
		branch->ended_op = op;
		tmf_err_copy(&err, &op->err);
		note_failure(branch, "TaskFailed", &err);
		branch_state_failed(branch, &err);
		tmf_err_fini(&err);
	}
	execution_op_ended(x);
}

/* Without an action of ours behind the resource. */
static void
fail_remote(struct branch *branch)
{
	struct tmf_err err = {0};

	tmf_err_set(&err, TMF_ERR_ASL, "The resource '%s' does not run here.",
	    branch->state->u.task.resource);
	task_fail(branch, &err);
}

void
task_start_op(struct branch *branch)
{
	struct engine *engine = branch->x->engine;
	const char *name = branch->state->u.task.action;
	const struct tmf_action *action =
	    name != NULL ? tmf_registry_find(engine->registry, name) : NULL;
	struct asl_scope raw = branch_scope(branch, branch->input);
	json_t *input = NULL;
	struct tmf_err err = {0};

	if (action == NULL) {
		fail_remote(branch);
		return;
	}
	if (asl_state_input(branch->state, &raw, &input, &err) < 0) {
		task_fail(branch, &err);
		return;
	}
	note_start(branch, input);
	branch->op = op_start(action, branch->x->env, engine->loop, input, task_op_done, branch);
	branch->x->live_ops++;
	json_decref(input);
	arm_timeouts(branch);
}

/* A time-out, or the moment to look for a sign of life. */
void
task_timer(struct branch *branch)
{
	int64_t now_wall_ms = execution_wall_ms(branch->x);
	bool expired = branch->timeout_wall_ms > 0 && now_wall_ms >= branch->timeout_wall_ms;
	struct execution *x = branch->x;
	struct tmf_op *op = branch->op;
	struct tmf_err err = {0};

	assert(op != NULL);
	if (!expired && (branch->heartbeat_ms == 0 || heartbeat_left_ms(branch) > 0)) {
		arm_timeouts(branch);
		return;
	}
	tmf_err_set_name(&err, TMF_ERR_ASL, ASL_ERROR_TIMEOUT, NULL);
	tmf_err_copy(&op->err, &err);
	note_failure(branch, "TaskTimedOut", &err);
	if (!expired)
		tmf_err_set_name(&err, TMF_ERR_ASL, ASL_ERROR_HEARTBEAT, NULL);
	branch_state_failed(branch, &err);
	tmf_err_fini(&err);
	execution_op_ended(x);
}
