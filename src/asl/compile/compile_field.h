#ifndef TMFLOW_ASL_COMPILE_COMPILE_FIELD_H
#define TMFLOW_ASL_COMPILE_COMPILE_FIELD_H

#include "asl/compile/compiler.h"

struct field;

/* Compiles json, which stands at compiler->pointer, into the field's member of base. */
typedef void
field_compile_fn(struct compiler *compiler, const struct field *field, json_t *json, void *base);

#define FIELD_ANY_TYPE (~0u)

/* The query language that a field belongs to. */
enum field_language { FIELD_IN_BOTH, FIELD_IN_JSONPATH, FIELD_IN_JSONATA };

/* A row of a table of fields: what may stand in an object, and where it goes. */
struct field {
	const char *name;
	unsigned types;	   /* 1 << type for each state type that has it, or FIELD_ANY_TYPE */
	unsigned required; /* likewise for those that must have it */
	field_compile_fn *compile;
	size_t offset;	 /* of its member, from the base given to compile_fields */
	size_t flag;	 /* of the bool beside it that is set: for null, or when given */
	json_int_t low;	 /* numbers: the range */
	json_int_t high; /* 0: no upper limit of its own */
	enum field_language language;
	/* Where a "{% ... %}" goes instead, a struct asl_jsonata *; 0: the field takes none. */
	size_t jsonata;
	unsigned reads; /* of enum jsonata_states: what its expressions may read */
};

/* The row's member of base, and the row's bool there, which is set. */
void *field_slot(const struct field *field, void *base);
void field_raise(const struct field *field, void *base);

/* Values without paths in them. One that does not fit is a fault, and base stays as it is. */
field_compile_fn compile_string;
field_compile_fn compile_ignored_string; /* Comment */
field_compile_fn compile_transition_field;
field_compile_fn compile_number;  /* struct asl_number, literal */
field_compile_fn compile_integer; /* int64_t */
field_compile_fn compile_real;	  /* double */
field_compile_fn compile_timestamp;
field_compile_fn compile_query_language;

/* Paths, expressions, templates and constants: compile_expr.c. The machine owns what is parsed. */
field_compile_fn compile_path;
field_compile_fn compile_path_or_null;
field_compile_fn compile_result_path;
field_compile_fn compile_number_path; /* struct asl_number, by path */
field_compile_fn compile_value_path;  /* one node of the input or of a variable: a Map's numbers */
field_compile_fn compile_value_number_path;
field_compile_fn compile_expr;
field_compile_fn compile_text_expr; /* its functions give a text */
field_compile_fn compile_template;
field_compile_fn compile_object_template;
field_compile_fn compile_constant;
field_compile_fn compile_items; /* struct asl_template: an array, or a JSONata expression */

/* A "{% ... %}", whole or half, of a field that takes one. Returns: true if json is that. */
bool
compile_jsonata(struct compiler *compiler, const struct field *field, json_t *json, void *base);

#endif
