#include "mirror/targets/waiters.h"

#include "base/mem.h"

#include <stdlib.h>

struct waiter {
	struct call call;   /* first */
	struct waiters *in; /* NULL once it is off the list */
	struct waiter *next;
	struct waiter *prev;
};

static void
leave(struct waiter *waiter)
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
cancel_waiter(struct call *call)
{
	leave((struct waiter *)call);
}

static const struct call_ops waiter_ops = {.cancel = cancel_waiter};

struct call *
waiters_add(struct waiters *waiters, struct loop *loop)
{
	struct waiter *waiter = mem_zalloc(1, sizeof(*waiter));

	call_init(&waiter->call, &waiter_ops, loop);
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
	while (waiters->first != NULL) {
		struct waiter *waiter = waiters->first;

		leave(waiter);
		call_complete(&waiter->call, json_incref(result));
	}
}

void
waiters_fail(struct waiters *waiters, const struct err *err)
{
	while (waiters->first != NULL) {
		struct waiter *waiter = waiters->first;
		struct err copy = {0};

		leave(waiter);
		err_copy(&copy, err);
		call_complete_err(&waiter->call, &copy);
	}
}

void
waiters_fini(struct waiters *waiters)
{
	while (waiters->first != NULL)
		leave(waiters->first);
}
