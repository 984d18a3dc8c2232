#include "asl/compile/compile_assign.h"

#include "base/mem.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define VARIABLE_NAME_CHARS_MAX 80u

/*
 * Whether scope assigns name is one lookup in a set, whose keys name both: "0x55d0c8 count". A list
 * for each name would make a definition with thousands of Assigns of one name take quadratic time.
 */
static void
assign_key(const struct asl_states *scope, const char *name, struct buf *out)
{
	buf_reset(out);
	buf_printf(out, "%p %s", (const void *)scope, name);
}

/* compiler->scope assigns the first len bytes of key; its place is compiler->pointer. */
static void
assign_note(struct compiler *compiler, const char *key, size_t len)
{
	struct assigned *assigned = arena_zalloc(&compiler->scratch, 1, sizeof(*assigned));
	char *name = arena_strdup(&compiler->scratch, key);
	struct buf set_key = {0};

	assert(compiler->scope != NULL && len > 0 && len <= strlen(key));
	name[len] = '\0';
	*assigned = (struct assigned){
	    .next = compiler->assigned,
	    .scope = compiler->scope,
	    .name = name,
	    .pointer = arena_strdup(&compiler->scratch, compiler_pointer(compiler)),
	};
	compiler->assigned = assigned;
	if (compiler->assigning == NULL)
		compiler->assigning = json_object();
	assign_key(compiler->scope, name, &set_key);
	json_object_set_new(compiler->assigning, buf_cstr(&set_key), json_true());
	buf_fini(&set_key);
}

/* A name that `$name` can reach. AWS takes letters of any alphabet: all of UTF-8 may stand. */
static bool
assign_is_name(const char *name, size_t len)
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

/* Linters of the language let such names pass, so they are not refused. */
static bool
assign_is_name_but_hyphens(const char *key, size_t len)
{
	char *name = mem_strndup(key, len);
	bool is_one;

	for (char *c = name; *c != '\0'; c++)
		if (*c == '-')
			*c = '_';
	is_one = memchr(key, '-', len) != NULL && assign_is_name(name, len);
	free(name);
	return is_one;
}

/* "states" is what JSONata calls its own variable, so AWS reserves the name. */
static void
assign_check_name(struct compiler *compiler, const char *key)
{
	size_t len = strlen(key);
	size_t mark = compiler_push(compiler, key);

	/* "count.$" assigns the variable count. */
	if (!compiler_is_jsonata(compiler) && len >= 2 && strcmp(key + len - 2, ".$") == 0)
		len -= 2;
	if (compiler_is_jsonata(compiler) && assign_is_name_but_hyphens(key, len))
		compiler_warn(compiler, DIAG_AT_KEY, COMPILE_SCHEMA, NULL,
		    "'%s' is a variable that no expression can read: - subtracts", key);
	else if (!assign_is_name(key, len))
		compiler_fault(compiler, DIAG_AT_KEY, COMPILE_SCHEMA,
		    "a letter or _, then letters, digits and _, 80 at most",
		    "'%s' is not a valid variable name", key);
	else if (len == strlen("states") && strncmp(key, "states", len) == 0)
		compiler_fault(compiler, DIAG_AT_KEY, COMPILE_SCHEMA, NULL,
		    "The variable name 'states' is reserved");
	else
		assign_note(compiler, key, len);
	compiler_pop(compiler, mark);
}

/* The names are checked first, then the values as a template like any other. */
void
compile_assign(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	const char *key;
	json_t *value;

	if (!compiler_expect_object(compiler, field->name, json))
		return;
	json_object_foreach (json, key, value) {
		assign_check_name(compiler, key);
	}
	compile_template(compiler, field, json, base);
}

/* Afterwards, when all Assigns are known: an outer state may stand behind the inner one.
 * AWS refuses an inner variable that hides an outer one. */
void
compile_check_variables(struct compiler *compiler)
{
	struct buf key = {0};

	for (const struct assigned *assigned = compiler->assigned; assigned != NULL;
	     assigned = assigned->next) {
		/* NULL for the items of a distributed Map too: they do not see what is outside. */
		const struct asl_states *outer = assigned->scope->outer;

		for (; outer != NULL; outer = outer->outer) {
			assign_key(outer, assigned->name, &key);
			if (json_object_get(compiler->assigning, buf_cstr(&key)) != NULL)
				break;
		}
		if (outer != NULL)
			diag_add(compiler->diags, DIAG_ERROR, COMPILE_SCHEMA, assigned->pointer,
			    DIAG_AT_KEY, "give it another name",
			    "The variable '%s' is already assigned outside this Branch or Map",
			    assigned->name);
	}
	buf_fini(&key);
}
