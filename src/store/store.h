#ifndef TMFLOW_STORE_STORE_H
#define TMFLOW_STORE_STORE_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/rng.h"
#include "tmflow/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Runs, checkpoints and outcomes in one SQLite file, `tmflow.db` under the state directory (mode
 * 0700, file 0600, WAL). Writes gather in a transaction that is opened by the first of them;
 * store_commit makes them durable together. Reads see what was written before. Times are wall-clock
 * ms.
 *
 * Several processes may have one directory open. The open transaction keeps the others from
 * writing, so the engine commits in every turn of the loop; who waits longer than STORE_BUSY_MS
 * gets TMF_ERR_STORE.
 *
 * Durable means: a commit outlives the process however that dies. A loss of power may take the
 * newest commits of a run that is under way, never the order of them; since effects are idempotent,
 * the run then does a few steps again. What a process wrote that has closed the store is flushed to
 * the disk.
 *
 * Runs, checkpoints and facts have checksums, which are looked at whenever one is read: a wrong one
 * is TMF_ERR_INVALID with the name TMFlow.Store. A commit finds out whether the file was removed,
 * replaced or cut under the process, and fails then.
 *
 * A write or commit that SQLite refuses (disk full, damaged file), or a read behind the first write
 * of a transaction, undoes all writes since the last commit, and every later write and commit fails
 * with the same error: what was committed is what a resume goes on from. TMF_ERR_LIMIT,
 * TMF_ERR_INVALID and TMF_ERR_NOT_FOUND change nothing.
 *
 * The `each` functions stop without an error when fn returns non-zero. What fn is given is borrowed
 * until it returns. fn may read from the store and should not write to it.
 */
struct store;

#define STORE_RUN_ID_BYTES_MAX 64
#define STORE_RUN_ID_BYTES     27 /* made ones: 26 characters (ULID) and NUL */
#define STORE_SCHEMA_VERSION   6

/* Waiting for another process: much longer than any commit takes, short enough to be noticed. */
#define STORE_BUSY_MS 10000

/* How long a run that failed can be redriven: 14 days, as on Step Functions. */
#define STORE_REDRIVE_MS (INT64_C(14) * 24 * 60 * 60 * 1000)

/* Limits. Beyond them TMF_ERR_LIMIT, but for an outcome's texts, of which the rest is cut off. */
#define STORE_TEXT_BYTES_MAX	(16u << 20) /* a run's definition, input ...: 60 times AWS's */
#define STORE_STATE_BYTES_MAX	(8u << 20)  /* a checkpoint, a child's result: 30 times AWS's */
#define STORE_FACT_BYTES_MAX	(64u << 10) /* the value of a fact */
#define STORE_KEY_BYTES_MAX	1024u /* scope, kind and key of a fact; the ids of an outcome */
#define STORE_OUTCOME_BYTES_MAX 1024u /* a text of an outcome: a million of them must fit */

struct store_opts {
	const char *dir; /* as for store_open */
	struct tmf_clock *clock;
	const char
	    *vfs_name; /* a registered VFS of SQLite's, for injecting faults; NULL: the default */
	bool existing; /* one that is not there is an error, and is not made */
};

/* Makes SQLite abort where it is out of memory, in the whole process: before the first store is
 * opened. Without it a statement fails with TMF_ERR_STORE. Returns: 0; -1 where SQLite is in
 * use. */
int store_guard_memory(void);

/* For a program that uses SQLite in one thread only, before the first store as well: it then takes
 * no mutexes and keeps no statistics of its memory. Returns: as above. */
int store_use_one_thread(void);

/* dir NULL: a private temporary database that vanishes with the process (for --no-checkpoint).
 * Effects: makes the directory with its parents, the file and the tables where they are missing.
 * Errors: TMF_ERR_STORE naming the path; a file of a newer schema, a directory that is a link or
 * belongs to somebody else is refused. */
struct store *store_open(const char *dir, struct tmf_clock *clock, struct tmf_err *err);
struct store *store_open_with(const struct store_opts *opts, struct tmf_err *err);

/* Undoes what was not committed. NULL is fine. */
void store_close(struct store *store);

