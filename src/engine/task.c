#include "engine/task.h"

#include "base/jsonx.h"
#include "base/log.h"
#include "engine/checkpoint.h"
#include "engine/event.h"
#include "engine/op.h"

#include <assert.h>
#include <stddef.h>

#define MS 1000

/* --- places --- */

bool
task_has_place(const struct branch *parent)
{
	const struct children *children = parent->children;

	assert(children->placeless >= 0 && children->placeless <= children->live);
	return children->live - children->placeless < children->concurrency;
}

/* The Map's task begins further children, or the next in line: as after a restart. Not in an
 * execution that is being interrupted, which begins nothing. */
static void
task_place_freed(struct branch *parent)
{
	if (!parent->x->interrupting)
		tmf_loop_post(parent->x->engine->loop, &parent->task);
}

static void
task_leave_place(struct branch *branch)
{
	assert(branch->parent != NULL && !branch->placeless);
	branch->placeless = true;
	branch->parent->children->placeless++;
}

/* At the end of the line: the branch that waited longest continues first. */
static void
task_stand_in_line(struct branch *branch)
{
	struct children *children = branch->parent->children;

	assert(branch->placeless && !branch->in_line);
	branch->in_line = true;
	branch->line_next = NULL;
	if (children->line_last != NULL)
		children->line_last->line_next = branch;
	else
		children->line_first = branch;
	children->line_last = branch;
}

static void
task_leave_line(struct branch *branch)
{
	struct children *children = branch->parent->children;
	struct branch *before = NULL;

	if (!branch->in_line)
		return;
	for (struct branch *at = children->line_first; at != branch; at = at->line_next)
		before = at;
	if (before != NULL)
		before->line_next = branch->line_next;
	else
		children->line_first = branch->line_next;
	if (children->line_last == branch)
		children->line_last = before;
	branch->in_line = false;
}

/* Also where none is free, as when its task times out: it has to go on then. */
static void
task_take_place(struct branch *branch)
{
	if (!branch->placeless)
		return;
	task_leave_line(branch);
	branch->placeless = false;
	branch->parent->children->placeless--;
}

static void
task_op_leaves(void *arg)
{
	struct branch *branch = arg;
	struct branch *parent = branch->parent;

	/* A Parallel has a place for each; so has a branch without a parent. */
	if (parent == NULL || parent->children->placeless >= ENGINE_PARKED_MAX)
		return;
	task_leave_place(branch);
	task_place_freed(parent);
}

static bool
task_op_enters(void *arg)
{
	struct branch *branch = arg;

	if (branch->placeless &&
	    (branch->parent->children->line_first != NULL || !task_has_place(branch->parent))) {
		task_stand_in_line(branch);
		return false;
	}
	task_take_place(branch);
	return true;
}

static const struct op_places task_places = {.leave = task_op_leaves, .enter = task_op_enters};

/* Those in line were under way already, and go before new children. One without an op has not begun
 * again since a restart. */
void
task_serve_line(struct branch *parent)
{
	struct children *children = parent->children;

	while (!parent->x->interrupting && children->line_first != NULL && task_has_place(parent)) {
		struct branch *branch = children->line_first;

		task_take_place(branch);
		if (branch->op != NULL)
			op_go_on(branch->op);
		else
			tmf_loop_post(parent->x->engine->loop, &branch->task);
	}
}

/* Some waited without a place, so there may be more than the Map has places for: the older ones
 * stand in line until the others end, or give theirs back. */
void
task_begin_again(struct branch *branch)
{
	const struct children *around = branch->parent != NULL ? branch->parent->children : NULL;

	if (around != NULL && around->live - around->placeless > around->concurrency) {
		task_leave_place(branch);
		task_stand_in_line(branch);
	} else {
		tmf_loop_post(branch->x->engine->loop, &branch->task);
	}
}

/* --- ops --- */

/* What a checkpoint holds is kept by the wall clock, because it must outlive the process, and
 * timers run by the monotonic one. A time that has passed fires in the next turn. */
