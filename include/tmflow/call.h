#ifndef TMFLOW_CALL_H
#define TMFLOW_CALL_H

#include "tmflow/error.h"
#include "tmflow/loop.h"

#include <jansson.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A pending asynchronous call with a JSON result: what an action awaits. Starting one cannot fail;
 * it completes exactly once, through the loop's ready queue and so never inside the function that
 * started it; or it is cancelled, and then never completes.
 *
 * Life: a maker embeds struct tmf_call as the FIRST member of its own struct, allocates it zeroed,
 * calls tmf_call_init, returns it. The waiter calls tmf_call_on_done once. When the work ends the
 * maker calls tmf_call_complete or tmf_call_complete_err; the loop then runs done(arg, call), in
 * which the waiter moves out result or err. After done returns, the call is freed (ops->free_call).
 * tmf_call_cancel stops the work (ops->cancel) and frees it.
 */
struct tmf_call;

/* Called once, from the loop. Borrows: call, until it returns. */
typedef void tmf_call_done_fn(void *arg, struct tmf_call *call);

struct tmf_call_ops {
	/* Stops the work; no completion may come afterwards. May be NULL. */
	void (*cancel)(struct tmf_call *call);
	/* Frees what the maker added and the struct itself. NULL: free(call). */
	void (*free_call)(struct tmf_call *call);
};

/* A maker sets nothing here by itself; a waiter reads result and err in its done. */
struct tmf_call {
	struct tmf_task task;
	const struct tmf_call_ops *ops;
	struct tmf_loop *loop;
	tmf_call_done_fn *done;
	void *done_arg;
	json_t *result;	    /* owned; NULL on failure */
	struct tmf_err err; /* set on failure */
	bool completed;
	const char
	    *name; /* what is asked for, "DescribeInstances"; borrowed; NULL: nothing of note */
};

/* Begins a call in memory that the maker has allocated. Borrows: ops and loop, until the call is
 * freed. ops may be NULL. */
void tmf_call_init(struct tmf_call *call, const struct tmf_call_ops *ops, struct tmf_loop *loop);

/* Sets who hears of the completion: once, and before the next turn of the loop. Borrows: arg, until
 * done or cancelled. */
void tmf_call_on_done(struct tmf_call *call, tmf_call_done_fn *done, void *arg);

/* The work has succeeded: done is called in a later step of the loop. Takes: result (not NULL). */
void tmf_call_complete(struct tmf_call *call, json_t *result);

/* The work has failed. Takes: *err, which is set, and is left empty. */
void tmf_call_complete_err(struct tmf_call *call, struct tmf_err *err);

/* Stops and frees the call; done will not be called. NULL is fine. */
void tmf_call_cancel(struct tmf_call *call);

/* In done: moves the result out. Returns: a reference of the caller's; NULL on failure. */
json_t *tmf_call_take_result(struct tmf_call *call);

/* A call that is over already, for answers that need no waiting: with a result, or with an error.
 * done is called from the loop even so. Takes: result, *err. */
struct tmf_call *tmf_call_of_result(struct tmf_loop *loop, json_t *result);
struct tmf_call *tmf_call_of_err(struct tmf_loop *loop, struct tmf_err *err);

/* A step of a call made of others. over is the one that ended: its result and error may be moved
 * out.
 * Returns: the next one, or NULL at the end with either *ret_result (a new reference) or *err
 * set. */
typedef struct tmf_call *
tmf_call_step_fn(void *frame, struct tmf_call *over, json_t **ret_result, struct tmf_err *err);

/* A call made of others, one after another: first, then what step returns.
 * Takes: first, and frame; free_frame (may be NULL) is called when the whole is over or
 * cancelled. */
struct tmf_call *tmf_call_sequence(
    struct tmf_call *first, tmf_call_step_fn *step, void *frame, void (*free_frame)(void *frame));

#ifdef __cplusplus
}
#endif

#endif
