#ifndef TMFLOW_ASL_PATH_PATH_INTERNAL_H
#define TMFLOW_ASL_PATH_PATH_INTERNAL_H

#include "asl/path/regex.h"

#include "asl/path/path.h"

#include <stdint.h>

#define PATH_UNION_MAX	      1000u /* members of one [a,b,c] */
#define PATH_FILTER_DEPTH_MAX 16u   /* parentheses, negations and filters within filters */
#define PATH_INDEX_MAX	      INT32_MAX
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
	PATH_FUNCTION, /* length(): the last step, behind keys and indexes */
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

struct asl_path {
	char *text;
	enum path_root root;
	char *variable; /* PATH_ROOT_VARIABLE only */
	struct path_step *steps;
	size_t step_count;
	bool is_list;	/* yields a list of nodes */
	bool is_simple; /* keys and indexes only */
};

/* Where the parser stands in a text. */
struct path_parser {
	struct str text;
	size_t pos;
	unsigned depth; /* filters and parentheses around this place */
	struct tmf_err *err;
};

/* Parses the path at pos and leaves pos behind it; what follows is the caller's business. NULL: parser->err. */
struct asl_path *path_parse_at(struct path_parser *parser);

/* One character, or 0 at the end of the text. */
char path_peek(const struct path_parser *parser);
void path_skip_blanks(struct path_parser *parser);
/* Moves past token if it is next. */
bool path_accept(struct path_parser *parser, const char *token);
/* Fills parser->err with "character N: ..."; returns -1. */
int path_fail(struct path_parser *parser, const char *message);
/* Appends the quoted string at pos to out. In it \ escapes the quote and itself only; before anything else it stands for itself. */
int path_parse_quoted(struct path_parser *parser, struct buf *out);
int path_parse_integer(struct path_parser *parser, int64_t *ret_value);
/* A number, true, false or null, as JSON writes them. */
int path_parse_scalar(struct path_parser *parser, json_t **ret_value);

/* The state of one evaluation, shared by the paths within filters. */
struct path_walk {
	const struct asl_scope *scope;
	json_t *current; /* @ */
	unsigned budget; /* nodes that may still be visited */
	struct tmf_err *err;
};

/* As asl_path_eval, within an evaluation that goes on. */
enum asl_found
path_walk_eval(const struct asl_path *path, struct path_walk *walk, json_t **ret_value);

/* Takes one from the budget. -1: it is used up. */
int path_walk_spend(struct path_walk *walk);

/* Borrowed: the document that the path starts in, NULL (with err) where it is an undefined variable. */
json_t *
path_root_get(const struct asl_path *path, const struct asl_scope *scope, struct tmf_err *err);

/* Borrowed: what a key or index step leads to from node, or NULL. */
json_t *path_step_get(const struct path_step *step, const json_t *node);

/* NULL: there is none of that name. */
const struct path_function *path_function_find(struct str name);
const char *path_function_name(const struct path_function *function);

/* *ret_value: a new reference, NULL where the function finds nothing. Errors: States.Runtime where there is no number to reckon with. */
int path_function_run(const struct path_function *function, const json_t *node, json_t **ret_value,
    struct tmf_err *err);

enum filter_kind { FILTER_OR, FILTER_AND, FILTER_NOT, FILTER_EXISTS, FILTER_COMPARE };

/* What stands on one side of an operator: exactly one of these. */
struct filter_operand {
	struct asl_path *path;
	json_t *literal;
	struct regex *regex;
};

struct filter_op;

struct filter {
	enum filter_kind kind;
	struct filter *left;  /* OR, AND, NOT */
	struct filter *right; /* OR, AND */
	const struct filter_op *op;
	struct filter_operand a; /* EXISTS, COMPARE */
	struct filter_operand b; /* COMPARE */
};

/* Parses what is between `?(` and `)`, or what follows `?`. NULL: parser->err. */
struct filter *filter_parse(struct path_parser *parser);
void filter_free(struct filter *filter);

/* The operator at pos, which it moves past; NULL when there is none. */
const struct filter_op *filter_op_accept(struct path_parser *parser);
bool filter_op_takes_regex(const struct filter_op *op);

/* Compares a and b (either may be NULL: not there). 1 holds, 0 does not, -1 walk->err. */
int filter_op_holds(
    const struct filter_op *op, struct path_walk *walk, const json_t *a, const json_t *b);

/* 1 it takes node, 0 it does not, -1 walk->err. */
int filter_accepts(const struct filter *filter, struct path_walk *walk, json_t *node);

#endif
