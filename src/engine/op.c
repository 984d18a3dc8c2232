#include "engine/op.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

/* What the macros of action.h call. */
#undef tmf_op_await
#undef tmf_op_await_seen
#undef tmf_op_await_parked
#undef tmf_op_sleep

#define MS		  1000.0
#define ERROR_INTERRUPTED "TMFlow.Interrupted"

/* What the runner keeps beside what stages see. Actions see only the first member, so the
 * layout of the rest may change without a change of the public header. */
struct op_run {
	struct tmf_op op; /* first */
	struct tmf_task task;
	struct tmf_timer timer; /* tmf_op_sleep */
	op_ended_fn *done;
	void *done_arg;
	json_t *result; /* tmf_op_done */
	json_t *kept;	/* object, or NULL: what tmf_op_keep holds */
	struct tmf_call *call;
	tmf_op_stage_fn *stage;		/* what runs when the wait is over */
	int64_t stage_mono_ms;		/* when the newest stage began */
	const struct op_places *places; /* NULL: none */
	bool parked;			/* has given its place back until the call ends */
	bool wants_place;		/* the call has ended, and op_go_on is to come */
	bool sees_error;		/* tmf_op_await_seen */
	bool gives_reply;		/* tmf_op_await_result */
	bool winding_down;
	bool over; /* done was called */
};

static void op_run_stage(struct op_run *run, tmf_op_stage_fn *stage);
static void op_call_over(struct op_run *run);

/* Valid because op is the first member. */
static struct op_run *
op_run_of(struct tmf_op *op)
{
	return (struct op_run *)op;
}

/* The last thing that is done with the op here: its owner may free it. Exactly one of
 * result and error is set, which is what lets op_succeeded look at the result alone. */
static void
op_finish(struct op_run *run)
{
	assert(!run->over && run->call == NULL);
	assert((run->result != NULL) != tmf_err_isset(&run->op.err));
	run->over = true;
	run->done(run->done_arg, &run->op);
}

/* Between two calls no answer of AWS is outstanding, so this is a safe place to stop. After
 * a resume the task starts again from its first stage. */
static void
op_interrupted(struct op_run *run)
{
	tmf_err_set_name(
	    &run->op.err, TMF_ERR_BUSY, ERROR_INTERRUPTED, "interrupted between two calls");
	op_finish(run);
}

/* The reply of the call before is dropped only now: the stage that started this call may
 * have built its request from it. An error ends the op, except where the action asked to
 * see it, for example to take "NotFound" as a success. */
static void
op_call_done(void *arg, struct tmf_call *call)
{
	struct op_run *run = arg;
	struct tmf_op *op = &run->op;

	run->call = NULL;
	json_decref(op->reply);
	op->reply = tmf_call_take_result(call);
	if (op->reply == NULL)
		tmf_err_move(&op->err, &call->err);
	if (run->parked && !run->places->enter(run->done_arg))
		run->wants_place = true;
	else
		op_call_over(run);
}

static void
op_run_on(struct tmf_task *task)
{
	op_call_over((struct op_run *)((char *)task - offsetof(struct op_run, task)));
}

/* From the loop, as if the call ended now. */
void
op_go_on(struct tmf_op *op)
{
	struct op_run *run = op_run_of(op);

	assert(run->wants_place && run->call == NULL && !run->over);
	run->wants_place = false;
	run->task.run = op_run_on;
	tmf_loop_post(op->loop, &run->task);
}

void
op_set_places(struct tmf_op *op, const struct op_places *places)
{
	op_run_of(op)->places = places;
}

/* What an ended call means for the op, which has its place again. */
static void
op_call_over(struct op_run *run)
{
	struct tmf_op *op = &run->op;

	run->parked = false;
	if (op->reply == NULL && !run->sees_error) {
		op_finish(run);
	} else if (run->gives_reply) {
		run->result = op->reply;
		op->reply = NULL;
		op_finish(run);
	} else {
		op_run_stage(run, run->stage);
	}
}

/* A sleep has no reply and no error, so the stage follows directly. */
static void
op_slept(struct tmf_timer *timer)
{
	struct op_run *run = (struct op_run *)((char *)timer - offsetof(struct op_run, timer));

	op_run_stage(run, run->stage);
}

static int64_t
op_now_mono_ms(const struct tmf_loop *loop)
{
	struct tmf_clock *clock = tmf_loop_clock(loop);

	return clock->mono_ms(clock);
}

