#ifndef TMFLOW_ENGINE_TREE_H
#define TMFLOW_ENGINE_TREE_H

#include "asl/state/step.h"
#include "base/clock.h"
#include "data/batch.h"
#include "data/items.h"
#include "data/writer.h"
#include "engine/engine.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * An execution is a tree of branches: the root walks through the machine's states; a Map's
 * iterations and a Parallel's branches are children of the branch that stands in that state. Each
 * branch is a task on the loop.
 *
 * The engine's files stand in a line. Each calls only those below it; tools/layers checks that.
 *
 *   engine       once a turn: commit, then ask AWS
 *   execution    start, resume, interrupt, end
 *   resume       from the rows to a tree
 *   peek         looks at the rows of a run, or at what is live (SIGUSR1), and changes nothing
 *   branch       the interpreter: the only one that acts on what asl/state/step.h answers
 *   context      what expressions see besides data: the $$ object, chance, time
 *   children     the books of a Map or Parallel: who is next, who has ended, is it failing
 *   tree         makes and frees branches
 *   task         the op of a Task, its timeouts, its place in the Map around it
 *   checkpoint   which rows are to be written
 *   event        counts and reports what happened
 *   branch_row   a branch <-> its row: the format and every check on it
 *   history, op, registry
 *
 * Nothing calls upwards. What has to reach somebody above arrives as an event:
 *
 *   an op's end        op.c's callback posts the branch's task; branch.c takes the result when the
 *                      loop runs it
 *   a child's end      is put in engine->ended; the dispatcher in branch.c takes it from there when
 *                      the child's own code has returned. It does so before anything else runs, so
 *                      that the order of a history's events does not depend on how many siblings
 *                      are ready
 *   the root's end     posts execution->end_task
 *   an interrupt       posts execution->settle_task when the last op is gone
 *   expired keys       post execution->expire_task, which interrupts
 *
 *   a free place       of a Map, which an op has given back: posts the Map's task, as the end of a
 *                      child would free one
 *
 * So the C stack is as deep for a state in the 32nd Map within a Map as for one at the top.
 */

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
	struct tmf_timer timer; /* waits, backoff, a task's timeouts */
	struct execution *x;
	struct branch *parent; /* NULL: the root */
	struct branch *next;   /* siblings */
	struct branch *prev;
	struct branch *dirty_next;
	struct branch *start_next; /* ops to be started after the commit */
	int64_t id;
	int64_t index; /* item or branch number in the parent */
	/* Of a child whose Map writes its results: what it began with, and when. */
	json_t *begin;
	int64_t begun_wall_ms;
	int64_t item_count; /* of a Map that streams: of its items, those in this child's input */
	const struct asl_state *state;
	enum phase phase;
	bool dirty;	     /* in the list of those to be stored */
	bool starting;	     /* in the list of those whose op is to be started */
	bool stored;	     /* has a row */
	json_t *input;	     /* the state's raw input */
	json_t *variables;   /* NULL: none */
	json_t *context;     /* the $$ object, once somebody asked */
	uint32_t *retries;   /* per retrier of the state; NULL: no failure yet */
	int64_t retry_count; /* attempts of this state before the present one */
	int64_t entries;     /* of states by this branch so far */
	int64_t entered_wall_ms;
	int64_t entered_event;
	int64_t last_event; /* what the next event of this branch follows */
	int64_t wake_wall_ms;

	/* PHASE_TASK */
	json_t *task_input;	 /* until the op is started */
	struct tmf_op *op;	 /* under way, or over and its end not yet handled */
	int64_t timeout_mono_ms; /* 0: none */
	/* A child that holds none of its parent's places: its op waits for others, or it has not
	 * begun again since a restart. In the parent's line of those that want one again: */
	bool placeless;
	bool in_line;
	struct branch *line_next;
	int64_t heartbeat_ms; /* 0: none */

	struct children *children; /* PHASE_CHILDREN */

	/* How it ended; one of them, when its last state is left. */
	json_t *output;
	struct tmf_err *failure;
};

