#include "asl/path/filter.h"

#include <assert.h>
#include <stdlib.h>

#define FILTER_MATCH_STEPS 100 /* of a regular expression: about as long as one node of a path */

/* At most one of the three is set; the others are NULL. */
static void
filter_operand_fini(struct filter_operand *operand)
{
	asl_path_free(operand->path);
	json_decref(operand->literal);
	regex_free(operand->regex);
}

/* Half a filter is freed by this too, since what is missing is NULL. */
void
filter_free(struct filter *filter)
{
	if (filter == NULL)
		return;
	filter_free(filter->left);
	filter_free(filter->right);
	filter_operand_fini(&filter->a);
	filter_operand_fini(&filter->b);
	free(filter);
}

/* New reference in *ret_value, or NULL there when a path leads nowhere. */
static int
filter_operand_value(
    const struct filter_operand *operand, struct path_walk *walk, json_t **ret_value)
{
	*ret_value = NULL;
	if (operand->path != NULL)
		return path_walk_eval(operand->path, walk, ret_value) == ASL_FOUND_ERROR ? -1 : 0;
	*ret_value = json_incref(operand->literal);
	return 0;
}

/*
 * [?(@.a)]: what the path leads to is there, whatever it is, null and false included. A path that
 * may yield several nodes, such as @.a[*], exists when it yields one.
 */
static int
filter_exists(const struct filter *filter, struct path_walk *walk)
{
	json_t *value = NULL;
	int holds;

	if (filter_operand_value(&filter->a, walk, &value) < 0)
		return -1;
	holds =
	    value != NULL && (asl_path_is_definite(filter->a.path) || json_array_size(value) > 0);
	json_decref(value);
	return holds;
}

/* What a match takes is taken from the path's budget. */
static int
filter_match(const struct regex *regex, struct path_walk *walk, const json_t *text)
{
	uint64_t steps = (uint64_t)walk->budget * FILTER_MATCH_STEPS;
	int matches = regex_matches(regex, text, &steps);

	walk->budget = (unsigned)(steps / FILTER_MATCH_STEPS);
	return matches < 0 ? path_walk_spend(walk, 1) : matches;
}

/* The pattern was compiled with the path, not for each node. */
static int
filter_compare(const struct filter *filter, struct path_walk *walk)
{
	json_t *a = NULL;
	json_t *b = NULL;
	int holds = -1;

	if (filter_operand_value(&filter->a, walk, &a) < 0)
		return -1;
	/* What is not there compares too: != holds between it and any value. */
	if (filter->b.regex != NULL)
		holds = filter_match(filter->b.regex, walk, a);
	else if (filter_operand_value(&filter->b, walk, &b) == 0)
		holds = filter_op_holds(filter->op, walk, a, b);
	json_decref(a);
	json_decref(b);
	return holds;
}

/* && and || look at their right side only where the left one does not decide. -1 is a fault
 * of the budget or of a variable; it passes through unchanged. */
static int
filter_holds(const struct filter *filter, struct path_walk *walk)
{
	int left;

	switch (filter->kind) {
	case FILTER_OR:
		left = filter_holds(filter->left, walk);
		return left == 0 ? filter_holds(filter->right, walk) : left;
	case FILTER_AND:
		left = filter_holds(filter->left, walk);
		return left > 0 ? filter_holds(filter->right, walk) : left;
	case FILTER_NOT:
		left = filter_holds(filter->left, walk);
		return left < 0 ? left : !left;
	case FILTER_EXISTS:
		return filter_exists(filter, walk);
	case FILTER_COMPARE:
		return filter_compare(filter, walk);
	}
	assert(!"a filter of unknown kind");
	return -1;
}

/* @ is the innermost node, so the outer one is put back afterwards. */
int
filter_accepts(const struct filter *filter, struct path_walk *walk, json_t *node)
{
	json_t *outer = walk->current; /* of the filter around this one, if there is one */
	int accepts;

	assert(node != NULL);
	walk->current = node;
	accepts = filter_holds(filter, walk);
	walk->current = outer;
	return accepts;
}
