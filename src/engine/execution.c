#include "engine/engine.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/branch.h"
#include "engine/checkpoint.h"
#include "engine/children.h"
#include "engine/event.h"
#include "engine/resume.h"
#include "engine/tree.h"

#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define MS 1000

/* --- the end --- */

/* From the loop, so that the callback may free the execution. */
static void
execution_tell_done(struct tmf_task *task)
{
	struct execution *x =
	    (struct execution *)((char *)task - offsetof(struct execution, done_task));

	assert(x->over);
	x->on_done(x->arg, x, &x->result);
}

/* An error without a name has no "error" in the result, as a Fail state without Error has
 * none. */
static void
execution_take_error(struct execution *x, const struct tmf_err *err)
{
	x->error = err->name[0] != '\0' ? mem_strdup(err->name) : NULL;
	x->cause = mem_strdup(err->text);
	x->result.error = x->error;
	x->result.cause = x->cause;
}

/* Nothing more happens in x; on_done is called from the loop. Timers and posted tasks are
 * taken back, so that nothing reaches an execution that is over. */
static void
execution_end(struct execution *x, enum run_status status)
{
	struct tmf_loop *loop = x->engine->loop;

	assert(!x->over && status != RUN_RUNNING);
	log_event(LOG_DEBUG, "engine.ended", LOG_STR("status", run_status_name(status)));
	x->over = true;
	x->result.status = status;
	if (status == RUN_INTERRUPTED && tmf_err_isset(&x->expired))
		execution_take_error(x, &x->expired);
	tmf_loop_timer_disarm(loop, &x->timeout);
	tmf_loop_timer_disarm(loop, &x->grace);
	tmf_loop_unpost(loop, &x->end_task);
	tmf_loop_unpost(loop, &x->settle_task);
	tmf_loop_unpost(loop, &x->expire_task);
	tmf_loop_post(loop, &x->done_task);
}

/* The same for an end for good: frees the tree. That comes when over is set: its branches then
 * delete no row one by one, since the rows of the run go all together or stay for a redrive. */
static void
execution_end_for_good(struct execution *x, enum run_status status)
{
	x->result.status = status;
	checkpoint_end(x);
	execution_end(x, status);
	tree_branch_free(x->root);
	x->root = NULL;
	assert(x->live_branches == 0 && x->live_ops == 0);
}

static void
execution_root_ended(struct tmf_task *task)
{
	struct execution *x =
	    (struct execution *)((char *)task - offsetof(struct execution, end_task));
	const struct tmf_err *failure = x->root->failure;

	assert((x->root->output != NULL) != (failure != NULL));
	if (failure == NULL) {
		x->result.output = json_incref(x->root->output);
		event_note(x, NULL,
		    &(struct execution_event){
			.type = "ExecutionSucceeded", .data = x->result.output});
		execution_end_for_good(x, RUN_SUCCEEDED);
		return;
	}
	execution_take_error(x, failure);
	event_note(x, NULL,
	    &(struct execution_event){
		.type = "ExecutionFailed", .error = x->error, .cause = x->cause});
	execution_end_for_good(x, RUN_FAILED);
}

/* TimeoutSeconds of the machine: it cannot be caught, and no state is left for it. Where
 * the root has ended already, that end counts. */
static void
execution_timed_out(struct tmf_timer *timer)
{
	struct execution *x =
	    (struct execution *)((char *)timer - offsetof(struct execution, timeout));

	if (x->interrupting || x->end_task.posted)
		return;
	event_note(x, NULL, &(struct execution_event){.type = "ExecutionTimedOut"});
	execution_end_for_good(x, RUN_TIMED_OUT);
}

/* --- interruption --- */

/* Everything stays as it is in the store; what is still under way is cancelled when the
 * execution is freed. */

/* Checked again here, since an op may have ended between the post and this turn. */
static void
execution_settled(struct tmf_task *task)
{
	struct execution *x =
	    (struct execution *)((char *)task - offsetof(struct execution, settle_task));

	assert(x->interrupting && !x->over);
	/* The last op may have ended the root: then the execution is not interrupted but over. */
	if (x->live_ops == 0 && !x->end_task.posted)
		execution_end(x, RUN_INTERRUPTED);
}

/* A call that takes longer than the grace is given up. The resume runs its task again, as
 * after a crash. */
static void
execution_grace_over(struct tmf_timer *timer)
{
	execution_end((struct execution *)((char *)timer - offsetof(struct execution, grace)),
	    RUN_INTERRUPTED);
}

/* Not an end in the sense of ASL: neither Catch nor Retry sees it. */
void
execution_interrupt(struct execution *x)
{
	struct tmf_loop *loop = x->engine->loop;
	struct tmf_clock *clock = tmf_loop_clock(loop);

	if (x->over || x->interrupting)
		return;
	log_event(LOG_DEBUG, "engine.interrupted", LOG_INT("ops", (int64_t)x->live_ops));
	x->interrupting = true;
	tmf_loop_timer_arm(loop, &x->grace, clock->mono_ms(clock) + ENGINE_INTERRUPT_GRACE_MS);
	children_wind_down(x->root);
	if (x->live_ops == 0)
		tmf_loop_post(loop, &x->settle_task);
}

