#include "fleet/coverage/coverage.h"

#include "base/buf.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "mirror/names.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* In the order in which they were first met. Values stand behind the group's key in `index`. */
struct coverage_group {
	json_t *values;	 /* [string or null], as many as there are keys */
	json_t *reasons; /* {class: {reason: n}} */
	struct coverage_counts counts;
};

struct coverage {
	const struct coverage_by *by;
	struct coverage_group all; /* values NULL */
	struct coverage_group *groups;
	size_t count;
	json_t *index;	/* {values as text: place in groups} */
	uint64_t bare;	/* instances without an interface */
	struct buf key; /* reused for each interface */
};

static void
coverage_group_init(struct coverage_group *group, json_t *values)
{
	*group = (struct coverage_group){.values = values, .reasons = json_object()};
}

static void
coverage_group_fini(struct coverage_group *group)
{
	json_decref(group->values);
	json_decref(group->reasons);
}

struct coverage *
coverage_new(const struct coverage_by *by)
{
	struct coverage *coverage = mem_zalloc(1, sizeof(*coverage));

	coverage->by = by;
	coverage->index = json_object();
	coverage_group_init(&coverage->all, NULL);
	return coverage;
}

void
coverage_reset(struct coverage *coverage)
{
	for (size_t i = 0; i < coverage->count; i++)
		coverage_group_fini(&coverage->groups[i]);
	free(coverage->groups);
	coverage->groups = NULL;
	coverage->count = 0;
	coverage->bare = 0;
	json_object_clear(coverage->index);
	coverage_group_fini(&coverage->all);
	coverage_group_init(&coverage->all, NULL);
}

void
coverage_free(struct coverage *coverage)
{
	if (coverage == NULL)
		return;
	coverage_reset(coverage);
	coverage_group_fini(&coverage->all);
	json_decref(coverage->index);
	buf_fini(&coverage->key);
	free(coverage);
}

const struct coverage_counts *
coverage_counts(const struct coverage *coverage)
{
	return &coverage->all.counts;
}

/* --- counting --- */

/* Reasons are texts of a bounded kind, but an error of AWS's is one too: beyond the bound they are
 * counted together. */
static void
coverage_group_reason(
    struct coverage_group *group, enum coverage_class class, const char *reason, json_int_t more)
{
	const char *name = coverage_class_name(class);
	assert(more > 0 && reason != NULL);
	json_t *reasons = json_object_get(group->reasons, name);
	json_t *count;

	if (reasons == NULL) {
		reasons = json_object();
		json_object_set_new(group->reasons, name, reasons);
	}
	if (json_object_get(reasons, reason) == NULL &&
	    json_object_size(reasons) >= COVERAGE_REASONS_MAX)
		reason = COVERAGE_OTHER;
	count = json_object_get(reasons, reason);
	if (count != NULL)
		json_integer_set(count, json_integer_value(count) + more);
	else
		json_object_set_new(reasons, reason, json_integer(more));
}

/* Separated by what no id, type or tag key holds; a tag's value may hold anything, so that the
 * length goes before it. */
static void
coverage_key_add(struct buf *key, const char *value)
{
	if (value == NULL)
		buf_add_cstr(key, "-;");
	else
		buf_printf(key, "%zu:%s;", strlen(value), value);
}

/* The value by which an item is grouped. A tag that the interface's instance does not have is NULL,
 * and an empty one "": they are two groups. */
static const char *
coverage_value(const struct coverage_by_key *key, const struct coverage_item *item)
{
	const char *tag = key->name + strlen(COVERAGE_TAG_PREFIX);
	json_t *pair;
	size_t i;

	if (key->key != COVERAGE_KEY_COUNT)
		return item->keys[key->key];
	if (item->tags == NULL)
		return strcmp(tag, TAG_NAME) == 0 ? item->name : NULL;
	json_array_foreach (item->tags, i, pair) {
		const char *name = jsonx_get_string(pair, "Key");

		if (name != NULL && strcmp(name, tag) == 0)
			return jsonx_get_string(pair, "Value");
	}
	return NULL;
}

