#include "engine/branch.h"

#include "base/log.h"
#include "base/mem.h"
#include "engine/checkpoint.h"
#include "engine/children.h"
#include "engine/event.h"
#include "engine/op.h"
#include "engine/task.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#define MS 1000

static void branch_failed(struct branch *branch, struct tmf_err *err);
static void branch_ready(struct tmf_task *task);
static void branch_timer_fired(struct tmf_timer *timer);

/* For a log at debug level: the branch's id separates iterations of the same state. */
static void
branch_log(const struct branch *branch, const char *event, const char *key, const char *text)
{
	log_event(LOG_DEBUG, event, LOG_STR("state", branch->state->name),
	    LOG_INT("branch", branch->id), LOG_STR(key, text));
}

struct branch *
branch_new(struct execution *x, struct branch *parent, int64_t index, json_t *variables)
{
	struct branch *branch = tree_branch_new(x, parent, index, variables);

	branch->task.run = branch_ready;
	branch->timer.fire = branch_timer_fired;
	return branch;
}

struct step
branch_step(struct branch *branch, enum context_stage stage)
{
	return (struct step){
	    .state = branch->state,
	    .scope =
		{
		    .input = branch->input,
		    .variables = branch->variables,
		    .context = context_of,
		    .context_arg = branch,
		    .now_wall_ms = context_time(branch, stage),
		    .rng = context_chance(branch, stage),
		},
	    .now_wall_ms = branch->state->type == ASL_WAIT ? event_now_wall_ms(branch->x) : 0,
	    .entered_event = branch->entered_event,
	};
}

void
branch_begin_attempts(struct branch *branch)
{
	branch->retry_count = 0;
	branch->wake_wall_ms = 0;
	free(branch->retries);
	branch->retries = NULL;
}

/* Takes input. The state's work begins when the loop runs the branch's task. What belongs
 * to the state before is reset here and nowhere else. Retry counts begin at 0 with each
 * entry, as on AWS: a loop back to the state has all its attempts again. */
static void
branch_enter(struct branch *branch, const struct asl_state *state, json_t *input)
{
	struct execution *x = branch->x;

	assert(state != NULL && input != NULL && branch->op == NULL && branch->children == NULL);
	json_decref(branch->input);
	branch->input = input;
	branch->state = state;
	branch->phase = PHASE_ENTERED;
	branch_begin_attempts(branch);
	context_forget(branch);
	branch->entered_wall_ms = event_now_wall_ms(x);
	branch->entered_event = event_note_state(branch, "StateEntered", input);
	branch->entries++;
	x->transitions++;
	if (event_tally(branch) != NULL)
		event_tally(branch)->entered++;
	checkpoint_mark(branch);
	log_event(LOG_DEBUG, "engine.state_entered", LOG_STR("state", state->name),
	    LOG_INT("branch", branch->id), LOG_INT("event", branch->entered_event));
	tmf_loop_post(x->engine->loop, &branch->task);
}

/* --- how a state is left --- */

/* The branch has ended with output or failure. Whoever waits for it is reached by the
 * dispatcher, see engine/tree.h. Not a call to the parent, so that the stack does not grow
 * with the depth of Maps. */
static void
branch_end(struct branch *branch)
{
	struct engine *engine = branch->x->engine;

	assert((branch->output != NULL) != (branch->failure != NULL));
	assert(engine->ended ==
	       NULL); /* one event ends at most one branch before the dispatcher looks */
	engine->ended = branch;
}

/* Takes what exit owns. The variables change with the exit, so the next state sees what
 * Assign of this one set. */
static void
branch_exit(struct branch *branch, const struct step_exit *exit)
{
	json_decref(branch->variables);
	branch->variables = exit->variables;
	event_note_exit(branch, exit);
	event_tally_end(branch, false);
	if (exit->next != NULL) {
		branch_enter(branch, exit->next, exit->output);
	} else {
		branch->output = exit->output;
		branch_end(branch);
	}
}

/* The state's work gave result (borrowed). A rule is that of a Choice, and has its own
 * Assign and Next. A result that cannot be placed, by ResultPath for example, is a failure
 * of the state. */
static void
branch_leave(struct branch *branch, const struct asl_choice_rule *rule, json_t *result)
{
	const struct step step = branch_step(branch, CONTEXT_LEAVES);
	struct step_exit exit;
	struct tmf_err err = {0};

	if (step_leave(&step, rule, result, &exit, &err) == 0)
		branch_exit(branch, &exit);
	else
		branch_failed(branch, &err);
	tmf_err_fini(&err);
}

