#ifndef TMFLOW_CLI_RETENTION_H
#define TMFLOW_CLI_RETENTION_H

#include "store/run_state.h"
#include "store/store.h"
#include "tmflow/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Old runs are removed, by `tmflow runs --prune` and by what serves for months. */

struct retention_result {
	size_t removed;
	size_t open; /* as old, and left because they are not over */
};

struct retention_opts {
	int64_t age_ms; /* runs that ended longer ago */
	/* enum run_state_kind: those in that state, also ones that could be resumed. -1: those that
	 * are over, and of what served and of rounds of reconcile those that were stopped, which
	 * nothing goes on from. */
	int state;
	size_t max; /* that many at once; the rest is for the next time */
	/* Each in a transaction of its own: another process may have to write meanwhile. Not within
	 * a turn of a loop whose engine commits (store_commit). */
	bool commits;
};

/* Removes runs. Errors: TMF_ERR_STORE. */
int retention_apply(struct store *store, const struct retention_opts *opts,
    struct retention_result *ret_result, struct tmf_err *err);

#endif