void
task_arm_timer(struct branch *branch, int64_t wall_ms)
{
	struct tmf_loop *loop = branch->x->engine->loop;
	struct tmf_clock *clock = tmf_loop_clock(loop);
	int64_t left_ms = wall_ms - clock->wall_ms(clock);

	tmf_loop_timer_arm(
	    loop, &branch->timer, clock->mono_ms(clock) + (left_ms > 0 ? left_ms : 0));
}

/* Limits of a task end with its process, so no clock that is set moves them. */
static int64_t
task_clock_ms(const struct branch *branch)
{
	struct tmf_clock *clock = tmf_loop_clock(branch->x->engine->loop);

	return clock->mono_ms(clock);
}

/* The op is not started here but after the commit: a row must say that the task may have
 * run before AWS can see its first call. The list keeps the order in which states were
 * entered. */
void
task_begin(struct branch *branch, struct step_work *work)
{
	struct engine *engine = branch->x->engine;

	assert(branch->phase == PHASE_ENTERED && branch->op == NULL && !branch->starting);
	branch->phase = PHASE_TASK;
	branch->task_input = work->input;
	work->input = NULL;
	branch->timeout_mono_ms =
	    work->timeout_s > 0 ? task_clock_ms(branch) + work->timeout_s * MS : 0;
	branch->heartbeat_ms = work->heartbeat_s * MS;
	branch->starting = true;
	branch->start_next = NULL;
	*engine->starting_end = branch;
	engine->starting_end = &branch->start_next;
	checkpoint_mark(branch);
}

/* The tail pointer must never point into a branch that has left the list. */
static void
task_unlink_starting(struct branch *branch)
{
	struct engine *engine = branch->x->engine;
	struct branch **at = &engine->starting;

	while (*at != branch)
		at = &(*at)->start_next;
	*at = branch->start_next;
	if (*at == NULL)
		engine->starting_end = at;
	branch->starting = false;
}

/* How long the op may yet be without a sign of life. */
static int64_t
task_heartbeat_left_ms(const struct branch *branch)
{
	return op_stage_mono_ms(branch->op) + branch->heartbeat_ms - task_clock_ms(branch);
}

/* For the nearer of the two timeouts. Each new stage is a sign of life, so the heartbeat's may
 * move on until then. */
static void
task_arm_timeouts(struct branch *branch)
{
	int64_t at_mono_ms = branch->timeout_mono_ms;
	int64_t beat_mono_ms = 0;

	if (branch->heartbeat_ms > 0)
		beat_mono_ms = task_clock_ms(branch) + task_heartbeat_left_ms(branch);
	if (beat_mono_ms > 0 && (at_mono_ms == 0 || beat_mono_ms < at_mono_ms))
		at_mono_ms = beat_mono_ms;
	if (at_mono_ms > 0)
		tmf_loop_timer_arm(branch->x->engine->loop, &branch->timer, at_mono_ms);
}

/* Called from within the op, so the result is taken later, by the branch's task. During an
 * interrupt a failed op is dropped without a Retry: its row stays, and the resume tries the
 * task again. */
static void
task_op_over(void *arg, struct tmf_op *op)
{
	struct branch *branch = arg;
	struct execution *x = branch->x;

	assert(branch->op == op && branch->phase == PHASE_TASK);
	assert(op_succeeded(op) != tmf_err_isset(&op->err));
	log_event(LOG_DEBUG, "engine.task_ended", LOG_STR("state", branch->state->name),
	    LOG_INT("branch", branch->id), LOG_STR("error", op_succeeded(op) ? "" : op->err.name));
	tmf_loop_timer_disarm(x->engine->loop, &branch->timer);
	if (x->interrupting && !op_succeeded(op))
		task_drop(branch);
	else
		tmf_loop_post(x->engine->loop, &branch->task);
}

/* Its input is the answer of the mocks. It ends at once: the workflow is tried, not its time. */
static enum tmf_op_next
task_mock_start(struct tmf_op *op)
{
	const json_t *error = json_object_get(op->input, "Throw");
	const char *cause = jsonx_get_string(error, "Cause");

	assert((error == NULL) == (json_object_get(op->input, "Return") != NULL));
	if (error == NULL)
		return tmf_op_done(op, json_incref(json_object_get(op->input, "Return")));
	tmf_err_set_name(&op->err, TMF_ERR_SERVICE, jsonx_get_string(error, "Error"),
	    cause != NULL ? "%s" : NULL, cause);
	return TMF_OP_FAIL;
}

