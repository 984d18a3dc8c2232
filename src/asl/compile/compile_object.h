#ifndef TMFLOW_ASL_COMPILE_COMPILE_OBJECT_H
#define TMFLOW_ASL_COMPILE_COMPILE_OBJECT_H

#include "asl/compile/compile_field.h"

#define COMPILE_WORDS_MAX 96u /* names that one object may have for its fields */

/* Fields that exclude each other; at least one of them must be there for the types in required. */
struct field_group {
	const char *names[5]; /* the end is NULL */
	unsigned types;
	unsigned required;
};

struct object_spec {
	const char *what;	    /* "a Pass state" is put together from the type when NULL */
	const struct field *fields; /* ends with a row without name */
	const struct field_group *groups;
	/* Takes a field that is in no row; false: it is unknown. */
	bool (*other)(struct compiler *compiler, const char *key, json_t *json, void *base);
	const char *(*other_name)(size_t at); /* the names that other takes; NULL behind the last */
};

/*
 * Checks and compiles the fields of object (at compiler->pointer) into base.
 * type is a state type, 0 for other objects.
 */
void compile_fields(struct compiler *compiler, const struct object_spec *spec, unsigned type,
    json_t *object, void *base);

#endif
