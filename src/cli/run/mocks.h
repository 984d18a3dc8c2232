#ifndef TMFLOW_CLI_RUN_MOCKS_H
#define TMFLOW_CLI_RUN_MOCKS_H

#include "engine/engine.h"
#include "store/store.h"
#include "tmflow/action.h"

/*
 * `run --mock`: Tasks are answered from the mock configuration file of Step Functions Local, as it
 * is:
 *
 *   {"StateMachines": {"Orders": {"TestCases": {"HappyPath": {"Charge card": "Charged"}}}},
 *    "MockedResponses": {"Charged": {"0": {"Throw": {"Error": "E", "Cause": "..."}},
 *                                    "1-2": {"Return": {"StatusCode": 200}}}}}
 *
 * The numbers count the attempts of a state in the whole execution, as there: Retry, loops and
 * iterations of a Map included. A Task that is not mocked fails by States.Runtime; but an action of
 * ours that needs no AWS runs.
 * See: https://docs.aws.amazon.com/step-functions/latest/dg/sfn-local-mock-cfg-file.html
 */

/*
 * Reads a test case. test_case: its name, or MACHINE#NAME; NULL where the file has one only.
 * machine_name: the workflow's, which decides between several machines of the file.
 * Returns: a new reference, to be recorded with the run: {"testCase", "states": {state: {"0":
 * response}}}; NULL. Errors: TMF_ERR_INVALID, naming what is wrong in the file.
 */
json_t *
mocks_read(const char *path, const char *test_case, const char *machine_name, struct tmf_err *err);

/* What answers in one run. */
struct mocks {
	const json_t *record; /* mocks_read's; borrowed */
	struct tmf_registry *registry;
	struct store *store; /* keeps how often each state was answered, for a resume */
	const char *run_id;
	json_t *counts;	    /* owned */
	struct tmf_err err; /* the store's first fault */
	struct engine_mocks engine;
};

/* Borrows all but itself. Reads the counts of a run that goes on. Errors: TMF_ERR_STORE. */
int mocks_init(struct mocks *mocks, const json_t *record, struct tmf_registry *registry,
    struct store *store, const char *run_id, struct tmf_err *err);

/* A zeroed one is fine. */
void mocks_fini(struct mocks *mocks);

#endif
