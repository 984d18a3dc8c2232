#include "asl/compile/compile_object.h"

#include <assert.h>
#include <string.h>

/* One object and the table that it is compiled by. */
struct object {
	struct compiler *compiler;
	const struct object_spec *spec;
	unsigned type;
	json_t *json;
	void *base;
};

/* required and types of rows and groups are sets of state types. */
static bool
object_is_in(const struct object *object, unsigned types)
{
	return (types & 1u << object->type) != 0;
}

static bool
object_is_in_language(const struct object *object, const struct field *field)
{
	return field->language == FIELD_IN_BOTH ||
	       (field->language == FIELD_IN_JSONATA) == compiler_is_jsonata(object->compiler);
}

/*
 * A field of another type of state, or of another kind of object with the same table. For a state
 * the hint lists the types that have it: "End" in a Succeed state belongs to Pass, Task, Wait, ...
 */
static void
object_misplaced_field(const struct object *object, const struct field *field)
{
	struct buf what = {0};
	struct buf hint = {0};

	if (object->spec->what != NULL) {
		buf_add_cstr(&what, object->spec->what);
	} else {
		buf_printf(&what, "a %s state", asl_state_type_name(object->type));
		for (unsigned type = 0; type < ASL_STATE_TYPE_COUNT; type++) {
			if ((field->types & 1u << type) != 0)
				buf_printf(&hint, "%s%s", hint.len > 0 ? ", " : "it belongs to ",
				    asl_state_type_name(type));
		}
	}
	compiler_fault(object->compiler, DIAG_AT_KEY, COMPILE_SCHEMA,
	    hint.len > 0 ? buf_cstr(&hint) : NULL, "The field '%s' is not supported in %s",
	    field->name, buf_cstr(&what));
	buf_fini(&what);
	buf_fini(&hint);
}

/* Most unknown fields are misspelt ones: the nearest that may stand here is the hint. */
static void
object_unknown_field(const struct object *object, const char *name)
{
	const struct object_spec *spec = object->spec;
	const char *known[COMPILE_WORDS_MAX + 1] = {NULL};
	struct buf near = {0};
	size_t count = 0;

	for (const struct field *field = spec->fields; field->name != NULL; field++) {
		assert(count < COMPILE_WORDS_MAX);
		if (object_is_in(object, field->types) && object_is_in_language(object, field))
			known[count++] = field->name;
	}
	for (size_t i = 0; spec->other_name != NULL && !compiler_is_jsonata(object->compiler) &&
			   spec->other_name(i) != NULL;
	     i++) {
		assert(count < COMPILE_WORDS_MAX);
		known[count++] = spec->other_name(i);
	}
	compiler_fault(object->compiler, DIAG_AT_KEY, COMPILE_SCHEMA,
	    compiler_hint(object->compiler, &near, name, known), "unknown field \"%s\"", name);
	buf_fini(&near);
}

/* The words are AWS's. */
static void
object_other_language(const struct object *object, const char *name)
{
	bool jsonata = compiler_is_jsonata(object->compiler);

	compiler_fault(object->compiler, DIAG_AT_KEY, COMPILE_SCHEMA, NULL,
	    "The QueryLanguage is set to '%s', but field '%s' is only supported for the '%s' "
	    "QueryLanguage",
	    jsonata ? "JSONata" : "JSONPath", name, jsonata ? "JSONPath" : "JSONata");
}

/*
 * The rows of a table are searched one by one: a table has at most some fifty, and most names
 * differ in their first letters.
 */
static void
object_compile_member(const struct object *object, const char *name, json_t *value)
{
	const struct object_spec *spec = object->spec;
	const struct field *field = spec->fields;

	while (field->name != NULL && strcmp(field->name, name) != 0)
		field++;
	if (field->name != NULL && !object_is_in(object, field->types))
		object_misplaced_field(object, field);
	else if (field->name != NULL && !object_is_in_language(object, field))
		object_other_language(object, name);
	else if (field->name != NULL) {
		if (!compile_jsonata(object->compiler, field, value, object->base))
			field->compile(object->compiler, field, value, object->base);
	} else if (spec->other == NULL || !spec->other(object->compiler, name, value, object->base))
		object_unknown_field(object, name);
}

/* All that are missing stand in one fault, as AWS reports them. */
static void
object_check_required(const struct object *object)
{
	struct buf missing = {0};

	for (const struct field *field = object->spec->fields; field->name != NULL; field++) {
		if (object_is_in(object, field->required) && object_is_in_language(object, field) &&
		    json_object_get(object->json, field->name) == NULL)
			buf_printf(&missing, "%s%s", missing.len > 0 ? ", " : "", field->name);
	}
	if (missing.len > 0) {
		object->compiler->incomplete = true;
		compiler_fault(object->compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "These fields are required: [%s]", buf_cstr(&missing));
	}
	buf_fini(&missing);
}

/*
 * An example: a Wait state has exactly one of Seconds, SecondsPath, Timestamp and TimestampPath, so
 * two of them are a fault that names these two, and none at all is one that names all four.
 */
static void
object_check_group(const struct object *object, const struct field_group *group)
{
	struct buf present = {0};
	struct buf all = {0};
	size_t count = 0;

	for (size_t i = 0; group->names[i] != NULL; i++) {
		buf_printf(&all, "%s%s", all.len > 0 ? ", " : "", group->names[i]);
		if (json_object_get(object->json, group->names[i]) == NULL)
			continue;
		buf_printf(&present, "%s%s", present.len > 0 ? ", " : "", group->names[i]);
		count++;
	}
	if (count > 1)
		compiler_fault(object->compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "Only one of these fields is allowed: [%s]", buf_cstr(&present));
	if (count == 0 && object_is_in(object, group->required))
		compiler_fault(object->compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "One of these fields is required: [%s]", buf_cstr(&all));
	buf_fini(&present);
	buf_fini(&all);
}

void
compile_fields(struct compiler *compiler, const struct object_spec *spec, unsigned type,
    json_t *json, void *base)
{
	const struct object object = {compiler, spec, type, json, base};
	const char *name;
	json_t *value;

	assert(json_is_object(json) && type < ASL_STATE_TYPE_COUNT);
	assert(spec->what != NULL || spec->other == NULL);
	json_object_foreach (json, name, value) {
		size_t mark = compiler_push(compiler, name);

		object_compile_member(&object, name, value);
		compiler_pop(compiler, mark);
	}
	object_check_required(&object);
	for (const struct field_group *group = spec->groups;
	     group != NULL && group->names[0] != NULL; group++) {
		if (object_is_in(&object, group->types))
			object_check_group(&object, group);
	}
}
