#include "asl/compile/compile_scope.h"
#include "asl/compile/compile_state.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include <string.h>

static size_t
char_count(const char *name)
{
	size_t count = 0;

	for (; *name != '\0'; name++)
		count += ((unsigned char)*name & 0xc0) != 0x80;
	return count;
}

static void
check_name(struct compiler *compiler, const char *name)
{
	if (*name == '\0' || char_count(name) > ASL_STATE_NAME_CHARS_MAX)
		compiler_fault(compiler, DIAG_AT_KEY, "INVALID_STATE_NAME", NULL,
		    "A state name should have 1 to %u characters", ASL_STATE_NAME_CHARS_MAX);
	if (json_object_get(compiler->machine->names, name) != NULL)
		compiler_fault(compiler, DIAG_AT_KEY, "DUPLICATE_STATE_NAME",
		    "names are unique in the whole machine, Branches and Maps included",
		    "Duplicate State name: %s", name);
}

/* Makes the states, so that each has its index before those within it. False when there are too many. */
static bool
declare_states(struct compiler *compiler, json_t *json)
{
	struct arena *arena = &compiler->machine->arena;
	struct asl_states *scope = compiler->scope;
	const char *name;
	json_t *value;

	if (json_object_size(json) > ASL_STATES_MAX - compiler->machine->count) {
		compiler_fault(compiler, DIAG_AT_KEY, COMPILE_SCHEMA, NULL, "More than %u states",
		    ASL_STATES_MAX);
		compiler->incomplete = true;
		return false;
	}
	scope->at = arena_zalloc(arena, json_object_size(json), sizeof(struct asl_state *));
	json_object_foreach (json, name, value) {
		size_t mark = compiler_push(compiler, name);
		struct asl_state *state;

		check_name(compiler, name);
		state = machine_add_state(compiler->machine, name);
		state->scope = scope;
		state->pointer = arena_strdup(arena, compiler_pointer(compiler));
		scope->at[scope->count++] = state;
		compiler_pop(compiler, mark);
	}
	return true;
}

void
compile_states(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	struct asl_states *scope = compiler->scope;

	(void)base;
	if (!compiler_expect_object(compiler, field->name, json) || !declare_states(compiler, json))
		return;
	for (size_t i = 0; i < scope->count; i++) {
		size_t mark = compiler_push(compiler, scope->at[i]->name);

		compile_state(compiler, scope->at[i], json_object_get(json, scope->at[i]->name));
		compiler_pop(compiler, mark);
	}
}

void
compile_start_at(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	(void)base;
	compiler_transition(compiler, field->name, json, &compiler->scope->start);
}

void
compile_scope_comment(
    struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	(void)base;
	compiler->scope->comment = compiler_expect_string(compiler, field->name, json);
}

static void
remember_scope(struct compiler *compiler, struct asl_states *scope)
{
	if (compiler->scope_count == compiler->scope_capacity) {
		compiler->scope_capacity = 2 * compiler->scope_capacity + 16;
		compiler->scopes = mem_resize(
		    compiler->scopes, compiler->scope_capacity, sizeof(struct asl_states *));
	}
	compiler->scopes[compiler->scope_count++] = scope;
}

struct asl_states *
compile_scope(struct compiler *compiler, const struct object_spec *spec, json_t *object, void *base)
{
	struct asl_states *outer_scope = compiler->scope;
	struct asl_state *outer_state = compiler->state;
	struct asl_states *scope;

	if (compiler->depth == ASL_NESTING_MAX) {
		compiler_fault(compiler, DIAG_AT_VALUE, "TOO_DEEPLY_NESTED", NULL,
		    "States nested more than %u levels deep", ASL_NESTING_MAX);
		return NULL;
	}
	scope = arena_zalloc(&compiler->machine->arena, 1, sizeof(*scope));
	scope->outer = outer_scope;
	remember_scope(compiler, scope);
	compiler->scope = scope;
	compiler->state = NULL;
	compiler->depth++;
	compile_fields(compiler, spec, 0, object, base);
	compiler->depth--;
	compiler->scope = outer_scope;
	compiler->state = outer_state;
	return scope;
}

/* What only the machine itself may have is known here, so that no other name is proposed. */
#define MACHINE_ONLY_FIELDS                                                                        \
	{"TimeoutSeconds", .types = 0}, {"Version", .types = 0},                                   \
	{                                                                                          \
		"QueryLanguage", .types = 0                                                        \
	}

static const struct field branch_fields[] = {COMPILE_SCOPE_FIELDS, MACHINE_ONLY_FIELDS, {0}};
static const struct object_spec branch_spec = {.what = "a branch", .fields = branch_fields};

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
	const char *mode;
	const char *execution_type;
};

static void
compile_word(struct compiler *compiler, const struct field *field, json_t *json, void *base,
    const char *const words[2])
{
	const char *word = compiler_expect_string(compiler, field->name, json);
	const char *const known[] = {words[0], words[1], NULL};
	struct buf hint = {0};

	if (word == NULL)
		return;
	*(const char **)(void *)((char *)base + field->offset) = word;
	if (strcmp(word, words[0]) == 0 || strcmp(word, words[1]) == 0)
		return;
	compiler_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA,
	    compiler_hint(compiler, &hint, word, known),
	    "The field '%s' should have one of these values: [%s, %s]", field->name, words[0],
	    words[1]);
	buf_fini(&hint);
}

static void
compile_mode(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	static const char *const words[2] = {"INLINE", "DISTRIBUTED"};

	compile_word(compiler, field, json, base, words);
}

static void
compile_execution_type(
    struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	static const char *const words[2] = {"STANDARD", "EXPRESS"};

	compile_word(compiler, field, json, base, words);
}

static const struct field config_fields[] = {
    {"Mode", .types = FIELD_ANY_TYPE, .compile = compile_mode,
	.offset = offsetof(struct processor_config, mode)},
    {"ExecutionType", .types = FIELD_ANY_TYPE, .compile = compile_execution_type,
	.offset = offsetof(struct processor_config, execution_type)},
    {0},
};
static const struct object_spec config_spec = {.what = "ProcessorConfig", .fields = config_fields};

static void
compile_config(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	struct processor_config *config = base;

	if (!compiler_expect_object(compiler, field->name, json))
		return;
	compile_fields(compiler, &config_spec, 0, json, config);
	if (config->mode != NULL && strcmp(config->mode, "DISTRIBUTED") == 0 &&
	    config->execution_type == NULL)
		compiler_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "These fields are required: [ExecutionType]");
}

static const struct field processor_fields[] = {
    COMPILE_SCOPE_FIELDS,
    MACHINE_ONLY_FIELDS,
    {"ProcessorConfig", .types = FIELD_ANY_TYPE, .compile = compile_config},
    {0},
};
static const struct object_spec processor_spec = {
    .what = "an item processor", .fields = processor_fields};

void
compile_processor(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	struct asl_state *state = base;
	struct processor_config config = {0};

	if (!compiler_expect_object(compiler, field->name, json))
		return;
	state->u.map.processor = compile_scope(compiler, &processor_spec, json, &config);
	state->u.map.distributed = config.mode != NULL && strcmp(config.mode, "DISTRIBUTED") == 0;
	if (state->u.map.distributed && state->u.map.processor != NULL)
		state->u.map.processor->outer = NULL; /* executions of their own */
}