/* After a restart a timer may end the last child before the loop has run the parent's task. */
static void
branch_close_children(struct branch *branch)
{
	if (branch->children == NULL)
		return;
	tmf_loop_unpost(branch->x->engine->loop, &branch->task);
	tree_children_free(branch);
}

/* Whether the failure ends the execution, and the children's rows are to stay for a redrive, is
 * known only to the branches around. Where one of them takes it, all below it is freed then. */
static void
branch_halt_children(struct branch *branch)
{
	if (branch->children == NULL)
		return;
	tmf_loop_unpost(branch->x->engine->loop, &branch->task);
	children_halt(branch);
}

/* The op is freed before the backoff: the next attempt starts with a new one. The wake time
 * is stored, so that a restart does not begin the backoff again. */
static void
branch_retry(struct branch *branch, const struct step_failure *failure, const struct tmf_err *err)
{
	log_event(LOG_DEBUG, "engine.retried", LOG_STR("state", branch->state->name),
	    LOG_INT("branch", branch->id), LOG_STR("error", err->name),
	    LOG_INT("attempt", branch->retry_count + 1),
	    LOG_INT("delay_ms", (int64_t)(failure->delay_s * MS)));
	task_drop(branch);
	branch_close_children(branch);
	branch->retry_count++;
	if (event_tally(branch) != NULL)
		event_tally(branch)->retried++;
	context_forget(branch);
	branch->phase = PHASE_BACKOFF;
	branch->wake_wall_ms = event_now_wall_ms(branch->x) + (int64_t)(failure->delay_s * MS);
	task_arm_timer(branch, branch->wake_wall_ms);
	checkpoint_mark(branch);
}

/* An action records that it gave up; not where the workflow names the error, which then has
 * its own way of going on from it. "By name" leaves out States.ALL and States.TaskFailed,
 * which catch an error without knowing it. */
static void
branch_give_up(struct branch *branch, bool caught_by_name)
{
	struct tmf_op *op = branch->op;

	if (op != NULL && op->action->gave_up != NULL && !caught_by_name)
		op->action->gave_up(op);
	task_drop(branch);
}

/* The state's work failed with *err, which may be moved out. Retry comes before Catch: a
 * catcher takes an error only when no retrier takes it any more. The counts are per retrier
 * and are made with the first failure, since most states never fail. */
static void
branch_failed(struct branch *branch, struct tmf_err *err)
{
	const struct step step = branch_step(branch, CONTEXT_FAILS);
	struct step_failure failure;

	/* Only where the fault is this state's own: behind it its words are complete. */
	if (err->code == TMF_ERR_ASL && tmf_err_is(err, ASL_ERROR_QUERY))
		event_note(branch->x, branch,
		    &(struct execution_event){
			.type = "EvaluationFailed", .error = err->name, .cause = err->text});
	if (branch->retries == NULL && branch->state->retry_count > 0)
		branch->retries = mem_zalloc(branch->state->retry_count, sizeof(*branch->retries));
	switch (step_fail(&step, branch->retries, err, &failure)) {
	case STEP_RETRY:
		branch_retry(branch, &failure, err);
		break;
	case STEP_CAUGHT:
		branch_log(branch, "engine.caught", "error", err->name);
		if (event_tally(branch) != NULL)
			event_tally(branch)->caught++;
		branch_give_up(branch, failure.by_name);
		branch_close_children(branch);
		branch_exit(branch, &failure.exit);
		break;
	case STEP_UNCAUGHT:
		branch_log(branch, "engine.failed", "error", err->name);
		event_tally_end(branch, true);
		branch_give_up(branch, false);
		branch_halt_children(branch);
		branch->failure = mem_zalloc(1, sizeof(*branch->failure));
		tmf_err_move(branch->failure, err);
		branch_end(branch);
		break;
	}
}

/* --- children --- */

/* What one item is for its child. The selector sees it under $$.Map.Item, which changes from one to
 * the next. */
static int
branch_item_input(void *arg, int64_t number, json_t *item, json_t **ret_input, struct tmf_err *err)
{
	struct branch *branch = arg;
	struct children *children = branch->children;
	struct step step;
	int ret;

	context_forget(branch);
	children->selecting = number;
	children->selected = item;
	step = branch_step(branch, CONTEXT_SELECTS);
	ret = step_item(&step, children->effective, item, ret_input, err);
	children->selecting = -1;
	children->selected = NULL;
	context_forget(branch);
	return ret;
}

/* A Map has one scope for all its items, a Parallel one for each branch. */
const struct asl_states *
branch_child_scope(const struct branch *branch, int64_t index)
{
	const struct asl_state *state = branch->state;

	return state->type == ASL_MAP ? state->u.map.processor : state->u.parallel.branches[index];
}

