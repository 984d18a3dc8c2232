#ifndef TMFLOW_MIRROR_WAITERS_H
#define TMFLOW_MIRROR_WAITERS_H

#include "tmflow/call.h"

/* Many that wait for one piece of work: each gets a call of its own, and all end together, in
 * the order in which they came. */
struct waiter;
struct waiters {
	struct waiter *first;
	struct waiter *last;
};

/* New call that ends with waiters_complete or waiters_fail; cancelling it leaves the others
 * waiting. */
struct tmf_call *waiters_add(struct waiters *waiters, struct tmf_loop *loop);

/* Ends all with result (a reference is taken for each), or with copies of err; the list is empty
 * then. */
void waiters_complete(struct waiters *waiters, json_t *result);
void waiters_fail(struct waiters *waiters, const struct tmf_err *err);

/* Lets go of those still waiting: their calls will never end. */
void waiters_fini(struct waiters *waiters);

#endif
