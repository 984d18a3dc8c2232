#ifndef TMFLOW_ENGINE_EXECUTION_H
#define TMFLOW_ENGINE_EXECUTION_H

#include "asl/state/dataflow.h"
#include "base/clock.h"
#include "engine/engine.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * An execution is a tree of branches: the root walks through the machine's states, a Map's iterations and a Parallel's branches are children of the branch
 * that stands in that state. Each branch is a task on the loop.
 */

struct children;

/* Names for what only AWS has: this execution has no account, region or role. */
#define REGION_LOCAL "local"
#define ARN_ROLE     "arn:aws:iam::000000000000:role/tmflow"

/* Where a branch stands within its state. The numbers are stored in checkpoints: append only. */
enum phase {
	PHASE_ENTERED = 0,  /* the state's work is still to be begun */
	PHASE_WAITING = 1,  /* in a Wait, until wake_wall_ms */
	PHASE_TASK = 2,	    /* its op runs, or is to be started after the commit */
	PHASE_BACKOFF = 3,  /* before a retry, until wake_wall_ms */
	PHASE_CHILDREN = 4, /* its children run */
	PHASE_COUNT = 5,
};

struct branch {
	struct tmf_task task;	/* first: the loop's way back */
	struct tmf_timer timer; /* waits, back-off, a task's time-out */
	struct execution *x;
	struct branch *parent; /* NULL: the root */
	struct branch *next;   /* siblings */
	struct branch *prev;
	struct branch *dirty_next;
	struct branch *start_next; /* ops to be started after the commit */
	int64_t id;
	int64_t index; /* item or branch number in the parent */
	const struct asl_state *state;
	enum phase phase;
	bool dirty;	     /* in the list of those to be stored */
	bool stored;	     /* has a row */
	json_t *input;	     /* the state's raw input */
	json_t *variables;   /* NULL: none */
	json_t *context;     /* the $$ object, once somebody asked */
	uint32_t *retries;   /* per retrier of the state; NULL: none yet */
	int64_t retry_count; /* attempts of this state before the present one */
	int64_t entered_wall_ms;
	int64_t entered_event;
	int64_t last_event; /* what the next event of this branch follows */
	int64_t wake_wall_ms;
	int64_t timeout_wall_ms;   /* of a running task; 0: none */
	int64_t heartbeat_ms;	   /* 0: none */
	struct tmf_op *op;	   /* under way */
	struct tmf_op *ended_op;   /* just failed: for the time of branch_state_failed */
	struct children *children; /* in a Map or Parallel */
};

struct engine {
	struct tmf_loop *loop;
	struct tmf_registry *registry;
	struct store *store; /* NULL: no checkpoints */
	struct rng *rng;
	struct branch *dirty; /* singly linked */
	struct branch *starting;
	struct branch **starting_end;
	struct execution *first; /* all of them */
	struct tmf_err err;	 /* the store's first fault: ends the loop */
};

struct execution {
	struct engine *engine;
	struct execution *next; /* in the engine's list */
	struct asl_machine *machine;
	struct branch *root;
	struct tmf_task done_task; /* tells the end from the loop */
	struct tmf_timer timeout;  /* of the machine */
	struct tmf_timer grace;	   /* after an interrupt */
	char *run_id;
	char *machine_name;
	json_t *input;
	int64_t start_wall_ms;
	void *env;	  /* of its ops */
	int64_t event_id; /* of the newest event */
	int64_t next_branch_id;
	bool record_dirty; /* event_id or next_branch_id changed since the last checkpoint */
	bool rows_dirty;   /* rows of branches or results were written or deleted since then */
	bool interrupting;
	bool over;
	size_t live_branches;
	size_t live_ops;
	uint64_t transitions;
	struct execution_result result;
	char *error; /* owned, behind result */
	char *cause;
	void (*on_done)(
	    void *arg, struct execution *execution, const struct execution_result *result);
	void (*on_event)(void *arg, const struct execution_event *event);
	void *arg;
};

/* --- execution.c --- */

int64_t execution_wall_ms(const struct execution *x);

/* Notes an event of branch (NULL: of the execution), whose type and details are filled in; its state is branch's where none is given. Returns its id. */
int64_t
execution_event(struct execution *x, struct branch *branch, const struct execution_event *event);

/* The same for an event of a state, named after its type: "Pass" + suffix. */
int64_t execution_state_event(struct branch *branch, const char *suffix, json_t *data);

/* The branch leaves its state, whose Assign (may be NULL) has been applied to the branch's variables. */
void execution_exit_event(struct branch *branch, json_t *output, const struct asl_template *assign);

/* The root ended. Takes output, or moves *err. */
void execution_succeed(struct execution *x, json_t *output);
void execution_fail(struct execution *x, struct tmf_err *err);

/* Tells every op below branch to start no further call. */
void children_wind_down(struct branch *branch);

/* An op ended while winding down: when it was the last one, the execution is interrupted. */
void execution_op_ended(struct execution *x);

/* --- branch.c --- */

/* A branch that is to enter state (or, for a resume, stands in it). Takes input; variables are shared. */
struct branch *branch_new(struct execution *x, struct branch *parent, int64_t index,
    const struct asl_state *state, json_t *input, json_t *variables);

/* Cancels what is under way (children too), forgets its row, frees. */
void branch_free(struct branch *branch);

/* Enters state: counts the event and puts the branch in the ready queue. Takes input. */
void branch_enter(struct branch *branch, const struct asl_state *state, json_t *input);

/* The state's work ended with a result (taken), or with an error (moved). */
void branch_state_done(struct branch *branch, json_t *result);
void branch_state_failed(struct branch *branch, struct tmf_err *err);

struct asl_scope branch_scope(struct branch *branch, json_t *input);
void branch_arm_timer(struct branch *branch, int64_t wall_ms);
void branch_timer_fired(struct tmf_timer *timer);
void branch_run(struct tmf_task *task);

/* --- task.c --- */

/* Begins the Task: works out its input and has the op started after the commit. */
void task_begin(struct branch *branch);
void task_start_op(struct branch *branch); /* after the commit */
void task_timer(struct branch *branch);

/* --- children.c --- */

/* {"Index", "Value"} of the item of the nearest Map around the branch, or whose selector it evaluates. New reference, NULL outside. */
json_t *children_map_item(const struct branch *branch);

void children_begin_map(struct branch *branch);
void children_begin_parallel(struct branch *branch);

/* A child ended with output (taken) or failed (err moved); it is freed here. */
void children_child_done(struct branch *child, json_t *output);
void children_child_failed(struct branch *child, struct tmf_err *err);
void children_cancel(struct branch *branch);

/* For a resume: makes the structure anew, then adds what is finished and what is live, then goes on. */
int children_restore(struct branch *branch, struct tmf_err *err);
bool children_has(const struct branch *branch, int64_t index); /* a child of this number */
int
children_restore_result(struct branch *branch, int64_t index, json_t *record, struct tmf_err *err);
void children_restore_live(struct branch *branch, struct branch *child);
void children_go_on(struct branch *branch);

/* --- checkpoint.c --- */

void checkpoint_mark(struct branch *branch);
void checkpoint_forget(struct branch *branch); /* its row, if it has one */
void checkpoint_result(struct branch *parent, int64_t index, json_t *record);
void checkpoint_results_forget(struct branch *parent);
int checkpoint_flush(struct execution *x, struct tmf_err *err);
int checkpoint_restore(struct execution *x, bool *ret_found, struct tmf_err *err);

/* --- context.c --- */

json_t *context_of(void *branch);
void context_forget(struct branch *branch);

#endif
