#include "world_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool
tags_next(const struct tags *tags, const char **cursor, size_t *index, const char **ret_key,
    const char **ret_value)
{
	if (*index == tags->count)
		return false;
	if (*index == 0)
		*cursor = tags->blob;
	*ret_key = *cursor;
	*ret_value = *ret_key + strlen(*ret_key) + 1;
	*cursor = *ret_value + strlen(*ret_value) + 1;
	(*index)++;
	return true;
}

const char *
tags_value(const struct tags *tags, const char *key)
{
	const char *cursor = NULL, *name, *value;
	size_t index = 0;

	while (tags_next(tags, &cursor, &index, &name, &value)) {
		if (strcmp(name, key) == 0)
			return value;
	}
	return NULL;
}

void
tags_slot_fini(struct tags_slot *slot)
{
	free(slot->now);
	free(slot->before);
	*slot = (struct tags_slot){0};
}

static size_t
tags_bytes(const struct tags *tags)
{
	const char *cursor = tags->blob, *key, *value;
	size_t index = 0;

	while (tags_next(tags, &cursor, &index, &key, &value))
		continue;
	return tags->count > 0 ? (size_t)(cursor - tags->blob) : 0;
}

static char *
tags_copy(const struct tags *tags)
{
	size_t bytes = tags_bytes(tags);
	char *blob;

	if (bytes == 0)
		return NULL;
	assert(tags->blob != NULL);
	blob = mem_alloc(bytes);
	memcpy(blob, tags->blob, bytes);
	return blob;
}

void
tags_slot_copy(struct tags_slot *to, const struct tags_slot *from)
{
	struct tags tags = {from->now, from->now_count};

	assert(to->now == NULL);
	to->now = tags_copy(&tags);
	to->now_count = from->now_count;
	to->changed = from->changed;
}

struct tags
tags_slot_look(
    const struct sim_world *w, const struct tags_slot *slot, enum stale_kind kind, enum look look)
{
	if (look == LOOK_SEEN && !stamp_settled(w, kind, &slot->changed))
		return (struct tags){slot->before, slot->before_count};
	return (struct tags){slot->now, slot->now_count};
}

void
tags_write_xml(struct buf *out, const struct tags *tags)
{
	const char *cursor = NULL, *key, *value;
	size_t index = 0;

	if (tags->count == 0) {
		xml_empty(out, "tagSet");
		return;
	}
	xml_open(out, "tagSet");
	while (tags_next(tags, &cursor, &index, &key, &value)) {
		xml_open(out, "item");
		xml_text(out, "key", key);
		xml_text(out, "value", value);
		xml_close(out, "item");
	}
	xml_close(out, "tagSet");
}

/* ---- changing ---- */

static void
append_tag(struct buf *blob, struct str key, struct str value)
{
	buf_add_str(blob, key);
	buf_add_char(blob, '\0');
	buf_add_str(blob, value);
	buf_add_char(blob, '\0');
}

static enum stale_kind
stale_of(enum id_kind kind)
{
	if (kind == ID_TARGET)
		return STALE_TARGETS;
	if (kind == ID_SESSION)
		return STALE_SESSIONS;
	return kind == ID_INSTANCE || kind == ID_INTERFACE ? STALE_INSTANCES : STALE_OTHER;
}

/* Makes blob (count pairs) the slot's tags. A second change before the first is seen leaves what
 * describes show. */
static void
slot_change(const struct sim_world *w, struct tags_slot *slot, enum stale_kind kind,
    struct buf *blob, size_t count)
{
	if (stamp_settled(w, kind, &slot->changed)) {
		free(slot->before);
		slot->before = slot->now;
		slot->before_count = slot->now_count;
	} else {
		free(slot->now);
	}
	slot->now = count > 0 ? buf_take(blob) : NULL;
	slot->now_count = (uint16_t)count;
	slot->changed = stamp_now(w, kind);
	buf_fini(blob);
}

static const struct tags_slot *
own_slot(const struct sim_world *w, enum id_kind kind, uint64_t n)
{
	if (kind == ID_TARGET)
		return &w->targets[n].tags;
	if (kind == ID_SESSION)
		return &w->sessions[n].tags;
	if (kind == ID_INSTANCE && n >= w->opts.instances)
		return &w->launches[n - w->opts.instances].tags;
	return NULL;
}

static uint64_t
slot_key(enum id_kind kind, uint64_t n)
{
	return (uint64_t)kind << 58 | n;
}

const struct tags_slot *
tags_slot_find(const struct sim_world *w, enum id_kind kind, uint64_t n)
{
	const struct tags_slot *own = own_slot(w, kind, n);
	uint64_t index;

	if (own != NULL)
		return own;
	return idmap_get(&w->tag_slot_of, slot_key(kind, n), &index) ? &w->tag_slots[index] : NULL;
}

