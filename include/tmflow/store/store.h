#ifndef TMFLOW_STORE_STORE_H
#define TMFLOW_STORE_STORE_H

#include "tmflow/base/buf.h"
#include "tmflow/base/clock.h"
#include "tmflow/base/err.h"
#include "tmflow/base/rng.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Runs, checkpoints and outcomes in one SQLite file, `tmflow.db` under the state directory (mode 0700, file 0600, WAL). Writes gather in a transaction that is opened by the first
 * of them; store_commit makes them durable together. Reads see what was written before. Times are wall-clock ms.
 */
struct store;

#define STORE_RUN_ID_BYTES_MAX 64
#define STORE_RUN_ID_BYTES     27 /* made ones: 26 characters of Crockford base 32 (ULID), and NUL */
#define STORE_SCHEMA_VERSION   1

/* dir NULL: a private temporary database that vanishes with the process (for --no-checkpoint).
 * Errors: ERR_STORE naming the path; a file of a newer schema, a directory that is a link or belongs to somebody else is refused. */
struct store *store_open(const char *dir, struct clock *clock, struct err *err);
void store_close(struct store *store);

/* Makes all writes so far durable. Without writes: nothing is done. */
int store_commit(struct store *store, struct err *err);

/* The directory meant by --state-dir (may be NULL), $TMFLOW_STATE_DIR, $XDG_STATE_HOME/tmflow or ~/.local/state/tmflow. malloc'ed. */
char *store_default_dir(const char *flag, struct err *err);

/* --- runs --- */

enum run_status { RUN_RUNNING, RUN_SUCCEEDED, RUN_FAILED, RUN_TIMED_OUT, RUN_INTERRUPTED };
const char *run_status_name(enum run_status status); /* "SUCCEEDED", ... */

/* How a run was when it started, so that a resume needs nothing else. Strings are owned; NULL = absent. */
struct store_run {
	char id[STORE_RUN_ID_BYTES_MAX + 1];
	enum run_status status;
	int64_t start_wall_ms;
	int64_t stop_wall_ms; /* 0: not over */
	char *workflow_name;  /* file name as given */
	char *definition;     /* text of the file */
	char *input;	      /* JSON */
	char *config_name;
	char *config; /* text of the file */
	char *hook_name;
	char *hook;	/* Lua source */
	char *settings; /* JSON: region, endpoint, account, ... no secrets */
	char *output;	/* JSON, when SUCCEEDED */
	char *error;
	char *cause;
};
void store_run_fini(struct store_run *run);

/* Fills run->id with a new id that sorts by time. */
void store_run_id_make(int64_t wall_ms, struct rng *rng, char out[STORE_RUN_ID_BYTES]);

/* Letters, digits, '-' and '_', 1 to STORE_RUN_ID_BYTES_MAX. ERR_INVALID otherwise. */
int store_run_id_check(const char *id, struct err *err);

/* Errors: ERR_INVALID when the id exists. */
int store_run_create(struct store *store, const struct store_run *run, struct err *err);

/* Writes status, stop time, output, error and cause. */
int store_run_update(struct store *store, const struct store_run *run, struct err *err);

/* Finds by id, unique prefix or "@latest". Errors: ERR_NOT_FOUND; ERR_INVALID for a prefix of several (naming up to five). */
int store_run_find(
    struct store *store, const char *id_or_prefix, struct store_run *ret_run, struct err *err);

struct store_run_filter {
	int status;	       /* enum run_status or -1 */
	int64_t since_wall_ms; /* 0: all */
};
/* Newest first, without definition, config and hook texts. fn returns non-zero to stop. */
int store_runs_each(struct store *store, const struct store_run_filter *filter,
    int (*fn)(void *arg, const struct store_run *run), void *arg, struct err *err);

/* A run belongs to one process at a time: a lock of the operating system on a file of the state directory, which ends with its process. */
struct store_lease;
/* Errors: ERR_BUSY naming host and pid of the holder. A temporary store gives a lease that excludes nobody. */
struct store_lease *store_lease_take(struct store *store, const char *run_id, struct err *err);
void store_lease_release(struct store_lease *lease);

/* --- checkpoints: one row a live branch --- */

int store_branch_put(
    struct store *store, const char *run_id, int64_t branch_id, struct str state, struct err *err);
int
store_branch_delete(struct store *store, const char *run_id, int64_t branch_id, struct err *err);
/* In order of branch id. */
int store_branches_each(struct store *store, const char *run_id,
    int (*fn)(void *arg, int64_t branch_id, struct str state), void *arg, struct err *err);

/* Results of a Map's or Parallel's finished children, kept until the parent goes on. */
int store_result_put(struct store *store, const char *run_id, int64_t branch_id, int64_t index,
    struct str result, struct err *err);
int store_results_each(struct store *store, const char *run_id, int64_t branch_id,
    int (*fn)(void *arg, int64_t index, struct str result), void *arg, struct err *err);
int
store_results_delete(struct store *store, const char *run_id, int64_t branch_id, struct err *err);

/* Removes all checkpoints of a run that is over. */
int store_checkpoints_delete(struct store *store, const char *run_id, struct err *err);

/* --- outcomes: exactly one row for each interface (or instance without one) that a run touched --- */

#define OUTCOME_TABLE(X)                                                                           \
	X(CREATED, "created")                                                                      \
	X(PRESENT, "present")                                                                      \
	X(UPDATED, "updated")                                                                      \
	X(UNMATCHED, "unmatched")                                                                  \
	X(EXCLUDED, "excluded")                                                                    \
	X(INELIGIBLE, "ineligible")                                                                \
	X(CONFLICT, "conflict")                                                                    \
	X(GONE, "gone")                                                                            \
	X(FOREIGN_ACCOUNT, "foreign-account")                                                      \
	X(FAILED, "failed")
enum outcome_kind {
#define X(id, name) OUTCOME_##id,
	OUTCOME_TABLE(X)
#undef X
	    OUTCOME_COUNT
};
const char *outcome_name(enum outcome_kind kind);

/* All strings borrowed; NULL = absent. */
struct outcome {
	enum outcome_kind kind;
	const char *instance_id;
	const char *interface_id; /* NULL where the instance has none */
	const char *reason;
	const char *rule;
	const char *target_id;
	const char *session_id;
	const char *error;
	const char *cause;
	const char *request_id;
};

/* Upserts by interface (or instance). A row of the instance alone is removed once one of its interfaces gets a row. */
int store_outcome_put(
    struct store *store, const char *run_id, const struct outcome *outcome, struct err *err);
int store_outcomes_count(
    struct store *store, const char *run_id, int64_t ret_counts[OUTCOME_COUNT], struct err *err);
/* kind -1: all. In order of instance and interface id. Streams: memory does not grow with the rows. */
int store_outcomes_each(struct store *store, const char *run_id, int kind,
    int (*fn)(void *arg, const struct outcome *outcome), void *arg, struct err *err);

/* --- facts: what this store knows to have made, across runs; scope is "account/region" or an endpoint --- */

int store_fact_put(struct store *store, const char *scope, const char *kind, const char *key,
    struct str value, struct err *err);
int store_fact_delete(
    struct store *store, const char *scope, const char *kind, const char *key, struct err *err);
int store_facts_each(struct store *store, const char *scope, const char *kind,
    int (*fn)(void *arg, const char *key, struct str value), void *arg, struct err *err);

#endif
