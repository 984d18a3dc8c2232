#ifndef TMFLOW_ENGINE_BRANCH_H
#define TMFLOW_ENGINE_BRANCH_H

#include "engine/tree.h"

/* The interpreter: what a branch does in its state. */

/* The root, which enters the machine's first state. */
struct branch *branch_new_root(struct execution *x);

/*
 * For a resume: the branch of a row, which stands in its state; parent NULL: the root. It gets its
 * children's books when the row says so.
 * Errors: TMF_ERR_INVALID when the state does not take its stored input, or the branch has no place
 * in parent.
 */
struct branch_row;
struct branch *branch_restore(
    struct execution *x, struct branch *parent, const struct branch_row *row, struct tmf_err *err);

/*
 * For a redrive, before branch_go_on: the restored branch's state, which failed or was aborted,
 * begins again. A Map or Parallel keeps the children that succeeded.
 * See: https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
 */
void branch_redrive(struct branch *branch);

/* Sets a restored branch going. An op that was under way is started again. */
void branch_go_on(struct branch *branch);

#endif
