#include "web/report/failures.h"

#include "base/buf.h"
#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

/*
 * 10,000 instances that failed have a handful of reasons. They are grouped by error, operation and
 * rule, each group with one example and some request ids; so memory is bounded whatever failed.
 */

#define FAILURES_OTHER "other"

void
failures_begin(struct failures *failures)
{
	failures->groups = json_object();
}

/* A line each: none of the three has a line feed in it. */
static void
failures_add_key(struct buf *key, const char *text)
{
	buf_add_cstr(key, text != NULL ? text : "");
	buf_add_char(key, '\n');
}

/* Borrowed. A new one is made where there is room, else all that is left shares one. */
static json_t *
failures_group(struct failures *failures, const struct outcome *outcome)
{
	struct buf key = {0};
	json_t *group;

	failures_add_key(&key, outcome->error);
	failures_add_key(&key, outcome->operation);
	failures_add_key(&key, outcome->rule);
	group = json_object_get(failures->groups, buf_cstr(&key));
	if (group == NULL && json_object_size(failures->groups) < FAILURES_GROUPS_MAX) {
		group = json_object();
		jsonx_put_string(group, "error", outcome->error);
		jsonx_put_string(group, "operation", outcome->operation);
		jsonx_put_string(group, "rule", outcome->rule);
		jsonx_put_string(group, "instanceId", outcome->instance_id);
		jsonx_put_string(group, "cause", outcome->cause);
		json_object_set_new(group, "requestIds", json_array());
		json_object_set_new(failures->groups, buf_cstr(&key), group);
	} else if (group == NULL) {
		group = json_object_get(failures->groups, FAILURES_OTHER);
		if (group == NULL) {
			group = json_pack("{s:s, s:[]}", "error", FAILURES_OTHER, "requestIds");
			json_object_set_new(failures->groups, FAILURES_OTHER, group);
		}
	}
	buf_fini(&key);
	return group;
}

void
failures_add(struct failures *failures, const struct outcome *outcome)
{
	json_t *group = failures_group(failures, outcome);
	json_t *ids = json_object_get(group, "requestIds");
	json_int_t count = json_integer_value(json_object_get(group, "count"));

	assert(outcome->kind == OUTCOME_FAILED);
	json_object_set_new(group, "count", json_integer(count + 1));
	if (outcome->request_id != NULL && json_array_size(ids) < FAILURES_REQUESTS_MAX)
		json_array_append_new(ids, jsonx_text_value(outcome->request_id));
}

/* The largest group first. */
static int
failures_compare(const void *a, const void *b)
{
	json_int_t left = json_integer_value(json_object_get(*(json_t *const *)a, "count"));
	json_int_t right = json_integer_value(json_object_get(*(json_t *const *)b, "count"));

	return (left < right) - (left > right);
}

json_t *
failures_take(struct failures *failures)
{
	size_t count = json_object_size(failures->groups);
	json_t **groups = mem_zalloc(count, sizeof(json_t *));
	json_t *list = json_array();
	const char *key;
	json_t *group;
	size_t i = 0;

	json_object_foreach (failures->groups, key, group)
		groups[i++] = group;
	if (count > 0)
		qsort(groups, count, sizeof(json_t *), failures_compare);
	for (i = 0; i < count; i++)
		json_array_append(list, groups[i]);
	free(groups);
	json_decref(failures->groups);
	failures->groups = NULL;
	return list;
}
