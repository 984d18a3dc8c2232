#ifndef TMFLOW_SERVE_WARNINGS_H
#define TMFLOW_SERVE_WARNINGS_H

#include "tmflow/error.h"
#include "tmflow/loop.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Warnings that are alike, logged once a minute with a count: a service that is away for an hour
 * would else fill the log with the heartbeats of a hundred tasks. Alike are two of one event with
 * one error's name: their texts differ by the request's id.
 */

/* A warning like the one before is not logged again so soon, but counted. */
#define WARNING_EACH_MS 60000

/* Kinds that are kept; beyond them the one that was quiet for longest is forgotten. */
#define WARNING_KINDS_MAX 8

struct warning_kind {
	const char *event; /* NULL: free. A string literal */
	char error[TMF_ERR_NAME_BYTES_MAX + 1];
	int64_t logged_mono_ms; /* the last one that was */
	unsigned held_back;	/* since */
};

/* Lives in its owner. Zeroed but for the loop. */
struct warnings {
	struct tmf_loop *loop; /* borrowed */
	struct warning_kind kinds[WARNING_KINDS_MAX];
};

/* True if a warning of this event and error is to be logged now; *ret_repeated: how many like it
 * were not since the last. False: it is counted. */
bool warnings_due(struct warnings *warnings, const char *event, const struct tmf_err *err,
    unsigned *ret_repeated);

/* At the end: a line for each kind that has counted some since its last. */
void warnings_end(struct warnings *warnings);

#endif
