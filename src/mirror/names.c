#include "mirror/names.h"

#include "base/jsonx.h"

#include <assert.h>
#include <string.h>

/* A value that is missing means no tag: to AWS an empty value is one, and a filter would find
 * it. */
void
tag_add(json_t *tags, const char *key, const char *value)
{
	json_t *tag;

	if (value == NULL)
		return;
	assert(json_is_array(tags) && key != NULL);
	tag = json_object();
	jsonx_put_string(tag, "Key", key);
	jsonx_put_string(tag, "Value", value);
	json_array_append_new(tags, tag);
}

/* Tags are a list in AWS's replies; the keys are unique in it. */
const char *
tag_value(const json_t *resource, const char *key)
{
	const json_t *tags = json_object_get(resource, "Tags");
	json_t *tag;
	size_t i;

	if (json_is_object(tags))
		return jsonx_get_string(tags, key);
	json_array_foreach (tags, i, tag) {
		const char *tag_key = jsonx_get_string(tag, "Key");

		if (tag_key != NULL && strcmp(tag_key, key) == 0)
			return jsonx_get_string(tag, "Value");
	}
	return NULL;
}

/* AWS joins the values of a filter by `or`, and filters by `and`. */
json_t *
describe_filter(const char *name, json_t *values)
{
	json_t *filter = json_object();
	json_t *filters = json_array();

	assert(name != NULL && json_is_array(values));
	jsonx_put_string(filter, "Name", name);
	json_object_set_new(filter, "Values", values);
	json_array_append_new(filters, filter);
	return filters;
}

bool
error_is_target_full(const struct tmf_err *err)
{
	return tmf_err_is(err, ERROR_SOURCES_LIMIT) || tmf_err_is(err, ERROR_TARGET_SESSIONS);
}

/* DependencyViolation is what EC2 answers for resources of other kinds, so it is taken to mean the
 * same. */
bool
error_is_target_in_use(const struct tmf_err *err)
{
	/* AWS documents no list of these errors: whatever begins like this one means the same. */
	static const char in_use[] = "TrafficMirrorTargetInUse";

	return strncmp(err->name, in_use, sizeof(in_use) - 1) == 0 ||
	       tmf_err_is(err, "DependencyViolation");
}
