#include "asl/compile/compiler.h"
#include "asl/compile/placeholder.h"

#include "asl/state/dataflow.h"
#include "base/jsonx.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* AWS names the whole document "/", where RFC 6901 has the empty pointer. */
const char *
compiler_pointer(const struct compiler *compiler)
{
	return compiler->pointer.len > 0 ? buf_cstr(&compiler->pointer) : "/";
}

/*
 * The place is always the pointer of the current value. What is found out later, about a graph or
 * about variables, goes to diag_add with a pointer that was kept.
 */
static void
compiler_report(struct compiler *compiler, enum diag_severity severity, enum diag_at at,
    const char *code, const char *hint, const char *format, va_list args)
{
	struct buf message = {0};

	buf_vprintf(&message, format, args);
	diag_add(compiler->diags, severity, code, compiler_pointer(compiler), at, hint, "%s",
	    buf_cstr(&message));
	buf_fini(&message);
}

void
compiler_fault(struct compiler *compiler, enum diag_at at, const char *code, const char *hint,
    const char *format, ...)
{
	va_list args;

	va_start(args, format);
	compiler_report(compiler, DIAG_ERROR, at, code, hint, format, args);
	va_end(args);
}

/* A warning does not refuse the definition. */
void
compiler_warn(struct compiler *compiler, enum diag_at at, const char *code, const char *hint,
    const char *format, ...)
{
	va_list args;

	va_start(args, format);
	compiler_report(compiler, DIAG_WARNING, at, code, hint, format, args);
	va_end(args);
}

/*
 * One buffer holds the place, however deep it is: a definition of 10,000 states is compiled without
 * a pointer being made for each of its values.
 */
size_t
compiler_push(struct compiler *compiler, const char *key)
{
	size_t mark = compiler->pointer.len;

	doc_pointer_add(&compiler->pointer, key);
	return mark;
}

size_t
compiler_push_index(struct compiler *compiler, size_t index)
{
	size_t mark = compiler->pointer.len;

	doc_pointer_add_index(&compiler->pointer, index);
	return mark;
}

void
compiler_pop(struct compiler *compiler, size_t mark)
{
	struct buf *pointer = &compiler->pointer;

	assert(mark < pointer->len);
	pointer->len = mark;
	pointer->p[mark] = '\0';
}

/*
 * A definition of 1 MiB may hold 100,000 unknown fields, each of which would be compared with every
 * known one: after COMPILE_HINTS_MAX words the faults come without hints.
 */
const char *
compiler_hint(
    struct compiler *compiler, struct buf *out, const char *word, const char *const *known)
{
	for (size_t i = 0; known[i] != NULL; i++)
		compiler->hint_words++;
	return compiler->hint_words <= COMPILE_HINTS_MAX ? diag_hint_nearest(out, word, known)
							 : NULL;
}

bool
compiler_is_jsonata(const struct compiler *compiler)
{
	return compiler->query == &asl_query_jsonata;
}

/* "/States/S/Catch/0/Output" of the state S. Its own lists alone have numbers for names here. */
void
compiler_field(const struct compiler *compiler, struct buf *out)
{
	const char *at = buf_cstr(&compiler->pointer) + compiler->state_mark;

	assert(compiler->state_mark <= compiler->pointer.len);
	while (*at == '/') {
		size_t len = strcspn(++at, "/");

		if (strspn(at, "0123456789") == len)
			buf_printf(out, "[%.*s]", (int)len, at);
		else
			buf_printf(out, "%s%.*s", out->len > 0 ? "/" : "", (int)len, at);
		at += len;
	}
}

void
compiler_wrong_type(struct compiler *compiler, const char *what, const char *type)
{
	compiler_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
	    "The field '%s' should have a value of type %s", what, type);
}

/* What should have been in the object may hold transitions: they are unknown now. */
bool
compiler_expect_object(struct compiler *compiler, const char *what, json_t *json)
{
	if (json_is_object(json))
		return true;
	compiler_wrong_type(compiler, what, "object");
	compiler->incomplete = true;
	return false;
}

