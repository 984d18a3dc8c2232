#include "asl/path/path_internal.h"

#include "base/watchdog.h"

#include <assert.h>

/*
 * Where a path starts, and where one step leads. Everything is borrowed from the scope: a path that
 * has keys and indexes only, as most have, is evaluated without a single allocation.
 */

int
path_walk_spend(struct path_walk *walk, unsigned count)
{
	if (watchdog_check("a path", walk->err) < 0)
		return -1;
	if (walk->budget < count)
		return tmf_err_set_name(walk->err, TMF_ERR_LIMIT, "States.Runtime",
		    "The path visits too many values: the limit is %u", ASL_PATH_RESULTS_MAX);
	walk->budget -= count;
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
		    "The path '%s' reads a document that does not exist here", path->text);
	return root;
}

/* A negative index counts from the end: -1 is the last element. */
json_t *
path_array_get(const json_t *array, int64_t index)
{
	int64_t size = (int64_t)json_array_size(array);

	if (index < 0)
		index += size;
	return index >= 0 && index < size ? json_array_get(array, (size_t)index) : NULL;
}

/* Other kinds of step may lead to several nodes: path_walk.c. */
json_t *
path_step_get(const struct path_step *step, const json_t *node)
{
	assert(step->kind == PATH_KEY || step->kind == PATH_INDEX);
	if (step->kind == PATH_KEY)
		return json_object_get(node, step->u.key);
	return path_array_get(node, step->u.index);
}
