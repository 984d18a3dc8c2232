#ifndef TMFLOW_ASL_PATH_FILTER_H
#define TMFLOW_ASL_PATH_FILTER_H

#include "asl/path/path_internal.h"
#include "asl/path/regex.h"

/*
 * The filters of a path: $[?(@.price < $max && @.tags contains 'new')]. A path holds filters, which
 * hold paths: parsing, evaluating and freeing them is the one circle of calls in this room.
 */

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

/*
 * Parses what follows `?`, parentheses included. Takes: parser->depth counts the filter already.
 * Returns: a new filter, NULL with parser->err.
 */
struct filter *filter_parse(struct path_parser *parser);

/* NULL, and a filter of which a half was not parsed, are fine. */
void filter_free(struct filter *filter);

/* The operator at pos, which it moves past; NULL where another text stands. */
const struct filter_op *filter_op_accept(struct path_parser *parser);

/* =~, whose right side is a pattern. */
bool filter_op_takes_regex(const struct filter_op *op);

/* Compares a and b (either may be NULL: not there). 1 holds, 0 does not, -1 walk->err. */
int filter_op_holds(
    const struct filter_op *op, struct path_walk *walk, const json_t *a, const json_t *b);

/* 1 the filter takes node (its @), 0 it does not, -1 walk->err. */
int filter_accepts(const struct filter *filter, struct path_walk *walk, json_t *node);

#endif