/* The group of the key in coverage->key. values is taken. */
static struct coverage_group *
coverage_group_get(struct coverage *coverage, json_t *values)
{
	const json_t *place = json_object_get(coverage->index, buf_cstr(&coverage->key));

	assert(json_array_size(values) == coverage->by->count);
	assert(json_object_size(coverage->index) == coverage->count);
	if (place == NULL && coverage->count >= COVERAGE_GROUPS_MAX) {
		json_array_clear(values);
		buf_reset(&coverage->key);
		for (size_t i = 0; i < coverage->by->count; i++) {
			json_array_append_new(values, json_string(COVERAGE_OTHER));
			coverage_key_add(&coverage->key, COVERAGE_OTHER);
		}
		place = json_object_get(coverage->index, buf_cstr(&coverage->key));
	}
	if (place != NULL) {
		json_decref(values);
		return &coverage->groups[json_integer_value(place)];
	}
	if ((coverage->count & (coverage->count - 1)) == 0)
		coverage->groups = mem_resize(coverage->groups,
		    coverage->count == 0 ? 1 : coverage->count * 2, sizeof(coverage->groups[0]));
	json_object_set_new(
	    coverage->index, buf_cstr(&coverage->key), json_integer((json_int_t)coverage->count));
	coverage_group_init(&coverage->groups[coverage->count], values);
	return &coverage->groups[coverage->count++];
}

/* Counted twice: in all, and in its group. So the sum of all needs no pass over the groups, which
 * may have been put together at the bound. */
void
coverage_add(struct coverage *coverage, const struct coverage_item *item)
{
	struct coverage_group *groups[] = {&coverage->all, NULL};
	json_t *values = json_array();

	assert(item->class < COVERAGE_CLASS_COUNT && item->interface_id != NULL);
	buf_reset(&coverage->key);
	for (size_t i = 0; i < coverage->by->count; i++) {
		const char *value = coverage_value(&coverage->by->at[i], item);

		json_array_append_new(values, value != NULL ? json_string(value) : json_null());
		coverage_key_add(&coverage->key, value);
	}
	groups[1] = coverage_group_get(coverage, values);
	assert(coverage->count <= COVERAGE_GROUPS_MAX + 1);
	for (size_t i = 0; i < 2; i++) {
		coverage_counts_add(&groups[i]->counts, item->class);
		if (item->reason != NULL)
			coverage_group_reason(groups[i], item->class, item->reason, 1);
	}
}

void
coverage_add_bare(struct coverage *coverage, uint64_t instances)
{
	coverage->bare += instances;
}

static void
coverage_group_merge(struct coverage_group *group, const struct coverage_group *more)
{
	for (size_t i = 0; i < COVERAGE_CLASS_COUNT; i++) {
		const json_t *reasons =
		    json_object_get(more->reasons, coverage_class_name((enum coverage_class)i));
		const char *reason;
		json_t *count;

		group->counts.of[i] += more->counts.of[i];
		json_object_foreach ((json_t *)reasons, reason, count)
			coverage_group_reason(
			    group, (enum coverage_class)i, reason, json_integer_value(count));
	}
}

/* The keys are composed again, since the places of groups differ from one coverage to the other. */
void
coverage_merge(struct coverage *coverage, const struct coverage *more)
{
	assert(coverage->by == more->by);
	coverage->bare += more->bare;
	coverage_group_merge(&coverage->all, &more->all);
	for (size_t i = 0; i < more->count; i++) {
		const json_t *values = more->groups[i].values;
		json_t *value;
		size_t k;

		buf_reset(&coverage->key);
		json_array_foreach (values, k, value)
			coverage_key_add(&coverage->key, json_string_value(value));
		coverage_group_merge(
		    coverage_group_get(coverage, json_copy((json_t *)values)), &more->groups[i]);
	}
}

/* --- as JSON --- */

static void
coverage_put_counts(json_t *object, const struct coverage_counts *counts)
{
	json_t *classes = json_object();
	double share;

	assert(coverage_counts_wanted(counts) <= coverage_counts_all(counts));
	for (size_t i = 0; i < COVERAGE_CLASS_COUNT; i++)
		json_object_set_new(classes, coverage_class_name((enum coverage_class)i),
		    json_integer((json_int_t)counts->of[i]));
	json_object_set_new(
	    object, "interfaces", json_integer((json_int_t)coverage_counts_all(counts)));
	json_object_set_new(object, "coverage",
	    coverage_counts_share(counts, &share) ? json_real(share) : json_null());
	json_object_set_new(object, "classes", classes);
}

/* By value, and without one last: the same question has the same answer. */
static int
coverage_group_compare(const void *left, const void *right)
{
	const struct coverage_group *a = left, *b = right;

	for (size_t i = 0; i < json_array_size(a->values); i++) {
		const char *one = json_string_value(json_array_get(a->values, i));
		const char *other = json_string_value(json_array_get(b->values, i));
		int order = one == NULL || other == NULL ? (one == NULL) - (other == NULL)
							 : strcmp(one, other);

		if (order != 0)
			return order;
	}
	return 0;
}

