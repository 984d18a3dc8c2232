#include "asl/path/path_internal.h"

#include "base/jsonx.h"

#include <assert.h>

/*
 * target (NULL: nothing is there yet) with value put where the steps from at on lead. Objects are
 * made on the way, arrays are not: $.a[0] fails where a is missing.
 * Returns: a new reference, NULL where a step does not apply.
 */
static json_t *
path_put_at(const struct asl_path *path, size_t at, json_t *target, json_t *value)
{
	const struct path_step *step;
	json_t *child;
	json_t *copy;

	if (at == path->step_count)
		return json_incref(value);
	step = &path->steps[at];
	if (step->kind == PATH_KEY ? target != NULL && !json_is_object(target)
				   : path_step_get(step, target) == NULL)
		return NULL;
	child = path_put_at(path, at + 1, path_step_get(step, target), value);
	if (child == NULL)
		return NULL;
	if (step->kind == PATH_KEY)
		return jsonx_with(target, step->u.key, child);
	copy = json_copy(target);
	json_array_set_new(copy, (size_t)step->u.index, child);
	return copy;
}

int
asl_path_put(const struct asl_path *path, json_t *target, json_t *value, json_t **ret_value,
    struct tmf_err *err)
{
	json_t *result;
	char *text;

	assert(path->is_simple && path->root == PATH_ROOT_INPUT);
	result = path_put_at(path, 0, target, value);
	if (result != NULL) {
		*ret_value = result;
		return 0;
	}
	text = jsonx_text(target);
	tmf_err_set_name(err, TMF_ERR_ASL, "States.ResultPathMatchFailure",
	    "Unable to apply ReferencePath %s to input %s", path->text, text);
	free(text);
	return -1;
}
