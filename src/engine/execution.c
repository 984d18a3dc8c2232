#include "engine/execution.h"

#include "base/clock.h"
#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENT_NAME_BYTES_MAX 64
#define MS		     1000

int64_t
execution_wall_ms(const struct execution *x)
{
	struct tmf_clock *clock = tmf_loop_clock(x->engine->loop);

	return clock->wall_ms(clock);
}

/* The number is counted whether anybody listens or not: causes name it. */
static int64_t
count_event(struct execution *x, struct branch *branch)
{
	int64_t id = ++x->event_id;

	x->record_dirty = true;
	if (branch != NULL)
		branch->last_event = id;
	return id;
}

int64_t
execution_event(struct execution *x, struct branch *branch, const struct execution_event *event)
{
	const struct branch *after = branch != NULL ? branch : x->root;
	struct execution_event told = *event;

	if (x->on_event == NULL)
		return count_event(x, branch);
	told.previous_id = after != NULL ? after->last_event : 0;
	told.wall_ms = execution_wall_ms(x);
	told.top_level = branch != NULL && branch->parent == NULL;
	if (told.state == NULL && branch != NULL)
		told.state = branch->state;
	told.id = count_event(x, branch);
	x->on_event(x->arg, &told);
	return told.id;
}

/* *event with the type "Pass" + suffix, say. */
static int64_t
state_event(struct branch *branch, const char *suffix, const struct execution_event *event)
{
	char type[EVENT_NAME_BYTES_MAX];
	struct execution_event told = *event;

	snprintf(type, sizeof(type), "%s%s", asl_state_type_name(branch->state->type), suffix);
	told.type = type;
	return execution_event(branch->x, branch, &told);
}

int64_t
execution_state_event(struct branch *branch, const char *suffix, json_t *data)
{
	if (branch->x->on_event == NULL)
		return count_event(branch->x, branch);
	return state_event(branch, suffix, &(struct execution_event){.data = data});
}

void
execution_exit_event(struct branch *branch, json_t *output, const struct asl_template *assign)
{
	json_t *assigned;

	if (branch->x->on_event == NULL) {
		count_event(branch->x, branch);
		return;
	}
	assigned = assign != NULL ? asl_template_pick(assign, branch->variables) : NULL;
	state_event(
	    branch, "StateExited", &(struct execution_event){.data = output, .assigned = assigned});
	json_decref(assigned);
}

/* --- the end --- */

static void
tell_end(struct tmf_task *task)
{
	struct execution *x =
	    (struct execution *)((char *)task - offsetof(struct execution, done_task));

	x->on_done(x->arg, x, &x->result);
}

static void
disarm_timers(struct execution *x)
{
	tmf_loop_timer_disarm(x->engine->loop, &x->timeout);
	tmf_loop_timer_disarm(x->engine->loop, &x->grace);
}

/* Frees the tree, with all rows, and has the end told from the loop. */
static void
end(struct execution *x, enum run_status status)
{
	struct tmf_err err = {0};

	assert(!x->over);
	x->over = true;
	x->result.status = status;
	disarm_timers(x);
	if (x->root != NULL)
		branch_free(x->root);
	x->root = NULL;
	if (x->engine->store != NULL &&
	    store_checkpoints_delete(x->engine->store, x->run_id, &err) < 0 &&
	    !tmf_err_isset(&x->engine->err))
		tmf_err_move(&x->engine->err, &err);
	tmf_err_fini(&err);
	tmf_loop_post(x->engine->loop, &x->done_task);
}

void
execution_succeed(struct execution *x, json_t *output)
{
	execution_event(
	    x, NULL, &(struct execution_event){.type = "ExecutionSucceeded", .data = output});
	x->result.output = output;
	end(x, RUN_SUCCEEDED);
}

void
execution_fail(struct execution *x, struct tmf_err *err)
{
	x->error = err->name[0] != '\0' ? mem_strdup(err->name) : NULL;
	x->cause = mem_strdup(err->text);
	execution_event(x, NULL,
	    &(struct execution_event){
		.type = "ExecutionFailed", .error = x->error, .cause = x->cause});
	x->result.error = x->error;
	x->result.cause = x->cause;
	end(x, RUN_FAILED);
}

static void
timed_out(struct tmf_timer *timer)
{
	struct execution *x =
	    (struct execution *)((char *)timer - offsetof(struct execution, timeout));

	if (x->interrupting)
		return;
	execution_event(x, NULL, &(struct execution_event){.type = "ExecutionTimedOut"});
	end(x, RUN_TIMED_OUT);
}

