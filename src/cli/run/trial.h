#ifndef TMFLOW_CLI_RUN_TRIAL_H
#define TMFLOW_CLI_RUN_TRIAL_H

#include "asl/state/dataflow.h"
#include "base/rng.h"

#include <stdbool.h>

/*
 * One state, tried by itself: what it makes of an input, stage by stage, and where it would go. What a Task's action does is the caller's.
 * See: https://docs.aws.amazon.com/step-functions/latest/apireference/API_TestState.html
 */

enum trial_status {
	TRIAL_SUCCEEDED,
	TRIAL_FAILED,
	TRIAL_RETRIABLE,    /* it failed, and a Retry would try again */
	TRIAL_CAUGHT_ERROR, /* it failed, and a Catch takes over */
	TRIAL_STATUS_COUNT,
};

struct trial {
	/* Filled in by the caller. Borrowed. */
	const struct asl_state *state;
	json_t *input;
	json_t *variables; /* an object; NULL: none */
	struct rng *rng;
	int64_t now_wall_ms;

	/* The rest is trial_fini's. */
	json_t *context;    /* the $$ object */
	json_t *inspection; /* inspectionData: {"input", "afterInputPath", ...}, as JSON texts */
	json_t *effective;  /* the input of a Task's action, a Map's or Parallel's children */
	json_t *result;	    /* what the state does gives; the caller's for those three types */
	struct tmf_err err; /* why it failed; the caller's likewise */

	enum trial_status status;
	json_t *output; /* SUCCEEDED, CAUGHT_ERROR */
	json_t *after;	/* the variables afterwards; NULL: none */
	const struct asl_state *next;
};

/* True if somebody else has to say what comes out: a Task, a Map, a Parallel. */
bool trial_needs_result(const struct asl_state *state);

/* Works out the effective input. Then the caller sets result or err, where trial_needs_result. Returns -1 with trial->err. */
int trial_begin(struct trial *trial);

/* From the result or the error to the end. */
void trial_end(struct trial *trial);
void trial_fini(struct trial *trial);

/* "SUCCEEDED", ... */
const char *trial_status_name(enum trial_status status);

#endif