/* What a Map or Parallel keeps while its children run. */
struct children {
	struct branch *first; /* live ones */
	json_t *effective;    /* the state's effective input */
	json_t *items;	      /* of a Map; NULL: a Parallel, or a Map that streams */
	/* Of a Map that streams: items are taken from it as children can begin, and total counts
	 * the children so far. NULL: all items are in items. */
	struct items *source;
	struct items_place place; /* streamed: behind the items of the last child that was made */
	bool halted;		  /* it has failed: nothing goes on in it */
	struct batch_draft draft; /* the next child's input, while its items are on their way */
	struct writer *writer;	  /* of a ResultWriter; NULL: none */
	struct writer_place written; /* behind the last child that was booked */
	struct tmf_err fault;	     /* why a child could not be booked */
	/* Why the Map fails, while what became of its children is still on its way to S3. */
	struct tmf_err failing;
	size_t results_bytes; /* streamed: of the results as text, kept below ASL_DATA_BYTES_MAX */
	json_t *results;      /* array of total values; NULL: nobody wants them */
	int64_t total;
	int64_t next; /* index of the next child to be made */
	/* After a restart: a bit for each child that has ended or is live. NULL: all below next. */
	uint8_t *known;
	int64_t selecting; /* the item whose selector is being evaluated; -1: none */
	json_t *selected;  /* streamed: that item; borrowed */
	int64_t live;
	int64_t placeless; /* of the live ones: do not count against concurrency */
	struct branch
	    *line_first; /* of those that want a place again; they go before new children */
	struct branch *line_last;
	int64_t ended;
	int64_t failed;	    /* and tolerated; streamed: their items */
	int64_t last_event; /* of the child that ended last; 0: none since this process began */
	int64_t concurrency;
	struct step_tolerance tolerated;
};

struct engine {
	struct tmf_loop *loop;
	struct tmf_registry *registry;
	const struct engine_mocks *mocks; /* NULL: none */
	struct objects *objects;	  /* of S3; NULL: not reached */
	const char *spool;		  /* for what goes there; NULL: likewise */
	struct buf spent;     /* folders to be removed after the commit, each with its NUL */
	struct store *store;  /* NULL: no checkpoints */
	struct rng chance;    /* of the step that is being worked out */
	struct branch *dirty; /* singly linked */
	struct branch *starting;
	struct branch **starting_end;
	struct branch *ended;	 /* the branch whose end is to be handled next */
	struct execution *first; /* all of them */
	struct tmf_err err;	 /* the store's first fault: ends the loop */
};

struct execution {
	struct engine *engine;
	struct execution *next; /* in the engine's list */
	struct asl_machine *machine;
	struct branch *root;
	struct tmf_task end_task;    /* the root has ended */
	struct tmf_task expire_task; /* an op found that the credentials are no good any more */
	struct tmf_task settle_task; /* no op is under way any more, while interrupting */
	struct tmf_task done_task;   /* calls on_done */
	struct tmf_timer timeout;    /* of the machine */
	struct tmf_timer grace;	     /* after an interrupt */
	char *run_id;
	char *machine_name;
	json_t *input;
	int64_t start_wall_ms;
	uint64_t chance_seed;	 /* of the run, see context.c */
	int64_t redrive_wall_ms; /* the last one */
	int64_t redrives;
	void *env;	  /* of its ops */
	int64_t event_id; /* of the newest event */
	int64_t next_branch_id;
	bool record_dirty; /* event_id or next_branch_id changed since the last checkpoint */
	bool rows_dirty;   /* rows of branches or results were written or deleted since then */
	bool interrupting;
	struct tmf_err expired; /* why it is interrupted, where nobody asked for it */
	bool over;
	size_t live_branches;
	size_t live_ops; /* also those that are over and whose end is not yet handled */
	uint64_t transitions;
	struct execution_result result;
	char *error; /* owned, behind result */
	char *cause;
	void (*on_done)(
	    void *arg, struct execution *execution, const struct execution_result *result);
	void (*on_event)(void *arg, const struct execution_event *event);
	void *arg;
	struct execution_tally *tallies; /* by index of the state; NULL: nobody counts */
};

/* A branch that stands in no state yet. Shares variables (NULL: none). parent NULL: the root. */
struct branch *
tree_branch_new(struct execution *x, struct branch *parent, int64_t index, json_t *variables);

/* Cancels what is under way in the branch and below it, forgets the rows, frees. */
void tree_branch_free(struct branch *branch);

/* Puts child among the live ones of its parent, which has children. */
void tree_link(struct branch *child);

/* Takes an ended child off its parent and frees it. */
void tree_unlink_free(struct branch *child);

/* Frees the children of branch with their rows and results. */
void tree_children_free(struct branch *branch);

#endif
