#include "fleet/coverage/coverage.h"

#include "base/buf.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "mirror/names.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* How many interfaces of a class there are for a reason. */
struct coverage_reason {
	const char *text; /* a key of coverage->texts */
	enum coverage_class class;
	uint64_t count;
};

/* In the order in which they were first met, as its reasons are. A group is its key: the values
 * are read out of it again. Of a million instances in 200 accounts there are thousands of groups,
 * and as JSON each took 2 KiB. */
struct coverage_group {
	const char *key; /* of coverage->index; NULL: all */
	struct coverage_counts counts;
	struct coverage_reason *reasons;
	size_t reason_count;
};

struct coverage {
	const struct coverage_by *by;
	struct coverage_group all;
	struct coverage_group *groups;
	size_t count;
	json_t *index;	/* {key of a group: place in groups} */
	json_t *texts;	/* {reason: true}: each is kept once */
	uint64_t bare;	/* instances without an interface */
	struct buf key; /* reused for each interface */
};

struct coverage *
coverage_new(const struct coverage_by *by)
{
	struct coverage *coverage = mem_zalloc(1, sizeof(*coverage));

	coverage->by = by;
	coverage->index = json_object();
	coverage->texts = json_object();
	return coverage;
}

void
coverage_reset(struct coverage *coverage)
{
	for (size_t i = 0; i < coverage->count; i++)
		free(coverage->groups[i].reasons);
	free(coverage->groups);
	coverage->groups = NULL;
	coverage->count = 0;
	coverage->bare = 0;
	json_object_clear(coverage->index);
	free(coverage->all.reasons);
	coverage->all = (struct coverage_group){.key = NULL};
	json_object_clear(coverage->texts);
}

void
coverage_free(struct coverage *coverage)
{
	if (coverage == NULL)
		return;
	coverage_reset(coverage);
	json_decref(coverage->index);
	json_decref(coverage->texts);
	buf_fini(&coverage->key);
	free(coverage);
}

const struct coverage_counts *
coverage_counts(const struct coverage *coverage)
{
	return &coverage->all.counts;
}

/* --- counting --- */

/* Doubled when full. */
static void *
coverage_grow(void *items, size_t count, size_t bytes)
{
	return (count & (count - 1)) == 0 ? mem_resize(items, count == 0 ? 1 : count * 2, bytes)
					  : items;
}

/* The text is kept once for all groups: jansson's key stays where it is while it is a member. */
static const char *
coverage_text(struct coverage *coverage, const char *text)
{
	void *at = json_object_iter_at(coverage->texts, text);

	if (at == NULL) {
		json_object_set_new(coverage->texts, text, json_true());
		at = json_object_iter_at(coverage->texts, text);
	}
	assert(at != NULL); /* UTF-8: what comes from elsewhere is looked at where it is read */
	return json_object_iter_key(at);
}

/* The group's reason of that class and text, or NULL; *ret_of_class: how many the class has. */
static struct coverage_reason *
coverage_reason_find(const struct coverage_group *group, enum coverage_class class,
    const char *text, size_t *ret_of_class)
{
	*ret_of_class = 0;
	for (size_t i = 0; i < group->reason_count; i++) {
		if (group->reasons[i].class != class)
			continue;
		++*ret_of_class;
		if (strcmp(group->reasons[i].text, text) == 0)
			return &group->reasons[i];
	}
	return NULL;
}

/* Reasons are texts of a bounded kind, but an error of AWS's is one too: beyond the bound they are
 * counted together. */
static void
coverage_group_reason(struct coverage *coverage, struct coverage_group *group,
    enum coverage_class class, const char *text, uint64_t more)
{
	size_t of_class, ignored;
	struct coverage_reason *reason = coverage_reason_find(group, class, text, &of_class);

