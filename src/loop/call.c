#include "loop/call.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

static void
call_free(struct call *call)
{
	json_decref(call->result);
	err_fini(&call->err);
	if (call->ops != NULL && call->ops->free_call != NULL)
		call->ops->free_call(call);
	else
		free(call);
}

/* From the ready queue: tells the waiter, then frees. */
static void
call_deliver(struct task *task)
{
	struct call *call = (struct call *)task;

	assert(call->completed);
	if (call->done != NULL)
		call->done(call->done_arg, call);
	call_free(call);
}

void
call_init(struct call *call, const struct call_ops *ops, struct loop *loop)
{
	*call = (struct call){.task = {.run = call_deliver}, .ops = ops, .loop = loop};
}

void
call_on_done(struct call *call, call_done_fn *done, void *arg)
{
	assert(call->done == NULL);
	call->done = done;
	call->done_arg = arg;
}

void
call_complete(struct call *call, json_t *result)
{
	assert(!call->completed && result != NULL);
	call->completed = true;
	call->result = result;
	loop_post(call->loop, &call->task);
}

void
call_complete_err(struct call *call, struct err *err)
{
	assert(!call->completed && err_isset(err));
	call->completed = true;
	err_move(&call->err, err);
	loop_post(call->loop, &call->task);
}

void
call_cancel(struct call *call)
{
	if (call == NULL)
		return;
	if (call->completed)
		loop_unpost(call->loop, &call->task);
	else if (call->ops != NULL && call->ops->cancel != NULL)
		call->ops->cancel(call);
	call_free(call);
}

json_t *
call_take_result(struct call *call)
{
	json_t *result = call->result;

	call->result = NULL;
	return result;
}

struct call *
call_of_result(struct loop *loop, json_t *result)
{
	struct call *call = mem_zalloc(1, sizeof(*call));

	call_init(call, NULL, loop);
	call_complete(call, result);
	return call;
}

struct call *
call_of_err(struct loop *loop, struct err *err)
{
	struct call *call = mem_zalloc(1, sizeof(*call));

	call_init(call, NULL, loop);
	call_complete_err(call, err);
	return call;
}
