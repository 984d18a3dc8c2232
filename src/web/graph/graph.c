#include "web/graph/graph.h"

#include "asl/state/dataflow.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>

#define ERRORS_SHOWN_MAX 3 /* of a Catch */

struct edge_target {
	void (*fn)(void *arg, const struct graph_edge *edge);
	void *arg;
	const struct asl_state *from;
};

/*
 * An edge is handed to a callback and not kept: each format writes it at once, and its label lives
 * only until the call returns.
 */
static void
edge_emit(const struct edge_target *target, enum graph_edge_kind kind, const struct asl_state *to,
    const char *label)
{
	const struct graph_edge edge = {
	    .kind = kind, .from = target->from, .to = to, .label = label};

	target->fn(target->arg, &edge);
}

/*
 * The rules come in the order in which they are tried: the first match decides. A Choice without
 * Default has no further edge: where no rule holds, States.Runtime ends the execution.
 */
static void
choice_edges(const struct edge_target *target)
{
	const struct asl_state *state = target->from;
	struct buf label = {0};

	for (size_t i = 0; i < state->u.choice.rule_count; i++) {
		buf_reset(&label);
		graph_condition(&state->u.choice.rules[i], &label);
		edge_emit(target, GRAPH_CHOICE, state->u.choice.rules[i].next, buf_cstr(&label));
	}
	if (state->u.choice.otherwise != NULL)
		edge_emit(target, GRAPH_DEFAULT, state->u.choice.otherwise, "otherwise");
	buf_fini(&label);
}

/* The error names, the first few of many. */
static void
catch_label(const struct asl_catcher *catcher, struct buf *out)
{
	size_t count = 0;

	for (; catcher->errors[count] != NULL; count++) {
		if (count < ERRORS_SHOWN_MAX)
			buf_printf(out, "%s%s", count > 0 ? "\n" : "", catcher->errors[count]);
	}
	if (count > ERRORS_SHOWN_MAX)
		buf_printf(out, "\nand %zu more", count - ERRORS_SHOWN_MAX);
}

static void
catch_edges(const struct edge_target *target)
{
	struct buf label = {0};

	for (size_t i = 0; i < target->from->catcher_count; i++) {
		const struct asl_catcher *catcher = &target->from->catchers[i];

		buf_reset(&label);
		catch_label(catcher, &label);
		edge_emit(target, GRAPH_CATCH, catcher->next, buf_cstr(&label));
	}
	buf_fini(&label);
}

/*
 * A Fail state ends its execution, so that nothing leads on from it. A state with End has an edge
 * to NULL, which a format draws as an edge to the end.
 */
void
graph_edges(
    const struct asl_state *state, void (*fn)(void *arg, const struct graph_edge *edge), void *arg)
{
	const struct edge_target target = {.fn = fn, .arg = arg, .from = state};

	if (state->type == ASL_CHOICE)
		choice_edges(&target);
	else if (state->type != ASL_FAIL)
		edge_emit(&target, GRAPH_NEXT, state->next, "");
	catch_edges(&target);
}

/*
 * Asked with 0, 1, 2 and so on until it returns NULL. A Map has one scope, and a Parallel one for
 * each branch.
 */
const struct asl_states *
graph_scope(const struct asl_state *state, size_t index)
{
	if (state->type == ASL_MAP)
		return index == 0 ? state->u.map.processor : NULL;
	if (state->type == ASL_PARALLEL && index < state->u.parallel.branch_count)
		return state->u.parallel.branches[index];
	return NULL;
}

/* --- which edges lead back --- */

/* A state that the walk is in: its edges are looked at one after the other. */
struct step {
	const struct asl_state *state;
	size_t next_edge;
};

/* Finds edge number wanted of a state. */
struct nth_edge {
	size_t wanted;
	size_t seen;
	const struct asl_state *to;
	bool found;
};

static void
look_at_edge(void *arg, const struct graph_edge *edge)
{
	struct nth_edge *nth = arg;

	if (nth->seen++ != nth->wanted)
		return;
	nth->to = edge->to;
	nth->found = true;
}

/*
 * A depth-first walk that numbers when it enters and leaves each state. It has a stack of its own,
 * because a recursion would be as deep as the longest chain of states. No state is entered twice,
 * so that the stack never holds more than the scope has.
 */