/* A copy is sorted: the index holds the places of the groups as they are. */
static json_t *
coverage_groups_json(const struct coverage *coverage)
{
	struct coverage_group *sorted =
	    mem_zalloc(coverage->count + 1, sizeof(coverage->groups[0]));
	json_t *list = json_array();

	if (coverage->count > 0)
		memcpy(sorted, coverage->groups, coverage->count * sizeof(sorted[0]));
	qsort(sorted, coverage->count, sizeof(sorted[0]), coverage_group_compare);
	for (size_t i = 0; i < coverage->count; i++) {
		json_t *group = json_object();
		json_t *by = json_object();

		for (size_t k = 0; k < coverage->by->count; k++)
			json_object_set(
			    by, coverage->by->at[k].name, json_array_get(sorted[i].values, k));
		json_object_set_new(group, "by", by);
		coverage_put_counts(group, &sorted[i].counts);
		json_object_set(group, "reasons", sorted[i].reasons);
		json_array_append_new(list, group);
	}
	free(sorted);
	return list;
}

/* A gap of the report: first those that count for the coverage, and the largest ones first. */
struct coverage_gap {
	enum coverage_class class;
	const char *reason;
	json_int_t count;
};

static int
coverage_gap_compare(const void *left, const void *right)
{
	const struct coverage_gap *a = left, *b = right;
	bool wanted = coverage_class_is_wanted(a->class);

	if (wanted != coverage_class_is_wanted(b->class))
		return wanted ? -1 : 1;
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	if (a->class != b->class)
		return a->class < b->class ? -1 : 1;
	return strcmp(a->reason, b->reason);
}

/* Only what somebody can do something about: a reason without a remedy is left out. */
static json_t *
coverage_gaps_json(const struct coverage *coverage)
{
	struct coverage_gap gaps[COVERAGE_CLASS_COUNT * (COVERAGE_REASONS_MAX + 1)] = {
	    {.count = 0}};
	json_t *list = json_array();
	size_t count = 0;

	for (size_t i = 0; i < COVERAGE_CLASS_COUNT; i++) {
		enum coverage_class class = (enum coverage_class)i;
		json_t *reasons =
		    json_object_get(coverage->all.reasons, coverage_class_name(class));
		const char *reason;
		json_t *n;

		json_object_foreach (reasons, reason, n) {
			assert(count < sizeof(gaps) / sizeof(gaps[0]));
			if (coverage_remedy(class, reason) != NULL)
				gaps[count++] =
				    (struct coverage_gap){class, reason, json_integer_value(n)};
		}
	}
	qsort(gaps, count, sizeof(gaps[0]), coverage_gap_compare);
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list,
		    json_pack("{s:s, s:s, s:I, s:s}", "class", coverage_class_name(gaps[i].class),
			"reason", gaps[i].reason, "interfaces", gaps[i].count, "remedy",
			coverage_remedy(gaps[i].class, gaps[i].reason)));
	return list;
}

json_t *
coverage_json(const struct coverage *coverage)
{
	json_t *document = json_object();

	coverage_put_counts(document, &coverage->all.counts);
	json_object_set(document, "reasons", coverage->all.reasons);
	json_object_set_new(document, "groups", coverage_groups_json(coverage));
	json_object_set_new(document, "gaps", coverage_gaps_json(coverage));
	json_object_set_new(
	    document, "instancesWithoutInterface", json_integer((json_int_t)coverage->bare));
	return document;
}

json_t *
coverage_item_json(const struct coverage_item *item)
{
	static const char *const members[] = {
	    [COVERAGE_KEY_ACCOUNT] = "account",
	    [COVERAGE_KEY_REGION] = "region",
	    [COVERAGE_KEY_VPC] = "vpcId",
	    [COVERAGE_KEY_SUBNET] = "subnetId",
	    [COVERAGE_KEY_ZONE] = "availabilityZone",
	    [COVERAGE_KEY_TYPE] = "instanceType",
	    [COVERAGE_KEY_RULE] = "rule",
	    [COVERAGE_KEY_TARGET] = "targetId",
	};
	json_t *object = json_object();

	jsonx_put_string(object, "class", coverage_class_name(item->class));
	jsonx_put_string(object, "reason", item->reason);
	jsonx_put_string(object, "networkInterfaceId", item->interface_id);
	jsonx_put_string(object, "instanceId", item->instance_id);
	jsonx_put_string(object, "name", item->name);
	for (size_t i = 0; i < COVERAGE_KEY_COUNT; i++)
		jsonx_put_string(object, members[i], item->keys[i]);
	jsonx_put_string(object, "sessionId", item->session_id);
	if (item->reason != NULL)
		jsonx_put_string(object, "remedy", coverage_remedy(item->class, item->reason));
	return object;
}
