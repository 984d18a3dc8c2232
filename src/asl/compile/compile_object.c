#include "asl/compile/compile_object.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* One object and the table that it is compiled by. */
struct object {
	struct compiler *compiler;
	const struct object_spec *spec;
	unsigned type_bit;
	json_t *json;
	void *base;
};

static const struct field *
find_field(const struct object_spec *spec, const char *name)
{
	for (const struct field *field = spec->fields; field->name != NULL; field++) {
		if (strcmp(field->name, name) == 0)
			return field;
	}
	return NULL;
}

/* What the object is, for a message. */
static void
describe(const struct object *object, struct buf *out)
{
	if (object->spec->what != NULL)
		buf_add_cstr(out, object->spec->what);
	else
		buf_printf(out, "a %s state", asl_state_type_name(object->compiler->state->type));
}

/* A field that stands in other places, not here. */
static void
misplaced_field(const struct object *object, const char *name)
{
	struct buf what = {0};

	describe(object, &what);
	compiler_fault(object->compiler, DIAG_AT_KEY, COMPILE_SCHEMA, NULL,
	    "The field '%s' is not supported in %s", name, buf_cstr(&what));
	buf_fini(&what);
}

static void
unknown_field(const struct object *object, const char *name)
{
	const char *known[COMPILE_WORDS_MAX + 1] = {NULL};
	struct buf near = {0};
	const char *hint = NULL;
	size_t count = 0;

	for (const struct field *f = object->spec->fields; f->name != NULL; f++) {
		assert(count < COMPILE_WORDS_MAX);
		if ((f->types & object->type_bit) != 0)
			known[count++] = f->name;
	}
	for (size_t i = 0; object->spec->other_name != NULL; i++) {
		const char *other = object->spec->other_name(i);

		if (other == NULL)
			break;
		assert(count < COMPILE_WORDS_MAX);
		known[count++] = other;
	}
	hint = compiler_hint(object->compiler, &near, name, known);
	compiler_fault(
	    object->compiler, DIAG_AT_KEY, COMPILE_SCHEMA, hint, "unknown field \"%s\"", name);
	buf_fini(&near);
}

static void
compile_member(const struct object *object, const char *name, json_t *value)
{
	const struct field *field = find_field(object->spec, name);

	if (field != NULL && (field->types & object->type_bit) != 0)
		field->compile(object->compiler, field, value, object->base);
	else if (field != NULL)
		misplaced_field(object, name);
	else if (object->spec->other == NULL ||
		 !object->spec->other(object->compiler, name, value, object->base))
		unknown_field(object, name);
}

static void
check_required(const struct object *object)
{
	struct buf missing = {0};

	for (const struct field *field = object->spec->fields; field->name != NULL; field++) {
		if ((field->required & object->type_bit) == 0 ||
		    json_object_get(object->json, field->name) != NULL)
			continue;
		buf_printf(&missing, "%s%s", missing.len > 0 ? ", " : "", field->name);
	}
	if (missing.len > 0) {
		object->compiler->incomplete = true;
		compiler_fault(object->compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "These fields are required: [%s]", buf_cstr(&missing));
	}
	buf_fini(&missing);
}

/* Names of the group that are (or could be) there, separated by commas. Returns how many are there. */
static size_t
list_group(const struct object *object, const struct field_group *group, bool all, struct buf *out)
{
	size_t count = 0;

	for (size_t i = 0; group->names[i] != NULL; i++) {
		bool there = json_object_get(object->json, group->names[i]) != NULL;

		count += there;
		if (there || all)
			buf_printf(out, "%s%s", out->len > 0 ? ", " : "", group->names[i]);
	}
	return count;
}

static void
check_group(const struct object *object, const struct field_group *group)
{
	struct buf names = {0};
	size_t count = list_group(object, group, false, &names);

	if (count > 1)
		compiler_fault(object->compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "Only one of these fields is allowed: [%s]", buf_cstr(&names));
	if (count == 0 && (group->required & object->type_bit) != 0) {
		list_group(object, group, true, &names);
		compiler_fault(object->compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "One of these fields is required: [%s]", buf_cstr(&names));
	}
	buf_fini(&names);
}

void
compile_fields(struct compiler *compiler, const struct object_spec *spec, unsigned type,
    json_t *json, void *base)
{
	struct object object = {compiler, spec, 1u << type, json, base};
	const char *name;
	json_t *value;

	json_object_foreach (json, name, value) {
		size_t mark = compiler_push(compiler, name);

		compile_member(&object, name, value);
		compiler_pop(compiler, mark);
	}
	check_required(&object);
	for (const struct field_group *group = spec->groups;
	     group != NULL && group->names[0] != NULL; group++) {
		if ((group->types & object.type_bit) != 0)
			check_group(&object, group);
	}
}
