#include "asl/compile/compile_graph.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/*
 * The states as a graph. AWS refuses a definition with a state that cannot be reached; here it is a
 * warning, since such a machine runs all right. An end that is missing is an error on both sides.
 */

/*
 * The state that a transition leads to, NULL when its scope has none of that name.
 * Names are unique in the whole machine, so its table finds the target at once. A definition that
 * breaks this rule has two states of one name, and the table may know the other one: then the scope
 * is searched.
 */
static struct asl_state *
graph_target(const struct compiler *compiler, const struct transition *transition)
{
	const struct asl_states *scope = transition->scope;
	const json_t *index = json_object_get(compiler->machine->names, transition->target);
	struct asl_state *state;

	if (index == NULL)
		return NULL;
	state = compiler->machine->at[json_integer_value(index)];
	if (state->scope == scope)
		return state;
	for (size_t i = 0; i < scope->count; i++) {
		if (strcmp(scope->at[i]->name, transition->target) == 0)
			return scope->at[i];
	}
	return NULL;
}

/* The hint differs where the name exists elsewhere: the author then has a wrong idea of
 * scopes, not a typing error. */
static void
graph_missing_target(struct compiler *compiler, const struct transition *transition)
{
	const struct asl_states *scope = transition->scope;
	const char **known = mem_zalloc(scope->count + 1, sizeof(const char *));
	struct buf near = {0};
	const char *hint = "that state is in another Branch, Map or level: "
			   "a transition cannot leave its own States";

	for (size_t i = 0; i < scope->count; i++)
		known[i] = scope->at[i]->name;
	if (json_object_get(compiler->machine->names, transition->target) == NULL)
		hint = compiler_hint(compiler, &near, transition->target, known);
	diag_add(compiler->diags, DIAG_ERROR, COMPILE_TARGET, transition->pointer, DIAG_AT_VALUE,
	    hint, "Missing '%s' target: %s", transition->field, transition->target);
	buf_fini(&near);
	free(known);
}

void
compile_graph_resolve(struct compiler *compiler)
{
	for (const struct transition *transition = compiler->transitions; transition != NULL;
	     transition = transition->next) {
		*transition->slot = graph_target(compiler, transition);
		if (*transition->slot == NULL) {
			graph_missing_target(compiler, transition);
			compiler->incomplete = true;
		}
	}
}

/* The states that have been reached, and those whose transitions are still to be followed. */
struct graph_walk {
	bool *reached; /* by index */
	const struct asl_state **pending;
	size_t pending_count;
};

/* Each state is put on the list once, so circles end. */
static void
graph_reach(struct graph_walk *walk, const struct asl_state *state)
{
	if (state == NULL || walk->reached[state->index])
		return;
	walk->reached[state->index] = true;
	walk->pending[walk->pending_count++] = state;
}

/* A retry leads back to the state itself, so it is not a way. */
static void
graph_follow(struct graph_walk *walk, const struct asl_state *state)
{
	graph_reach(walk, state->next);
	for (size_t i = 0; i < state->catcher_count; i++)
		graph_reach(walk, state->catchers[i].next);
	if (state->type != ASL_CHOICE)
		return;
	graph_reach(walk, state->u.choice.otherwise);
	for (size_t i = 0; i < state->u.choice.rule_count; i++)
		graph_reach(walk, state->u.choice.rules[i].next);
}

/* The fault stands at the scope's States: the pointer of any state in it, without the last step. */
static void
graph_missing_end(struct compiler *compiler, const struct asl_states *scope, bool has_end)
{
	char *pointer = mem_strdup(scope->at[0]->pointer);

	*strrchr(pointer, '/') = '\0';
	if (has_end)
		diag_add(compiler->diags, DIAG_WARNING, "MISSING_END_STATE", pointer, DIAG_AT_KEY,
		    NULL, "No terminal state can be reached from StartAt");
	else
		diag_add(compiler->diags, DIAG_ERROR, "MISSING_END_STATE", pointer, DIAG_AT_KEY,
		    "one state must be a Succeed or Fail state or have \"End\": true",
		    "No terminal state");
	free(pointer);
}

static void
graph_check_scope(
    struct compiler *compiler, struct graph_walk *walk, const struct asl_states *scope)
{
	bool has_end = false;
	bool reaches_end = false;

	assert(walk->pending_count == 0 && scope->start != NULL);
	graph_reach(walk, scope->start);
	while (walk->pending_count > 0)
		graph_follow(walk, walk->pending[--walk->pending_count]);
	for (size_t i = 0; i < scope->count; i++) {
		const struct asl_state *state = scope->at[i];
		bool reached = walk->reached[state->index];
		bool ends = state->next == NULL && state->type != ASL_CHOICE;

		has_end = has_end || ends;
		reaches_end = reaches_end || (reached && ends);
		if (!reached)
			diag_add(compiler->diags, DIAG_WARNING, COMPILE_TARGET, state->pointer,
			    DIAG_AT_KEY, "AWS refuses such a definition",
			    "State \"%s\" is not reachable.", state->name);
	}
	if (!reaches_end)
		graph_missing_end(compiler, scope, has_end);
}

void
compile_graph_check(struct compiler *compiler)
{
	const struct asl_machine *machine = compiler->machine;
	struct graph_walk walk = {0};

	if (compiler->incomplete)
		return;
	walk.reached = mem_zalloc(machine->count + 1, sizeof(bool));
	walk.pending = mem_zalloc(machine->count + 1, sizeof(const struct asl_state *));
	for (size_t i = 0; i < machine->count; i++) {
		const struct asl_state *state = machine->at[i];

		/* Each scope once, at its first state. */
		if (state->scope->at[0] == state)
			graph_check_scope(compiler, &walk, state->scope);
	}
	free(walk.reached);
	free(walk.pending);
}
