#include "asl/compile/compiler.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

const char *
compiler_pointer(const struct compiler *compiler)
{
	return compiler->pointer.len > 0 ? buf_cstr(&compiler->pointer) : "/";
}

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

void
compiler_warn(struct compiler *compiler, enum diag_at at, const char *code, const char *hint,
    const char *format, ...)
{
	va_list args;

	va_start(args, format);
	compiler_report(compiler, DIAG_WARNING, at, code, hint, format, args);
	va_end(args);
}

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

const char *
compiler_hint(
    struct compiler *compiler, struct buf *out, const char *word, const char *const *known)
{
	for (size_t i = 0; known[i] != NULL; i++)
		compiler->hint_words++;
	return compiler->hint_words <= COMPILE_HINTS_MAX ? diag_hint_nearest(out, word, known)
							 : NULL;
}

void
compiler_wrong_type(struct compiler *compiler, const char *what, const char *type)
{
	compiler_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
	    "The field '%s' should have a value of type %s", what, type);
}

bool
compiler_expect_object(struct compiler *compiler, const char *what, json_t *json)
{
	if (json_is_object(json))
		return true;
	compiler_wrong_type(compiler, what, "object");
	compiler->incomplete = true;
	return false;
}

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

const char *
compiler_expect_string(struct compiler *compiler, const char *what, json_t *json)
{
	const char *text = json_string_value(json);

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

void
compiler_transition(
    struct compiler *compiler, const char *field, json_t *json, struct asl_state **slot)
{
	const char *target = compiler_expect_string(compiler, field, json);

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
	    .pointer = mem_strdup(compiler_pointer(compiler)),
	    .slot = slot,
	};
}

void
compiler_fini(struct compiler *compiler)
{
	for (size_t i = 0; i < compiler->transition_count; i++)
		free(compiler->transitions[i].pointer);
	free(compiler->transitions);
	free(compiler->scopes);
	for (size_t i = 0; i < compiler->assigned_count; i++) {
		free(compiler->assigned[i].name);
		free(compiler->assigned[i].pointer);
	}
	free(compiler->assigned);
	json_decref(compiler->assigning);
	buf_fini(&compiler->pointer);
}