	assert(more > 0 && class < COVERAGE_CLASS_COUNT);
	if (reason == NULL && of_class >= COVERAGE_REASONS_MAX) {
		text = COVERAGE_OTHER;
		reason = coverage_reason_find(group, class, text, &ignored);
	}
	if (reason == NULL) {
		group->reasons =
		    coverage_grow(group->reasons, group->reason_count, sizeof(group->reasons[0]));
		reason = &group->reasons[group->reason_count++];
		*reason =
		    (struct coverage_reason){.text = coverage_text(coverage, text), .class = class};
	}
	reason->count += more;
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

/* Reads the next value of a group's key, and moves *at behind it. Returns false, and an empty text,
 * where the value is absent. */
static bool
coverage_key_next(const char **at, struct str *ret_value)
{
	char *text;

	*ret_value = (struct str){.p = "", .len = 0};
	if (**at == '-') {
		*at += strlen("-;");
		return false;
	}
	ret_value->len = strtoul(*at, &text, 10);
	assert(*text == ':');
	ret_value->p = text + 1;
	*at = ret_value->p + ret_value->len;
	assert(**at == ';');
	++*at;
	return true;
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

/* The group of the key in coverage->key. */
static struct coverage_group *
coverage_group_get(struct coverage *coverage)
{
	struct buf *key = &coverage->key;
	const json_t *place = json_object_get(coverage->index, buf_cstr(key));

	assert(json_object_size(coverage->index) == coverage->count);
	if (place == NULL && coverage->count >= COVERAGE_GROUPS_MAX) {
		buf_reset(key);
		for (size_t i = 0; i < coverage->by->count; i++)
			coverage_key_add(key, COVERAGE_OTHER);
		place = json_object_get(coverage->index, buf_cstr(key));
	}
	if (place != NULL)
		return &coverage->groups[json_integer_value(place)];
	coverage->groups =
	    coverage_grow(coverage->groups, coverage->count, sizeof(coverage->groups[0]));
	json_object_set_new(
	    coverage->index, buf_cstr(key), json_integer((json_int_t)coverage->count));
	coverage->groups[coverage->count] = (struct coverage_group){
	    .key = json_object_iter_key(json_object_iter_at(coverage->index, buf_cstr(key)))};
	return &coverage->groups[coverage->count++];
}

/* Counted twice: in all, and in its group. So the sum of all needs no pass over the groups, which
 * may have been put together at the bound. */
void
coverage_add(struct coverage *coverage, const struct coverage_item *item)
{
	struct coverage_group *groups[] = {&coverage->all, NULL};

	assert(item->class < COVERAGE_CLASS_COUNT && item->interface_id != NULL);
	buf_reset(&coverage->key);
	for (size_t i = 0; i < coverage->by->count; i++)
		coverage_key_add(&coverage->key, coverage_value(&coverage->by->at[i], item));
	groups[1] = coverage_group_get(coverage);
	assert(coverage->count <= COVERAGE_GROUPS_MAX + 1);
	for (size_t i = 0; i < 2; i++) {
		coverage_counts_add(&groups[i]->counts, item->class);
		if (item->reason != NULL)
			coverage_group_reason(coverage, groups[i], item->class, item->reason, 1);
	}
}

void
coverage_add_bare(struct coverage *coverage, uint64_t instances)
{
	coverage->bare += instances;
}

/* Class by class, so that what several places add comes out in one order. */
static void
coverage_group_merge(
    struct coverage *coverage, struct coverage_group *group, const struct coverage_group *more)
{
	for (size_t i = 0; i < COVERAGE_CLASS_COUNT; i++) {
		group->counts.of[i] += more->counts.of[i];
		for (size_t k = 0; k < more->reason_count; k++)
			if (more->reasons[k].class == (enum coverage_class)i)
				coverage_group_reason(coverage, group, more->reasons[k].class,
				    more->reasons[k].text, more->reasons[k].count);
	}
}

/* By the same keys, the key of a group is the same in both. */
void
coverage_merge(struct coverage *coverage, const struct coverage *more)
{
	assert(coverage->by == more->by);
	coverage->bare += more->bare;
	coverage_group_merge(coverage, &coverage->all, &more->all);
	for (size_t i = 0; i < more->count; i++) {
		buf_reset(&coverage->key);
		buf_add_cstr(&coverage->key, more->groups[i].key);
		coverage_group_merge(coverage, coverage_group_get(coverage), &more->groups[i]);
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

/* {class: {reason: n}} */
static json_t *
coverage_reasons_json(const struct coverage_group *group)
{
	json_t *reasons = json_object();

	for (size_t i = 0; i < group->reason_count; i++) {
		const char *name = coverage_class_name(group->reasons[i].class);
		json_t *of_class = json_object_get(reasons, name);

		if (of_class == NULL) {
			of_class = json_object();
			json_object_set_new(reasons, name, of_class);
		}
		json_object_set_new(of_class, group->reasons[i].text,
		    json_integer((json_int_t)group->reasons[i].count));
	}
	return reasons;
}

/* By value, and without one last: the same question has the same answer. */
static int
coverage_group_compare(const void *left, const void *right)
{
	const char *a = (*(const struct coverage_group *const *)left)->key;
	const char *b = (*(const struct coverage_group *const *)right)->key;

	while (*a != '\0' && *b != '\0') {
		struct str one, other;
		bool has_one = coverage_key_next(&a, &one);
		bool has_other = coverage_key_next(&b, &other);
		size_t len = one.len < other.len ? one.len : other.len;
		int order = has_one && has_other ? memcmp(one.p, other.p, len)
						 : (int)has_other - (int)has_one;

		if (order == 0 && one.len != other.len)
			order = one.len < other.len ? -1 : 1;
		if (order != 0)
			return order;
	}
	return 0;
}

static json_t *
coverage_group_json(const struct coverage *coverage, const struct coverage_group *group)
{
	json_t *object = json_object();
	json_t *by = json_object();
	const char *at = group->key;

	for (size_t i = 0; i < coverage->by->count; i++) {
		struct str value;
		bool has = coverage_key_next(&at, &value);

		json_object_set_new(by, coverage->by->at[i].name,
		    has ? json_stringn(value.p, value.len) : json_null());
	}
	json_object_set_new(object, "by", by);
	coverage_put_counts(object, &group->counts);
	json_object_set_new(object, "reasons", coverage_reasons_json(group));
	return object;
}

size_t
coverage_groups_count(const struct coverage *coverage)
{
	return coverage->count;
}

/* Pointers are sorted: the index holds the places of the groups as they are. */
void
coverage_groups_each(
    const struct coverage *coverage, void (*fn)(void *arg, const json_t *group), void *arg)
{
	const struct coverage_group **sorted =
	    mem_zalloc(coverage->count, sizeof(const struct coverage_group *));

	for (size_t i = 0; i < coverage->count; i++)
		sorted[i] = &coverage->groups[i];
	if (coverage->count > 0)
		qsort(sorted, coverage->count, sizeof(const struct coverage_group *),
		    coverage_group_compare);
	for (size_t i = 0; i < coverage->count; i++) {
		json_t *group = coverage_group_json(coverage, sorted[i]);

		fn(arg, group);
		json_decref(group);
	}
	free(sorted);
}

/* Gaps of the report: first those that count for the coverage, and the largest ones first. */
static int
coverage_gap_compare(const void *left, const void *right)
{
	const struct coverage_reason *a = left, *b = right;
	bool wanted = coverage_class_is_wanted(a->class);

	if (wanted != coverage_class_is_wanted(b->class))
		return wanted ? -1 : 1;
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	if (a->class != b->class)
		return a->class < b->class ? -1 : 1;
	return strcmp(a->text, b->text);
}

/* Only what somebody can do something about: a reason without a remedy is left out. */
static json_t *
coverage_gaps_json(const struct coverage *coverage)
{
	struct coverage_reason gaps[COVERAGE_CLASS_COUNT * (COVERAGE_REASONS_MAX + 1)] = {
	    {.count = 0}};
	json_t *list = json_array();
	size_t count = 0;

	for (size_t i = 0; i < coverage->all.reason_count; i++) {
		const struct coverage_reason *reason = &coverage->all.reasons[i];

		assert(count < sizeof(gaps) / sizeof(gaps[0]));
		if (coverage_remedy(reason->class, reason->text) != NULL)
			gaps[count++] = *reason;
	}
	qsort(gaps, count, sizeof(gaps[0]), coverage_gap_compare);
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list,
		    json_pack("{s:s, s:s, s:I, s:s}", "class", coverage_class_name(gaps[i].class),
			"reason", gaps[i].text, "interfaces", (json_int_t)gaps[i].count, "remedy",
			coverage_remedy(gaps[i].class, gaps[i].text)));
	return list;
}

json_t *
coverage_json(const struct coverage *coverage)
{
	json_t *document = json_object();

	coverage_put_counts(document, &coverage->all.counts);
	json_object_set_new(document, "reasons", coverage_reasons_json(&coverage->all));
	json_object_set_new(document, COVERAGE_GROUPS, json_array());
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