static void
execution_expired(struct tmf_task *task)
{
	struct execution *x =
	    (struct execution *)((char *)task - offsetof(struct execution, expire_task));

	if (!x->end_task.posted)
		execution_interrupt(x);
}

/* --- the beginning --- */

/* The run's id and start, which its record keeps: a resumed run has the same. The start is in it
 * because a run's id may be given, and be the same in another store. */
static uint64_t
execution_chance_seed(const struct execution *x)
{
	uint8_t digest[DIGEST_SHA256_BYTES];
	char *text = mem_printf("%s %" PRId64, x->run_id, x->start_wall_ms);
	uint64_t seed;

	digest_sha256(str_of(text), digest);
	memcpy(&seed, digest, sizeof(seed));
	free(text);
	return seed;
}

/* The machine is kept by a reference, so the caller may drop its own while the execution
 * lasts. Branch ids begin at 1, because 0 is the execution's own row. */
static struct execution *
execution_new(struct engine *engine, const struct execution_opts *opts)
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
	x->tallies = opts->tallies;
	x->arg = opts->arg;
	x->env = opts->env != NULL ? opts->env : tmf_registry_env(engine->registry);
	x->end_task.run = execution_root_ended;
	x->settle_task.run = execution_settled;
	x->expire_task.run = execution_expired;
	x->done_task.run = execution_tell_done;
	x->timeout.fire = execution_timed_out;
	x->grace.fire = execution_grace_over;
	x->start_wall_ms = opts->start_wall_ms > 0 ? opts->start_wall_ms : event_now_wall_ms(x);
	x->chance_seed = execution_chance_seed(x);
	x->redrive_wall_ms = opts->redrive_wall_ms;
	x->redrives = opts->redrives;
	x->next = engine->first;
	engine->first = x;
	return x;
}

/* Counted from the start of the run or its last redrive, so the time for which a process was dead
 * counts as well. */
static void
execution_arm_timeout(struct execution *x)
{
	int64_t timeout_s = asl_machine_timeout_seconds(x->machine);
	struct tmf_clock *clock = tmf_loop_clock(x->engine->loop);
	int64_t from_wall_ms =
	    x->redrive_wall_ms > x->start_wall_ms ? x->redrive_wall_ms : x->start_wall_ms;
	int64_t left_ms = from_wall_ms + timeout_s * MS - clock->wall_ms(clock);

	if (timeout_s > 0)
		tmf_loop_timer_arm(x->engine->loop, &x->timeout,
		    clock->mono_ms(clock) + (left_ms > 0 ? left_ms : 0));
}

static void
execution_begin(struct execution *x)
{
	event_note(
	    x, NULL, &(struct execution_event){.type = "ExecutionStarted", .data = x->input});
	x->root = branch_new_root(x);
}

struct execution *
execution_start(struct engine *engine, const struct execution_opts *opts)
{
	struct execution *x = execution_new(engine, opts);

	execution_arm_timeout(x);
	execution_begin(x);
	return x;
}

/* Without rows it is a start: the run was created, but its first turn was never committed. */
struct execution *
execution_resume(struct engine *engine, const struct execution_opts *opts, struct tmf_err *err)
{
	struct execution *x = execution_new(engine, opts);
	bool found = false;

	execution_arm_timeout(x);
	if (engine->store != NULL && resume_tree(x, false, &found, err) < 0) {
		execution_free(x);
		return NULL;
	}
	if (x->result.status != RUN_RUNNING)
		execution_end(x, x->result.status);
	else if (!found)
		execution_begin(x);
	return x;
}

/* Without rows it is not known what was done, so nothing may be begun. */
struct execution *
execution_redrive(struct engine *engine, const struct execution_opts *opts, struct tmf_err *err)
{
	struct execution *x = execution_new(engine, opts);
	bool found = false;

	assert(engine->store != NULL && opts->redrives > 0);
	execution_arm_timeout(x);
	if (resume_tree(x, true, &found, err) == 0 && found) {
		event_note(x, NULL,
		    &(struct execution_event){.type = "ExecutionRedriven", .number = x->redrives});
		x->record_dirty = true;
		return x;
	}
	if (!tmf_err_isset(err))
		tmf_err_set(err, TMF_ERR_NOT_FOUND,
		    "run %s cannot go on: its checkpoint is not kept any more", x->run_id);
	execution_free(x);
	return NULL;
}

static void
execution_unlink(struct execution *x)
{
	struct execution **at = &x->engine->first;

	while (*at != x)
		at = &(*at)->next;
	*at = x->next;
}

/* May come at any time, also while branches are live: with over set their rows stay in the
 * store. */
void
execution_free(struct execution *x)
{
	if (x == NULL)
		return;
	x->over = true; /* the rows stay */
	if (x->root != NULL)
		tree_branch_free(x->root);
	tmf_loop_timer_disarm(x->engine->loop, &x->timeout);
	tmf_loop_timer_disarm(x->engine->loop, &x->grace);
	tmf_loop_unpost(x->engine->loop, &x->end_task);
	tmf_loop_unpost(x->engine->loop, &x->settle_task);
	tmf_loop_unpost(x->engine->loop, &x->expire_task);
	tmf_loop_unpost(x->engine->loop, &x->done_task);
	execution_unlink(x);
	tmf_err_fini(&x->expired);
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
