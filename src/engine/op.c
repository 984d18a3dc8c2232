#include "engine/action.h"

#include "base/mem.h"

#include <assert.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#define ERROR_INTERRUPTED "TMFlow.Interrupted"

/* What the runner keeps beside what stages see. */
struct op_run {
	struct op op; /* first */
	struct task task;
	struct timer timer; /* op_sleep */
	op_done_fn *done;
	void *done_arg;
	bool winding_down;
};

static void run_stage(struct op_run *run, op_stage_fn *stage);

static void
op_free(struct op_run *run)
{
	struct op *op = &run->op;

	free(op->frame);
	json_decref(op->input);
	json_decref(op->reply);
	json_decref(op->result);
	json_decref(op->kept);
	err_fini(&op->err);
	free(run);
}

/* Tells the owner, who may move result and err out. */
static void
finish(struct op_run *run)
{
	run->done(run->done_arg, &run->op);
	op_free(run);
}

static void
interrupted(struct op_run *run)
{
	err_set_name(&run->op.err, ERR_BUSY, ERROR_INTERRUPTED, "interrupted between two calls");
	finish(run);
}

static void
call_done(void *arg, struct call *call)
{
	struct op_run *run = arg;
	struct op *op = &run->op;

	op->call = NULL;
	json_decref(op->reply);
	op->reply = call_take_result(call);
	if (op->reply == NULL)
		err_move(&op->err, &call->err);
	if (op->reply == NULL && !op->sees_error) {
		finish(run);
	} else if (op->gives_reply) {
		op->result = op->reply;
		op->reply = NULL;
		finish(run);
	} else {
		run_stage(run, op->stage);
	}
}

static void
slept(struct timer *timer)
{
	struct op_run *run = (struct op_run *)((char *)timer - offsetof(struct op_run, timer));

	run_stage(run, run->op.stage);
}

static int64_t
now_mono_ms(const struct loop *loop)
{
	struct clock *clock = loop_clock(loop);

	return clock->mono_ms(clock);
}

/* Runs a stage and sees that it left exactly one of: a call or a sleep, a result, an error. */
static void
run_stage(struct op_run *run, op_stage_fn *stage)
{
	struct op *op = &run->op;
	bool waits;

	op->stage = NULL;
	op->stage_mono_ms = now_mono_ms(op->loop);
	switch (stage(op)) {
	case OP_AWAIT:
		waits = op->call != NULL || run->timer.heap_index != 0;
		assert(waits && op->result == NULL && !err_isset(&op->err));
		if (run->winding_down) {
			call_cancel(op->call);
			op->call = NULL;
			loop_timer_disarm(op->loop, &run->timer);
			interrupted(run);
		}
		return;
	case OP_DONE:
		assert(op->result != NULL && op->call == NULL && !err_isset(&op->err));
		break;
	case OP_FAIL:
		assert(op->result == NULL && op->call == NULL && err_isset(&op->err));
		break;
	}
	finish(run);
}

static void
run_first(struct task *task)
{
	struct op_run *run = (struct op_run *)((char *)task - offsetof(struct op_run, task));

	run_stage(run, run->op.action->start);
}

struct op *
op_start(const struct action *action, void *env, struct loop *loop, json_t *input, op_done_fn *done,
    void *arg)
{
	struct op_run *run = mem_zalloc(1, sizeof(*run));

	run->op = (struct op){
	    .frame = action->frame_size > 0 ? mem_zalloc(1, action->frame_size) : NULL,
	    .input = json_incref(input),
	    .env = env,
	    .loop = loop,
	    .action = action,
	    .stage_mono_ms = now_mono_ms(loop),
	};
	run->done = done;
	run->done_arg = arg;
	run->task.run = run_first;
	run->timer.fire = slept;
	loop_post(loop, &run->task);
	return &run->op;
}

void
op_cancel(struct op *op)
{
	struct op_run *run = (struct op_run *)op;

	if (op == NULL)
		return;
	loop_unpost(op->loop, &run->task);
	loop_timer_disarm(op->loop, &run->timer);
	call_cancel(op->call);
	op_free(run);
}

/* An op that waits for no call ends from the loop, as any other. */
static void
end_interrupted(struct task *task)
{
	interrupted((struct op_run *)((char *)task - offsetof(struct op_run, task)));
}

void
op_wind_down(struct op *op)
{
	struct op_run *run = (struct op_run *)op;

	run->winding_down = true;
	if (op->call != NULL)
		return;
	loop_timer_disarm(op->loop, &run->timer);
	run->task.run = end_interrupted;
	loop_post(op->loop, &run->task);
}

static enum op_next
await(struct op *op, struct call *call, op_stage_fn *stage)
{
	assert(op->call == NULL && op->stage == NULL);
	op->call = call;
	op->stage = stage;
	op->sees_error = false;
	op->gives_reply = false;
	call_on_done(call, call_done, op);
	return OP_AWAIT;
}

enum op_next
op_await(struct op *op, struct call *call, op_stage_fn *stage)
{
	return await(op, call, stage);
}

enum op_next
op_await_seen(struct op *op, struct call *call, op_stage_fn *stage)
{
	await(op, call, stage);
	op->sees_error = true;
	return OP_AWAIT;
}

enum op_next
op_await_result(struct op *op, struct call *call)
{
	await(op, call, NULL);
	op->gives_reply = true;
	return OP_AWAIT;
}

enum op_next
op_sleep(struct op *op, int64_t delay_ms, op_stage_fn *stage)
{
	struct op_run *run = (struct op_run *)op;
	struct clock *clock = loop_clock(op->loop);

	assert(op->call == NULL && op->stage == NULL);
	op->stage = stage;
	loop_timer_arm(op->loop, &run->timer, clock->mono_ms(clock) + delay_ms);
	return OP_AWAIT;
}

enum op_next
op_done(struct op *op, json_t *result)
{
	op->result = result;
	return OP_DONE;
}

enum op_next
op_done_unchanged(struct op *op, json_t *result)
{
	op->unchanged = true;
	return op_done(op, result);
}

enum op_next
op_fail(struct op *op, enum err_code code, const char *format, ...)
{
	struct buf text = {0};
	va_list args;

	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	err_set(&op->err, code, "%s", buf_cstr(&text));
	buf_fini(&text);
	return OP_FAIL;
}

json_t *
op_keep(struct op *op, const char *key, json_t *value)
{
	if (op->kept == NULL)
		op->kept = json_object();
	json_object_set_new(op->kept, key, value);
	return value;
}

json_t *
op_kept(const struct op *op, const char *key)
{
	return json_object_get(op->kept, key);
}
