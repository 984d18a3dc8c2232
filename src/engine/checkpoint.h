#ifndef TMFLOW_ENGINE_CHECKPOINT_H
#define TMFLOW_ENGINE_CHECKPOINT_H

#include "engine/tree.h"

/*
 * Which rows are to be written. Every step is: a branch that enters a state, begins to wait,
 * retries or has its children begun is marked, and at the end of the turn each marked branch has
 * its row written once, before anything is asked of AWS.
 *
 * Without a store all of these do nothing. A write that fails is kept in engine->err and ends the
 * loop at the end of the turn.
 */

/* The branch has changed. */
void checkpoint_mark(struct branch *branch);

/* The branch goes: so does its row, if it has one. After the end of the execution the rows stay. */
void checkpoint_forget(struct branch *branch);

/* Writes what child number index of parent gave. Takes record: {"r": output} or {"f": true} for
 * a tolerated failure. */
void checkpoint_result(struct branch *parent, int64_t index, json_t *record);

/* The children of parent are over. */
void checkpoint_results_forget(struct branch *parent);

/* A child that had failed is to run again: its record goes. */
void checkpoint_result_forget(struct branch *parent, int64_t index);

/* The Map of parent is over for good, or begins again: its folder in the spool goes with the commit
 * that says so. After the end of the execution it stays, as the rows do. */
void checkpoint_spool_forget(struct branch *parent, const char *folder);

/* The commit is made: removes these folders, once it is on the disk. Errors: TMF_ERR_STORE. */
int checkpoint_remove_spent(struct engine *engine, struct tmf_err *err);

/*
 * Writes how x ended, as x->result has it. Of a success that is all that stays; else the branches
 * stay as they stand, so that the execution can be redriven.
 */
void checkpoint_end(struct execution *x);

/* Writes the rows of all marked branches of x, and the execution's own. Returns: 0, or -1 with
 * *err. */
int checkpoint_flush(struct execution *x, struct tmf_err *err);

#endif
