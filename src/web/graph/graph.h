#ifndef TMFLOW_WEB_GRAPH_GRAPH_H
#define TMFLOW_WEB_GRAPH_GRAPH_H

#include "asl/state/machine.h"
#include "base/buf.h"
#include "store/store.h"
#include "tmflow/error.h"

#include <jansson.h>

/* A workflow as a picture: the same edges and words for every format. */

#define GRAPH_LABEL_CHARS_MAX 60 /* of a condition: longer ones are cut short */

/* What a run did in a state. */
enum graph_mark {
	GRAPH_UNTOUCHED,
	GRAPH_DONE,
	GRAPH_CAUGHT, /* it failed, and a Catch took over */
	GRAPH_FAILED,
	GRAPH_ABORTED, /* stopped by another branch's failure */
	GRAPH_RUNNING, /* a branch stands in it now */
	GRAPH_MARK_COUNT,
};

struct graph_state {
	enum graph_mark mark;
	int64_t entered; /* how often; 0 where that is not known */
};

struct graph {
	const struct asl_machine *machine;
	const char *name;		  /* of the workflow */
	const struct graph_state *states; /* by index; NULL: no run */
};

enum graph_edge_kind { GRAPH_NEXT, GRAPH_CHOICE, GRAPH_DEFAULT, GRAPH_CATCH };

struct graph_edge {
	enum graph_edge_kind kind;
	const struct asl_state *from;
	const struct asl_state *to; /* NULL: the end of the scope */
	const char *label;	    /* borrowed; "" for none */
};

/* --- graph.c --- */

/* Calls fn for each transition out of state, in the order of the file. A Fail state has none. */
void graph_edges(
    const struct asl_state *state, void (*fn)(void *arg, const struct graph_edge *edge), void *arg);

/* The scopes that a Map or Parallel holds; index runs from 0 until NULL. */
const struct asl_states *graph_scope(const struct asl_state *state, size_t index);

/*
 * When a walk from the start of a scope enters and leaves a state: an edge to a state that the
 * walk is still in leads back.
 */
struct graph_walk {
	unsigned enter; /* 0: not reached */
	unsigned leave;
};

/* Fills in walk (by state index) for the states of scope. */
void graph_walk(const struct asl_states *scope, struct graph_walk *walk);
bool graph_leads_back(const struct graph_walk *walk, const struct graph_edge *edge);

/* The second line of a state's box: its resource, how long it waits, ... */
void graph_subtitle(const struct asl_state *state, struct buf *out);

/* "untouched", "done", ... */
const char *graph_mark_name(enum graph_mark mark);

/* Untouched without a run. */
struct graph_state graph_state_of(const struct graph *graph, const struct asl_state *state);

/* --- graph_label.c --- */

/* A choice rule in short: "$.n > 3 and $.name is present". */
void graph_condition(const struct asl_choice_rule *rule, struct buf *out);

/* --- formats --- */

/* Append the picture to out, as Graphviz DOT and as a Mermaid flowchart. */
void graph_dot(const struct graph *graph, struct buf *out);
void graph_mermaid(const struct graph *graph, struct buf *out);

/*
 * As JSON, for a page to draw: {"start", "states": [{"name", "kind", "about", "mark", "entered",
 * "next": [{"kind", "to", "label"}], "scopes": [...]}]}. New reference.
 */
json_t *graph_json(const struct graph *graph);

/* The machine that a run began with. New reference; NULL where its definition cannot be read or
 * does not compile here. */
struct asl_machine *graph_machine_of_run(const struct store_run *run);

/*
 * The same of the definition that a run began with, and of what the run did. New reference; NULL
 * where the definition cannot be read.
 */
json_t *graph_json_of_run(struct store *store, const struct store_run *run);

/*
 * Has Graphviz draw it.
 * Errors: TMF_ERR_SYSTEM with a hint when its program `dot` is not there or fails.
 */
int graph_svg(const struct graph *graph, struct buf *out, struct tmf_err *err);

/* --- graph_marks.c --- */

/*
 * What a run did, by state index: from its history, or where none was kept from its checkpoints,
 * which know only where it stands.
 * Returns: malloc'ed. ret_history says which.
 * Errors: TMF_ERR_STORE, TMF_ERR_INVALID for a run of another workflow.
 */
struct graph_state *graph_marks(struct store *store, const struct store_run *run,
    const struct asl_machine *machine, bool *ret_history, struct tmf_err *err);

#endif