/* True for a private temporary database: what is in it cannot be resumed or shown later. */
bool store_is_temporary(const struct store *store);

/* Makes all writes so far durable. Without writes: nothing is done. Where an engine writes
 * checkpoints, only at the end of a turn of the loop: before that, a checkpoint may stand half in
 * the transaction. */
int store_commit(struct store *store, struct tmf_err *err);

/* Reads from here to the next write or commit see one state of the file, and cost a lock together
 * instead of one each. Not to be held while waiting. Within a transaction this changes nothing. */
void store_reads_begin(struct store *store);
/* Ends it, where no write has. */
void store_reads_end(struct store *store);

/* A number that is another one once another process, or store, has committed. 0 where it cannot be
 * read. */
int64_t store_data_version(struct store *store);

/*
 * The folder for what runs write beside the store, each below its own id, which goes with the run's
 * checkpoints. Made by who writes there; of a temporary store made at once, and removed by
 * store_close.
 * Returns: malloc'ed; NULL with TMF_ERR_STORE.
 */
char *store_spool(struct store *store, struct tmf_err *err);

/* Waits until the disk has what is committed: no loss of power takes that back any more. Commits
 * nothing. For the rare fact that nothing else can bring back, such as what AWS is asked for
 * next. */
int store_sync(struct store *store, struct tmf_err *err);

/*
 * Looks at all of the file: SQLite's own structure, then the checksum of each run, checkpoint and
 * fact. on_fault gets a line for each fault, borrowed. Rows of earlier releases have no checksum.
 * Returns: 0, also with faults; -1 where the file cannot be read on.
 */
int store_check(struct store *store, void (*on_fault)(void *arg, const char *what), void *arg,
    struct tmf_err *err);

/* The directory meant by --state-dir (may be NULL), $TMFLOW_STATE_DIR, $XDG_STATE_HOME/tmflow or
 * ~/.local/state/tmflow. malloc'ed. A variable that is empty counts as unset, and so does an
 * XDG_STATE_HOME that is not absolute.
 * Errors: TMF_ERR_CONFIG when none is set, HOME included. */
char *store_default_dir(const char *flag, struct tmf_err *err);

/* --- runs --- */

enum run_status { RUN_RUNNING, RUN_SUCCEEDED, RUN_FAILED, RUN_TIMED_OUT, RUN_INTERRUPTED };
/* "SUCCEEDED", ... */
const char *run_status_name(enum run_status status);

/* How a run was when it started, so that a resume needs nothing else. Strings are owned; NULL =
 * absent. */
struct store_run {
	char id[STORE_RUN_ID_BYTES_MAX + 1];
	enum run_status status;
	int64_t start_wall_ms;
	int64_t stop_wall_ms;	 /* 0: not over */
	int64_t retry_wall_ms;	 /* when its failed instances were last started again; 0: never */
	int64_t redrive_wall_ms; /* when it last went on after it had failed; 0: never */
	int64_t redrives;	 /* how often it did */
	bool dry_run;
	char *workflow_name; /* file name as given */
	char *definition;    /* text of the file */
	char *input;	     /* JSON */
	char *config_name;
	char *config; /* text of the file */
	char *hook_name;
	char *hook;	/* Lua source */
	char *settings; /* JSON: region, endpoint, account, ... no secrets */
	char *parent;	/* id of the run that this one is a part of; NULL: a run of its own */
	char *output;	/* JSON, when SUCCEEDED */
	char *error;
	char *cause;
};
/* Frees the strings and leaves the run zeroed. */
void store_run_fini(struct store_run *run);

/* Fills run->id with a new id that sorts by time. */
void store_run_id_make(int64_t wall_ms, struct rng *rng, char out[STORE_RUN_ID_BYTES]);

/*
 * Sets a record back to RUNNING, without what it ended with; not yet written. One that had FAILED
 * or TIMED_OUT is redriven at now_wall_ms; one that had SUCCEEDED is retried, for its failed
 * instances.
 */
void store_run_begin_again(struct store_run *run, int64_t now_wall_ms);

/* True for FAILED and TIMED_OUT: to go on is a redrive. */
bool store_run_has_failed(const struct store_run *run);