/* A list that must not be empty names the fault apart from a wrong type. */
bool
compiler_expect_array(struct compiler *compiler, const char *what, json_t *json, bool may_be_empty)
{
	if (json_is_array(json) && (may_be_empty || json_array_size(json) > 0))
		return true;
	if (json_is_array(json))
		compiler_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "The field '%s' should not be an empty array", what);
	else
		compiler_wrong_type(compiler, what, "array");
	compiler->incomplete = true;
	return false;
}

/* Strings are kept as C strings: a NUL in one, which JSON allows by \u0000, would cut it off. */
const char *
compiler_expect_string(struct compiler *compiler, const char *what, json_t *json)
{
	const char *text = json_string_value(json);

	assert(what != NULL && json != NULL);
	if (text == NULL) {
		compiler_wrong_type(compiler, what, "string");
		return NULL;
	}
	if (strlen(text) == json_string_length(json))
		return text;
	compiler_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
	    "The field '%s' should have no NUL character", what);
	return NULL;
}

/* The list in the message is in the caller's order, which is AWS's own where it is recorded. */
int
compiler_expect_word(
    struct compiler *compiler, const char *what, json_t *json, const char *const *words)
{
	const char *word = compiler_expect_string(compiler, what, json);
	struct buf list = {0};
	struct buf hint = {0};

	if (word == NULL)
		return -1;
	for (int i = 0; words[i] != NULL; i++) {
		if (strcmp(words[i], word) == 0) {
			buf_fini(&list);
			return i;
		}
		buf_printf(&list, "%s%s", i > 0 ? ", " : "", words[i]);
	}
	compiler_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA,
	    compiler_hint(compiler, &hint, word, words),
	    "The field '%s' should have one of these values: [%s]", what, buf_cstr(&list));
	buf_fini(&hint);
	buf_fini(&list);
	return -1;
}

/* Only noted: the target may stand further below, so it is resolved when all states are
 * known. */
void
compiler_transition(
    struct compiler *compiler, const char *field, json_t *json, struct asl_state **slot)
{
	const char *target = compiler_expect_string(compiler, field, json);
	struct transition *transition;

	assert(compiler->scope != NULL);
	if (target == NULL) {
		compiler->incomplete = true;
		return;
	}
	transition = arena_zalloc(&compiler->scratch, 1, sizeof(*transition));
	*transition = (struct transition){
	    .next = compiler->transitions,
	    .scope = compiler->scope,
	    .field = field,
	    .target = target,
	    .pointer = arena_strdup(&compiler->scratch, compiler_pointer(compiler)),
	    .slot = slot,
	};
	compiler->transitions = transition;
}

/* What the machine needs is in its own arena; all else goes here. */
void
compiler_fini(struct compiler *compiler)
{
	arena_fini(&compiler->scratch);
	json_decref(compiler->assigning);
	buf_fini(&compiler->pointer);
}

bool
compiler_warn_placeholder(struct compiler *compiler, const char *text)
{
	struct str name;
	size_t at = 0;

	if (!placeholder_next(text, &at, &name))
		return false;
	compiler_warn(compiler, DIAG_AT_VALUE, "PLACEHOLDER",
	    "--set and --set-file fill it in here",
	    "The placeholder ${%.*s} is to be filled in by SAM, CDK or Terraform", (int)name.len,
	    name.p);
	return true;
}

bool
compiler_accept_placeholder(struct compiler *compiler, const json_t *json)
{
	struct asl_machine *machine = compiler->machine;
	const char *text = json_string_value(json);

	if (text == NULL || !placeholder_is_whole(text))
		return false;
	compiler_warn_placeholder(compiler, text);
	if (machine->unfilled == NULL)
		machine->unfilled = arena_strdup(&machine->arena, text);
	return true;
}
