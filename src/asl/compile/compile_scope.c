#include "asl/compile/compile_scope.h"
#include "asl/compile/compile_state.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <string.h>

/* AWS counts characters, not bytes; a byte that continues one is 10xxxxxx. Both faults are
 * reported with the key, and the state is compiled anyway: its own faults are worth
 * knowing. */
static void
scope_check_name(struct compiler *compiler, const char *name)
{
	size_t chars = 0;

	for (const char *c = name; *c != '\0'; c++)
		chars += ((unsigned char)*c & 0xc0) != 0x80;
	if (chars == 0 || chars > ASL_STATE_NAME_CHARS_MAX)
		compiler_fault(compiler, DIAG_AT_KEY, "INVALID_STATE_NAME", NULL,
		    "A state name should have 1 to %u characters", ASL_STATE_NAME_CHARS_MAX);
	if (json_object_get(compiler->machine->names, name) != NULL)
		compiler_fault(compiler, DIAG_AT_KEY, "DUPLICATE_STATE_NAME",
		    "names must be unique in the whole machine, Branches and Maps included",
		    "Duplicate State name: %s", name);
}

/*
 * Makes the states before any of them is compiled, so that each has its index before those within
 * it: an index lists a Map before the states of its items. False when there are too many.
 */
static bool
scope_declare_states(struct compiler *compiler, json_t *json)
{
	struct arena *arena = &compiler->machine->arena;
	struct asl_states *scope = compiler->scope;
	const char *name;
	json_t *value;

	if (json_object_size(json) > ASL_STATES_MAX - compiler->machine->count) {
		compiler_fault(compiler, DIAG_AT_KEY, COMPILE_SCHEMA, NULL,
		    "Too many states: the limit is %u", ASL_STATES_MAX);
		compiler->incomplete = true;
		return false;
	}
	scope->at = arena_zalloc(arena, json_object_size(json), sizeof(struct asl_state *));
	json_object_foreach (json, name, value) {
		size_t mark = compiler_push(compiler, name);
		struct asl_state *state;

		scope_check_name(compiler, name);
		state = machine_add_state(compiler->machine, name);
		state->scope = scope;
		state->pointer = arena_strdup(arena, compiler_pointer(compiler));
		scope->at[scope->count++] = state;
		compiler_pop(compiler, mark);
	}
	return true;
}

/* All states are declared, then compiled: a state may be named before it stands in the
 * file. Names come from the scope's own list, so both passes have one order. */
void
compile_states(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	struct asl_states *scope = compiler->scope;

	(void)base;
	if (!compiler_expect_object(compiler, field->name, json) ||
	    !scope_declare_states(compiler, json))
		return;
	for (size_t i = 0; i < scope->count; i++) {
		size_t mark = compiler_push(compiler, scope->at[i]->name);

		compile_state(compiler, scope->at[i], json_object_get(json, scope->at[i]->name));
		compiler_pop(compiler, mark);
	}
}

/* The name is resolved when all states are known. */
void
compile_start_at(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	(void)base;
	compiler_transition(compiler, field->name, json, &compiler->scope->start);
}

/* A Comment has no effect; it is kept for those who show a machine. */
void
compile_scope_comment(
    struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	(void)base;
	compiler->scope->comment = compiler_expect_string(compiler, field->name, json);
}

/* Scopes nest on the C stack, so their depth has a limit. The scope around is put back
 * afterwards: fields behind Branches belong to the outer one. */
struct asl_states *
compile_scope(struct compiler *compiler, const struct object_spec *spec, json_t *object, void *base)
{
	struct asl_states *outer_scope = compiler->scope;
	struct asl_states *scope;

	if (compiler->depth == ASL_NESTING_MAX) {
		compiler_fault(compiler, DIAG_AT_VALUE, "TOO_DEEPLY_NESTED", NULL,
		    "States are nested too deeply: the limit is %u levels", ASL_NESTING_MAX);
		return NULL;
	}
	scope = arena_zalloc(&compiler->machine->arena, 1, sizeof(*scope));
	assert((outer_scope == NULL) == (compiler->depth == 0));
	scope->outer = outer_scope;
	compiler->scope = scope;
	compiler->depth++;
	compile_fields(compiler, spec, 0, object, base);
	compiler->depth--;
	compiler->scope = outer_scope;
	return scope;
}

