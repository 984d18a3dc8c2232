#include "web/graph/graph.h"

#include "asl/compile/compile.h"
#include "base/jsonx.h"

#include <stdlib.h>

/* The form that src/web/assets/graph.js draws. */

static const char *const edge_names[] = {
    [GRAPH_NEXT] = "next",
    [GRAPH_CHOICE] = "choice",
    [GRAPH_DEFAULT] = "default",
    [GRAPH_CATCH] = "catch",
};

/* An edge to the end of the scope has no "to". */
static void
graph_json_add_edge(void *arg, const struct graph_edge *edge)
{
	json_t *object = json_object();

	jsonx_put_string(object, "kind", edge_names[edge->kind]);
	jsonx_put_string(object, "to", edge->to != NULL ? edge->to->name : NULL);
	jsonx_put_string(object, "label", edge->label[0] != '\0' ? edge->label : NULL);
	json_array_append_new(arg, object);
}

/* A Map's or Parallel's states hold scopes, which hold states. */
static json_t *graph_json_scope(const struct graph *graph, const struct asl_states *scope);

static json_t *
graph_json_state(const struct graph *graph, const struct asl_state *state)
{
	struct graph_state run = graph_state_of(graph, state);
	const struct asl_states *scope;
	json_t *object = json_object();
	json_t *scopes = json_array();
	json_t *next = json_array();
	struct buf about = {0};

	graph_subtitle(state, &about);
	graph_edges(state, graph_json_add_edge, next);
	for (size_t i = 0; (scope = graph_scope(state, i)) != NULL; i++)
		json_array_append_new(scopes, graph_json_scope(graph, scope));
	jsonx_put_string(object, "name", state->name);
	jsonx_put_string(object, "kind", asl_state_type_name(state->type));
	jsonx_put_string(object, "about", about.len > 0 ? buf_cstr(&about) : NULL);
	if (graph->states != NULL)
		jsonx_put_string(object, "mark", graph_mark_name(run.mark));
	if (run.entered > 0)
		json_object_set_new(object, "entered", json_integer(run.entered));
	json_object_set_new(object, "next", next);
	json_object_set_new(object, "scopes", scopes);
	buf_fini(&about);
	return object;
}

static json_t *
graph_json_scope(const struct graph *graph, const struct asl_states *scope)
{
	json_t *object = json_object();
	json_t *states = json_array();

	for (size_t i = 0; i < scope->count; i++)
		json_array_append_new(states, graph_json_state(graph, scope->at[i]));
	jsonx_put_string(object, "start", scope->start->name);
	json_object_set_new(object, "states", states);
	return object;
}

json_t *
graph_json(const struct graph *graph)
{
	return graph_json_scope(graph, asl_machine_states(graph->machine));
}

/* Actions are not looked up: a store may hold runs of a program that has others. */
struct asl_machine *
graph_machine_of_run(const struct store_run *run)
{
	const char *name = run->workflow_name != NULL ? run->workflow_name : "definition";
	struct doc *doc =
	    run->definition != NULL ? doc_parse(name, str_of(run->definition), NULL) : NULL;
	struct asl_machine *machine = NULL;
	struct diag_list diags;

	if (doc != NULL) {
		diag_list_init(&diags, doc);
		machine = asl_compile(doc, NULL, &diags);
		diag_list_fini(&diags);
	}
	doc_free(doc);
	return machine;
}

json_t *
graph_json_of_run(struct store *store, const struct store_run *run)
{
	struct asl_machine *machine = graph_machine_of_run(run);
	struct graph graph = {.machine = machine, .name = run->workflow_name};
	struct graph_state *states;
	bool history;
	json_t *drawn;

	if (machine == NULL)
		return NULL;
	/* Without marks where the checkpoints cannot be read: the states are worth seeing. */
	states = graph_marks(store, run, machine, &history, NULL);
	graph.states = states;
	drawn = graph_json(&graph);
	free(states);
	asl_machine_unref(machine);
	return drawn;
}
