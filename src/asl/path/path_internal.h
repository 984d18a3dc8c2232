#ifndef TMFLOW_ASL_PATH_PATH_INTERNAL_H
#define TMFLOW_ASL_PATH_PATH_INTERNAL_H

#include "asl/path/path.h"
#include "asl/path/path_scan.h"

#define PATH_UNION_MAX	      1000u /* members of one [a,b,c] */
#define PATH_FILTER_DEPTH_MAX 16u   /* parentheses, lists and filters within filters */
#define PATH_NODE_DEPTH_MAX   2000u /* nesting of data that a walk follows */

enum path_root {
	PATH_ROOT_INPUT,    /* $ */
	PATH_ROOT_CONTEXT,  /* $$ */
	PATH_ROOT_VARIABLE, /* $name */
	PATH_ROOT_CURRENT,  /* @, in filters */
};

enum path_step_kind {
	PATH_KEY,
	PATH_INDEX,
	PATH_KEYS,    /* ['a','b'] */
	PATH_INDEXES, /* [0,1] */
	PATH_ALL,     /* * */
	PATH_SLICE,
	PATH_FILTER,
	PATH_FUNCTION, /* .length(): the last step, behind keys and indexes */
};

#define PATH_SLICE_OPEN INT64_MIN /* a bound that was left out */

struct path_slice {
	int64_t from;
	int64_t to;
	int64_t step;
};

struct path_keys {
	char **at;
	size_t count;
};

struct path_indexes {
	int64_t *at;
	size_t count;
};

struct path_function;

struct path_step {
	enum path_step_kind kind;
	bool descend; /* came after `..`: applies to the node and everything beneath it */
	union {
		char *key;
		int64_t index;
		struct path_keys keys;
		struct path_indexes indexes;
		struct path_slice slice;
		struct filter *filter;
		const struct path_function *function;
	} u;
};

/*
 * Immutable once parsed. Yields a list of nodes, or one node, or (is_simple) one node by steps
 * alone.
 */
struct asl_path {
	char *text;
	enum path_root root;
	char *variable; /* PATH_ROOT_VARIABLE only */
	struct path_step *steps;
	size_t step_count;
	bool is_list;	/* yields a list of nodes */
	bool is_simple; /* keys and indexes only */
};

/*
 * Parses the path at pos and leaves pos behind it; what follows is the caller's business.
 * Returns: a new path, NULL with parser->err.
 */
struct asl_path *path_parse_at(struct path_parser *parser);

/* Appends the first count steps of the path in brackets: $['a'][0] */
void path_write_steps(const struct asl_path *path, size_t count, struct buf *out);

/* The state of one evaluation, shared by the paths within filters. */
struct path_walk {
	const struct asl_scope *scope;
	json_t *current; /* @ */
	unsigned budget; /* nodes that may still be visited */
	struct tmf_err *err;
};

/* Takes count from the budget. -1: it is used up, or the watchdog ends the evaluation; walk->err
 * says so. */
int path_walk_spend(struct path_walk *walk, unsigned count);

/* As asl_path_eval, within an evaluation that goes on. */
enum asl_found
path_walk_eval(const struct asl_path *path, struct path_walk *walk, json_t **ret_value);

/*
 * Collects in list what a path that is not simple leads to from root.
 * Returns: 0, -1 with walk->err.
 */
int
path_walk_collect(const struct asl_path *path, struct path_walk *walk, json_t *root, json_t *list);

/* Borrowed: the document that the path starts in, NULL (with err) for an undefined variable. */
json_t *
path_root_get(const struct asl_path *path, const struct asl_scope *scope, struct tmf_err *err);

/* Borrowed: what a key or index step leads to from node, or NULL. */
json_t *path_step_get(const struct path_step *step, const json_t *node);

/* Borrowed: an element, counted from the end when index is negative; NULL outside of the array. */
json_t *path_array_get(const json_t *array, int64_t index);

/* A function by its name, NULL for an unknown one; and its name. */
const struct path_function *path_function_find(struct str name);
const char *path_function_name(const struct path_function *function);

/*
 * *ret_value: a new reference, NULL where the function finds nothing.
 * Errors: States.Runtime where there are no numbers to calculate with.
 */
int path_function_run(const struct path_function *function, const json_t *node, json_t **ret_value,
    struct tmf_err *err);

#endif
