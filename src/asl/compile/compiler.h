#ifndef TMFLOW_ASL_COMPILE_COMPILER_H
#define TMFLOW_ASL_COMPILE_COMPILER_H

#include "asl/compile/compile.h"
#include "asl/state/machine_internal.h"

/*
 * What every part of the compiler needs: the machine that grows, the place in the text, faults.
 * The parts stand in a line, and each calls only those before it:
 *
 *     compiler < field, expr < object < assign < errors < handlers, choice, distributed
 *              < state < scope < graph < compile
 *
 * Only a state reaches up, to the scopes within it: see compile_state.h.
 */

#define COMPILE_SCHEMA "SCHEMA_VALIDATION_FAILED"
#define COMPILE_TARGET "MISSING_TRANSITION_TARGET"
/* Words that are compared in search of hints, so that a hostile definition costs little. */
#define COMPILE_HINTS_MAX 100000u

/* A transition whose target may not have been seen yet. */
struct transition {
	struct transition *next;
	const struct asl_states *scope;
	const char *field;
	const char *target;
	const char *pointer;
	struct asl_state **slot;
};

/* A variable that an Assign sets. */
struct assigned {
	struct assigned *next;
	const struct asl_states *scope;
	const char *name;
	const char *pointer;
};

struct compiler {
	struct asl_machine *machine;
	struct diag_list *diags;
	const struct asl_resources *resources; /* NULL: every resource is accepted */
	struct asl_states *scope;	       /* that is being compiled */
	const struct asl_query *machine_query; /* QueryLanguage of the machine */
	const struct asl_query *query;	       /* of the state that is being compiled */
	unsigned readable;  /* of enum jsonata_states: what that state can have */
	size_t state_mark;  /* length of the pointer to that state */
	struct buf pointer; /* of the current value */
	unsigned depth;	    /* of scopes within scopes */
	size_t hint_words;  /* compared so far, see COMPILE_HINTS_MAX */
	bool incomplete;    /* a transition is unknown: reachability cannot be judged */

	struct arena scratch;		/* of the lists below; freed at the end */
	struct transition *transitions; /* the latest first */
	struct assigned *assigned;	/* likewise */
	json_t *assigning;		/* the keys of compile_assign.c, a set; NULL: empty */
};

/* Frees what compiling needed; the machine stays. */
void compiler_fini(struct compiler *compiler);

/* An error or a warning at compiler->pointer. hint may be NULL. */
void compiler_fault(struct compiler *compiler, enum diag_at at, const char *code, const char *hint,
    const char *format, ...) __attribute__((format(printf, 5, 6)));
void compiler_warn(struct compiler *compiler, enum diag_at at, const char *code, const char *hint,
    const char *format, ...) __attribute__((format(printf, 5, 6)));

/*
 * Warns of the first ${Name} in text, which SAM, CDK or Terraform fills in before a definition is
 * created. Returns: whether there is one.
 */
bool compiler_warn_placeholder(struct compiler *compiler, const char *text);

/*
 * The same for a number or a timestamp, all of which must be a placeholder. Until it is filled in,
 * the machine can be checked but not run: asl_machine_unfilled.
 */
bool compiler_accept_placeholder(struct compiler *compiler, const json_t *json);

/* diag_hint_nearest, within COMPILE_HINTS_MAX. */
const char *compiler_hint(
    struct compiler *compiler, struct buf *out, const char *word, const char *const *known);

/*
 * Goes down to a member or an element, and back.
 * Returns: what compiler_pop takes to go back.
 */
size_t compiler_push(struct compiler *compiler, const char *key);
size_t compiler_push_index(struct compiler *compiler, size_t index);
void compiler_pop(struct compiler *compiler, size_t mark);

/*
 * The pointer as AWS gives it in faults: "/" for the whole document.
 * Returns: borrowed until the next push or pop.
 */
const char *compiler_pointer(const struct compiler *compiler);

/* Whether the state that is being compiled is in JSONata. */
bool compiler_is_jsonata(const struct compiler *compiler);

/* Appends the place of the current value in its state, as causes name it: "Catch[0]/Output". */
void compiler_field(const struct compiler *compiler, struct buf *out);

/* The fault "The field 'X' should have a value of type string", as AWS words it. */
void compiler_wrong_type(struct compiler *compiler, const char *what, const char *type);

/* True for an object; else a fault. what is the name of the field or thing. */
bool compiler_expect_object(struct compiler *compiler, const char *what, json_t *json);

/* True for an array (with an element in it, unless it may be empty); else a fault. */
bool
compiler_expect_array(struct compiler *compiler, const char *what, json_t *json, bool may_be_empty);

/* A string without NUL characters; else NULL and a fault. Borrowed from the definition. */
const char *compiler_expect_string(struct compiler *compiler, const char *what, json_t *json);

/*
 * One of words, which end with NULL.
 * Returns: its index; -1 after a fault, which lists the words in their order.
 */
int compiler_expect_word(
    struct compiler *compiler, const char *what, json_t *json, const char *const *words);

/*
 * Notes the transition that json names, to a state of the current scope.
 * Effects: slot is filled in by compile_graph_resolve, when all states are known.
 */
void compiler_transition(
    struct compiler *compiler, const char *field, json_t *json, struct asl_state **slot);

#endif
