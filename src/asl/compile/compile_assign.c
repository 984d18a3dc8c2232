#include "asl/compile/compile_assign.h"
#include "asl/compile/compile_field.h"

#include "base/mem.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VARIABLE_NAME_CHARS_MAX 80u
#define SCOPE_KEY_BYTES_MAX	32

/* What a scope is called in the sets of those that assign a name. */
static void
scope_key(const struct asl_states *scope, char key[SCOPE_KEY_BYTES_MAX])
{
	snprintf(key, SCOPE_KEY_BYTES_MAX, "%p", (const void *)scope);
}

/* compiler->scope assigns the first len bytes of key; its place is compiler->pointer. */
static void
note_variable(struct compiler *compiler, const char *key, size_t len)
{
	struct assigned *assigned;
	char scope[SCOPE_KEY_BYTES_MAX];
	json_t *scopes;

	if (compiler->assigned_count == compiler->assigned_capacity) {
		compiler->assigned_capacity = 2 * compiler->assigned_capacity + 16;
		compiler->assigned = mem_resize(
		    compiler->assigned, compiler->assigned_capacity, sizeof(*compiler->assigned));
	}
	assigned = &compiler->assigned[compiler->assigned_count++];
	*assigned = (struct assigned){.name = mem_strndup(key, len),
	    .scope = compiler->scope,
	    .pointer = mem_strdup(compiler_pointer(compiler))};
	if (compiler->assigning == NULL)
		compiler->assigning = json_object();
	scopes = json_object_get(compiler->assigning, assigned->name);
	if (scopes == NULL) {
		scopes = json_object();
		json_object_set_new(compiler->assigning, assigned->name, scopes);
	}
	scope_key(compiler->scope, scope);
	json_object_set_new(scopes, scope, json_true());
}

/* A name that `$name` can reach. Letters beyond ASCII are left to AWS. */
static bool
is_variable_name(const char *name, size_t len)
{
	size_t chars = 0;

	if (len == 0 || isdigit((unsigned char)*name))
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)name[i];

		if (c < 0x80 && !isalnum(c) && c != '_')
			return false;
		chars += (c & 0xc0) != 0x80;
	}
	return chars <= VARIABLE_NAME_CHARS_MAX;
}

static void
check_variable(struct compiler *compiler, const char *key)
{
	size_t len = strlen(key);
	size_t mark = compiler_push(compiler, key);

	if (len >= 2 && strcmp(key + len - 2, ".$") == 0)
		len -= 2;
	if (!is_variable_name(key, len))
		compiler_fault(compiler, DIAG_AT_KEY, COMPILE_SCHEMA,
		    "a letter or _, then letters, digits and _, 80 at most",
		    "'%s' is not a valid variable name", key);
	else if (len == strlen("states") && strncmp(key, "states", len) == 0)
		compiler_fault(compiler, DIAG_AT_KEY, COMPILE_SCHEMA, NULL,
		    "The variable name 'states' is reserved");
	else
		note_variable(compiler, key, len);
	compiler_pop(compiler, mark);
}

void
compile_assign(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	const char *key;
	json_t *value;

	if (!compiler_expect_object(compiler, field->name, json))
		return;
	json_object_foreach (json, key, value) {
		check_variable(compiler, key);
	}
	compile_template(compiler, field, json, base);
}

/* True when a scope around that of assigned sets the same name. */
static bool
assigned_outside(const struct compiler *compiler, const struct assigned *assigned)
{
	json_t *scopes = json_object_get(compiler->assigning, assigned->name);
	char key[SCOPE_KEY_BYTES_MAX];

	for (const struct asl_states *outer = assigned->scope->outer; outer != NULL;
	     outer = outer->outer) {
		scope_key(outer, key);
		if (json_object_get(scopes, key) != NULL)
			return true;
	}
	return false;
}

void
compile_check_variables(struct compiler *compiler)
{
	for (size_t i = 0; i < compiler->assigned_count; i++) {
		const struct assigned *assigned = &compiler->assigned[i];

		if (assigned_outside(compiler, assigned))
			diag_add(compiler->diags, DIAG_ERROR, COMPILE_SCHEMA, assigned->pointer,
			    DIAG_AT_KEY, "give it another name",
			    "The variable '%s' is assigned outside of this Branch or Map, too",
			    assigned->name);
	}
}
