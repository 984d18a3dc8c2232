#ifndef TMFLOW_LOOP_CALL_H
#define TMFLOW_LOOP_CALL_H

#include "base/err.h"
#include "loop/loop.h"

#include <jansson.h>
#include <stdbool.h>

/*
 * A pending asynchronous call with a JSON result: what an action awaits. Starting one cannot fail; it completes exactly once, through the loop's ready
 * queue and so never inside the function that started it; or it is cancelled, and then never completes.
 *
 * Life: a maker embeds struct call as the FIRST member of its own struct, allocates it with mem_zalloc, calls call_init, returns it.
 * The waiter calls call_on_done once. When the work ends the maker calls call_complete_*; the loop then runs done(arg, call), in which the waiter moves out
 * result or err. After done returns, the call is freed (ops->free_call). call_cancel stops the work (ops->cancel) and frees it.
 */
struct call;

typedef void call_done_fn(void *arg, struct call *call);

struct call_ops {
	void (*cancel)(struct call *call); /* stop the work; may be NULL */
	void (*free_call)(struct call
		*call); /* free what the maker added and the struct itself; NULL: free(call) */
};

struct call {
	struct task task;
	const struct call_ops *ops;
	struct loop *loop;
	call_done_fn *done;
	void *done_arg;
	json_t *result; /* owned; NULL on failure */
	struct err err; /* set on failure */
	bool completed;
};

void call_init(struct call *call, const struct call_ops *ops, struct loop *loop);

/* Sets who hears of the completion; before the next turn of the loop. */
void call_on_done(struct call *call, call_done_fn *done, void *arg);

/* Takes result (not NULL). */
void call_complete(struct call *call, json_t *result);

/* Moves *err (set) into the call. */
void call_complete_err(struct call *call, struct err *err);

/* Stops and frees the call; done will not be called. NULL is fine. */
void call_cancel(struct call *call);

/* In done: moves the result out (NULL on failure). */
json_t *call_take_result(struct call *call);

/* A call that is over already: with a result (taken), or with an error (moved). For answers that need no waiting. */
struct call *call_of_result(struct loop *loop, json_t *result);
struct call *call_of_err(struct loop *loop, struct err *err);

/*
 * A call made of others, one after another. over is the one that ended: its result and error may be moved out. Returns the next one, or NULL at the end
 * with either *ret_result (a new reference) or *err set.
 */
typedef struct call *
call_step_fn(void *frame, struct call *over, json_t **ret_result, struct err *err);

/* Takes first and frame; free_frame (may be NULL) is called when the whole is over or cancelled. */
struct call *
call_sequence(struct call *first, call_step_fn *step, void *frame, void (*free_frame)(void *frame));

#endif
