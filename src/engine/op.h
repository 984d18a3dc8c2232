#ifndef TMFLOW_ENGINE_OP_H
#define TMFLOW_ENGINE_OP_H

#include "tmflow/action.h"

/* Running one action, also without an execution (worker, test-state). */

/* The op is over: it has a result or op->err is set, and both may be moved out. The owner frees
 * the op, here or later. */
typedef void op_ended_fn(void *arg, struct tmf_op *op);

/*
 * Starts action on input (a reference is taken). done is called from the loop, exactly once, unless
 * the op is freed before.
 * Returns: the op, owned: op_free.
 */
struct tmf_op *op_start(const struct tmf_action *action, void *env, struct tmf_loop *loop,
    json_t *input, op_ended_fn *done, void *arg);

/*
 * The places among which an op has one, for tmf_op_await_parked. leave gives it back. enter takes
 * one again and returns true; or it returns false, and op_go_on is called when there is one. arg is
 * that of done. Without places a parked op waits as any other.
 */
struct op_places {
	void (*leave)(void *arg);
	bool (*enter)(void *arg);
};

/* Borrows places until the op is freed. */
void op_set_places(struct tmf_op *op, const struct op_places *places);

/* There is a place for an op that enter left without one. */
void op_go_on(struct tmf_op *op);

/* Cancels what is under way and frees. NULL is fine. */
void op_free(struct tmf_op *op);

/*
 * No further call is started by this op: when its pending call ends without ending the op, it ends
 * as interrupted (TMFlow.Interrupted). An op that is over stays as it is.
 */
void op_wind_down(struct tmf_op *op);

/* True if op ended with a result that was not taken yet. */
bool op_succeeded(const struct tmf_op *op);

/* Moves the result out of an op that is over. Returns: owned; NULL if it failed. */
json_t *op_take_result(struct tmf_op *op);

/* When the newest stage of op began: a sign of life. Units: the loop's monotonic clock. */
int64_t op_stage_mono_ms(const struct tmf_op *op);

/* Appends where the op stands, for a person: "describe-page in describe_page_came for 1.2 s,
 * waits for DescribeInstances". */
struct buf;
void op_write_live(const struct tmf_op *op, struct buf *out);

#endif