/* Fields of the machine alone: a fault says that they are misplaced, and proposes no other name. */
#define MACHINE_ONLY_FIELDS                                                                        \
	{"TimeoutSeconds", .types = 0}, {"Version", .types = 0},                                   \
	{                                                                                          \
		"QueryLanguage", .types = 0                                                        \
	}

static const struct field branch_fields[] = {COMPILE_SCOPE_FIELDS, MACHINE_ONLY_FIELDS, {0}};
static const struct object_spec branch_spec = {.what = "a branch", .fields = branch_fields};

/* A branch that is not an object leaves NULL, which is never run: the compile has failed. */
void
compile_branches(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	struct asl_state *state = base;
	struct asl_states **branches;
	json_t *branch;
	size_t i;

	if (!compiler_expect_array(compiler, field->name, json, true))
		return;
	branches = arena_zalloc(
	    &compiler->machine->arena, json_array_size(json), sizeof(struct asl_states *));
	state->u.parallel.branches = branches;
	state->u.parallel.branch_count = json_array_size(json);
	json_array_foreach (json, i, branch) {
		size_t mark = compiler_push_index(compiler, i);

		if (compiler_expect_object(compiler, "Branches", branch))
			branches[i] = compile_scope(compiler, &branch_spec, branch, NULL);
		compiler_pop(compiler, mark);
	}
}

/* A Map's ProcessorConfig. */
struct processor_config {
	bool distributed;
	bool has_type;
};

/* INLINE is the default, so anything but the second word leaves it. */
static void
config_compile_mode(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	static const char *const words[] = {"INLINE", "DISTRIBUTED", NULL};
	struct processor_config *config = base;

	config->distributed = compiler_expect_word(compiler, field->name, json, words) == 1;
}

/* Checked because AWS checks it. */
static void
config_compile_type(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	static const char *const words[] = {"STANDARD", "EXPRESS", NULL};
	struct processor_config *config = base;

	compiler_expect_word(compiler, field->name, json, words);
	config->has_type = true;
}

static const struct field config_fields[] = {
    {"Mode", .types = FIELD_ANY_TYPE, .compile = config_compile_mode},
    {"ExecutionType", .types = FIELD_ANY_TYPE, .compile = config_compile_type},
    {0},
};
static const struct object_spec config_spec = {.what = "ProcessorConfig", .fields = config_fields};

/* ExecutionType has no effect here: a local run has neither STANDARD nor EXPRESS. */
static void
config_compile(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	struct processor_config *config = base;

	if (!compiler_expect_object(compiler, field->name, json))
		return;
	compile_fields(compiler, &config_spec, 0, json, config);
	/* AWS asks for the type where items are executions of their own, and nowhere else. */
	if (config->distributed && !config->has_type)
		compiler_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "These fields are required: [ExecutionType]");
}

static const struct field processor_fields[] = {
    COMPILE_SCOPE_FIELDS,
    MACHINE_ONLY_FIELDS,
    {"ProcessorConfig", .types = FIELD_ANY_TYPE, .compile = config_compile},
    {0},
};
static const struct object_spec processor_spec = {
    .what = "an item processor", .fields = processor_fields};

/* Recorded from AWS: Iterator may have a ProcessorConfig, and ItemProcessor may have none. */
void
compile_processor(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	struct asl_state *state = base;
	struct processor_config config = {0};

	if (!compiler_expect_object(compiler, field->name, json))
		return;
	state->u.map.processor = compile_scope(compiler, &processor_spec, json, &config);
	state->u.map.distributed = config.distributed;
	/* Its items are executions of their own, which do not see the variables around them. */
	if (state->u.map.distributed && state->u.map.processor != NULL)
		state->u.map.processor->outer = NULL;
}
