#include "asl/compile/compile.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* --- faults and places --- */

const char *
compile_pointer(const struct compiler *compiler)
{
	return compiler->pointer.len > 0 ? buf_cstr(&compiler->pointer) : "/";
}

static void
report(struct compiler *compiler, enum diag_severity severity, enum diag_at at, const char *code,
    const char *hint, const char *format, va_list args)
{
	struct buf message = {0};

	buf_vprintf(&message, format, args);
	diag_add(compiler->diags, severity, code, compile_pointer(compiler), at, hint, "%s",
	    buf_cstr(&message));
	buf_fini(&message);
}

void
compile_fault(struct compiler *compiler, enum diag_at at, const char *code, const char *hint,
    const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report(compiler, DIAG_ERROR, at, code, hint, format, args);
	va_end(args);
}

void
compile_warn(struct compiler *compiler, enum diag_at at, const char *code, const char *hint,
    const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report(compiler, DIAG_WARNING, at, code, hint, format, args);
	va_end(args);
}

size_t
compile_push(struct compiler *compiler, const char *key)
{
	size_t mark = compiler->pointer.len;

	doc_pointer_add(&compiler->pointer, key);
	return mark;
}

size_t
compile_push_index(struct compiler *compiler, size_t index)
{
	size_t mark = compiler->pointer.len;

	doc_pointer_add_index(&compiler->pointer, index);
	return mark;
}

void
compile_pop(struct compiler *compiler, size_t mark)
{
	struct buf *pointer = &compiler->pointer;

	assert(mark < pointer->len);
	pointer->len = mark;
	pointer->p[mark] = '\0';
}

const char *
compile_hint(struct compiler *compiler, struct buf *out, const char *word, const char *const *known)
{
	for (size_t i = 0; known[i] != NULL; i++)
		compiler->hint_words++;
	return compiler->hint_words <= COMPILE_HINTS_MAX ? diag_hint_nearest(out, word, known)
							 : NULL;
}

/* --- transitions --- */

void
compile_transition(
    struct compiler *compiler, const char *field, json_t *json, struct asl_state **slot)
{
	const char *target = compile_expect_string(compiler, field, json);

	if (target == NULL) {
		compiler->incomplete = true;
		return;
	}
	if (compiler->transition_count == compiler->transition_capacity) {
		compiler->transition_capacity = 2 * compiler->transition_capacity + 16;
		compiler->transitions = mem_resize(compiler->transitions,
		    compiler->transition_capacity, sizeof(*compiler->transitions));
	}
	compiler->transitions[compiler->transition_count++] = (struct transition){
	    .scope = compiler->scope,
	    .field = field,
	    .target = target,
	    .pointer = mem_strdup(compile_pointer(compiler)),
	    .slot = slot,
	};
}

void
compile_transition_field(
    struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	void *slot = (char *)base + field->offset;

	compile_transition(compiler, field->name, json, slot);
}

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
		hint = compile_hint(compiler, &near, transition->target, known);
	diag_add(compiler->diags, DIAG_ERROR, COMPILE_TARGET, transition->pointer, DIAG_AT_VALUE,
	    hint, "Missing '%s' target: %s", transition->field, transition->target);
	buf_fini(&near);
	free(known);
	compiler->incomplete = true;
}

void
compile_resolve(struct compiler *compiler)
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

/* --- the machine --- */

struct machine_fields {
	int64_t timeout_seconds;
};

static void
compile_version(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	const char *version = compile_expect_string(compiler, field->name, json);

	(void)base;
	if (version != NULL && strcmp(version, "1.0") != 0)
		compile_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "The field 'Version' should have one of these values: [1.0]");
}

static const struct field machine_fields[] = {
    COMPILE_SCOPE_FIELDS,
    {"QueryLanguage", .types = FIELD_ANY_TYPE, .compile = compile_query_language},
    {"Version", .types = FIELD_ANY_TYPE, .compile = compile_version},
    {"TimeoutSeconds", .types = FIELD_ANY_TYPE, .compile = compile_integer,
	.offset = offsetof(struct machine_fields, timeout_seconds), .low = 1,
	.high = ASL_SECONDS_MAX},
    {0},
};

static const struct object_spec machine_spec = {
    .what = "a state machine", .fields = machine_fields};

/* A machine in JSONata: nothing of it can be compiled, but states may not go back to JSONPath. */
static void
refuse_jsonata(struct compiler *compiler, json_t *root)
{
	json_t *states = json_object_get(root, "States");
	size_t mark = compile_push(compiler, "QueryLanguage");
	const char *name;
	json_t *state;

	compile_query_language(compiler, NULL, json_object_get(root, "QueryLanguage"), NULL);
	compile_pop(compiler, mark);
	mark = compile_push(compiler, "States");
	json_object_foreach (states, name, state) {
		const char *language = jsonx_get_string(state, "QueryLanguage");
		size_t state_mark = compile_push(compiler, name);

		if (language != NULL && strcmp(language, "JSONPath") == 0)
			compile_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
			    "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole "
			    "state machine");
		compile_pop(compiler, state_mark);
	}
	compile_pop(compiler, mark);
}

static void
compile_root(struct compiler *compiler, json_t *root)
{
	struct machine_fields fields = {0};
	const char *language = jsonx_get_string(root, "QueryLanguage");

	if (!json_is_object(root)) {
		compile_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "Definition must be a valid JSON object");
		return;
	}
	if (language != NULL && strcmp(language, "JSONata") == 0) {
		refuse_jsonata(compiler, root);
		return;
	}
	compiler->machine->states = compile_scope(compiler, &machine_spec, root, &fields);
	compiler->machine->timeout_seconds = fields.timeout_seconds;
	compile_resolve(compiler);
	check_graph(compiler);
	compile_check_variables(compiler);
}

static void
compiler_fini(struct compiler *compiler)
{
	for (size_t i = 0; i < compiler->transition_count; i++)
		free(compiler->transitions[i].pointer);
	free(compiler->transitions);
	free(compiler->scopes);
	compile_forget_variables(compiler);
	buf_fini(&compiler->pointer);
}

struct asl_machine *
asl_compile(const struct doc *doc, const struct asl_resources *resources, struct diag_list *diags)
{
	size_t errors_before = diags->errors;
	struct compiler compiler = {
	    .machine = machine_new(doc_root(doc)), .diags = diags, .resources = resources};

	compile_root(&compiler, doc_root(doc));
	compiler_fini(&compiler);
	if (diags->errors == errors_before)
		return compiler.machine;
	asl_machine_unref(compiler.machine);
	return NULL;
}
