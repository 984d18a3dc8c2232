#include "asl/path/path_internal.h"

#include "base/mem.h"

#include <assert.h>

/* One path on its way through the data, collecting. */
struct walker {
	const struct asl_path *path;
	struct path_walk *walk;
	json_t *list;
};

static int visit(struct walker *walker, size_t at, json_t *node, unsigned depth);

int
path_walk_spend(struct path_walk *walk)
{
	if (walk->budget == 0)
		return tmf_err_set_name(walk->err, TMF_ERR_LIMIT, "States.Runtime",
		    "A path visits more than %u values", ASL_PATH_RESULTS_MAX);
	walk->budget--;
	return 0;
}

json_t *
path_root_get(const struct asl_path *path, const struct asl_scope *scope, struct tmf_err *err)
{
	json_t *root = NULL;

	switch (path->root) {
	case PATH_ROOT_INPUT:
	case PATH_ROOT_CURRENT:
		root = scope->input;
		break;
	case PATH_ROOT_CONTEXT:
		root = scope->context != NULL ? scope->context(scope->context_arg) : NULL;
		break;
	case PATH_ROOT_VARIABLE:
		root = json_object_get(scope->variables, path->variable);
		if (root == NULL)
			tmf_err_set_name(err, TMF_ERR_ASL, "States.Runtime",
			    "The variable '$%s' in the path '%s' is not defined", path->variable,
			    path->text);
		return root;
	}
	if (root == NULL)
		tmf_err_set_name(err, TMF_ERR_ASL, "States.Runtime",
		    "The path '%s' reads what is not there in this place", path->text);
	return root;
}

/* Borrowed; counts from the end when negative. */
static json_t *
array_at(const json_t *array, int64_t index)
{
	int64_t size = (int64_t)json_array_size(array);

	if (index < 0)
		index += size;
	return index >= 0 && index < size ? json_array_get(array, (size_t)index) : NULL;
}

json_t *
path_step_get(const struct path_step *step, const json_t *node)
{
	assert(step->kind == PATH_KEY || step->kind == PATH_INDEX);
	if (step->kind == PATH_KEY)
		return json_object_get(node, step->u.key);
	return array_at(node, step->u.index);
}

static int
apply_single(struct walker *walker, size_t at, json_t *node, unsigned depth)
{
	json_t *next = path_step_get(&walker->path->steps[at], node);

	return next != NULL ? visit(walker, at + 1, next, depth) : 0;
}

/* ['a','b'] at the end of a path: one object with those keys that are there; beneath .. only where all are there. */
static int
apply_keys_merged(struct walker *walker, const struct path_step *step, const json_t *node)
{
	json_t *merged;

	if (!json_is_object(node))
		return 0;
	merged = json_object();
	for (size_t i = 0; i < step->u.keys.count; i++)
		json_object_set(
		    merged, step->u.keys.at[i], json_object_get(node, step->u.keys.at[i]));
	if (step->descend && json_object_size(merged) < step->u.keys.count)
		json_decref(merged);
	else
		json_array_append_new(walker->list, merged);
	return 0;
}

static int
apply_keys(struct walker *walker, size_t at, json_t *node, unsigned depth)
{
	const struct path_step *step = &walker->path->steps[at];

	if (at + 1 == walker->path->step_count)
		return apply_keys_merged(walker, step, node);
	for (size_t i = 0; i < step->u.keys.count; i++) {
		json_t *next = json_object_get(node, step->u.keys.at[i]);

		if (next != NULL && visit(walker, at + 1, next, depth) < 0)
			return -1;
	}
	return 0;
}

static int
apply_indexes(struct walker *walker, size_t at, json_t *node, unsigned depth)
{
	const struct path_indexes *indexes = &walker->path->steps[at].u.indexes;

	for (size_t i = 0; i < indexes->count; i++) {
		json_t *next = array_at(node, indexes->at[i]);

		if (next != NULL && visit(walker, at + 1, next, depth) < 0)
			return -1;
	}
	return 0;
}

static int
apply_all(struct walker *walker, size_t at, json_t *node, unsigned depth)
{
	const char *key;
	json_t *next;
	size_t i;

	json_array_foreach (node, i, next) {
		if (visit(walker, at + 1, next, depth) < 0)
			return -1;
	}
	json_object_foreach (node, key, next) {
		if (visit(walker, at + 1, next, depth) < 0)
			return -1;
	}
	return 0;
}

static int64_t
clamp(int64_t value, int64_t low, int64_t high)
{
	if (value < low)
		return low;
	return value > high ? high : value;
}

/* A bound of a slice as an index: counted from the end when negative, kept within [low, high]. */
static int64_t
slice_bound(int64_t bound, int64_t open, int64_t size, int64_t low, int64_t high)
{
	if (bound == PATH_SLICE_OPEN)
		return open;
	return clamp(bound < 0 ? bound + size : bound, low, high);
}

static int
apply_slice(struct walker *walker, size_t at, json_t *node, unsigned depth)
{
	const struct path_slice *slice = &walker->path->steps[at].u.slice;
	int64_t size = (int64_t)json_array_size(node);
	bool up = slice->step > 0;
	int64_t low = up ? 0 : -1;
	int64_t high = up ? size : size - 1;
	int64_t i = slice_bound(slice->from, up ? low : high, size, low, high);
	int64_t end = slice_bound(slice->to, up ? high : low, size, low, high);

	for (; up ? i < end : i > end; i += slice->step) {
		if (visit(walker, at + 1, json_array_get(node, (size_t)i), depth) < 0)
			return -1;
	}
	return 0;
}

