#include "mirror/waiters.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

/* The list holds no reference to a waiter: the call belongs to the one that waits, who may cancel
 * it at any time. */
struct waiter {
	struct tmf_call call; /* first: a call is cast to its waiter */
	struct waiters *in;   /* NULL once it is off the list */
	struct waiter *next;
	struct waiter *prev;
};

/* May come a second time, when the call is cancelled after its end. The list itself may be gone by
 * then, so only `in` can say whether there is something to leave. */
static void
waiter_leave(struct waiter *waiter)
{
	if (waiter->in == NULL)
		return;
	if (waiter->prev != NULL)
		waiter->prev->next = waiter->next;
	else
		waiter->in->first = waiter->next;
	if (waiter->next != NULL)
		waiter->next->prev = waiter->prev;
	else
		waiter->in->last = waiter->prev;
	waiter->in = NULL;
}

static void
waiter_cancel(struct tmf_call *call)
{
	waiter_leave((struct waiter *)call);
}

static const struct tmf_call_ops waiter_ops = {.cancel = waiter_cancel};

/* At the end of the list, so that all hear of the end in the order in which they came: runs stay
 * reproducible. */
struct tmf_call *
waiters_add(struct waiters *waiters, struct tmf_loop *loop)
{
	struct waiter *waiter = mem_zalloc(1, sizeof(*waiter));

	tmf_call_init(&waiter->call, &waiter_ops, loop);
	assert((waiters->first == NULL) == (waiters->last == NULL));
	waiter->in = waiters;
	waiter->prev = waiters->last;
	if (waiters->last != NULL)
		waiters->last->next = waiter;
	else
		waiters->first = waiter;
	waiters->last = waiter;
	return &waiter->call;
}

void
waiters_complete(struct waiters *waiters, json_t *result)
{
	assert(result != NULL);
	while (waiters->first != NULL) {
		struct waiter *waiter = waiters->first;

		/* Off the list first: completing it hands the call to the loop, which frees it
		 * later. */
		waiter_leave(waiter);
		tmf_call_complete(&waiter->call, json_incref(result));
	}
}

void
waiters_fail(struct waiters *waiters, const struct tmf_err *err)
{
	assert(tmf_err_isset(err));
	while (waiters->first != NULL) {
		struct waiter *waiter = waiters->first;
		struct tmf_err copy = {0};

		waiter_leave(waiter);
		tmf_err_copy(&copy, err);
		tmf_call_complete_err(&waiter->call, &copy);
	}
}

/* Without completing them: the owner goes away, and so does the run in which they wait. */
void
waiters_fini(struct waiters *waiters)
{
	assert((waiters->first == NULL) == (waiters->last == NULL));
	while (waiters->first != NULL)
		waiter_leave(waiters->first);
}
