#include "tmflow/call.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

static void
call_free(struct tmf_call *call)
{
	json_decref(call->result);
	tmf_err_fini(&call->err);
	if (call->ops != NULL && call->ops->free_call != NULL)
		call->ops->free_call(call);
	else
		free(call);
}

/* From the ready queue: tells the waiter, then frees. */
static void
call_deliver(struct tmf_task *task)
{
	struct tmf_call *call = (struct tmf_call *)task;

	assert(call->completed);
	if (call->done != NULL)
		call->done(call->done_arg, call);
	call_free(call);
}

void
tmf_call_init(struct tmf_call *call, const struct tmf_call_ops *ops, struct tmf_loop *loop)
{
	*call = (struct tmf_call){.task = {.run = call_deliver}, .ops = ops, .loop = loop};
}

void
tmf_call_on_done(struct tmf_call *call, tmf_call_done_fn *done, void *arg)
{
	assert(call->done == NULL);
	call->done = done;
	call->done_arg = arg;
}

void
tmf_call_complete(struct tmf_call *call, json_t *result)
{
	assert(!call->completed && result != NULL);
	call->completed = true;
	call->result = result;
	tmf_loop_post(call->loop, &call->task);
}

void
tmf_call_complete_err(struct tmf_call *call, struct tmf_err *err)
{
	assert(!call->completed && tmf_err_isset(err));
	call->completed = true;
	tmf_err_move(&call->err, err);
	tmf_loop_post(call->loop, &call->task);
}

void
tmf_call_cancel(struct tmf_call *call)
{
	if (call == NULL)
		return;
	if (call->completed)
		tmf_loop_unpost(call->loop, &call->task);
	else if (call->ops != NULL && call->ops->cancel != NULL)
		call->ops->cancel(call);
	call_free(call);
}

json_t *
tmf_call_take_result(struct tmf_call *call)
{
	json_t *result = call->result;

	call->result = NULL;
	return result;
}

struct tmf_call *
tmf_call_of_result(struct tmf_loop *loop, json_t *result)
{
	struct tmf_call *call = mem_zalloc(1, sizeof(*call));

	tmf_call_init(call, NULL, loop);
	tmf_call_complete(call, result);
	return call;
}

struct tmf_call *
tmf_call_of_err(struct tmf_loop *loop, struct tmf_err *err)
{
	struct tmf_call *call = mem_zalloc(1, sizeof(*call));

	tmf_call_init(call, NULL, loop);
	tmf_call_complete_err(call, err);
	return call;
}