/* The name of the stage that waits or runs. The macros of action.h set the name of each
 * next stage; the first one has none. */
static const char *
op_stage_name(const struct tmf_op *op)
{
	return op->stage_name != NULL ? op->stage_name : "start";
}

/* Runs a stage and sees that it left exactly one of: a call or a sleep, a result, an error.
 * While the op winds down, a stage may still start a call, because it cannot know. Such a
 * call is cancelled at once. */
static void
op_run_stage(struct op_run *run, tmf_op_stage_fn *stage)
{
	struct tmf_op *op = &run->op;
	bool waits;

	assert(!run->over && run->call == NULL);
	run->stage = NULL;
	log_event(LOG_DEBUG, "engine.stage", LOG_STR("action", op->action->name),
	    LOG_STR("stage", op_stage_name(op)));
	run->stage_mono_ms = op_now_mono_ms(op->loop);
	switch (stage(op)) {
	case TMF_OP_AWAIT:
		waits = run->call != NULL || run->timer.heap_index != 0;
		assert(waits && run->result == NULL && !tmf_err_isset(&op->err));
		if (run->winding_down) {
			tmf_call_cancel(run->call);
			run->call = NULL;
			tmf_loop_timer_disarm(op->loop, &run->timer);
			op_interrupted(run);
		}
		return;
	case TMF_OP_DONE:
		assert(run->result != NULL && run->call == NULL && !tmf_err_isset(&op->err));
		break;
	case TMF_OP_FAIL:
		assert(run->result == NULL && run->call == NULL && tmf_err_isset(&op->err));
		break;
	}
	op_finish(run);
}

static void
op_run_first(struct tmf_task *task)
{
	struct op_run *run = (struct op_run *)((char *)task - offsetof(struct op_run, task));

	op_run_stage(run, run->op.action->start);
}

/* The first stage runs from the loop, not from here, so that the caller has its pointer to
 * the op before done can be called. */
struct tmf_op *
op_start(const struct tmf_action *action, void *env, struct tmf_loop *loop, json_t *input,
    op_ended_fn *done, void *arg)
{
	struct op_run *run = mem_zalloc(1, sizeof(*run));

	run->op = (struct tmf_op){
	    .frame = action->frame_size > 0 ? mem_zalloc(1, action->frame_size) : NULL,
	    .input = json_incref(input),
	    .env = env,
	    .loop = loop,
	    .action = action,
	};
	run->stage_mono_ms = op_now_mono_ms(loop);
	run->done = done;
	run->done_arg = arg;
	run->task.run = op_run_first;
	run->timer.fire = op_slept;
	tmf_loop_post(loop, &run->task);
	return &run->op;
}

/* May come in any phase: each registration with the loop is undone, and each of these calls
 * allows that there is nothing to undo. */
void
op_free(struct tmf_op *op)
{
	struct op_run *run = op_run_of(op);

	if (op == NULL)
		return;
	tmf_loop_unpost(op->loop, &run->task);
	tmf_loop_timer_disarm(op->loop, &run->timer);
	tmf_call_cancel(run->call);
	free(op->frame);
	json_decref(op->input);
	json_decref(op->reply);
	json_decref(run->result);
	json_decref(run->kept);
	tmf_err_fini(&op->err);
	free(run);
}

/* An op that waits for no call ends from the loop, as any other. */
static void
op_end_interrupted(struct tmf_task *task)
{
	op_interrupted((struct op_run *)((char *)task - offsetof(struct op_run, task)));
}

/* A call that is under way is awaited, since AWS may have acted on it already. A sleep is
 * cut short: nothing depends on its end. So is the wait for a place, or for what others do. */
void
op_wind_down(struct tmf_op *op)
{
	struct op_run *run = op_run_of(op);

	run->winding_down = true;
	if (run->parked) {
		tmf_call_cancel(run->call);
		run->call = NULL;
	}
	if (run->call != NULL || run->over)
		return;
	tmf_loop_timer_disarm(op->loop, &run->timer);
	run->task.run = op_end_interrupted;
	tmf_loop_post(op->loop, &run->task);
}

/* One op waits for one call at a time, so a stage never has to ask which call ended. */
static enum tmf_op_next
op_await(struct tmf_op *op, struct tmf_call *call, tmf_op_stage_fn *stage)
{
	struct op_run *run = op_run_of(op);

	assert(run->call == NULL && run->stage == NULL);
	run->call = call;
	run->stage = stage;
	run->sees_error = false;
	run->gives_reply = false;
	tmf_call_on_done(call, op_call_done, op);
	return TMF_OP_AWAIT;
}

