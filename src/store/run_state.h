#ifndef TMFLOW_STORE_RUN_STATE_H
#define TMFLOW_STORE_RUN_STATE_H

#include "store/store.h"
#include "tmflow/error.h"

#include <stdbool.h>

/*
 * What has become of a run. Its record alone does not say: that of a killed run says RUNNING for
 * ever, and a dry run that SUCCEEDED has done nothing.
 */

enum run_state_kind {
	/* those of the record, with their numbers */
	RUN_STATE_RUNNING = RUN_RUNNING,
	RUN_STATE_SUCCEEDED = RUN_SUCCEEDED,
	RUN_STATE_FAILED = RUN_FAILED,
	RUN_STATE_TIMED_OUT = RUN_TIMED_OUT,
	RUN_STATE_INTERRUPTED = RUN_INTERRUPTED,
	RUN_STATE_KILLED,  /* its process is gone, and it was not over */
	RUN_STATE_PLANNED, /* a dry run that came to its end */
	RUN_STATE_COUNT
};

/* "RUNNING", ..., "KILLED", "PLANNED". */
const char *run_state_name(enum run_state_kind kind);

/* By name, in any case. Errors: TMF_ERR_INVALID with all of them. */
int run_state_parse(const char *text, enum run_state_kind *ret_kind, struct tmf_err *err);

struct run_state {
	enum run_state_kind kind;
	struct store_holder holder; /* of one that is RUNNING */
};

/* Looks at the run's record and, where that says RUNNING, who holds it. Errors: TMF_ERR_STORE. */
int run_state_read(struct store *store, const struct store_run *run, struct run_state *ret_state,
    struct tmf_err *err);

/* "RUNNING pid 123 on host", or the name alone. malloc'ed. */
char *run_state_text(const struct run_state *state);

/* True if nothing goes on from here: not RUNNING, INTERRUPTED or KILLED. */
bool run_state_is_over(enum run_state_kind kind);

/* How often each outcome occurred: in the run itself, or in its parts together. Errors:
 * TMF_ERR_STORE. */
int run_counts(struct store *store, const struct store_run *run, int64_t ret_counts[OUTCOME_COUNT],
    struct tmf_err *err);

/* "created"; "to create" of a dry run. */
const char *run_outcome_word(enum outcome_kind kind, bool dry_run);

#endif
