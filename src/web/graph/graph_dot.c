#include "web/graph/graph.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>

/*
 * Graphviz DOT. A Map or Parallel is a cluster: a heading, what it holds, and a point where that
 * ends. Edges go to the heading and come from the point.
 * See: https://graphviz.org/doc/info/lang.html
 */

#define DEPTH_MAX 64 /* of indentation */

static const struct {
	const char *fill;
	const char *line;
} colours[GRAPH_MARK_COUNT] = {
    [GRAPH_UNTOUCHED] = {"#ffffff", "#5f6b7a"},
    [GRAPH_DONE] = {"#d9f2dc", "#2e7d32"},
    [GRAPH_CAUGHT] = {"#ffe8c2", "#c46a00"},
    [GRAPH_FAILED] = {"#fbd5d5", "#c62828"},
    [GRAPH_ABORTED] = {"#e6e6e6", "#8a8a8a"},
    [GRAPH_RUNNING] = {"#d3e5fb", "#1565c0"},
};

static const char *const shapes[ASL_STATE_TYPE_COUNT] = {
    [ASL_PASS] = "box",
    [ASL_TASK] = "box",
    [ASL_CHOICE] = "diamond",
    [ASL_WAIT] = "cds",
    [ASL_SUCCEED] = "ellipse",
    [ASL_FAIL] = "octagon",
    [ASL_PARALLEL] = "box",
    [ASL_MAP] = "box",
};

struct dot {
	const struct graph *graph;
	struct buf *out;
	int depth;
	const struct asl_state *parent; /* whose scope is written; NULL: the machine */
	struct graph_walk *walk;	/* by state index */
};

/* Indentation is for a reader of the text only, so that it may stop at a depth. */
static void
dot_line_start(struct dot *dot)
{
	for (int i = 0; i < dot->depth && i < DEPTH_MAX; i++)
		buf_add_cstr(dot->out, "  ");
}

/* Text for an HTML-like label. */
static void
add_html(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '&')
			buf_add_cstr(out, "&amp;");
		else if (*text == '<')
			buf_add_cstr(out, "&lt;");
		else if (*text == '>')
			buf_add_cstr(out, "&gt;");
		else if (*text == '"')
			buf_add_cstr(out, "&quot;");
		else if (*text == '\n')
			buf_add_cstr(out, "<br/>");
		else if ((unsigned char)*text >= ' ')
			buf_add_char(out, *text);
	}
}

static bool
holds_scopes(const struct asl_state *state)
{
	return graph_scope(state, 0) != NULL;
}

/* The node that edges leave from. */
static void
add_exit_name(struct buf *out, const struct asl_state *state)
{
	buf_printf(out, "s%u%s", state->index, holds_scopes(state) ? "_end" : "");
}

/* An HTML-like label allows a bold name above a smaller second line. */
static void
dot_label(struct dot *dot, const struct asl_state *state)
{
	struct graph_state run = graph_state_of(dot->graph, state);
	struct buf subtitle = {0};

	buf_add_cstr(dot->out, "label=<<b>");
	add_html(dot->out, state->name);
	buf_add_cstr(dot->out, "</b>");
	if (run.entered > 1)
		buf_printf(dot->out, " &#215;%" PRId64, run.entered);
	graph_subtitle(state, &subtitle);
	if (subtitle.len > 0) {
		buf_add_cstr(dot->out, "<br/><font point-size=\"9\">");
		add_html(dot->out, buf_cstr(&subtitle));
		buf_add_cstr(dot->out, "</font>");
	}
	buf_add_char(dot->out, '>');
	buf_fini(&subtitle);
}

/* The mark is a class as well, so that a page can style the states of an SVG by what a run did. */
static void
dot_node(struct dot *dot, const struct asl_state *state)
{
	enum graph_mark mark = graph_state_of(dot->graph, state).mark;

	dot_line_start(dot);
	buf_printf(dot->out, "s%u [", state->index);
	dot_label(dot, state);
	buf_printf(dot->out, ", shape=%s, fillcolor=\"%s\", color=\"%s\"", shapes[state->type],
	    colours[mark].fill, colours[mark].line);
	if (state->type == ASL_CHOICE)
		buf_add_cstr(dot->out, ", margin=\"0,0.02\"");
	if (dot->graph->states != NULL)
		buf_printf(dot->out, ", class=\"%s\"", graph_mark_name(mark));
	buf_add_cstr(dot->out, "];\n");
}

static void dot_scope(struct dot *dot, const struct asl_states *scope);

/* An edge from the heading to where a scope begins. */
static void
write_entry(struct dot *dot, const struct asl_state *state, const struct asl_states *scope)
{
	dot_line_start(dot);
	buf_printf(dot->out, "s%u -> s%u;\n", state->index, scope->start->index);
}

/*
 * Graphviz draws only subgraphs whose name begins with "cluster" as boxes. The heading and the
 * point are nodes inside, because an edge cannot end at a cluster itself.
 */
