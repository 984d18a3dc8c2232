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

/* From the ready queue: informs the waiter, then frees. The waiter may start another call from
 * here, which is why a call never completes inside the function that starts it: the stack does not
 * grow with a chain of calls. */
static void
call_deliver(struct tmf_task *task)
{
	struct tmf_call *call = (struct tmf_call *)task;

	assert(call->completed);
	if (call->done != NULL)
		call->done(call->done_arg, call);
	call_free(call);
}

/* The task comes first in a call, so call_deliver can take it for the call. */
void
tmf_call_init(struct tmf_call *call, const struct tmf_call_ops *ops, struct tmf_loop *loop)
{
	assert(loop != NULL);
	*call = (struct tmf_call){.task = {.run = call_deliver}, .ops = ops, .loop = loop};
}

void
tmf_call_on_done(struct tmf_call *call, tmf_call_done_fn *done, void *arg)
{
	assert(call->done == NULL);
	call->done = done;
	call->done_arg = arg;
}

/* Posted, not delivered: the maker is often in the middle of a callback of its own (of libcurl,
 * say) that must return first. */
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

/* A completed call waits in the ready queue: its work is over, so only the delivery is taken
 * back. */
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

/* The result is left to the waiter; what is not taken is dropped with the call. */
json_t *
tmf_call_take_result(struct tmf_call *call)
{
	json_t *result = call->result;

	assert(call->completed);
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

/* No special case in an action for an answer that is known already, such as a fault of its own
 * input: its stage waits as for any other. */
struct tmf_call *
tmf_call_of_err(struct tmf_loop *loop, struct tmf_err *err)
{
	struct tmf_call *call = mem_zalloc(1, sizeof(*call));

	tmf_call_init(call, NULL, loop);
	tmf_call_complete_err(call, err);
	return call;
}
