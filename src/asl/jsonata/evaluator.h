#ifndef TMFLOW_ASL_JSONATA_EVALUATOR_H
#define TMFLOW_ASL_JSONATA_EVALUATOR_H

#include "asl/jsonata/ast.h"
#include "asl/jsonata/fault.h"
#include "asl/jsonata/signature.h"

/*
 * Walks the nodes of an expression. What functions (functions*.c) and paths (steps.c) need of it.
 *
 * Bounds: EVALUATOR_HEAP_MAX, and the heap's own of steps and depth. Past any of them: U1001.
 */

#define EVALUATOR_HEAP_MAX ((size_t)256 << 20)

/* Where the outside world comes in: the engine's clock and chance, so that a resumed run repeats
 * them. */
struct evaluator_outside {
	int64_t now_wall_ms;
	struct rng *rng;
	json_t *variables; /* an object, by name without $; NULL: none */
};

/* Variables of one scope. The newest binding of a name counts. */
struct binding {
	struct binding *next;
	const char *name;
	uint32_t len;
	struct value value;
};

struct frame {
	struct frame *outer;
	struct binding *first;
};

struct evaluator {
	struct heap heap;
	struct fault *fault;
	struct evaluator_outside outside;
	/* The call of a function under way: its faults are its caller's. */
	uint32_t call_position;
	const char *call_name;
	struct picture *picture; /* of a time, the last one: datetime.c */
	const struct signature *
	    *signatures; /* of the built-in functions called so far, by number */
};

/* A built-in function. context: of the call, null where another function calls it. */
typedef struct value builtin_fn(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context);

struct builtin {
	unsigned number; /* of the table, from 0 on */
	const char *name;
	const char *signature; /* NULL: takes anything */
	builtin_fn *run;
	unsigned arity; /* of its arguments, those that a function like $map passes */
};

enum function_type {
	FUNCTION_BUILTIN,
	FUNCTION_LAMBDA,
	FUNCTION_PARTIAL,
	FUNCTION_CHAIN,
	FUNCTION_REGEX,
	FUNCTION_NEXT_MATCH,
	FUNCTION_TRANSFORM,
	FUNCTION_TAIL_CALL, /* given instead of a value; never seen by expressions */
};

struct function {
	enum function_type type;
	union {
		const struct builtin *builtin;
		struct {
			const struct lambda_node *node;
			struct frame *frame;
			struct value input;
		} lambda;
		struct {
			const struct function *whole;
			const struct value *args; /* bound ones; the others are of `open` */
			const bool *open;
			size_t count;
		} partial;
		struct {
			const struct function *first;
			const struct function *second;
		} chain;
		struct {
			const struct pattern *regex;
			struct value text; /* FUNCTION_NEXT_MATCH */
			size_t start;
		} regex;
		struct {
			const struct transform_node *node;
			struct frame *frame;
		} transform;
		struct {
			const struct call_node *node;
			struct frame *frame;
			struct value input;
		} tail;
	} u;
};

/* The value of node for the context input. */
struct value evaluate(
    struct evaluator *ev, const struct node *node, const struct value *input, struct frame *frame);

/* The same before a sequence of one element becomes that element. */
struct value evaluate_unpacked(
    struct evaluator *ev, const struct node *node, const struct value *input, struct frame *frame);

/* Calls function with args; null is its context. */
struct value evaluator_call(
    struct evaluator *ev, const struct function *function, const struct value *args, size_t count);

/* How many arguments a function like $map passes to it. */
size_t evaluator_arity(const struct function *function);

/* A scope within outer, which may be NULL. Lives as long as the heap. */
struct frame *frame_new(struct evaluator *ev, struct frame *outer);
/* Binds name, which is borrowed; a binding of this very scope is replaced. */
void frame_bind(
    struct evaluator *ev, struct frame *frame, const char *name, size_t len, struct value value);
/* What the scopes have, else the variables from outside, else the built-in functions; undefined
 * where all of them lack the name. */
struct value
frame_find(const struct evaluator *ev, const struct frame *frame, const char *name, size_t len);

/* Raises a fault of the function that is being called. Each further argument is a const char *. */
#define evaluator_raise(ev, ...) fault_raise((ev)->fault, (ev)->call_position, __VA_ARGS__)

/* A copy of a value's text as JSON, for messages. */
const char *evaluator_show(struct evaluator *ev, const struct value *value);

/* What a sequence stands for: nothing, its only element, or itself. */
struct value sequence_unpack(struct value value);

/* --- steps.c --- */

/* The values that a path finds, as a sequence. */
struct value evaluate_path(struct evaluator *ev, const struct path_node *path,
    const struct value *input, struct frame *frame);
/* A name that is not part of a longer path. */
struct value evaluate_lone_name(struct evaluator *ev, const struct name_node *name,
    const struct value *input, struct frame *frame);
/* What a name, * or ** gives for one context. */
struct value evaluate_wildcard(struct evaluator *ev, const struct value *input);
struct value evaluate_descendants(struct evaluator *ev, const struct value *input);
/* What the predicates and indexes behind a step leave of its values. */
struct value evaluate_stages(
    struct evaluator *ev, const struct stage *stages, struct value input, struct frame *frame);

/* An array as it is, anything else in a sequence of its own: the opposite of sequence_unpack. */
struct value sequence_of(struct evaluator *ev, struct value value);

/* The member of an object, or of all objects of an array: $lookup. */
struct value
lookup_member(struct evaluator *ev, const struct value *input, const char *key, size_t len);

/* --- sorting.c, grouping.c --- */

/* The values in the order of an order-by, as a sequence. Stable: values with equal keys stay in
 * the order of the input. */
struct value evaluate_sort(struct evaluator *ev, const struct sort_node *node,
    const struct value *input, struct frame *frame);

/* The object that a group makes: of each key, what its pair gives for all items of that key. */
struct value evaluate_group(
    struct evaluator *ev, const struct object_node *node, struct value input, struct frame *frame);

/* --- functions.c --- */

/* The built-in function of that name; NULL if there is absent. */
const struct function *function_find(const char *name, size_t len);

/* How many there are. */
size_t functions_count(void);

/* Sorts count values in place, stably. swap(arg, a, b): whether a must stand behind b. */
void sort_values(struct evaluator *ev, struct value *at, size_t count,
    bool (*swap)(struct evaluator *ev, void *arg, const struct value *a, const struct value *b),
    void *arg);

/* One match of a regular expression as functions see it: {match, start, end, groups, next}. */
struct value function_match(
    struct evaluator *ev, const struct pattern *regex, const struct value *text, size_t start);

#endif
