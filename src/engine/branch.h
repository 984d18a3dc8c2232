#ifndef TMFLOW_ENGINE_BRANCH_H
#define TMFLOW_ENGINE_BRANCH_H

#include "engine/context.h"
#include "engine/tree.h"

/* The interpreter: what a branch does in its state. */

/* The root, which enters the machine's first state. */
struct branch *branch_new_root(struct execution *x);

/* --- for a resume, which puts a branch back where it stood --- */

/* A branch that stands in no state yet. Shares variables (NULL: none). parent NULL: the root. */
struct branch *
branch_new(struct execution *x, struct branch *parent, int64_t index, json_t *variables);

/* The state as the branch meets it, for asl/state/step.h. Borrows: valid until it is called again,
 * for whichever branch of the engine. */
struct step branch_step(struct branch *branch, enum context_stage stage);

/* The scope of states in which the child of this number walks; branch stands in a Map or Parallel.
 * Borrowed from the machine. */
const struct asl_states *branch_child_scope(const struct branch *branch, int64_t index);

/* The state's Retry has all its attempts again, and its Wait the whole time. */
void branch_begin_attempts(struct branch *branch);

/* Sets a restored branch going. An op that was under way is started again. */
void branch_go_on(struct branch *branch);

#endif