struct tags
tags_of(const struct sim_world *w, enum id_kind kind, uint64_t n, char buffer[INSTANCE_TAGS_BYTES])
{
	const struct tags_slot *slot = tags_slot_find(w, kind, n);
	struct instance i;

	if (slot != NULL)
		return tags_slot_look(w, slot, stale_of(kind), LOOK_SEEN);
	if (kind != ID_INSTANCE || !instance_load(w, n, LOOK_SEEN, &i))
		return (struct tags){0};
	memcpy(buffer, i.tags_text, INSTANCE_TAGS_BYTES);
	return (struct tags){buffer, i.tags.count};
}

struct tags_slot *
tags_slot_of(struct sim_world *w, enum id_kind kind, uint64_t n)
{
	char buffer[INSTANCE_TAGS_BYTES];
	struct tags generated = tags_of(w, kind, n, buffer);
	struct tags_slot *slot;
	uint64_t index;

	if (kind == ID_TARGET)
		return &w->targets[n].tags;
	if (kind == ID_SESSION)
		return &w->sessions[n].tags;
	if (kind == ID_INSTANCE && n >= w->opts.instances)
		return &w->launches[n - w->opts.instances].tags;
	if (idmap_get(&w->tag_slot_of, slot_key(kind, n), &index))
		return &w->tag_slots[index];
	w->tag_slots = mem_resize(w->tag_slots, w->tag_slots_count + 1, sizeof(w->tag_slots[0]));
	slot = &w->tag_slots[w->tag_slots_count];
	*slot = (struct tags_slot){
	    .now = tags_copy(&generated), .now_count = (uint16_t)generated.count};
	slot->changed = stamp_old(w);
	idmap_set(&w->tag_slot_of, slot_key(kind, n), w->tag_slots_count++);
	return slot;
}

static int
check_tag(struct sim_call *c, struct str key, struct str value)
{
	if (key.len == 0 || key.len > TAG_KEY_BYTES_MAX || memchr(key.p, '\0', key.len) != NULL)
		return call_fail(c, 400, "InvalidParameterValue",
		    "Tag keys must be 1 to %u characters long", TAG_KEY_BYTES_MAX);
	if (value.len > TAG_VALUE_BYTES_MAX ||
	    (value.len > 0 && memchr(value.p, '\0', value.len) != NULL))
		return call_fail(c, 400, "InvalidParameterValue",
		    "Tag value exceeds the maximum length of %u characters", TAG_VALUE_BYTES_MAX);
	if (str_starts(key, "aws:"))
		return call_fail(c, 400, "InvalidParameterValue",
		    "Tag keys starting with 'aws:' are reserved for internal use");
	return 0;
}

/* A parameter PREFIX.N.SUFFIX */
static struct str
nested_param(const struct sim_call *c, const char *prefix, size_t n, const char *suffix)
{
	char *name = mem_printf("%s.%zu%s", prefix, n, suffix);
	struct str value = params_get(&c->params, name);

	free(name);
	return value;
}

/* Reads PREFIX.N.Key and .Value into pairs; count is TAGS_MAX + 1 where there are too many. */
struct tag_pairs {
	struct str keys[TAGS_MAX + 1];
	struct str values[TAGS_MAX + 1]; /* p NULL: no value given */
	size_t count;
};

static int
read_pairs(struct sim_call *c, const char *prefix, struct tag_pairs *ret)
{
	ret->count = 0;
	for (size_t n = 1; n <= TAGS_MAX + 1; n++) {
		struct str key = nested_param(c, prefix, n, ".Key");

		if (key.p == NULL)
			break;
		ret->keys[ret->count] = key;
		ret->values[ret->count] = nested_param(c, prefix, n, ".Value");
		if (check_tag(c, key, ret->values[ret->count]) < 0)
			return -1;
		ret->count++;
	}
	if (ret->count > TAGS_MAX)
		return call_fail(c, 400, "TagLimitExceeded", "More than %u tags", TAGS_MAX);
	return 0;
}

int
tags_from_params(struct sim_call *c, const char *resource_type, struct tags_slot *ret_slot)
{
	struct tag_pairs pairs;
	struct buf blob = {0};

	*ret_slot =
	    (struct tags_slot){.changed = stamp_old(c->w)}; /* seen as soon as the resource is */
	for (size_t n = 1; n <= TAGS_MAX; n++) {
		struct str type = nested_param(c, "TagSpecification", n, ".ResourceType");
		char *prefix;
		int result;

		if (type.p == NULL)
			break;
		if (!str_is(type, resource_type)) {
			if (str_is(type, "volume") || str_is(type, "network-interface"))
				continue;
			return call_fail(c, 400, "InvalidParameterValue",
			    "'%.*s' is not a valid taggable resource type for this operation.",
			    (int)(type.len < 100 ? type.len : 100), type.p);
		}
		prefix = mem_printf("TagSpecification.%zu.Tag", n);
		result = read_pairs(c, prefix, &pairs);
		free(prefix);
		if (result < 0)
			return -1;
		for (size_t i = 0; i < pairs.count; i++)
			append_tag(&blob, pairs.keys[i], pairs.values[i]);
		ret_slot->now_count = (uint16_t)pairs.count;
		ret_slot->now = pairs.count > 0 ? buf_take(&blob) : NULL;
		return 0;
	}
	return 0;
}

/* ---- CreateTags, DeleteTags ---- */

