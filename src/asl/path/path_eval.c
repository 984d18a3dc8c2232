#include "asl/path/path_internal.h"

#include <assert.h>

/* Evaluating a path, and saying why it leads nowhere. */

/* The way of nearly all paths in a workflow: no list, no budget, no copy. */
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

/* A path that yields one node goes through a list, too: it holds that node or nothing. */
static enum asl_found
eval_branching(
    const struct asl_path *path, struct path_walk *walk, json_t *root, json_t **ret_value)
{
	json_t *list = json_array();
	json_t *value;

	if (path_walk_collect(path, walk, root, list) < 0) {
		json_decref(list);
		return ASL_FOUND_ERROR;
	}
	if (path->is_list) {
		*ret_value = list;
		return ASL_FOUND;
	}
	value = json_incref(json_array_get(list, 0));
	json_decref(list);
	if (value == NULL)
		return ASL_FOUND_NOTHING;
	*ret_value = value;
	return ASL_FOUND;
}

/* Each evaluation costs one of the budget, since a filter evaluates its paths for every
 * node. */
enum asl_found
path_walk_eval(const struct asl_path *path, struct path_walk *walk, json_t **ret_value)
{
	json_t *root = path->root == PATH_ROOT_CURRENT
			   ? walk->current
			   : path_root_get(path, walk->scope, walk->err);

	assert((path->root == PATH_ROOT_CURRENT) <= (walk->current != NULL));
	if (root == NULL || path_walk_spend(walk, 1) < 0)
		return ASL_FOUND_ERROR;
	if (path->is_simple)
		return eval_simple(path, root, ret_value);
	return eval_branching(path, walk, root, ret_value);
}

/* The budget is for the whole path, filters within it included. */
enum asl_found
asl_path_eval(const struct asl_path *path, const struct asl_scope *scope, json_t **ret_value,
    struct tmf_err *err)
{
	struct path_walk walk = {.scope = scope, .budget = ASL_PATH_RESULTS_MAX, .err = err};

	return path_walk_eval(path, &walk, ret_value);
}

/*
 * Recorded from AWS: for $.a.b in {} it is "Missing property in path $['a']", the step that failed;
 * but where the last step fails it is "No results for path: $['a']['b']", the whole path.
 */
void
asl_path_explain(const struct asl_path *path, const struct asl_scope *scope, struct buf *out)
{
	json_t *node = path_root_get(path, scope, NULL);
	size_t at = 0;

	while (path->is_simple && node != NULL && at < path->step_count) {
		json_t *next = path_step_get(&path->steps[at], node);

		if (next == NULL)
			break;
		node = next;
		at++;
	}
	if (path->is_simple && at + 1 < path->step_count && path->steps[at].kind == PATH_KEY &&
	    json_is_object(node)) {
		buf_add_cstr(out, "Missing property in path ");
		path_write_steps(path, at + 1, out);
		return;
	}
	buf_add_cstr(out, "No results for path: ");
	path_write_steps(path, path->step_count, out);
}
