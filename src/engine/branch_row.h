#ifndef TMFLOW_ENGINE_BRANCH_ROW_H
#define TMFLOW_ENGINE_BRANCH_ROW_H

#include "base/buf.h"
#include "engine/tree.h"

/*
 * The rows of a checkpoint: their format, and every check that a row by itself allows.
 *
 * Row 0 is the execution's: {"event": 12, "nextBranch": 4}. Once the execution has ended it also
 * has "end": {"status": "FAILED", "error": "...", "cause": "..."}, or "output" when it succeeded.
 * Each other row is that of the live branch of its id:
 *
 *   {"parent": 1, "index": 3, "state": 5, "phase": 3, "input": ..., "variables": {...} or "shares":
 *   true,
 *    "retries": [0, 2], "retryCount": 2, "entries": 4, "entered": MS, "event": 7, "lastEvent": 9,
 *    "wake": MS}
 *
 * A child of a Map that streams has "items", how many of them are in its input; the Map itself has
 *
 *   "source": {"offset": BYTES, "taken": 40, "version": "5a-...", "children": 4, "ended": 3,
 *              "failed": 0}
 *
 * of an inventory also "file", the index in its manifest, and of a list of objects "after", the
 * last key;
 *
 * and where it has a ResultWriter also "succeeded" and "failures", [number, bytes] of the last file
 * of each, and in its children "begin", the input that they had in their first state, and "begun",
 * when.
 *
 * "state" is the state's index in the machine, "phase" an enum phase. Numbers that are 0 are left
 * out, and so is "parent" for the root. "shares" says that the variables are the parent's. Stores
 * of earlier releases have these rows: members may be added, none may change.
 *
 * A row is data from outside, as it lies in a file that anybody may have changed. Errors:
 * TMF_ERR_INVALID naming row and member.
 */

#define BRANCH_ROW_EXECUTION 0 /* the id of the execution's own row; branches begin at 1 */

struct execution_row {
	json_t *object; /* owned; output, error and cause are borrowed from it */
	int64_t event_id;
	int64_t next_branch_id;
	enum run_status status; /* how it ended; RUN_RUNNING: it has not */
	json_t *output;		/* SUCCEEDED */
	const char *error;	/* may be NULL */
	const char *cause;	/* may be NULL */
};

/* Appends the row of an execution. */
void execution_row_write(const struct execution *x, struct buf *out);

/* Returns: 0 with *ret_row, which execution_row_fini frees, or -1 with *err. */
int execution_row_read(struct str text, struct execution_row *ret_row, struct tmf_err *err);
void execution_row_fini(struct execution_row *row);

/* Where a Map that streams stands: "source" of its row. */
struct streamed_row {
	struct items_place place;
	struct writer_place written;
	int64_t children; /* made so far */
	int64_t ended;	  /* of these */
	int64_t failed;	  /* items whose failure was tolerated */
};

struct branch_row {
	json_t *object; /* owned; input, variables and retries are borrowed from it */
	int64_t id;
	int64_t parent_id; /* 0: the root */
	int64_t index;
	const struct asl_state *state; /* borrowed from the machine */
	enum phase phase;
	json_t *input;
	json_t *variables; /* an object; NULL: none of its own */
	bool shares;
	json_t *
	    retries; /* an array with a count for each retrier of the state; NULL: no failure yet */
	int64_t retry_count;
	int64_t entries;
	int64_t entered_wall_ms;
	int64_t entered_event;
	int64_t last_event;
	int64_t wake_wall_ms;
	json_t *begin; /* borrowed from the object; NULL: as the input */
	int64_t begun_wall_ms;
	int64_t item_count;
	bool streams; /* there is a "source" */
	struct streamed_row source;
};

/* Appends the row of a branch, which stands in a state. */
void branch_row_write(const struct branch *branch, struct buf *out);

/*
 * Reads and checks the row of branch id: types and ranges, a state that the machine has, a phase
 * that the state's type has, a count for each retrier.
 * Returns: 0 with *ret_row, which branch_row_fini frees, or -1 with *err.
 */
int branch_row_read(const struct asl_machine *machine, int64_t id, struct str text,
    struct branch_row *ret_row, struct tmf_err *err);
void branch_row_fini(struct branch_row *row);

/* Fills *err with "the checkpoint does not fit the workflow: row ID: why". Returns -1. */
int branch_row_misfit(struct tmf_err *err, int64_t id, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