static bool
resource_exists(const struct sim_world *w, enum id_kind kind, uint64_t n)
{
	struct instance i;

	switch (kind) {
	case ID_INSTANCE:
		return n < instances_end(w);
	case ID_INTERFACE:
		return interface_load(w, n, LOOK_TRUE, &i);
	case ID_VPC:
		return n < w->opts.vpcs;
	case ID_SUBNET:
		return n < subnets_count(w);
	case ID_TARGET:
		return n < w->targets_count && !w->targets[n].deleted;
	case ID_SESSION:
		return n < w->sessions_count && !w->sessions[n].deleted;
	case ID_FILTER:
		return n < SIM_GIVEN_FILTERS;
	case ID_ATTACHMENT:
	case ID_RESERVATION:
	case ID_GROUP:
	case ID_COUNT:
		break;
	}
	return false;
}

static const char *
not_found_code(enum id_kind kind)
{
	static const char *const codes[ID_COUNT] = {
	    [ID_INSTANCE] = "InvalidInstanceID.NotFound",
	    [ID_INTERFACE] = "InvalidNetworkInterfaceID.NotFound",
	    [ID_VPC] = "InvalidVpcID.NotFound",
	    [ID_SUBNET] = "InvalidSubnetID.NotFound",
	    [ID_TARGET] = "InvalidTrafficMirrorTargetId.NotFound",
	    [ID_SESSION] = "InvalidTrafficMirrorSessionId.NotFound",
	    [ID_FILTER] = "InvalidTrafficMirrorFilterId.NotFound",
	};

	return kind < ID_COUNT && codes[kind] != NULL ? codes[kind] : "InvalidID";
}

/* The slot's tags with key set to value, or taken away where set is false (and the value agrees,
 * if one is given). */
static size_t
changed_tags(
    const struct tags_slot *slot, const struct tag_pairs *pairs, bool set, struct buf *blob)
{
	struct tags tags = {slot->now, slot->now_count};
	const char *cursor = NULL, *key, *value;
	size_t index = 0, count = 0;

	while (tags_next(&tags, &cursor, &index, &key, &value)) {
		bool keep = true;

		for (size_t i = 0; i < pairs->count && keep; i++) {
			keep =
			    !str_is(pairs->keys[i], key) || (!set && pairs->values[i].p != NULL &&
								!str_is(pairs->values[i], value));
		}
		if (keep)
			append_tag(blob, str_of(key), str_of(value));
		count += keep;
	}
	for (size_t i = 0; i < pairs->count && set; i++) {
		append_tag(blob, pairs->keys[i], pairs->values[i]);
		count++;
	}
	return count;
}

#define TAGGED_MAX 1000u /* resources in one call */

static int
read_resources(struct sim_call *c, struct str *ids, size_t count, uint64_t *numbers)
{
	if (count == 0)
		return call_fail_missing(c, "ResourceId");
	if (count > TAGGED_MAX)
		return call_fail(
		    c, 400, "InvalidParameterValue", "More than %u resources", TAGGED_MAX);
	for (size_t i = 0; i < count; i++) {
		enum id_kind kind = id_kind_of(ids[i]);
		bool formed;

		if (kind == ID_COUNT || id_resource_type(kind) == NULL ||
		    !id_read(c->w, kind, ids[i], &numbers[i], &formed) ||
		    !resource_exists(c->w, kind, numbers[i]))
			return call_fail(c, 400, not_found_code(kind),
			    "The ID '%.*s' does not exist",
			    (int)(ids[i].len < 100 ? ids[i].len : 100), ids[i].p);
	}
	return 0;
}

static int
change_all(
    struct sim_call *c, const struct str *ids, const uint64_t *numbers, size_t count, bool set)
{
	struct tag_pairs pairs;

	if (read_pairs(c, "Tag", &pairs) < 0)
		return -1;
	if (pairs.count == 0 && set)
		return call_fail_missing(c, "Tag");
	if (call_dry_run(c) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		enum id_kind kind = id_kind_of(ids[i]);
		struct tags_slot *slot = tags_slot_of(c->w, kind, numbers[i]);
		struct buf blob = {0};
		size_t after = pairs.count > 0 ? changed_tags(slot, &pairs, set, &blob) : 0;

		if (after > TAGS_MAX) {
			buf_fini(&blob);
			return call_fail(c, 400, "TagLimitExceeded", "More than %u tags", TAGS_MAX);
		}
		slot_change(c->w, slot, stale_of(kind), &blob, after);
	}
	xml_text(c->out, "return", "true");
	return 0;
}

static int
change_tags(struct sim_call *c, bool set)
{
	struct str *ids;
	size_t count = params_list(&c->params, "ResourceId", &ids);
	uint64_t numbers[TAGGED_MAX] = {0};
	int result = read_resources(c, ids, count, numbers);

	if (result == 0)
		result = change_all(c, ids, numbers, count, set);
	free(ids);
	return result;
}

int
op_create_tags(struct sim_call *c)
{
	return change_tags(c, true);
}

int
op_delete_tags(struct sim_call *c)
{
	return change_tags(c, false);
}