static void
write_cluster(struct dot *dot, const struct asl_state *state)
{
	const struct asl_state *outer = dot->parent;
	enum graph_mark mark = graph_state_of(dot->graph, state).mark;
	const struct asl_states *scope;

	dot_line_start(dot);
	buf_printf(dot->out, "subgraph cluster_s%u {\n", state->index);
	dot->depth++;
	dot_line_start(dot);
	buf_printf(dot->out,
	    "label=\"\"; style=\"rounded,filled\"; fillcolor=\"#f6f8fa\"; color=\"%s\";\n",
	    colours[mark].line);
	dot_node(dot, state);
	dot_line_start(dot);
	buf_printf(
	    dot->out, "s%u_end [shape=point, width=0.08, color=\"#5f6b7a\"];\n", state->index);
	dot_line_start(dot); /* the point stays below, also where nothing leads to it */
	buf_printf(dot->out, "s%u -> s%u_end [style=invis];\n", state->index, state->index);
	dot->parent = state;
	for (size_t i = 0; (scope = graph_scope(state, i)) != NULL; i++) {
		dot_scope(dot, scope);
		write_entry(dot, state, scope);
	}
	dot->parent = outer;
	dot->depth--;
	dot_line_start(dot);
	buf_add_cstr(dot->out, "}\n");
}

/* Where an edge arrives: a state, or the end of what is written. */
static void
add_entry_name(const struct dot *dot, const struct asl_state *to)
{
	if (to != NULL)
		buf_printf(dot->out, "s%u", to->index);
	else if (dot->parent != NULL)
		buf_printf(dot->out, "s%u_end", dot->parent->index);
	else
		buf_add_cstr(dot->out, "end");
}

/*
 * Edges that lead back are written the other way round, so that the picture goes from top to
 * bottom.
 */
static void
dot_edge(void *arg, const struct graph_edge *edge)
{
	struct dot *dot = arg;
	bool back = graph_leads_back(dot->walk, edge);

	dot_line_start(dot);
	if (back) {
		add_entry_name(dot, edge->to);
		buf_add_cstr(dot->out, " -> ");
		add_exit_name(dot->out, edge->from);
		buf_add_cstr(dot->out, " [dir=back");
	} else {
		add_exit_name(dot->out, edge->from);
		buf_add_cstr(dot->out, " -> ");
		add_entry_name(dot, edge->to);
		buf_add_cstr(dot->out, " [dir=forward");
	}
	if (edge->kind == GRAPH_NEXT)
		buf_add_cstr(dot->out, ", weight=4"); /* the main way is straight */
	if (edge->label[0] != '\0') {
		buf_add_cstr(dot->out, ", label=< ");
		add_html(dot->out, edge->label);
		buf_add_cstr(dot->out, " >");
	}
	if (edge->kind == GRAPH_CATCH)
		buf_add_cstr(dot->out, ", style=dashed, color=\"#c62828\", fontcolor=\"#c62828\"");
	if (holds_scopes(edge->from))
		buf_printf(
		    dot->out, ", %s=cluster_s%u", back ? "lhead" : "ltail", edge->from->index);
	buf_add_cstr(dot->out, "];\n");
}

/*
 * Edges never leave their scope, so that each scope has a walk of its own. One array serves all of
 * them, because states are numbered across the machine.
 */
static void
dot_scope(struct dot *dot, const struct asl_states *scope)
{
	for (size_t i = 0; i < scope->count; i++) {
		if (holds_scopes(scope->at[i]))
			write_cluster(dot, scope->at[i]);
		else
			dot_node(dot, scope->at[i]);
	}
	graph_walk(scope, dot->walk);
	for (size_t i = 0; i < scope->count; i++)
		graph_edges(scope->at[i], dot_edge, dot);
}

/* A Choice ends nothing itself, and a Fail has no edge. Without any end the node is not drawn. */
static bool
has_end(const struct asl_states *scope)
{
	for (size_t i = 0; i < scope->count; i++)
		if (scope->at[i]->next == NULL && scope->at[i]->type != ASL_FAIL &&
		    scope->at[i]->type != ASL_CHOICE)
			return true;
	return false;
}

void
graph_dot(const struct graph *graph, struct buf *out)
{
	struct dot dot = {.graph = graph, .out = out, .depth = 1};
	const struct asl_states *scope = asl_machine_states(graph->machine);

	dot.walk = mem_zalloc(asl_machine_state_count(graph->machine), sizeof(*dot.walk));
	buf_add_cstr(out, "digraph workflow {\n  label=<<b>");
	add_html(out, graph->name);
	buf_add_cstr(out, "</b>>; labelloc=t; fontname=\"Helvetica\"; fontsize=14;\n"
			  "  compound=true; nodesep=0.35; ranksep=0.4;\n"
			  "  node [style=\"rounded,filled\", fontname=\"Helvetica\", fontsize=11, "
			  "margin=\"0.15,0.06\"];\n"
			  "  edge [fontname=\"Helvetica\", fontsize=9, color=\"#5f6b7a\", "
			  "arrowsize=0.7];\n"
			  "  start [shape=circle, style=filled, fillcolor=\"#5f6b7a\", label=\"\", "
			  "width=0.16];\n");
	if (has_end(scope))
		buf_add_cstr(out, "  end [shape=doublecircle, style=filled, "
				  "fillcolor=\"#5f6b7a\", label=\"\", width=0.12];\n");
	dot_scope(&dot, scope);
	buf_printf(out, "  start -> s%u;\n}\n", scope->start->index);
	free(dot.walk);
}
