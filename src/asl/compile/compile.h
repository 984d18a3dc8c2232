#ifndef TMFLOW_ASL_COMPILE_COMPILE_H
#define TMFLOW_ASL_COMPILE_COMPILE_H

#include "asl/state/machine_internal.h"

#define COMPILE_SCHEMA	  "SCHEMA_VALIDATION_FAILED"
#define COMPILE_TARGET	  "MISSING_TRANSITION_TARGET"
#define COMPILE_WORDS_MAX 96u /* names that one object may have for its fields */
#define COMPILE_HINTS_MAX                                                                          \
	100000u /* words that are compared in search of hints, so that a hostile definition costs little */

/* A transition whose target may not have been seen yet. */
struct transition {
	const struct asl_states *scope;
	const char *field;
	const char *target;
	char *pointer;
	struct asl_state **slot;
};

/* A variable that an Assign sets. */
struct assigned {
	char *name;
	const struct asl_states *scope;
	char *pointer;
};

struct compiler {
	struct asl_machine *machine;
	struct diag_list *diags;
	const struct asl_resources *resources; /* NULL: every resource is accepted */
	struct buf pointer;		       /* of the value at hand */
	unsigned depth;			       /* of scopes within scopes */
	size_t hint_words;		       /* compared so far, see COMPILE_HINTS_MAX */
	bool too_many;			       /* ASL_STATES_MAX was passed */
	bool incomplete; /* not every transition is known: nothing can be said of reachability */
	struct asl_states *scope; /* that is being compiled */
	struct asl_state *state;  /* likewise, NULL outside of states */

	struct transition *transitions;
	size_t transition_count;
	size_t transition_capacity;

	struct asl_states **scopes; /* all of them */
	size_t scope_count;
	size_t scope_capacity;

	struct assigned *assigned;
	size_t assigned_count;
	size_t assigned_capacity;
	json_t *assigning; /* by name: the set of scopes that assign it; NULL: none does */
};

struct field;

/* Compiles json, which stands at compiler->pointer, into slot. */
typedef void
field_compile_fn(struct compiler *compiler, const struct field *field, json_t *json, void *base);

#define FIELD_ANY_TYPE (~0u)

/* A row of a table of fields: what may stand in an object, and where it goes. */
struct field {
	const char *name;
	unsigned types;	   /* bit 1 << type for each state type that has it; FIELD_ANY_TYPE */
	unsigned required; /* likewise for those that must have it */
	field_compile_fn *compile;
	size_t offset;	 /* of its member, from the base given to compile_fields */
	size_t flag;	 /* of the bool beside it that is set: for null, or when given */
	json_int_t low;	 /* numbers: the range */
	json_int_t high; /* 0: no upper limit of its own */
};

/* Fields that exclude each other; at least one of them must be there for the types in required. */
struct field_group {
	const char *names[5]; /* the end is NULL */
	unsigned types;
	unsigned required;
};

/* What every scope has. */
#define COMPILE_SCOPE_FIELDS                                                                       \
	{"States", .types = FIELD_ANY_TYPE, .required = 1, .compile = compile_states},             \
	    {"StartAt", .types = FIELD_ANY_TYPE, .required = 1, .compile = compile_start_at},      \
	{                                                                                          \
		"Comment", .types = FIELD_ANY_TYPE, .compile = compile_scope_comment               \
	}

struct object_spec {
	const char *what;	    /* "a Pass state" is put together from the type when NULL */
	const struct field *fields; /* ends with a row without name */
	const struct field_group *groups;
	/* Takes a field that is in no row; false: it is unknown. */
	bool (*other)(struct compiler *compiler, const char *key, json_t *json, void *base);
	const char *(*other_name)(size_t at); /* the names that other takes; NULL behind the last */
};

/* Checks and compiles the fields of object (at compiler->pointer) into base. type is a state type, 0 for other objects. */
void compile_fields(struct compiler *compiler, const struct object_spec *spec, unsigned type,
    json_t *object, void *base);

/* True for an object; else a fault. what is the name of the field or thing. */
bool compile_expect_object(struct compiler *compiler, const char *what, json_t *json);