/* Letters, digits, '-' and '_', 1 to STORE_RUN_ID_BYTES_MAX. TMF_ERR_INVALID otherwise. */
int store_run_id_check(const char *id, struct tmf_err *err);

/* Writes a new run with all its fields. Errors: TMF_ERR_INVALID for an id that exists or is
 * malformed. */
int store_run_create(struct store *store, const struct store_run *run, struct tmf_err *err);

/* Writes status, stop, retry and redrive time, output, error and cause. Errors: TMF_ERR_NOT_FOUND.
 */
int store_run_update(struct store *store, const struct store_run *run, struct tmf_err *err);

/*
 * The same for a run that does not go on in this process. Checkpoints that nothing can go on from
 * any more go with it, in one transaction: those of a success. A run that failed or timed out keeps
 * its own for STORE_REDRIVE_MS; the creation of a later run removes them then.
 */
int store_run_end(struct store *store, const struct store_run *run, struct tmf_err *err);

/* Finds by id, unique prefix or "@latest" (the newest by start time, then id, but no dry run: what
 * is to go on or to be looked into is a run that did something); a part only by its whole id.
 * ret_run is owned: store_run_fini.
 * Errors: TMF_ERR_NOT_FOUND; TMF_ERR_INVALID for a prefix of several (naming up to five). */
int store_run_find(
    struct store *store, const char *id_or_prefix, struct store_run *ret_run, struct tmf_err *err);

struct store_run_filter {
	int status;	       /* enum run_status or -1 */
	int64_t since_wall_ms; /* started then or later; 0: all */
	int64_t until_wall_ms; /* started then or before; 0: all */
	const char *parent;    /* the parts of this run, by id; NULL: runs of their own only */
};
/* Newest first (parts: in order of id), without definition, config and hook texts. fn returns
 * non-zero to stop. */
int store_runs_each(struct store *store, const struct store_run_filter *filter,
    int (*fn)(void *arg, const struct store_run *run), void *arg, struct tmf_err *err);

/* Removes a run with all that is kept of it, its parts and their rows included; facts of what was
 * made in AWS stay. Not for one that a process holds. Errors: TMF_ERR_NOT_FOUND. */
int store_run_delete(struct store *store, const char *run_id, struct tmf_err *err);

/* A run belongs to one process at a time: a lock of the operating system on a file of the state
 * directory, which ends with its process. */
struct store_lease;
/* Errors: TMF_ERR_BUSY naming host and pid of the holder. A temporary store gives a lease that
 * excludes nobody. The lease outlives store_close. */
struct store_lease *store_lease_take(struct store *store, const char *run_id, struct tmf_err *err);
/* Lets the next one in. NULL is fine. */
void store_lease_release(struct store_lease *lease);

#define STORE_HOST_BYTES 256 /* a host's name and NUL */

/* Who holds a run. */
struct store_holder {
	bool held;
	char host[STORE_HOST_BYTES]; /* "": it has not written its name yet */
	long pid;		     /* 0 likewise */
	bool here; /* /proc shows that it is this very process of this machine: it may be signalled
		    */
};
/* Looks who holds a run, and leaves no trace. Nobody holds one of a temporary store. Errors:
 * TMF_ERR_STORE. */
int store_lease_peek(
    struct store *store, const char *run_id, struct store_holder *ret_holder, struct tmf_err *err);

/* --- checkpoints: one row a live branch --- */

/* A write for a run that was not created is TMF_ERR_NOT_FOUND; reading or deleting finds
 * nothing. */

/* Writes the branch's state over the one before. Limits: STORE_STATE_BYTES_MAX. */
int store_branch_put(struct store *store, const char *run_id, int64_t branch_id, struct str state,
    struct tmf_err *err);
/* The branch is over. Its children's results stay: store_results_delete. */
int store_branch_delete(
    struct store *store, const char *run_id, int64_t branch_id, struct tmf_err *err);
/* In order of branch id. */
int store_branches_each(struct store *store, const char *run_id,
    int (*fn)(void *arg, int64_t branch_id, struct str state), void *arg, struct tmf_err *err);

/* Results of a Map's or Parallel's finished children, kept until the parent goes on. Limits:
 * STORE_STATE_BYTES_MAX. */
