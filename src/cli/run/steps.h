#ifndef TMFLOW_CLI_RUN_STEPS_H
#define TMFLOW_CLI_RUN_STEPS_H

#include "cli/report/report_states.h"
#include "engine/engine.h"
#include "store/store.h"
#include "tmflow/loop.h"

#define STEPS_SAVE_MS 2000 /* what a crash forgets of the counts */

/*
 * Keeps with a run how often each of its states was entered, and how long it took: for `show`, also
 * of a run that is under way, or that several processes did.
 */
struct steps {
	struct tmf_timer timer; /* first */
	struct tmf_loop *loop;
	struct store *store;
	const char *run_id;
	const struct asl_machine *machine;
	struct execution_tally *tallies; /* by index; of all processes. Owned */
};

/* Reads what the run's earlier processes had counted, and saves it from now on. What the caller
 * sets: all but timer and tallies. Errors: TMF_ERR_STORE. */
int steps_start(struct steps *steps, struct tmf_err *err);

/* Saves once more. Errors: TMF_ERR_STORE. */
int steps_stop(struct steps *steps, struct tmf_err *err);

/* Frees the tallies, after the execution that counts in them. */
void steps_fini(struct steps *steps);

#endif
