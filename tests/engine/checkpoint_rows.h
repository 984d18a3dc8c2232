#ifndef TMFLOW_TESTS_ENGINE_CHECKPOINT_ROWS_H
#define TMFLOW_TESTS_ENGINE_CHECKPOINT_ROWS_H

#include "asl/state/machine.h"
#include "store/store.h"

/* Checkpoints that no engine wrote. */

#define ROWS_RUN_ID "run"

/* It has a state of each kind that a row can stand in. */
struct asl_machine *rows_machine(void);

/* A private store. */
struct store *rows_store_new(void);

/* Gives the store a run, in place of the one it had, with the rows of text, one a line: "ID JSON"
 * for a branch, "ID/INDEX JSON" for the result of a child. @W stands for the index of the state W.
 * Lines that are not such, or that the store refuses, are left out. */
void rows_put(struct store *store, const struct asl_machine *machine, struct str text);

#endif
