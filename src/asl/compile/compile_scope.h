#ifndef TMFLOW_ASL_COMPILE_COMPILE_SCOPE_H
#define TMFLOW_ASL_COMPILE_COMPILE_SCOPE_H

#include "asl/compile/compile_object.h"

/* The fields of every scope. They fill in compiler->scope instead of the base. */
field_compile_fn compile_states;
field_compile_fn compile_start_at;
field_compile_fn compile_scope_comment;

#define COMPILE_SCOPE_FIELDS                                                                       \
	{"States", .types = FIELD_ANY_TYPE, .required = 1, .compile = compile_states},             \
	    {"StartAt", .types = FIELD_ANY_TYPE, .required = 1, .compile = compile_start_at},      \
	{                                                                                          \
		"Comment", .types = FIELD_ANY_TYPE, .compile = compile_scope_comment               \
	}

/*
 * Compiles a StartAt and States, with what else spec allows, which goes to base.
 * Returns: the new scope, NULL after a fault that left nothing of it.
 */
struct asl_states *compile_scope(
    struct compiler *compiler, const struct object_spec *spec, json_t *object, void *base);

#endif
