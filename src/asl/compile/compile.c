#include "asl/compile/compile.h"
#include "asl/compile/compile_assign.h"
#include "asl/compile/compile_graph.h"
#include "asl/compile/compile_scope.h"
#include "asl/compile/placeholder.h"
#include "asl/state/dataflow.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* What the root has besides a scope, until it is put into the machine. */
struct machine_fields {
	int64_t timeout_seconds;
};

/* The language has had one version only. */
static void
compile_version(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	const char *version = compiler_expect_string(compiler, field->name, json);

	(void)base;
	if (version != NULL && strcmp(version, "1.0") != 0)
		compiler_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
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

#define REMOTE_NAMES_MAX 5u /* that a warning lists */

/*
 * A Resource of AWS is valid, so it is only a warning, and one for all of them: a workflow of forty
 * Lambda functions would bury its other warnings. It stands at the first.
 */
static void
compile_warn_remote(const struct compiler *compiler)
{
	const struct asl_machine *machine = compiler->machine;
	const struct asl_state *first = NULL;
	struct buf names = {0};
	struct str placeholder;
	unsigned count = 0;
	char *place;

	for (size_t i = 0; i < machine->count; i++) {
		const struct asl_state *state = machine->at[i];
		size_t at = 0;

		if (state->type != ASL_TASK || state->u.task.resource == NULL ||
		    state->u.task.action != NULL ||
		    placeholder_next(state->u.task.resource, &at, &placeholder) ||
		    json_object_get(compiler->resources->mocked, state->name) != NULL)
			continue;
		first = first != NULL ? first : state;
		if (count++ < REMOTE_NAMES_MAX)
			buf_printf(&names, "%s%s", count > 1 ? ", " : "", state->name);
	}
	if (count > REMOTE_NAMES_MAX)
		buf_add_cstr(&names, ", ...");
	if (count > 0) {
		place = mem_printf("%s/Resource", first->pointer);
		diag_add(compiler->diags, DIAG_WARNING, "RESOURCE_NOT_LOCAL", place, DIAG_AT_VALUE,
		    "tmflow run --mock FILE answers for them",
		    "%u Task%s on AWS only, and fail%s here: %s", count,
		    count > 1 ? "s run" : " runs", count > 1 ? "" : "s", buf_cstr(&names));
		free(place);
	}
	buf_fini(&names);
}

/*
 * Whether a definition is valid is known when all of it has been seen: first its values, then where
 * transitions lead, then what can be reached, and which variables are assigned twice.
 */
static void
compile_root(struct compiler *compiler, json_t *root)
{
	struct machine_fields fields = {0};
	const char *language = jsonx_get_string(root, "QueryLanguage");

	if (!json_is_object(root)) {
		compiler_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "Definition must be a valid JSON object");
		return;
	}
	if (language != NULL && strcmp(language, asl_query_jsonata.name) == 0)
		compiler->machine_query = &asl_query_jsonata;
	compiler->machine->states = compile_scope(compiler, &machine_spec, root, &fields);
	compiler->machine->timeout_seconds = fields.timeout_seconds;
	compile_graph_resolve(compiler);
	compile_graph_check(compiler);
	compile_check_variables(compiler);
	if (compiler->resources != NULL && compiler->resources->warns_remote)
		compile_warn_remote(compiler);
}

/* Warnings alone leave a machine; any error leaves none, since parts of it may be missing. */
struct asl_machine *
asl_compile(const struct doc *doc, const struct asl_resources *resources, struct diag_list *diags)
{
	size_t errors_before = diags->errors;
	struct compiler compiler = {
	    .machine = machine_new(doc_root(doc)),
	    .diags = diags,
	    .resources = resources,
	    .machine_query = &asl_query_jsonpath,
	    .query = &asl_query_jsonpath,
	};

	compile_root(&compiler, doc_root(doc));
	assert(compiler.depth == 0 && compiler.scope == NULL && compiler.pointer.len == 0);
	compiler_fini(&compiler);
	if (diags->errors == errors_before)
		return compiler.machine;
	asl_machine_unref(compiler.machine);
	return NULL;
}