/* The input of the next child. Returns: ROWS_MORE where items for it are still on their way. */
static enum rows_next
branch_child_input(
    struct branch *branch, int64_t index, struct batch_result *ret_of, struct tmf_err *err)
{
	struct children *children = branch->children;

	*ret_of = (struct batch_result){0};
	if (children->source != NULL)
		return batch_next(children->source, &children->draft,
		    &(struct batch_select){branch_item_input, branch}, ret_of, err);
	if (branch->state->type == ASL_PARALLEL)
		ret_of->input = json_incref(children->effective);
	else if (branch_item_input(branch, index, json_array_get(children->items, (size_t)index),
		     &ret_of->input, err) < 0)
		return ROWS_FAILED;
	return ROWS_ITEM;
}

/* Variables are shared, not copied: a child that assigns gets a copy of its own, and those
 * outside stay as they were. In DISTRIBUTED mode AWS runs it as an execution of its own, which does
 * not see the variables outside. Returns: whether there is one; not, with *err, where it failed. */
static bool
branch_start_child(struct branch *branch, int64_t index, struct tmf_err *err)
{
	const struct asl_state *state = branch->state;
	bool apart = state->type == ASL_MAP && state->u.map.distributed;
	struct batch_result of;
	struct branch *child;

	if (branch_child_input(branch, index, &of, err) != ROWS_ITEM)
		return false;
	child = branch_new(branch->x, branch, index, apart ? NULL : branch->variables);
	child->last_event = branch->last_event;
	child->item_count = of.count;
	children_note_iteration(child, "MapIterationStarted");
	tree_link(child);
	children_made(child, of.input);
	branch_enter(child, branch_child_scope(branch, index)->start, of.input);
	return true;
}

/* The results of a Map that failed are written: now the failure takes its course. */
static void
branch_write_failed(struct branch *branch)
{
	struct tmf_err err = {0};

	assert(branch->children->halted);
	if (!children_write_failed(branch))
		return;
	tmf_err_move(&err, &branch->children->failing);
	branch_failed(branch, &err);
	tmf_err_fini(&err);
}

/* The Map or Parallel failed with *err, which is moved out. Nothing of the failure is stored while
 * its results are written: a process that dies there does again what failed. */
static void
branch_children_failed(struct branch *branch, struct tmf_err *err)
{
	struct children *children = branch->children;

	if (children->writer == NULL || writer_is_broken(children->writer)) {
		branch_failed(branch, err);
		return;
	}
	children_halt(branch);
	tmf_err_move(&children->failing, err);
	branch_write_failed(branch);
}

/* All children have ended, and the Map or Parallel does not fail with that. */
static void
branch_children_over(struct branch *branch)
{
	struct tmf_err err = {0};
	json_t *results = NULL;

	switch (children_results(branch, &results, &err)) {
	case WRITER_OVER:
		branch_log(branch, "engine.children_ended", "as", "succeeded");
		if (branch->children->last_event != 0)
			branch->last_event = branch->children->last_event;
		event_note_state(branch, "StateSucceeded", NULL);
		branch_close_children(branch);
		branch_leave(branch, NULL, results);
		break;
	case WRITER_WAIT:
		break;
	case WRITER_BROKEN:
		branch_failed(branch, &err);
		break;
	}
	json_decref(results);
	tmf_err_fini(&err);
}

/* Starts the children that may run now; leaves the state when all have ended. Called again
 * with each end, so a place that becomes free is filled at once. An interrupted execution
 * starts no more children: a resume makes them. */
static void
branch_run_children(struct branch *branch)
{
	struct tmf_err err = {0};
	int64_t index;

	if (tmf_err_isset(&branch->children->failing)) {
		branch_write_failed(branch);
		return;
	}
	task_serve_line(branch);
	while (!branch->x->interrupting && children_next(branch, &index, &err) == CHILDREN_NEXT &&
	       branch_start_child(branch, index, &err)) {
	}
	if (tmf_err_isset(&err)) {
		children_write_aborted(branch);
		branch_children_failed(branch, &err);
	} else if (children_are_over(branch)) {
		branch_children_over(branch);
	}
	tmf_err_fini(&err);
}

/* Without items there is nothing to wait for, and the state is left in the same turn with
 * an empty result. */