int store_result_put(struct store *store, const char *run_id, int64_t branch_id, int64_t index,
    struct str result, struct tmf_err *err);
/* In order of index. */
int store_results_each(struct store *store, const char *run_id, int64_t branch_id,
    int (*fn)(void *arg, int64_t index, struct str result), void *arg, struct tmf_err *err);
/* The parent goes on. */
int store_results_delete(
    struct store *store, const char *run_id, int64_t branch_id, struct tmf_err *err);

/* One child is to run again. */
int store_result_delete(
    struct store *store, const char *run_id, int64_t branch_id, int64_t index, struct tmf_err *err);

/* Removes all checkpoints of a run that is over. */
int store_checkpoints_delete(struct store *store, const char *run_id, struct tmf_err *err);

/* --- outcomes: exactly one row for each interface (or instance without one) that a run touched
 * --- */

/* The number of a kind is in the stores that people have: a new one is added at the end. */
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
	X(FAILED, "failed")                                                                        \
	X(UNWANTED, "unwanted") /* a session of ours that no rule wants any more */                \
	X(REMOVED, "removed")	/* it was, by a pruning run */                                     \
	X(SHADOWED, "shadowed") /* mirrored, but a lower session of others takes its packets */
enum outcome_kind {
#define X(id, name) OUTCOME_##id,
	OUTCOME_TABLE(X)
#undef X
	    OUTCOME_COUNT
};
/* "created", ... */
const char *outcome_name(enum outcome_kind kind);

/* What is known about an instance, or of one interface. All strings borrowed; NULL = absent. */
struct store_instance {
	const char *type;
	const char *vpc_id;
	const char *subnet_id;
	const char *zone;
	const char *name; /* its tag Name */
};

/* All strings borrowed; NULL = absent. */
struct outcome {
	enum outcome_kind kind;
	const char *instance_id;
	const char *interface_id; /* NULL where the instance has none */
	/* Which of several of the interface, where more than one session of it is looked after: the
	 * rule's name. NULL: the only one. */
	const char *slot;
	bool beside; /* when written: the slot's row leaves that of the interface where it is */
	const char *reason;
	const char *rule;
	const char *target_id;
	const char *session_id;
	const char *operation; /* the one that failed, as "ec2:RunInstances" */
	const char *error;
	const char *cause;
	const char *request_id;
	struct store_instance instance; /* when read: as store_instance_put had it */
};

/* The reason of an instance that cannot be mirrored for its type. */
#define OUTCOME_REASON_TYPE "type"
/* The reason of a session beside the one that its interface is to have. */
#define OUTCOME_REASON_SURPLUS "surplus"

/* Upserts by interface (or instance) and slot. A row of the instance alone is removed once one of
 * its interfaces gets a row, and one of the interface alone once one of its slots does, unless
 * that is `beside`.
 * Errors: TMF_ERR_INVALID without an instance id; TMF_ERR_NOT_FOUND without the run. */
int store_outcome_put(
    struct store *store, const char *run_id, const struct outcome *outcome, struct tmf_err *err);
/* How many of each kind. Costs nothing for the run that this store last wrote an outcome of. */
int store_outcomes_count(struct store *store, const char *run_id, int64_t ret_counts[OUTCOME_COUNT],
    struct tmf_err *err);

/* Why outcomes are what they are. All strings borrowed. */
struct outcome_reason {
	enum outcome_kind kind;
	const char *reason; /* of a failed one the error; "" where none was recorded */
	const char *detail; /* of OUTCOME_REASON_TYPE the type, of an error the operation; or "" */
	int64_t count;
};
/* fn for each row of the run that names a rule, in no order. Another value than 0 ends it. Memory
 * does not grow with the rows. */
int store_outcome_rules(struct store *store, const char *run_id,
    int (*fn)(void *arg, const char *rule, enum outcome_kind kind), void *arg, struct tmf_err *err);

/* More of them than this are counted together as OUTCOME_REASON_OTHER of their kind: a hook may
 * have a reason of its own for each instance. */
#define OUTCOME_REASONS_MAX  200
#define OUTCOME_REASON_OTHER "other"
/* By kind, then the most frequent first. Reads all rows of the run; memory does not grow with
 * them. */