/* A non-empty array; else a fault. */
bool
compile_expect_array(struct compiler *compiler, const char *what, json_t *json, bool may_be_empty);

/* A string without NUL characters; else NULL and a fault. Borrowed from the definition. */
const char *compile_expect_string(struct compiler *compiler, const char *what, json_t *json);

/* Faults at compiler->pointer. hint may be NULL. */
void compile_fault(struct compiler *compiler, enum diag_at at, const char *code, const char *hint,
    const char *format, ...) __attribute__((format(printf, 5, 6)));
void compile_warn(struct compiler *compiler, enum diag_at at, const char *code, const char *hint,
    const char *format, ...) __attribute__((format(printf, 5, 6)));

/* diag_hint_nearest, within COMPILE_HINTS_MAX. */
const char *compile_hint(
    struct compiler *compiler, struct buf *out, const char *word, const char *const *known);

/* "The field 'X' should have a value of type string" */
void compile_wrong_type(struct compiler *compiler, const char *what, const char *type);

/* Goes down to key or index and back: what push gives is for pop. */
size_t compile_push(struct compiler *compiler, const char *key);
size_t compile_push_index(struct compiler *compiler, size_t index);
void compile_pop(struct compiler *compiler, size_t mark);

/* The pointer as faults give it: "/" for the whole document. */
const char *compile_pointer(const struct compiler *compiler);

/* The transition to a state of the current scope is filled in when all are known. */
void compile_transition(
    struct compiler *compiler, const char *field, json_t *json, struct asl_state **slot);

/* Fills in every transition; targets that are not there are faults. */
void compile_resolve(struct compiler *compiler);

/* A StartAt and States with what else spec allows, which is compiled into base; the scope itself is new. NULL after a fault that left nothing of it. */
struct asl_states *compile_scope(
    struct compiler *compiler, const struct object_spec *spec, json_t *object, void *base);

/* Field values: slot by the row. */
field_compile_fn compile_string;
field_compile_fn compile_ignored_string; /* Comment */
field_compile_fn compile_transition_field;
field_compile_fn compile_path;
field_compile_fn compile_path_or_null;
field_compile_fn compile_result_path;
field_compile_fn compile_expr;
field_compile_fn compile_template;
field_compile_fn compile_assign;
field_compile_fn compile_constant;
field_compile_fn compile_number;      /* struct asl_number, literal */
field_compile_fn compile_number_path; /* struct asl_number, by path */
field_compile_fn compile_integer;     /* int64_t */
field_compile_fn compile_real;	      /* double */
field_compile_fn compile_timestamp;
field_compile_fn compile_jsonata; /* fields that JSONata alone has */

/* Larger parts. The first three fill in compiler->scope instead of base. */
field_compile_fn compile_states;
field_compile_fn compile_start_at;
field_compile_fn compile_scope_comment;
field_compile_fn compile_retry;
field_compile_fn compile_catch;
field_compile_fn compile_error_equals;
field_compile_fn compile_choices;
field_compile_fn compile_branches;
field_compile_fn compile_processor;
field_compile_fn compile_distributed; /* ItemReader, ItemBatcher, ResultWriter: sets the flag */
field_compile_fn compile_query_language;
field_compile_fn compile_label; /* checked only */

/* Fills state from json. */
void compile_state(struct compiler *compiler, struct asl_state *state, json_t *json);

/* Warns of constants that look like paths, and of keys `x.$` where nothing is evaluated. */
void check_template_constants(struct compiler *compiler, json_t *json);
void check_result_constant(struct compiler *compiler, json_t *json);

/* The retriers or the catchers of a state. */
struct handlers {
	json_t *list;
	enum asl_state_type type; /* of the state */
	bool catches;
};

/* Warns of error names that cannot come, in entry number at. */
void check_error_names(struct compiler *compiler, const struct handlers *handlers, size_t at);

/* Names that a scope and one around it assign: inner states read outer variables, and cannot set them. */
void compile_check_variables(struct compiler *compiler);
void compile_forget_variables(struct compiler *compiler);

/* Reachability and terminal states of every scope. */
void check_graph(struct compiler *compiler);

#endif
