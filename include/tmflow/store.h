#ifndef TMFLOW_STORE_H
#define TMFLOW_STORE_H

#include "tmflow/error.h"

#include <jansson.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A durable store: runs and their checkpoints in one SQLite file, tmflow.db in a directory of its
 * own. Several processes may have one directory open; a run belongs to one of them at a time.
 *
 * Durable means that a commit outlives the process, however it dies. A loss of power may take the
 * newest commits of a run that is under way, never their order: then a few steps are done again.
 */
struct tmf_store;

#define TMF_RUN_ID_BYTES_MAX 64 /* without the NUL */

enum tmf_run_status {
	TMF_RUN_RUNNING, /* under way, or its process died */
	TMF_RUN_SUCCEEDED,
	TMF_RUN_FAILED,	     /* tmf_run_resume goes on at the state that failed */
	TMF_RUN_TIMED_OUT,   /* the workflow's own TimeoutSeconds passed; the same */
	TMF_RUN_INTERRUPTED, /* stopped between two steps; tmf_run_resume goes on */
};

/* "RUNNING", "SUCCEEDED", ... Returns: a static string. */
const char *tmf_run_status_name(enum tmf_run_status status);

/*
 * Opens the store in dir. Effects: makes the directory (mode 0700) and the file (0600) if missing.
 * Returns: the store, to be closed with tmf_store_close.
 * Errors: TMF_ERR_STORE naming the path: not to be opened, written by a newer release, a symbolic
 * link, or owned by another user.
 */
struct tmf_store *tmf_store_open(const char *dir, struct tmf_err *err);

/*
 * A private store that vanishes with the process. Runs in it cannot be resumed by another one.
 * Returns and Errors: as tmf_store_open.
 */
struct tmf_store *tmf_store_open_temporary(struct tmf_err *err);

/* Closes the store, after the engines that use it were freed. NULL is fine. */
void tmf_store_close(struct tmf_store *store);

/* A run as the store has it. All strings and values are borrowed; NULL where absent. */
struct tmf_run_record {
	const char *id;
	const char *workflow_name;
	const char *definition; /* the text that it was started with; NULL in a list */
	enum tmf_run_status status;
	int64_t start_wall_ms; /* since 1970 */
	int64_t stop_wall_ms;  /* 0: not over */
	const json_t *input;
	const json_t *output; /* SUCCEEDED */
	const char *error;    /* FAILED */
	const char *cause;
};

/* Is shown a run. Returns non-zero to stop. record is borrowed until it returns. */
typedef int tmf_run_record_fn(void *arg, const struct tmf_run_record *record);

/*
 * Shows fn the runs of the store, newest first. fn must not write to the store.
 * Returns: 0, also if fn stopped it.
 * Errors: TMF_ERR_STORE.
 */
int
tmf_store_each_run(struct tmf_store *store, tmf_run_record_fn *fn, void *arg, struct tmf_err *err);

/*
 * Shows fn one run with its definition: by id, by a prefix of one run only, or "@latest".
 * Errors: TMF_ERR_NOT_FOUND; TMF_ERR_INVALID for a prefix of several; TMF_ERR_STORE.
 */
int tmf_store_find_run(struct tmf_store *store, const char *id_or_prefix, tmf_run_record_fn *fn,
    void *arg, struct tmf_err *err);

#ifdef __cplusplus
}
#endif

#endif
