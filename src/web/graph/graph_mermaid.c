#include "web/graph/graph.h"

#include <inttypes.h>

/*
 * Mermaid's flowchart, which pages of code forges draw by themselves. A Map or Parallel is a
 * subgraph.
 * See: https://mermaid.js.org/syntax/flowchart.html
 */

static const struct {
	const char *open;
	const char *close;
} shapes[ASL_STATE_TYPE_COUNT] = {
    [ASL_PASS] = {"[", "]"},
    [ASL_TASK] = {"[", "]"},
    [ASL_CHOICE] = {"{", "}"},
    [ASL_WAIT] = {">", "]"},
    [ASL_SUCCEED] = {"([", "])"},
    [ASL_FAIL] = {"{{", "}}"},
    [ASL_PARALLEL] = {"[", "]"},
    [ASL_MAP] = {"[", "]"},
};

static const char *const styles[GRAPH_MARK_COUNT] = {
    [GRAPH_UNTOUCHED] = "fill:#ffffff,stroke:#5f6b7a,color:#000",
    [GRAPH_DONE] = "fill:#d9f2dc,stroke:#2e7d32,color:#000",
    [GRAPH_CAUGHT] = "fill:#ffe8c2,stroke:#c46a00,color:#000",
    [GRAPH_FAILED] = "fill:#fbd5d5,stroke:#c62828,color:#000",
    [GRAPH_ABORTED] = "fill:#e6e6e6,stroke:#8a8a8a,color:#000",
    [GRAPH_RUNNING] = "fill:#d3e5fb,stroke:#1565c0,color:#000",
};

struct mermaid {
	const struct graph *graph;
	struct buf *out;
	int depth;
	unsigned scope;	      /* number of the scope that is written; 0: the machine */
	unsigned scope_count; /* so far */
};

static void
mermaid_line_start(const struct mermaid *mermaid)
{
	for (int i = 0; i < mermaid->depth; i++)
		buf_add_cstr(mermaid->out, "  ");
}

/* Within quotes; Mermaid's entities have # for &. */
static void
add_quoted(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\n')
			buf_add_cstr(out, "<br/>");
		else if (*text == '"' || *text == '#' || *text == '<' || *text == '>' ||
			 *text == '&' || *text == '`' || *text == '\\')
			buf_printf(out, "#%d;", *text);
		else if ((unsigned char)*text >= ' ')
			buf_add_char(out, *text);
	}
}

/*
 * A state that was entered more than once shows how often, such as "Check x 12". The line end is
 * dropped where no second line follows it.
 */
static void
mermaid_label(struct mermaid *mermaid, const struct asl_state *state)
{
	struct graph_state run = graph_state_of(mermaid->graph, state);
	struct buf label = {0};

	buf_add_cstr(&label, state->name);
	if (run.entered > 1)
		buf_printf(&label, " x %" PRId64, run.entered);
	buf_add_char(&label, '\n');
	graph_subtitle(state, &label);
	if (label.p[label.len - 1] == '\n')
		label.p[--label.len] = '\0';
	buf_add_char(mermaid->out, '"');
	add_quoted(mermaid->out, buf_cstr(&label));
	buf_add_char(mermaid->out, '"');
	buf_fini(&label);
}

/* Nodes are named by index: a state may be called "end", which is a keyword of Mermaid. */
static void
mermaid_node(struct mermaid *mermaid, const struct asl_state *state)
{
	mermaid_line_start(mermaid);
	buf_printf(mermaid->out, "s%u%s", state->index, shapes[state->type].open);
	mermaid_label(mermaid, state);
	buf_printf(mermaid->out, "%s\n", shapes[state->type].close);
}

static void mermaid_scope(struct mermaid *mermaid, const struct asl_states *scope);

static void
write_subgraph(struct mermaid *mermaid, const struct asl_state *state)
{
	const struct asl_states *scope;

	mermaid_line_start(mermaid);
	buf_printf(mermaid->out, "subgraph s%u [", state->index);
	mermaid_label(mermaid, state);
	buf_add_cstr(mermaid->out, "]\n");
	mermaid->depth++;
	for (size_t i = 0; (scope = graph_scope(state, i)) != NULL; i++)
		mermaid_scope(mermaid, scope);
	mermaid->depth--;
	mermaid_line_start(mermaid);
	buf_add_cstr(mermaid->out, "end\n");
}

static void
mermaid_edge(void *arg, const struct graph_edge *edge)
{
	struct mermaid *mermaid = arg;

	mermaid_line_start(mermaid);
	buf_printf(
	    mermaid->out, "s%u %s", edge->from->index, edge->kind == GRAPH_CATCH ? "-.->" : "-->");
	if (edge->label[0] != '\0') {
		buf_add_cstr(mermaid->out, "|\"");
		add_quoted(mermaid->out, edge->label);
		buf_add_cstr(mermaid->out, "\"|");
	}
	if (edge->to != NULL)
		buf_printf(mermaid->out, " s%u\n", edge->to->index);
	else
		buf_printf(mermaid->out, " end%u\n", mermaid->scope);
}

/*
 * The end is written only if something leads to it, since a node on its own would be drawn beside
 * the graph.
 */
static void
note_end(void *arg, const struct graph_edge *edge)
{
	if (edge->to == NULL)
		*(bool *)arg = true;
}

/*
 * Each scope has a start and an end of its own, with its number in their names: the branches of a
 * Parallel each have an end within one drawing.
 */
static void
mermaid_scope(struct mermaid *mermaid, const struct asl_states *scope)
{
	unsigned outer = mermaid->scope;
	bool ends = false;

	mermaid->scope = mermaid->scope_count++;
	mermaid_line_start(mermaid);
	buf_printf(mermaid->out, "start%u((\" \")) --> s%u\n", mermaid->scope, scope->start->index);
	for (size_t i = 0; i < scope->count; i++) {
		graph_edges(scope->at[i], note_end, &ends);
		if (graph_scope(scope->at[i], 0) != NULL)
			write_subgraph(mermaid, scope->at[i]);
		else
			mermaid_node(mermaid, scope->at[i]);
	}
	if (ends) {
		mermaid_line_start(mermaid);
		buf_printf(mermaid->out, "end%u(((\" \")))\n", mermaid->scope);
	}
	for (size_t i = 0; i < scope->count; i++)
		graph_edges(scope->at[i], mermaid_edge, mermaid);
	mermaid->scope = outer;
}

/*
 * A style stands once, as a class, and not at each node. Every state has a mark, so that a class is
 * written for all of them.
 */
static void
write_marks(struct mermaid *mermaid)
{
	const struct graph *graph = mermaid->graph;

	for (int mark = 0; mark < GRAPH_MARK_COUNT; mark++)
		buf_printf(mermaid->out, "  classDef %s %s\n",
		    graph_mark_name((enum graph_mark)mark), styles[mark]);
	for (size_t i = 0; i < asl_machine_state_count(graph->machine); i++)
		buf_printf(
		    mermaid->out, "  class s%zu %s\n", i, graph_mark_name(graph->states[i].mark));
}

void
graph_mermaid(const struct graph *graph, struct buf *out)
{
	struct mermaid mermaid = {.graph = graph, .out = out, .depth = 1};

	buf_add_cstr(out, "flowchart TD\n");
	mermaid_scope(&mermaid, asl_machine_states(graph->machine));
	if (graph->states != NULL)
		write_marks(&mermaid);
}