enum tmf_op_next
tmf_op_await(struct tmf_op *op, struct tmf_call *call, tmf_op_stage_fn *stage)
{
	return op_await(op, call, stage);
}

/* The stage must look at op->err itself; the runner does not end the op for it. */
enum tmf_op_next
tmf_op_await_seen(struct tmf_op *op, struct tmf_call *call, tmf_op_stage_fn *stage)
{
	op_await(op, call, stage);
	op_run_of(op)->sees_error = true;
	return TMF_OP_AWAIT;
}

/* The op gives its place back at last: what leave begins must find it waiting. */
enum tmf_op_next
tmf_op_await_parked(struct tmf_op *op, struct tmf_call *call, tmf_op_stage_fn *stage)
{
	struct op_run *run = op_run_of(op);

	op_await(op, call, stage);
	if (run->places != NULL && !run->winding_down) {
		run->parked = true;
		run->places->leave(run->done_arg);
	}
	return TMF_OP_AWAIT;
}

/* Saves the most common last stage, which would only pass on the reply. */
enum tmf_op_next
tmf_op_await_result(struct tmf_op *op, struct tmf_call *call)
{
	op_await(op, call, NULL);
	op_run_of(op)->gives_reply = true;
	return TMF_OP_AWAIT;
}

/* By the monotonic clock, so that a change of the wall clock does not stretch a poll
 * interval. */
enum tmf_op_next
tmf_op_sleep(struct tmf_op *op, int64_t delay_ms, tmf_op_stage_fn *stage)
{
	struct op_run *run = op_run_of(op);
	struct tmf_clock *clock = tmf_loop_clock(op->loop);

	assert(run->call == NULL && run->stage == NULL);
	run->stage = stage;
	tmf_loop_timer_arm(op->loop, &run->timer, clock->mono_ms(clock) + delay_ms);
	return TMF_OP_AWAIT;
}

enum tmf_op_next
tmf_op_done(struct tmf_op *op, json_t *result)
{
	op_run_of(op)->result = result;
	return TMF_OP_DONE;
}

/* The code alone decides the error name that Retry and Catch see; the text becomes the
 * cause. */
enum tmf_op_next
tmf_op_fail(struct tmf_op *op, enum tmf_err_code code, const char *format, ...)
{
	struct buf text = {0};
	va_list args;

	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	tmf_err_set(&op->err, code, "%s", buf_cstr(&text));
	buf_fini(&text);
	return TMF_OP_FAIL;
}

/* Values that live as long as the op: a frame is plain memory and is freed without a look
 * at the references in it. */
json_t *
tmf_op_keep(struct tmf_op *op, const char *key, json_t *value)
{
	struct op_run *run = op_run_of(op);

	if (run->kept == NULL)
		run->kept = json_object();
	json_object_set_new(run->kept, key, value);
	return value;
}

json_t *
tmf_op_kept(const struct tmf_op *op, const char *key)
{
	return json_object_get(((const struct op_run *)op)->kept, key);
}

bool
op_succeeded(const struct tmf_op *op)
{
	return ((const struct op_run *)op)->result != NULL;
}

json_t *
op_take_result(struct tmf_op *op)
{
	struct op_run *run = op_run_of(op);
	json_t *result = run->result;

	run->result = NULL;
	return result;
}

int64_t
op_stage_mono_ms(const struct tmf_op *op)
{
	return ((const struct op_run *)op)->stage_mono_ms;
}

/* For a person who asks why a run hangs: the stage and its age say which call does not
 * return. */
void
op_write_live(const struct tmf_op *op, struct buf *out)
{
	const struct op_run *run = (const struct op_run *)op;
	const char *call = run->call != NULL ? run->call->name : NULL;

	buf_printf(out, "%s in %s for %.1f s", op->action->name, op_stage_name(op),
	    (double)(op_now_mono_ms(op->loop) - run->stage_mono_ms) / MS);
	if (run->over)
		buf_add_cstr(out, ", over");
	else if (run->wants_place)
		buf_add_cstr(out, ", waits for a place of its Map");
	else if (run->call != NULL)
		buf_printf(out, ", waits for %s", call != NULL ? call : "a call");
}