int store_outcome_reasons(struct store *store, const char *run_id,
    int (*fn)(void *arg, const struct outcome_reason *reason), void *arg, struct tmf_err *err);

/* Notes what is known about an instance (interface_id NULL), or of an interface whose VPC and
 * subnet are not its instance's. What is NULL stays as it was: AWS lists a terminated instance
 * without its subnet. Its outcomes are read with it, whether they come before or after.
 * Errors: as for store_outcome_put. */
int store_instance_put(struct store *store, const char *run_id, const char *instance_id,
    const char *interface_id, const struct store_instance *instance, struct tmf_err *err);

/* kind -1: all. In order of instance and interface id. Streams: memory does not grow with the
 * rows. */
int store_outcomes_each(struct store *store, const char *run_id, int kind,
    int (*fn)(void *arg, const struct outcome *outcome), void *arg, struct tmf_err *err);

/* The same from behind a row on, which need not be there ("" for the first): a page of a long list
 * ends where fn returns non-zero. */
int store_outcomes_after(struct store *store, const char *run_id, int kind, const char *instance_id,
    const char *interface_id, const char *slot, int (*fn)(void *arg, const struct outcome *outcome),
    void *arg, struct tmf_err *err);

/* The rows of one instance, in order of interface id and slot. */
int store_outcomes_of(struct store *store, const char *run_id, const char *instance_id,
    int (*fn)(void *arg, const struct outcome *outcome), void *arg, struct tmf_err *err);
/* The rows of one interface: one, unless it has slots, or has moved from one instance to
 * another. Without what is known about the instances. */
int store_outcomes_at(struct store *store, const char *run_id, const char *interface_id,
    int (*fn)(void *arg, const struct outcome *outcome), void *arg, struct tmf_err *err);
/* Up to limit instances that have a `failed` row, in order of their ids, from after (exclusive; ""
 * for the first) on. */
int store_failed_instances(struct store *store, const char *run_id, const char *after, int limit,
    int (*fn)(void *arg, const char *instance_id), void *arg, struct tmf_err *err);

/* --- history: what happened in a run, for those that were started with it --- */

/* An event as GetExecutionHistory names it. All strings borrowed. */
struct store_event {
	int64_t id; /* from 1, without gaps */
	int64_t previous_id;
	int64_t wall_ms;
	bool top_level;	     /* of the machine itself, not of a branch */
	const char *type;    /* "PassStateEntered", ... */
	const char *details; /* JSON object with the event's details; NULL: none */
};

/* Writes an event, over one of the same id. Limits: STORE_TEXT_BYTES_MAX. Errors: TMF_ERR_NOT_FOUND
 * without the run. */
int store_event_put(
    struct store *store, const char *run_id, const struct store_event *event, struct tmf_err *err);
/* A retry begins a history of its own. */
int store_events_delete(struct store *store, const char *run_id, struct tmf_err *err);
/* Those behind the id `after` (0: all), in order of id. Streams: memory does not grow with the
 * events. */
int store_events_each(struct store *store, const char *run_id, int64_t after,
    int (*fn)(void *arg, const struct store_event *event), void *arg, struct tmf_err *err);

/* --- facts: what this store knows to have made, across runs; scope is "account/region" or an
 * endpoint --- */

/* Writes a fact over the one before. Limits: STORE_KEY_BYTES_MAX, STORE_FACT_BYTES_MAX. */
int store_fact_put(struct store *store, const char *scope, const char *kind, const char *key,
    struct str value, struct tmf_err *err);
/* Forgets a fact; one that is not there is fine. */
int store_fact_delete(
    struct store *store, const char *scope, const char *kind, const char *key, struct tmf_err *err);
/* When a fact was put; 0 if it is not there. */
int store_fact_time(struct store *store, const char *scope, const char *kind, const char *key,
    int64_t *ret_put_wall_ms, struct tmf_err *err);
/* In order of key. */
int store_facts_each(struct store *store, const char *scope, const char *kind,
    int (*fn)(void *arg, const char *key, struct str value), void *arg, struct tmf_err *err);

#endif
