#ifndef TMFLOW_ENGINE_OP_H
#define TMFLOW_ENGINE_OP_H

#include "tmflow/action.h"

/* Running one action, also without an execution (worker, test-state). */

typedef void op_ended_fn(void *arg,
    struct tmf_op *op); /* op->result or op->err; both may be moved out; op is freed afterwards */

/* Starts action on input (a reference is taken). done comes from the loop, exactly once, unless the op is cancelled. */
struct tmf_op *op_start(const struct tmf_action *action, void *env, struct tmf_loop *loop,
    json_t *input, op_ended_fn *done, void *arg);
void op_cancel(struct tmf_op *op);

/* No further call will be started by this op: when its pending call ends without ending the op, it ends as cancelled (err name TMFlow.Interrupted). */
void op_wind_down(struct tmf_op *op);

#endif