static void
branch_begin_children(struct branch *branch, struct step_work *work)
{
	struct tmf_err err = {0};

	if (children_open(branch, work, NULL, &err) < 0) {
		branch_failed(branch, &err);
		tmf_err_fini(&err);
		return;
	}
	log_event(LOG_DEBUG, "engine.children_started", LOG_STR("state", branch->state->name),
	    LOG_INT("branch", branch->id), LOG_INT("count", branch->children->total));
	event_note(branch->x, branch,
	    &(struct execution_event){
		.type = branch->state->type == ASL_MAP ? "MapStateStarted" : "ParallelStateStarted",
		.number = branch->children->total,
	    });
	checkpoint_mark(branch);
	branch_run_children(branch);
}

/* The event of the iteration comes before the child is freed, because it continues the child's own
 * line of events. Siblings of a child that fails are aborted, as on AWS. All of them stand still
 * until somebody takes the failure, or it ends the execution. */
static void
branch_child_ended(struct branch *branch, struct branch *child)
{
	struct tmf_err err = {0};

	assert(branch->phase == PHASE_CHILDREN && child->parent == branch);
	children_note_iteration(
	    child, child->failure != NULL ? "MapIterationFailed" : "MapIterationSucceeded");
	if (children_book(child)) {
		tree_unlink_free(child);
		branch_run_children(branch);
		return;
	}
	branch_log(branch, "engine.children_ended", "as", "failed");
	children_error(child, &err);
	children_write_aborted(branch);
	children_note_aborted(branch);
	branch->last_event = branch->children->last_event;
	event_note_state(branch, "StateFailed", NULL);
	branch_children_failed(branch, &err);
	tmf_err_fini(&err);
}

/* --- the state's work --- */

/* The moment is stored and not the length: after a restart the Wait ends when it would have
 * ended. */
static void
branch_wait(struct branch *branch, enum phase phase, int64_t until_wall_ms)
{
	branch->phase = phase;
	branch->wake_wall_ms = until_wall_ms;
	task_arm_timer(branch, until_wall_ms);
	checkpoint_mark(branch);
}

/* The compiler only warns about a foreign resource, so the task fails here, when it is
 * entered; unless it is mocked, which is known when it starts. */
static void
branch_begin_task(struct branch *branch, struct step_work *work)
{
	const char *action = branch->state->u.task.action;
	struct tmf_err err = {0};

	if (branch->x->engine->mocks != NULL ||
	    (action != NULL && tmf_registry_find(branch->x->engine->registry, action) != NULL)) {
		task_begin(branch, work);
		return;
	}
	tmf_err_set(&err, TMF_ERR_ASL, "The resource '%s' does not run here.",
	    branch->state->u.task.resource);
	branch_failed(branch, &err);
	tmf_err_fini(&err);
}

/* The state was entered, or is tried again. Each answer of step_enter ends in exactly one
 * call, which takes what it needs from work. */
static void
branch_work(struct branch *branch)
{
	const struct step step = branch_step(branch, CONTEXT_ENTERS);
	struct step_work work;
	struct tmf_err err = {0};

	assert(branch->phase == PHASE_ENTERED);
	switch (step_enter(&step, &work, &err)) {
	case STEP_DONE:
		branch_leave(branch, work.rule, work.input);
		break;
	case STEP_WAIT:
		branch_wait(branch, PHASE_WAITING, work.until_wall_ms);
		break;
	case STEP_TASK:
		branch_begin_task(branch, &work);
		break;
	case STEP_CHILDREN:
		branch_begin_children(branch, &work);
		break;
	case STEP_FAILED:
		branch_failed(branch, &err);
		break;
	}
	step_work_fini(&work);
	tmf_err_fini(&err);
}

/* The Wait is over. What it hands on is worked out from its raw input, which is all that a
 * row has. A second step_enter is free of side effects, since a Wait only evaluates paths. */
static void
branch_wake(struct branch *branch)
{
	const struct step step = branch_step(branch, CONTEXT_ENTERS);
	struct step_work work;
	struct tmf_err err = {0};

	if (step_enter(&step, &work, &err) == STEP_WAIT)
		branch_leave(branch, NULL, work.input);
	else
		branch_failed(branch, &err);
	step_work_fini(&work);
	tmf_err_fini(&err);
}

/* Credentials that are no good any more fail every task alike, and neither Retry nor Catch could
 * help: the execution is interrupted with this task as it stands, unless the workflow names the
 * error. Returns: true if so. */
static bool
branch_op_expired(struct branch *branch)
{
	struct execution *x = branch->x;
	struct tmf_err *err = &branch->op->err;

	if (err->code != TMF_ERR_EXPIRED || asl_state_names(branch->state, err->name))
		return false;
	branch_log(branch, "engine.expired", "error", err->name);
	if (!tmf_err_isset(&x->expired))
		tmf_err_move(&x->expired, err);
	task_drop(branch);
	tmf_loop_post(x->engine->loop, &x->expire_task);
	return true;
}

