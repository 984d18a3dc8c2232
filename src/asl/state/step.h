#ifndef TMFLOW_ASL_STATE_STEP_H
#define TMFLOW_ASL_STATE_STEP_H

#include "asl/state/dataflow.h"

/*
 * What a state means, said in one place. Pure: no time passes, nothing is started, nothing is kept
 * between two calls.
 *
 *   step_enter   the state is entered           -> DONE, WAIT, TASK, CHILDREN or FAILED
 *   step_leave   its work ended with a result   -> output, variables, next state
 *   step_fail    any of these failed            -> RETRY, CAUGHT or UNCAUGHT
 *
 * The engine (engine/branch.c) and `tmflow test-state` both walk a state like this:
 *
 *   switch (step_enter(&step, &work, &err)) {
 *   case STEP_DONE:     step_leave(&step, work.rule, work.input, ...)
 *   case STEP_WAIT:     until work.until_wall_ms, then the same
 *   case STEP_TASK:     the action on work.input, then step_leave with what it gives
 *   case STEP_CHILDREN: a Map's or Parallel's children, then step_leave with their results
 *   case STEP_FAILED:   step_fail(&step, retries, &err, ...)
 *   }
 *
 * Whatever fails on the way goes to step_fail.
 */

/* A state as one branch meets it. All borrowed. */
struct step {
	const struct asl_state *state;
	struct asl_scope scope; /* $ is the state's raw input */
	int64_t now_wall_ms;
	int64_t entered_event; /* id of the event in causes: "(entered at the event id #7)" */
	const struct asl_trace *trace; /* NULL in the engine */
};

enum step_kind {
	STEP_DONE,     /* Pass, Choice, Succeed: nothing to wait for */
	STEP_WAIT,     /* Wait */
	STEP_TASK,     /* Task */
	STEP_CHILDREN, /* Map, Parallel */
	STEP_FAILED,   /* a Fail, or a fault in the data flow of any state */
};

/* Where a Map with ItemReader or ItemBatcher has its items from, and how many make a child. */
struct step_source {
	/* The Map has one of the two, or a ResultWriter: children are made as they can begin. */
	bool streamed;
	json_t *arguments;   /* of the reader, owned: what names the object; NULL: work's items */
	int64_t items_max;   /* that are read; -1: all */
	int64_t batch_items; /* in a child's input, at most; 0: no ItemBatcher */
	int64_t batch_bytes; /* of a child's input as JSON text, at most */
	json_t *batch_input; /* owned; NULL: none */
	json_t *destination; /* of a ResultWriter, owned: its arguments; NULL: the Map has none */
};

/* How many items of a Map may fail before it does. */
struct step_tolerance {
	int64_t count;	   /* -1: not given */
	double percentage; /* of all its items; -1: not given */
};

/* What the state asks for. step_work_fini frees what is owned. */
struct step_work {
	/* Owned. DONE and WAIT: the result of the state; TASK: the action's input; CHILDREN: the
	 * effective input, which is that of a Parallel's branches and what a Map's selector
	 * sees. */
	json_t *input;

	/* DONE: what a Choice took; NULL for its Default and for other types. Borrowed. */
	const struct asl_choice_rule *rule;

	int64_t until_wall_ms; /* WAIT */

	int64_t timeout_s; /* TASK; 0: none */
	int64_t heartbeat_s;

	json_t *items;		   /* CHILDREN, owned; NULL: a Parallel, or there is a reader */
	int64_t child_count;	   /* CHILDREN; 0 where the source is streamed */
	struct step_source source; /* of a Map */
	int64_t concurrency;	   /* of a Map; 0: AWS's own limit; -1: not given */
	struct step_tolerance tolerated; /* of a Map */
};

/*
 * Works out what the state asks for.
 * Returns: the kind, with *ret_work filled in; STEP_FAILED with *err and an empty *ret_work.
 */
enum step_kind step_enter(const struct step *step, struct step_work *ret_work, struct tmf_err *err);
void step_work_fini(struct step_work *work);

/*
 * The input of a Map's child: the item, or what the selector makes of it. effective is step_work's
 * input; the step's context object has the item under $$.Map.Item.
 * Returns: 0 with a new reference, or -1 with *err.
 */
int step_item(const struct step *step, json_t *effective, json_t *item, json_t **ret_input,
    struct tmf_err *err);

/* True if the Map has one of the limits, be it 0. Then step_tolerance_error says that it failed,
 * and else the error of the item that did. */
bool step_tolerance_is_given(const struct step_tolerance *tolerated);

/*
 * True if the Map goes on although that many items failed; without a limit it takes none. Where
 * both limits are given, both hold: AWS fails the Map as soon as either is passed.
 * items: of the Map in all, not only those that have ended; -1: nobody knows yet, as while a source
 * still has some.
 */
bool step_tolerates(const struct step_tolerance *tolerated, int64_t failed, int64_t items);

/* Sets States.ExceedToleratedFailureThreshold. Returns: -1. */
int step_tolerance_error(struct tmf_err *err);

/* How a branch leaves a state. Owned: step_exit_fini, or both references are moved out. */
struct step_exit {
	json_t *output;
	json_t *variables; /* NULL: none */
	const struct asl_template
	    *assign;		      /* what set variables on the way; NULL: nothing. Borrowed */
	const struct asl_state *next; /* NULL: its scope is over. Borrowed */
};

/*
 * From a result (borrowed) to the next state: ResultSelector, ResultPath, OutputPath, Assign. rule
 * is step_work's.
 * Errors: States.Runtime and others of the data flow; States.DataLimitExceeded. *ret_exit is empty
 * then.
 */
int step_leave(const struct step *step, const struct asl_choice_rule *rule, json_t *result,
    struct step_exit *ret_exit, struct tmf_err *err);
void step_exit_fini(struct step_exit *exit);

enum step_failure_kind { STEP_RETRY, STEP_CAUGHT, STEP_UNCAUGHT };

/* What follows from an error. step_exit_fini frees exit. */
struct step_failure {
	/* RETRY: index of the retrier; CAUGHT: of the catcher; UNCAUGHT: of the one that failed
	 * itself, or -1 */
	int which;
	double interval_s;     /* RETRY: before jitter */
	double delay_s;	       /* RETRY: how long to wait */
	bool by_name;	       /* CAUGHT: the catcher names the error, not only States.ALL */
	struct step_exit exit; /* CAUGHT */
};

/*
 * Decides what follows from *err: the first retrier that takes it and has attempts left, else the
 * first catcher, else the state fails with it. *err gets the words in which AWS reports it, also
 * where a catcher's own data flow fails.
 * Takes: retries, the attempts so far of each retrier of the state; that of the one that retries is
 * counted up. May be NULL where the state has no Retry.
 */
enum step_failure_kind step_fail(const struct step *step, uint32_t *retries, struct tmf_err *err,
    struct step_failure *ret_failure);

#endif