/* --- interruption --- */

/* Everything stays as it is in the store; what is still under way is cancelled when the execution is freed. */
static void
end_interrupted(struct execution *x)
{
	x->over = true;
	x->result.status = RUN_INTERRUPTED;
	disarm_timers(x);
	tmf_loop_post(x->engine->loop, &x->done_task);
}

void
execution_op_ended(struct execution *x)
{
	if (x->interrupting && !x->over && x->live_ops == 0)
		end_interrupted(x);
}

static void
grace_over(struct tmf_timer *timer)
{
	end_interrupted((struct execution *)((char *)timer - offsetof(struct execution, grace)));
}

void
execution_interrupt(struct execution *x)
{
	struct tmf_clock *clock = tmf_loop_clock(x->engine->loop);

	if (x->over || x->interrupting)
		return;
	x->interrupting = true;
	tmf_loop_timer_arm(
	    x->engine->loop, &x->grace, clock->mono_ms(clock) + ENGINE_INTERRUPT_GRACE_MS);
	children_wind_down(x->root);
	execution_op_ended(x);
}

/* --- the beginning --- */

static struct execution *
new_execution(struct engine *engine, const struct execution_opts *opts)
{
	struct execution *x = mem_zalloc(1, sizeof(*x));

	x->engine = engine;
	x->machine = asl_machine_ref(opts->machine);
	x->run_id = mem_strdup(opts->run_id);
	x->machine_name =
	    mem_strdup(opts->machine_name != NULL ? opts->machine_name : opts->run_id);
	x->input = json_incref(opts->input);
	x->next_branch_id = 1;
	x->on_done = opts->on_done;
	x->on_event = opts->on_event;
	x->arg = opts->arg;
	x->env = opts->env != NULL ? opts->env : tmf_registry_env(engine->registry);
	x->done_task.run = tell_end;
	x->timeout.fire = timed_out;
	x->grace.fire = grace_over;
	x->start_wall_ms = opts->start_wall_ms > 0 ? opts->start_wall_ms : execution_wall_ms(x);
	x->next = engine->first;
	engine->first = x;
	return x;
}

static void
arm_timeout(struct execution *x)
{
	int64_t timeout_s = asl_machine_timeout_seconds(x->machine);
	struct tmf_clock *clock = tmf_loop_clock(x->engine->loop);
	int64_t left_ms = x->start_wall_ms + timeout_s * MS - clock->wall_ms(clock);

	if (timeout_s > 0)
		tmf_loop_timer_arm(x->engine->loop, &x->timeout,
		    clock->mono_ms(clock) + (left_ms > 0 ? left_ms : 0));
}

static void
enter_first_state(struct execution *x)
{
	execution_event(
	    x, NULL, &(struct execution_event){.type = "ExecutionStarted", .data = x->input});
	x->root = branch_new(x, NULL, 0, NULL, NULL, NULL);
	branch_enter(x->root, asl_machine_states(x->machine)->start, json_incref(x->input));
	tmf_loop_post(x->engine->loop, &x->root->task);
}

struct execution *
execution_start(struct engine *engine, const struct execution_opts *opts)
{
	struct execution *x = new_execution(engine, opts);

	arm_timeout(x);
	enter_first_state(x);
	return x;
}

struct execution *
execution_resume(struct engine *engine, const struct execution_opts *opts, struct tmf_err *err)
{
	struct execution *x = new_execution(engine, opts);
	bool found = false;

	arm_timeout(x);
	if (engine->store != NULL && checkpoint_restore(x, &found, err) < 0) {
		x->over = true; /* the rows stay as they are */
		execution_free(x);
		return NULL;
	}
	if (!found)
		enter_first_state(x);
	return x;
}

static void
unlink_execution(struct execution *x)
{
	struct execution **at = &x->engine->first;

	while (*at != x)
		at = &(*at)->next;
	*at = x->next;
}

void
execution_free(struct execution *x)
{
	if (x == NULL)
		return;
	x->over = true;
	if (x->root != NULL)
		branch_free(x->root);
	disarm_timers(x);
	tmf_loop_unpost(x->engine->loop, &x->done_task);
	unlink_execution(x);
	json_decref(x->result.output);
	json_decref(x->input);
	free(x->error);
	free(x->cause);
	free(x->run_id);
	free(x->machine_name);
	asl_machine_unref(x->machine);
	free(x);
}

struct execution_stats
execution_stats(const struct execution *x)
{
	return (struct execution_stats){
	    .transitions = x->transitions, .branches = x->live_branches};
}