/* The op is over: with a result, or with an error that it keeps for gave_up. The op of a
 * failed task is kept until Retry and Catch have decided, for gave_up. */
static void
branch_op_ended(struct branch *branch)
{
	struct tmf_op *op = branch->op;
	json_t *result = op_take_result(op);
	struct tmf_err err = {0};

	if (result != NULL) {
		event_note(branch->x, branch,
		    &(struct execution_event){.type = "TaskSucceeded", .data = result});
		task_drop(branch);
		branch_leave(branch, NULL, result);
		json_decref(result);
		return;
	}
	if (branch_op_expired(branch))
		return;
	tmf_err_copy(&err, &op->err);
	event_note(branch->x, branch,
	    &(struct execution_event){.type = "TaskFailed", .error = err.name, .cause = err.text});
	branch_failed(branch, &err);
	tmf_err_fini(&err);
}

/* --- the dispatcher: what comes from the loop --- */

/* Takes up the ends of branches, each of which may end the one around it. A loop and no
 * recursion: an end at depth 32 that ends every Map around it takes 32 rounds. */
static void
branch_deliver_ends(struct engine *engine)
{
	while (engine->ended != NULL) {
		struct branch *branch = engine->ended;

		engine->ended = NULL;
		if (branch->parent != NULL)
			branch_child_ended(branch->parent, branch);
		else
			tmf_loop_post(engine->loop, &branch->x->end_task);
	}
}

/* From the ready queue. While the execution is being interrupted, only ops come to their ends;
 * all else stays as stored. */
static void
branch_ready(struct tmf_task *task)
{
	struct branch *branch = (struct branch *)task;
	struct engine *engine = branch->x->engine;

	assert(engine->ended == NULL);
	switch (branch->phase) {
	case PHASE_ENTERED:
		if (!branch->x->interrupting)
			branch_work(branch);
		break;
	case PHASE_TASK:
		branch_op_ended(branch);
		break;
	case PHASE_CHILDREN: /* after a restart, or when a place was given back */
		branch_run_children(branch);
		break;
	case PHASE_WAITING:
	case PHASE_BACKOFF:
	case PHASE_COUNT:
		assert(!"the branch waits for its timer");
		break;
	}
	branch_deliver_ends(engine);
}

/* The phase says what the timer was for, so one timer serves a Wait, a backoff and the
 * timeouts of a task. */
static void
branch_timer_fired(struct tmf_timer *timer)
{
	struct branch *branch = (struct branch *)((char *)timer - offsetof(struct branch, timer));
	struct engine *engine = branch->x->engine;
	struct tmf_err err = {0};

	assert(engine->ended == NULL);
	if (branch->x->interrupting && branch->phase != PHASE_TASK)
		return;
	switch (branch->phase) {
	case PHASE_WAITING:
		branch_wake(branch);
		break;
	case PHASE_BACKOFF:
		branch->phase = PHASE_ENTERED;
		checkpoint_mark(branch);
		branch_work(branch);
		break;
	case PHASE_TASK:
		if (task_timed_out(branch, &err))
			branch_failed(branch, &err);
		break;
	case PHASE_ENTERED:
	case PHASE_CHILDREN:
	case PHASE_COUNT:
		assert(!"no timer runs in this phase");
		break;
	}
	tmf_err_fini(&err);
	branch_deliver_ends(engine);
}

/* --- the beginning --- */

/* The root begins without variables, as every execution does. */
struct branch *
branch_new_root(struct execution *x)
{
	struct branch *root = branch_new(x, NULL, 0, NULL);

	branch_enter(root, asl_machine_states(x->machine)->start, json_incref(x->input));
	return root;
}

/* A task that was under way is entered again: whether its call reached AWS is not known, so
 * the action may repeat it. A wake time that has passed fires at once. */
void
branch_go_on(struct branch *branch)
{
	log_event(LOG_DEBUG, "engine.restored", LOG_STR("state", branch->state->name),
	    LOG_INT("branch", branch->id), LOG_INT("phase", branch->phase));
	switch (branch->phase) {
	case PHASE_TASK:
	case PHASE_ENTERED:
		branch->phase = PHASE_ENTERED;
		task_begin_again(branch);
		break;
	case PHASE_CHILDREN:
		tmf_loop_post(branch->x->engine->loop, &branch->task);
		break;
	case PHASE_WAITING:
	case PHASE_BACKOFF:
		task_arm_timer(branch, branch->wake_wall_ms);
		break;
	case PHASE_COUNT:
		assert(!"not a phase");
		break;
	}
}
