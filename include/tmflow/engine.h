#ifndef TMFLOW_ENGINE_H
#define TMFLOW_ENGINE_H

#include "tmflow/action.h"
#include "tmflow/error.h"
#include "tmflow/loop.h"
#include "tmflow/store.h"
#include "tmflow/workflow.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The engine runs workflows on a loop. Every step is kept in the store before the next one begins,
 * and an action is started only after the commit that says so. So a run that was killed at any
 * instant is continued by tmf_run_resume. An action that was under way is then started again with
 * the same input: it has to look before it changes something, or to use a token that names the
 * effect.
 *
 *     struct tmf_engine *engine = tmf_engine_new(&engine_opts);
 *     struct tmf_run *run = tmf_run_start(engine, &run_opts, &err);
 *     tmf_loop_run(loop, &err);           or tmf_loop_turn from a loop of the host's own
 *     tmf_run_free(run);
 *     tmf_engine_free(engine);
 *
 * All of it belongs to one thread: that of the loop. If the store fails, so does the turn of the
 * loop (TMF_ERR_STORE). Nothing goes on after that: what is committed can be resumed by another
 * process.
 */
struct tmf_engine;
struct tmf_run;

struct tmf_engine_opts {
	struct tmf_loop *loop;
	struct tmf_registry *registry;
	struct tmf_store *store; /* NULL: nothing is kept, no run can be resumed */
};

/* Borrows loop, registry and store: they outlive the engine. Returns: to be freed with
 * tmf_engine_free. */
struct tmf_engine *tmf_engine_new(const struct tmf_engine_opts *opts);

/* Frees the engine, after its runs. NULL is fine. Not from a callback of the loop. */
void tmf_engine_free(struct tmf_engine *engine);

/* How a run ended. Borrowed from the run. */
struct tmf_run_result {
	enum tmf_run_status status; /* never TMF_RUN_RUNNING */
	const json_t *output;	    /* SUCCEEDED; else NULL */
	/* FAILED; INTERRUPTED by an action that failed with TMF_ERR_EXPIRED. May be NULL. */
	const char *error;
	const char *cause;
};

/* Something that happened in a run, as Step Functions' GetExecutionHistory has it. All borrowed. */
struct tmf_run_event {
	int64_t id;	     /* from 1, without gaps, also over a resume */
	int64_t previous_id; /* the event that led to it; 0 for the first ones */
	int64_t wall_ms;
	const char *type;   /* "PassStateEntered", "TaskRetried", "ExecutionSucceeded", ... */
	const char *state;  /* the state's name; NULL for events of the run itself */
	const json_t *data; /* input or output; may be NULL */
	const char *error;  /* of a failure; may be NULL */
	const char *cause;
};

struct tmf_run_opts {
	const struct tmf_workflow *workflow; /* for tmf_run_start */
	const char *run_id; /* letters, digits, '-' and '_'; NULL for tmf_run_start: one is made */
	json_t *input;	    /* for tmf_run_start; a reference is taken; NULL: {} */
	void *env;	    /* op->env of its actions; NULL: the registry's */

	/* Once, when the run is over and that is committed. May free the run; may start another. */
	void (*on_done)(void *arg, struct tmf_run *run, const struct tmf_run_result *result);
	/* NULL: no events. After a crash the last ones may come again, with the same ids. */
	void (*on_event)(void *arg, struct tmf_run *run, const struct tmf_run_event *event);
	void *arg;
};

/*
 * Starts a run; its first state is entered by the loop. With a store, the run's record is written
 * and its lease taken: no other process can run it.
 * Returns: the run, to be freed with tmf_run_free.
 * Errors: TMF_ERR_INVALID for an id that is not one or is taken; TMF_ERR_BUSY; TMF_ERR_STORE;
 * TMF_ERR_LIMIT for an input that is too large.
 */
struct tmf_run *
tmf_run_start(struct tmf_engine *engine, const struct tmf_run_opts *opts, struct tmf_err *err);

/*
 * Goes on with a run of the store that was interrupted, whose process died, or that failed or timed
 * out within the last 14 days: opts->run_id, which may be a unique prefix or "@latest". The
 * workflow and the input are those of the run's record. After a failure the states that did not
 * succeed begin again, with all their attempts and the run's whole timeout; what succeeded is kept,
 * also in a Map or Parallel, as with RedriveExecution of Step Functions.
 * Returns: as tmf_run_start.
 * Errors: TMF_ERR_NOT_FOUND, also for a failed run whose checkpoint is not kept any more;
 * TMF_ERR_INVALID if it succeeded, if its definition names an action that
 * the registry does not have, or if its checkpoints do not fit; TMF_ERR_BUSY naming the process
 * that holds it; TMF_ERR_STORE.
 */
struct tmf_run *
tmf_run_resume(struct tmf_engine *engine, const struct tmf_run_opts *opts, struct tmf_err *err);

/*
 * Starts nothing new. Calls in flight end (within 10 s, then they are cancelled), all is kept, and
 * on_done sees TMF_RUN_INTERRUPTED. A run that is over is left as it is.
 */
void tmf_run_interrupt(struct tmf_run *run);

/*
 * Cancels what is under way and frees the run. What the store has of it stays: it can be resumed.
 * NULL is fine. Not from an action or on_event: between turns of the loop, or in on_done.
 */
void tmf_run_free(struct tmf_run *run);

/* Its id. Returns: borrowed from the run. */
const char *tmf_run_id(const struct tmf_run *run);

/* How it ended. Returns: borrowed from the run; NULL as long as it is not over. */
const struct tmf_run_result *tmf_run_result(const struct tmf_run *run);

struct tmf_run_stats {
	uint64_t transitions; /* states entered, in this process */
	size_t branches;      /* alive now: the run itself, iterations, branches of a Parallel */
};

/* What it has done so far. */
struct tmf_run_stats tmf_run_stats(const struct tmf_run *run);

#ifdef __cplusplus
}
#endif

#endif
