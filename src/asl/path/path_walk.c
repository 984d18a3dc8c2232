#include "asl/path/filter.h"

#include <assert.h>

/* One path on its way through the data, collecting. */
struct walker {
	const struct asl_path *path;
	struct path_walk *walk;
	json_t *list;
};

static int walk_visit(struct walker *walker, size_t at, json_t *node, unsigned depth);

/*
 * One function for each kind of step: it applies step number at to node, and visits what it leads
 * to. depth is that of `..` in the data, see walk_descend. Returns 0, -1 with walk->err.
 */
typedef int walk_fn(struct walker *walker, size_t at, json_t *node, unsigned depth);

static int
walk_single(struct walker *walker, size_t at, json_t *node, unsigned depth)
{
	return walk_visit(walker, at + 1, path_step_get(&walker->path->steps[at], node), depth);
}

/*
 * ['a','b'] at the end of a path: as in Jayway's JsonPath, one object with those keys that are
 * there. Beneath `..`, where most objects have none of them, only objects with all keys count.
 */
static int
walk_keys_merged(struct walker *walker, const struct path_step *step, const json_t *node)
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
walk_keys(struct walker *walker, size_t at, json_t *node, unsigned depth)
{
	const struct path_step *step = &walker->path->steps[at];
	const struct path_keys *keys = &step->u.keys;
	int rc = 0;

	if (at + 1 == walker->path->step_count)
		return walk_keys_merged(walker, step, node);
	for (size_t i = 0; rc == 0 && i < keys->count; i++)
		rc = walk_visit(walker, at + 1, json_object_get(node, keys->at[i]), depth);
	return rc;
}

static int
walk_indexes(struct walker *walker, size_t at, json_t *node, unsigned depth)
{
	const struct path_indexes *indexes = &walker->path->steps[at].u.indexes;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < indexes->count; i++)
		rc = walk_visit(walker, at + 1, path_array_get(node, indexes->at[i]), depth);
	return rc;
}

static int
walk_all(struct walker *walker, size_t at, json_t *node, unsigned depth)
{
	const char *key;
	json_t *next;
	size_t i;

	json_array_foreach (node, i, next) {
		if (walk_visit(walker, at + 1, next, depth) < 0)
			return -1;
	}
	json_object_foreach (node, key, next) {
		if (walk_visit(walker, at + 1, next, depth) < 0)
			return -1;
	}
	return 0;
}

/* A bound of a slice as an index: counted from the end when negative, kept within [low, high]. */
static int64_t
slice_bound(int64_t bound, int64_t open, int64_t size, int64_t low, int64_t high)
{
	if (bound == PATH_SLICE_OPEN)
		return open;
	if (bound < 0)
		bound += size;
	if (bound < low)
		return low;
	return bound > high ? high : bound;
}

/*
 * As Python's slices: the start is taken, the end is not, and a negative step goes backwards. So
 * [::-1] starts at the last element and ends at -1, before the first.
 */
static int
walk_slice(struct walker *walker, size_t at, json_t *node, unsigned depth)
{
	const struct path_slice *slice = &walker->path->steps[at].u.slice;
	int64_t size = (int64_t)json_array_size(node);
	bool up = slice->step > 0;
	int64_t low = up ? 0 : -1;
	int64_t high = up ? size : size - 1;
	int64_t i = slice_bound(slice->from, up ? low : high, size, low, high);
	int64_t end = slice_bound(slice->to, up ? high : low, size, low, high);

	for (; up ? i < end : i > end; i += slice->step) {
		if (walk_visit(walker, at + 1, json_array_get(node, (size_t)i), depth) < 0)
			return -1;
	}
	return 0;
}

static int
walk_filter_to(struct walker *walker, size_t at, json_t *node, unsigned depth)
{
	int accepts = filter_accepts(walker->path->steps[at].u.filter, walker->walk, node);

	return accepts > 0 ? walk_visit(walker, at + 1, node, depth) : accepts;
}

/*
 * A filter picks among the elements of an array. An object it takes or leaves as a whole, as
 * Jayway's JsonPath does: $.a[?(@.b)] is [a] where a is {"b": 1}. Beneath `..` every value comes
 * here by itself.
 */
static int
walk_filter(struct walker *walker, size_t at, json_t *node, unsigned depth)
{
	json_t *element;
	size_t i;

	if (walker->path->steps[at].descend || json_is_object(node))
		return walk_filter_to(walker, at, node, depth);
	json_array_foreach (node, i, element) {
		if (walk_filter_to(walker, at, element, depth) < 0)
			return -1;
	}
	return 0;
}

static int
walk_function(struct walker *walker, size_t at, json_t *node, unsigned depth)
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

static walk_fn *const walk_appliers[] = {
    [PATH_KEY] = walk_single,
    [PATH_INDEX] = walk_single,
    [PATH_KEYS] = walk_keys,
    [PATH_INDEXES] = walk_indexes,
    [PATH_ALL] = walk_all,
    [PATH_SLICE] = walk_slice,
    [PATH_FILTER] = walk_filter,
    [PATH_FUNCTION] = walk_function,
};

/* `..`: the node first, then what is beneath it, in the order of the document. */
static int
walk_descend(struct walker *walker, size_t at, json_t *node, unsigned depth)
{
	const char *key;
	json_t *next;
	size_t i;

	if (path_walk_spend(walker->walk, 1) < 0)
		return -1;
	if (depth == PATH_NODE_DEPTH_MAX)
		return tmf_err_set_name(walker->walk->err, TMF_ERR_LIMIT, "States.Runtime",
		    "The data is nested too deeply: the limit is %u levels", PATH_NODE_DEPTH_MAX);
	if (walk_appliers[walker->path->steps[at].kind](walker, at, node, depth) < 0)
		return -1;
	json_array_foreach (node, i, next) {
		if (walk_descend(walker, at, next, depth + 1) < 0)
			return -1;
	}
	json_object_foreach (node, key, next) {
		if (walk_descend(walker, at, next, depth + 1) < 0)
			return -1;
	}
	return 0;
}

/* node is what the steps before number at lead to; NULL: nothing. */
static int
walk_visit(struct walker *walker, size_t at, json_t *node, unsigned depth)
{
	const struct path_step *step = &walker->path->steps[at];

	if (node == NULL)
		return 0;
	if (path_walk_spend(walker->walk, 1) < 0)
		return -1;
	if (at == walker->path->step_count) {
		json_array_append(walker->list, node);
		return 0;
	}
	if (step->descend)
		return walk_descend(walker, at, node, depth);
	return walk_appliers[step->kind](walker, at, node, depth);
}

int
path_walk_collect(const struct asl_path *path, struct path_walk *walk, json_t *root, json_t *list)
{
	struct walker walker = {.path = path, .walk = walk, .list = list};

	assert(!path->is_simple && json_is_array(list));
	return walk_visit(&walker, 0, root, 0);
}
