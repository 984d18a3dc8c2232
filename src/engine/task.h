#ifndef TMFLOW_ENGINE_TASK_H
#define TMFLOW_ENGINE_TASK_H

#include "engine/tree.h"

/*
 * The work of a Task: its op and its timeouts. And the place of its branch: each live child of a
 * Map holds one of the places that MaxConcurrency gives, but for those whose op waits for what
 * others do (tmf_op_await_parked). When such a wait is over, the branch takes a place again or
 * stands in line for one, which is served before new children are made.
 */

/* Takes work's input and has the op started once the entering of the state is committed. */
void task_begin(struct branch *branch, struct step_work *work);

/*
 * After the commit: starts the op. It ends by posting the branch's task, with op->result or
 * op->err; while the execution is being interrupted, an op that failed is dropped instead, and a
 * resume begins the task again.
 */
void task_start(struct branch *branch);

/*
 * The branch's timer fired: a timeout, or the moment to look for a sign of life.
 * Returns: true when the task has timed out, with *err the error that Retry and Catch see; the op
 * is still there, with op->err set.
 */
bool task_timed_out(struct branch *branch, struct tmf_err *err);

/* Cancels and frees what the task has. Without any: does nothing. */
void task_drop(struct branch *branch);

/* True if another child may run, or run on. */
bool task_has_place(const struct branch *parent);

/* Has the children in line run on, as far as there are places. */
void task_serve_line(struct branch *parent);

/* After a restart: posts the branch's task, or has it stand in line where its Map has more children
 * than places. */
void task_begin_again(struct branch *branch);

/* Arms the branch's timer for a time of the wall clock; one that has passed fires in the next
 * turn. */
void task_arm_timer(struct branch *branch, int64_t wall_ms);

#endif