static const struct tmf_action task_mock = {.name = "mock", .start = task_mock_start};

/* A mock's answer is the input of its op. */
static void
task_start_op(struct branch *branch)
{
	struct execution *x = branch->x;
	struct engine *engine = x->engine;
	const struct engine_mocks *mocks = engine->mocks;
	json_t *answer = mocks != NULL ? mocks->answer(mocks->arg, branch->state) : NULL;
	const char *name = branch->state->u.task.action;
	const struct tmf_action *action =
	    answer != NULL ? &task_mock : tmf_registry_find(engine->registry, name);

	assert(action != NULL);
	log_event(LOG_DEBUG, "engine.task_started", LOG_STR("state", branch->state->name),
	    LOG_INT("branch", branch->id), LOG_STR("action", action->name));
	branch->op = op_start(action, x->env, engine->loop,
	    answer != NULL ? answer : branch->task_input, task_op_over, branch);
	op_set_places(branch->op, &task_places);
	json_decref(answer);
}

/* TimeoutSeconds is rounded up to whole seconds, as the event has it. */
void
task_start(struct branch *branch)
{
	struct execution *x = branch->x;
	int64_t left_ms = branch->timeout_mono_ms - task_clock_ms(branch);

	assert(branch->phase == PHASE_TASK && branch->op == NULL && branch->starting);
	assert(!branch->dirty);
	task_unlink_starting(branch);
	event_note(x, branch,
	    &(struct execution_event){
		.type = "TaskScheduled",
		.data = branch->task_input,
		.timeout_s = left_ms > 0 ? (left_ms + MS - 1) / MS : 0,
		.heartbeat_s = branch->heartbeat_ms / MS,
	    });
	event_note(x, branch, &(struct execution_event){.type = "TaskStarted"});
	task_start_op(branch);
	json_decref(branch->task_input);
	branch->task_input = NULL;
	x->live_ops++;
	task_arm_timeouts(branch);
}

/* A timer that fires early, because a stage began meanwhile, is armed again: one timer
 * serves both limits. */
bool
task_timed_out(struct branch *branch, struct tmf_err *err)
{
	int64_t now_mono_ms = task_clock_ms(branch);
	bool expired = branch->timeout_mono_ms > 0 && now_mono_ms >= branch->timeout_mono_ms;

	assert(branch->op != NULL);
	if (!expired && (branch->heartbeat_ms == 0 || task_heartbeat_left_ms(branch) > 0)) {
		task_arm_timeouts(branch);
		return false;
	}
	/* What is reported is a timeout in both cases; Retry and Catch may ask for the
	 * heartbeat's own name. */
	tmf_err_set_name(err, TMF_ERR_ASL, ASL_ERROR_TIMEOUT, NULL);
	tmf_err_copy(&branch->op->err, err);
	event_note(branch->x, branch,
	    &(struct execution_event){
		.type = "TaskTimedOut", .error = err->name, .cause = err->text});
	if (!expired)
		tmf_err_set_name(err, TMF_ERR_ASL, ASL_ERROR_HEARTBEAT, NULL);
	return true;
}

/* Freeing the op cancels its call. The last op to go lets an interrupted execution settle. */
void
task_drop(struct branch *branch)
{
	struct execution *x = branch->x;

	if (branch->starting)
		task_unlink_starting(branch);
	json_decref(branch->task_input);
	branch->task_input = NULL;
	task_take_place(branch);
	if (branch->op == NULL)
		return;
	tmf_loop_timer_disarm(x->engine->loop, &branch->timer);
	op_free(branch->op);
	branch->op = NULL;
	assert(x->live_ops > 0);
	if (--x->live_ops == 0 && x->interrupting && !x->over)
		tmf_loop_post(x->engine->loop, &x->settle_task);
}