void
graph_walk(const struct asl_states *scope, struct graph_walk *walk)
{
	struct step *stack = mem_zalloc(scope->count, sizeof(*stack));
	unsigned time = 1;
	size_t depth = 1;

	stack[0].state = scope->start;
	walk[scope->start->index].enter = time++;
	while (depth > 0) {
		struct step *step = &stack[depth - 1];
		struct nth_edge nth = {.wanted = step->next_edge++};

		graph_edges(step->state, look_at_edge, &nth);
		if (!nth.found) {
			walk[step->state->index].leave = time++;
			depth--;
		} else if (nth.to != NULL && walk[nth.to->index].enter == 0) {
			walk[nth.to->index].enter = time++;
			stack[depth++] = (struct step){.state = nth.to};
		}
	}
	free(stack);
}

/*
 * An edge leads back if its target was entered before its origin and left after it: the walk was
 * still inside the target. A loop that polls, such as Check to Wait to Check, has one. A state that
 * leads to itself counts.
 */
bool
graph_leads_back(const struct graph_walk *walk, const struct graph_edge *edge)
{
	const struct graph_walk *from = &walk[edge->from->index];

	if (edge->to == NULL || from->enter == 0)
		return false;
	return walk[edge->to->index].enter <= from->enter &&
	       walk[edge->to->index].leave >= from->leave;
}

/* --- the second line --- */

static void
wait_subtitle(const struct asl_state *state, struct buf *out)
{
	if (state->u.wait.timestamp_jsonata != NULL)
		buf_printf(out, "until %s", asl_jsonata_text(state->u.wait.timestamp_jsonata));
	else if (state->u.wait.seconds.jsonata != NULL)
		buf_printf(out, "%s seconds", asl_jsonata_text(state->u.wait.seconds.jsonata));
	else if (state->u.wait.timestamp_path != NULL)
		buf_printf(out, "until %s", asl_path_text(state->u.wait.timestamp_path));
	else if (state->u.wait.timestamp_given)
		buf_add_cstr(out, "until a time");
	else if (state->u.wait.seconds.path != NULL)
		buf_printf(out, "%s seconds", asl_path_text(state->u.wait.seconds.path));
	else
		buf_printf(out, "%" PRId64 " s", state->u.wait.seconds.value);
}

static void
map_subtitle(const struct asl_state *state, struct buf *out)
{
	const struct asl_template *items = state->u.map.items;
	const struct asl_jsonata *jsonata = items != NULL ? asl_template_jsonata(items) : NULL;
	const char *text = "$";

	if (jsonata != NULL)
		text = asl_jsonata_text(jsonata);
	else if (state->u.map.items_path != NULL)
		text = asl_path_text(state->u.map.items_path);
	else if (state->query == &asl_query_jsonata)
		text = items != NULL ? "a list" : "$states.input";
	buf_printf(out, "for each of %s", text);
	if (state->u.map.max_concurrency.value > 0)
		buf_printf(out, ", %" PRId64 " at once", state->u.map.max_concurrency.value);
}

void
graph_subtitle(const struct asl_state *state, struct buf *out)
{
	switch (state->type) {
	case ASL_TASK:
		buf_add_cstr(out, state->u.task.resource);
		break;
	case ASL_WAIT:
		wait_subtitle(state, out);
		break;
	case ASL_MAP:
		map_subtitle(state, out);
		break;
	case ASL_FAIL:
		if (state->u.fail.error_jsonata != NULL)
			buf_add_cstr(out, asl_jsonata_text(state->u.fail.error_jsonata));
		else
			buf_add_cstr(out, state->u.fail.error != NULL ? state->u.fail.error : "");
		break;
	case ASL_PARALLEL:
		buf_printf(out, "%zu branches", state->u.parallel.branch_count);
		break;
	case ASL_PASS:
	case ASL_CHOICE:
	case ASL_SUCCEED:
	case ASL_STATE_TYPE_COUNT:
		break;
	}
}

/* --- marks --- */

const char *
graph_mark_name(enum graph_mark mark)
{
	static const char *const names[GRAPH_MARK_COUNT] = {
	    [GRAPH_UNTOUCHED] = "untouched",
	    [GRAPH_DONE] = "done",
	    [GRAPH_CAUGHT] = "caught",
	    [GRAPH_FAILED] = "failed",
	    [GRAPH_ABORTED] = "aborted",
	    [GRAPH_RUNNING] = "running",
	};

	return names[mark];
}

struct graph_state
graph_state_of(const struct graph *graph, const struct asl_state *state)
{
	if (graph->states == NULL)
		return (struct graph_state){.mark = GRAPH_UNTOUCHED};
	return graph->states[state->index];
}
