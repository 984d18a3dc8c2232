#ifndef TMFLOW_CLI_REPORT_REPORT_STATES_H
#define TMFLOW_CLI_REPORT_REPORT_STATES_H

#include "asl/state/machine.h"
#include "engine/engine.h"
#include "store/run_state.h"

#include <jansson.h>
#include <stdio.h>

/* The states of a run, as a tree. */

/* Kind of the fact where a run keeps its counts: key "", see report_states_json. */
#define REPORT_STATES_FACT "states"

/* {"STATE": [entered, left, caught, retried, failed, spent ms]} of those that were entered. New
 * reference. tallies is by index. */
json_t *
report_states_json(const struct asl_machine *machine, const struct execution_tally *tallies);

/* Adds what the run has kept to tallies. Errors: TMF_ERR_STORE. */
int report_states_read(struct store *store, const char *run_id, const struct asl_machine *machine,
    struct execution_tally *tallies, struct tmf_err *err);

/*
 * Writes a line for each state with a mark, how often it was entered, what failed in it, and how
 * long it took; those of a Map or Parallel set in. Nothing for a run of an earlier release, which
 * kept no counts. Errors: TMF_ERR_STORE.
 */
int report_states_text(struct store *store, const struct store_run *run,
    const struct run_state *state, FILE *out, struct tmf_err *err);

/* Writes what failed by error, operation and rule, the most frequent first, each with an instance
 * and its cause. Errors: TMF_ERR_STORE. */
int report_failures_text(struct store *store, const char *run_id, FILE *out, struct tmf_err *err);

#endif
