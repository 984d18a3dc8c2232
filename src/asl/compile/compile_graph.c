#include "asl/compile/compile_graph.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static struct asl_state *
find_in_scope(const struct asl_states *scope, const char *name)
{
	for (size_t i = 0; i < scope->count; i++) {
		if (strcmp(scope->at[i]->name, name) == 0)
			return scope->at[i];
	}
	return NULL;
}

/* The machine's table finds at once what is not a duplicate. */
static struct asl_state *
find_target(struct compiler *compiler, const struct transition *transition)
{
	const json_t *index = json_object_get(compiler->machine->names, transition->target);
	struct asl_state *state;

	if (index == NULL)
		return NULL;
	state = compiler->machine->at[json_integer_value(index)];
	return state->scope == transition->scope
		   ? state
		   : find_in_scope(transition->scope, transition->target);
}

static void
missing_target(struct compiler *compiler, const struct transition *transition)
{
	const struct asl_states *scope = transition->scope;
	const char **known = mem_zalloc(scope->count + 1, sizeof(const char *));
	struct buf near = {0};
	const char *hint = "it stands in another Branch, Map or level: a transition stays within "
			   "its own States";

	for (size_t i = 0; i < scope->count; i++)
		known[i] = scope->at[i]->name;
	if (json_object_get(compiler->machine->names, transition->target) == NULL)
		hint = compiler_hint(compiler, &near, transition->target, known);
	diag_add(compiler->diags, DIAG_ERROR, COMPILE_TARGET, transition->pointer, DIAG_AT_VALUE,
	    hint, "Missing '%s' target: %s", transition->field, transition->target);
	buf_fini(&near);
	free(known);
	compiler->incomplete = true;
}

void
compile_graph_resolve(struct compiler *compiler)
{
	for (size_t i = 0; i < compiler->transition_count; i++) {
		const struct transition *transition = &compiler->transitions[i];
		struct asl_state *state = find_target(compiler, transition);

		if (state != NULL)
			*transition->slot = state;
		else
			missing_target(compiler, transition);
	}
}

/* The states that have been reached, and those of them whose transitions are still to be followed. */
struct walk {
	bool *reached; /* by index */
	const struct asl_state **pending;
	size_t pending_count;
};

static void
reach(struct walk *walk, const struct asl_state *state)
{
	if (state == NULL || walk->reached[state->index])
		return;
	walk->reached[state->index] = true;
	walk->pending[walk->pending_count++] = state;
}

static void
follow(struct walk *walk, const struct asl_state *state)
{
	reach(walk, state->next);
	for (size_t i = 0; i < state->catcher_count; i++)
		reach(walk, state->catchers[i].next);
	if (state->type != ASL_CHOICE)
		return;
	reach(walk, state->u.choice.otherwise);
	for (size_t i = 0; i < state->u.choice.rule_count; i++)
		reach(walk, state->u.choice.rules[i].next);
}

static bool
ends(const struct asl_state *state)
{
	return state->next == NULL && state->type != ASL_CHOICE;
}

/* At the scope's States: its states stand there. */
static void
report_scope(struct compiler *compiler, const struct asl_states *scope, bool has_end)
{
	char *pointer = mem_strdup(scope->at[0]->pointer);

	*strrchr(pointer, '/') = '\0';
	if (has_end)
		diag_add(compiler->diags, DIAG_WARNING, "MISSING_END_STATE", pointer, DIAG_AT_KEY,
		    NULL, "No terminal state can be reached from StartAt");
	else
		diag_add(compiler->diags, DIAG_ERROR, "MISSING_END_STATE", pointer, DIAG_AT_KEY,
		    "one state must be a Succeed or Fail state or have \"End\": true",
		    "There is no terminal state");
	free(pointer);
}

static void
check_scope(struct compiler *compiler, struct walk *walk, const struct asl_states *scope)
{
	bool has_end = false;
	bool reaches_end = false;

	reach(walk, scope->start);
	while (walk->pending_count > 0)
		follow(walk, walk->pending[--walk->pending_count]);
	for (size_t i = 0; i < scope->count; i++) {
		const struct asl_state *state = scope->at[i];
		bool reached = walk->reached[state->index];

		has_end = has_end || ends(state);
		reaches_end = reaches_end || (reached && ends(state));
		if (!reached)
			diag_add(compiler->diags, DIAG_WARNING, COMPILE_TARGET, state->pointer,
			    DIAG_AT_KEY, "AWS refuses such a definition",
			    "State \"%s\" is not reachable.", state->name);
	}
	if (!reaches_end)
		report_scope(compiler, scope, has_end);
}

void
compile_graph_check(struct compiler *compiler)
{
	size_t count = compiler->machine->count;
	struct walk walk = {0};

	if (compiler->incomplete)
		return;
	walk.reached = mem_zalloc(count + 1, sizeof(bool));
	walk.pending = mem_zalloc(count + 1, sizeof(const struct asl_state *));
	for (size_t i = 0; i < compiler->scope_count; i++)
		check_scope(compiler, &walk, compiler->scopes[i]);
	free(walk.reached);
	free(walk.pending);
}