static int
apply_filter_to(struct walker *walker, size_t at, json_t *node, unsigned depth)
{
	int accepts = filter_accepts(walker->path->steps[at].u.filter, walker->walk, node);

	return accepts > 0 ? visit(walker, at + 1, node, depth) : accepts;
}

/* A filter picks among the elements of an array; an object it takes or leaves as a whole, and so it does with every value beneath `..`. */
static int
apply_filter(struct walker *walker, size_t at, json_t *node, unsigned depth)
{
	json_t *element;
	size_t i;

	if (walker->path->steps[at].descend || json_is_object(node))
		return apply_filter_to(walker, at, node, depth);
	json_array_foreach (node, i, element) {
		if (apply_filter_to(walker, at, element, depth) < 0)
			return -1;
	}
	return 0;
}

static int
apply_function(struct walker *walker, size_t at, json_t *node, unsigned depth)
{
	json_t *value;

	(void)depth;
	if (path_function_run(walker->path->steps[at].u.function, node, &value, walker->walk->err) <
	    0)
		return -1;
	if (value != NULL)
		json_array_append_new(walker->list, value);
	return 0;
}

typedef int apply_fn(struct walker *walker, size_t at, json_t *node, unsigned depth);

static apply_fn *const appliers[] = {
    [PATH_KEY] = apply_single,
    [PATH_INDEX] = apply_single,
    [PATH_KEYS] = apply_keys,
    [PATH_INDEXES] = apply_indexes,
    [PATH_ALL] = apply_all,
    [PATH_SLICE] = apply_slice,
    [PATH_FILTER] = apply_filter,
    [PATH_FUNCTION] = apply_function,
};

/* The node first, then what is beneath it, in the order of the document. */
static int
descend(struct walker *walker, size_t at, json_t *node, unsigned depth)
{
	const char *key;
	json_t *next;
	size_t i;

	if (path_walk_spend(walker->walk) < 0)
		return -1;
	if (depth == PATH_NODE_DEPTH_MAX)
		return tmf_err_set_name(walker->walk->err, TMF_ERR_LIMIT, "States.Runtime",
		    "Data nested more than %u levels deep", PATH_NODE_DEPTH_MAX);
	if (appliers[walker->path->steps[at].kind](walker, at, node, depth) < 0)
		return -1;
	json_array_foreach (node, i, next) {
		if (descend(walker, at, next, depth + 1) < 0)
			return -1;
	}
	json_object_foreach (node, key, next) {
		if (descend(walker, at, next, depth + 1) < 0)
			return -1;
	}
	return 0;
}

/* Node is what the steps before at lead to. */
static int
visit(struct walker *walker, size_t at, json_t *node, unsigned depth)
{
	const struct path_step *step = &walker->path->steps[at];

	if (path_walk_spend(walker->walk) < 0)
		return -1;
	if (at == walker->path->step_count) {
		json_array_append(walker->list, node);
		return 0;
	}
	if (step->descend)
		return descend(walker, at, node, depth);
	return appliers[step->kind](walker, at, node, depth);
}

static enum asl_found
eval_simple(const struct asl_path *path, json_t *node, json_t **ret_value)
{
	for (size_t i = 0; i < path->step_count; i++) {
		node = path_step_get(&path->steps[i], node);
		if (node == NULL)
			return ASL_FOUND_NOTHING;
	}
	*ret_value = json_incref(node);
	return ASL_FOUND;
}

static enum asl_found
eval_branching(
    const struct asl_path *path, struct path_walk *walk, json_t *root, json_t **ret_value)
{
	struct walker walker = {.path = path, .walk = walk, .list = json_array()};
	enum asl_found found = ASL_FOUND;

	if (visit(&walker, 0, root, 0) < 0) {
		found = ASL_FOUND_ERROR;
	} else if (path->is_list) {
		*ret_value = json_incref(walker.list);
	} else {
		json_t *only = json_array_get(walker.list, 0);

		found = only != NULL ? ASL_FOUND : ASL_FOUND_NOTHING;
		if (only != NULL)
			*ret_value = json_incref(only);
	}
	json_decref(walker.list);
	return found;
}

enum asl_found
path_walk_eval(const struct asl_path *path, struct path_walk *walk, json_t **ret_value)
{
	json_t *root = path->root == PATH_ROOT_CURRENT
			   ? walk->current
			   : path_root_get(path, walk->scope, walk->err);

	if (root == NULL || path_walk_spend(walk) < 0)
		return ASL_FOUND_ERROR;
	if (path->is_simple)
		return eval_simple(path, root, ret_value);
	return eval_branching(path, walk, root, ret_value);
}

enum asl_found
asl_path_eval(const struct asl_path *path, const struct asl_scope *scope, json_t **ret_value,
    struct tmf_err *err)
{
	struct path_walk walk = {.scope = scope, .budget = ASL_PATH_RESULTS_MAX, .err = err};

	return path_walk_eval(path, &walk, ret_value);
}
