#ifndef TMFLOW_ENGINE_ENGINE_H
#define TMFLOW_ENGINE_ENGINE_H

#include "asl/state/machine.h"
#include "base/rng.h"
#include "data/objects.h"
#include "store/store.h"
#include "tmflow/action.h"
#include "tmflow/loop.h"

/*
 * The interpreter: runs a compiled machine on the loop, branch by branch, and checkpoints every
 * live branch once a turn.
 *
 *   struct engine *engine = engine_new(&opts);
 *   struct execution *x = execution_start(engine, &xopts);    or execution_resume
 *   tmf_loop_run(loop, &err);                                     until done() is called
 *   execution_free(x); engine_free(engine);
 */

#define ENGINE_BRANCHES_MAX                                                                        \
	100000u /* live at once in an execution; a Map without MaxConcurrency is held to it */
/* Of a Map's iterations, those that wait for others' work without a place; more keep theirs. As
 * many as a page of instances has: what waits takes memory. */
#define ENGINE_PARKED_MAX	       1000
#define ENGINE_MAP_CONCURRENCY_DEFAULT 40u /* MaxConcurrency 0 or absent: as AWS for inline Maps */
#define ENGINE_INTERRUPT_GRACE_MS      10000 /* for calls in flight after the first signal */

struct engine;
struct execution;

/* What answers for Tasks in the place of their actions, in a run that is a test. */
struct engine_mocks {
	/*
	 * The answer to the next attempt of a Task, which begins now: a new reference to
	 * {"Return": result} or {"Throw": {"Error": name, "Cause": text}}; Cause may be absent.
	 * NULL: the Task's own action runs, which must be one of the registry.
	 */
	json_t *(*answer)(void *arg, const struct asl_state *state);
	void *arg;
};

struct engine_opts {
	struct tmf_loop *loop;
	struct tmf_registry *registry;
	struct store *store; /* NULL: no checkpoints. Borrowed. The engine commits it once a turn */
	const struct engine_mocks *mocks; /* NULL: every Task runs its action. Borrowed */
	struct objects *objects; /* how a Map's items in S3 are reached; NULL: not. Borrowed */
	/* A folder, made when it is needed, for what goes to S3 at the end of a Map; NULL: nothing
	 * can. It must be there again for a resume. Borrowed, kept */
	const char *spool;
};
/* Everything in opts is borrowed. Executions are freed before their engine. */
struct engine *engine_new(const struct engine_opts *opts);
void engine_free(struct engine *engine);

/*
 * Appends what is live, a line for each branch: where it stands, since when, and which call its op
 * waits for. For a person who asks what a process is doing. Limits: 1,000 branches of an execution.
 */
struct buf;
void engine_write_live(const struct engine *engine, struct buf *out);

/* How an execution ended. Owned by the execution. */
struct execution_result {
	enum run_status status; /* SUCCEEDED, FAILED, TIMED_OUT, INTERRUPTED */
	json_t *output;		/* SUCCEEDED */
	const char *error;	/* FAILED, or why it was INTERRUPTED; may be NULL */
	const char *cause;
};

/* What happened, in the order and with the ids of Step Functions' GetExecutionHistory. */
struct execution_event {
	int64_t id;
	int64_t previous_id; /* what led to it in its branch; 0 for the first state */
	int64_t wall_ms;
	const char *type; /* "PassStateEntered", "TaskStateExited", "ExecutionSucceeded", ... */
	const struct asl_state *state; /* NULL for events of the execution */
	bool top_level;		       /* the state stands in the machine itself, not in a branch */
	json_t *data;		       /* input, output or parameters; borrowed; may be NULL */
	json_t
	    *assigned; /* of a state's leaving: the variables that it set; borrowed; NULL: none */
	const char *error; /* of a failure; may be NULL */
	const char *cause;
	int64_t number;	   /* a Map's iteration; of a MapStateStarted: how many there will be */
	int64_t timeout_s; /* of a TaskScheduled; 0: none */
	int64_t heartbeat_s;
};

/*
 * What GetExecutionHistory would say of the event besides id, previousEventId, timestamp and type:
 * {"stateEnteredEventDetails": {...}}.
 * Returns: a new reference; NULL where the type has no details.
 * See: https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
 */
json_t *execution_event_details(const struct execution_event *event);

/* True for the types that report a state's entering ("PassStateEntered"), and of its leaving. */
bool execution_event_enters(const char *type);
bool execution_event_leaves(const char *type);

/* What happened in a state, all branches together. A state that somebody stands in was entered once
 * more than it was left or failed. */
struct execution_tally {
	int64_t entered;
	int64_t left;
	int64_t caught; /* of those: by a Catch */
	int64_t retried;
	int64_t failed;	  /* no Catch took it */
	int64_t spent_ms; /* from entering to leaving, added up: branches may do so at once */
};

struct execution_opts {
	struct asl_machine *machine; /* a reference is taken */
	const char *run_id;	     /* key in the store; copied */
	const char *machine_name;    /* for $$.StateMachine */
	json_t *input;		     /* a reference is taken */
	int64_t start_wall_ms;	     /* 0: now */
	int64_t redrives;	     /* how often it has been redriven, with this time */
	int64_t redrive_wall_ms;     /* the last one: its TimeoutSeconds counts from there */
	void *env;		     /* of its actions; NULL: the registry's */
	void (*on_done)(
	    void *arg, struct execution *execution, const struct execution_result *result);
	void (*on_event)(void *arg, const struct execution_event *event); /* NULL: no history */
	void *arg;
	/* By index of the state; what happens is added. Borrowed until execution_free; NULL: not
	 * counted. */
	struct execution_tally *tallies;
};

/* Starts at StartAt; the first state is entered from the loop. Starting cannot fail: a fault is
 * the execution's result. */
struct execution *execution_start(struct engine *engine, const struct execution_opts *opts);

/* Goes on from the checkpoints of opts->run_id. Where they say that it has ended already, that end
 * is reported, once more from the loop. Errors: TMF_ERR_STORE, TMF_ERR_INVALID for
 * checkpoints that do not fit the machine. Without any: starts. */
struct execution *
execution_resume(struct engine *engine, const struct execution_opts *opts, struct tmf_err *err);

/*
 * Goes on where an execution of opts->run_id FAILED or TIMED_OUT: each state that did not succeed
 * begins again with the input that it had, with all its attempts and its whole timeout; what
 * succeeded is kept, also in a Map or Parallel. opts->redrives and redrive_wall_ms count this one.
 * The caller writes the run's record in the same transaction.
 * Errors: TMF_ERR_NOT_FOUND without checkpoints; else as execution_resume.
 * See: https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
 */
struct execution *
execution_redrive(struct engine *engine, const struct execution_opts *opts, struct tmf_err *err);

/* Tells the state of each branch that the checkpoints of a run hold, without going on. fn
 * returns non-zero to stop. Errors: TMF_ERR_STORE, TMF_ERR_INVALID. */
int execution_peek(struct store *store, const struct asl_machine *machine, const char *run_id,
    int (*fn)(void *arg, const struct asl_state *state), void *arg, struct tmf_err *err);

/* Starts nothing new; calls in flight end (at most ENGINE_INTERRUPT_GRACE_MS), everything is
 * checkpointed, then on_done hears INTERRUPTED. */
void execution_interrupt(struct execution *execution);

/* Cancels what is under way and frees; checkpoints stay. */
void execution_free(struct execution *execution);

struct execution_stats {
	uint64_t transitions;
	size_t branches; /* live now */
};
/* How far the execution is. */
struct execution_stats execution_stats(const struct execution *execution);

#endif
