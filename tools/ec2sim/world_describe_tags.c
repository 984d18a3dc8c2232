#include "world_internal.h"

#include <string.h>

/* DescribeTags: a walk over targets, sessions and instances, in this order. A tag's number is
 * that of its resource times TAGS_MAX + 1, plus its place. */

#define PLACES (TAGS_MAX + 1u)

struct tag_view {
	enum id_kind kind;
	uint64_t n;
	const char *key;
	const char *value;
	char text[INSTANCE_TAGS_BYTES];
};

static uint64_t
tags_end(const struct sim_world *w)
{
	return (w->targets_count + w->sessions_count + instances_end(w)) * PLACES;
}

static bool
load_resource(
    const struct sim_world *w, uint64_t resource, struct tag_view *v, struct tags *ret_tags)
{
	v->n = resource;
	v->kind = ID_TARGET;
	if (v->n >= w->targets_count) {
		v->n -= w->targets_count;
		v->kind = ID_SESSION;
		if (v->n >= w->sessions_count) {
			v->n -= w->sessions_count;
			v->kind = ID_INSTANCE;
		}
	}
	if ((v->kind == ID_TARGET && w->targets[v->n].deleted) ||
	    (v->kind == ID_SESSION && w->sessions[v->n].deleted))
		return false;
	*ret_tags = tags_of(w, v->kind, v->n, v->text);
	return true;
}

static bool
load_tag(const struct sim_world *w, uint64_t n, void *ret_object)
{
	struct tag_view *v = ret_object;
	const char *cursor = NULL;
	struct tags tags;
	size_t index = 0;

	if (!load_resource(w, n / PLACES, v, &tags) || n % PLACES >= tags.count)
		return false;
	while (index <= n % PLACES)
		tags_next(&tags, &cursor, &index, &v->key, &v->value);
	return true;
}

static void
offer_key(struct match *m, const void *object)
{
	match_text(m, ((const struct tag_view *)object)->key);
}

static void
offer_value(struct match *m, const void *object)
{
	match_text(m, ((const struct tag_view *)object)->value);
}

static void
offer_resource(struct match *m, const void *object)
{
	const struct tag_view *v = object;

	match_id(m, v->kind, v->n);
}

static void
offer_type(struct match *m, const void *object)
{
	match_text(m, id_resource_type(((const struct tag_view *)object)->kind));
}

static const struct describe_filter tag_filters[] = {
    {"key", offer_key},
    {"resource-id", offer_resource},
    {"resource-type", offer_type},
    {"value", offer_value},
    {NULL, NULL},
};

static bool
collect_resource(const struct sim_world *w, struct str value, struct idmap *numbers)
{
	enum id_kind kind = id_kind_of(value);
	uint64_t n;
	bool formed;

	if (kind == ID_COUNT || !id_read(w, kind, value, &n, &formed))
		return true;
	if (kind == ID_SESSION && n < w->sessions_count)
		n += w->targets_count;
	else if (kind == ID_INSTANCE && n < instances_end(w))
		n += w->targets_count + w->sessions_count;
	else if (kind != ID_TARGET || n >= w->targets_count)
		return true;
	for (uint64_t place = 0; place < PLACES; place++)
		idmap_set(numbers, n * PLACES + place, 0);
	return true;
}

/* Only some kinds: skips the million instances where targets are asked for. */
static bool
collect_type(const struct sim_world *w, struct str value, struct idmap *numbers)
{
	if (str_is(value, "instance") ||
	    (str_is(value, "traffic-mirror-session") && w->sessions_count > 0))
		return false;
	if (str_is(value, "traffic-mirror-target")) {
		for (uint64_t n = 0; n < w->targets_count * PLACES; n++)
			idmap_set(numbers, n, 0);
	}
	return true;
}

static const struct describe_index tag_indexes[] = {
    {"resource-id", collect_resource},
    {"resource-type", collect_type},
    {NULL, NULL},
};

static void
write_tag(struct sim_call *c, const void *object, void *state)
{
	const struct tag_view *v = object;
	char id[SIM_ID_BYTES];

	(void)state;
	id_write(c->w, v->kind, v->n, id);
	xml_open(c->out, "item");
	xml_text(c->out, "resourceId", id);
	xml_text(c->out, "resourceType", id_resource_type(v->kind));
	xml_text(c->out, "key", v->key);
	xml_text(c->out, "value", v->value);
	xml_close(c->out, "item");
}

static const struct describe describe_tags = {
    .set = "tagSet",
    .stale = STALE_OTHER,
    .min = 5,
    .max = 1000,
    .object_bytes = sizeof(struct tag_view),
    .filters = tag_filters,
    .indexes = tag_indexes,
    .end = tags_end,
    .load = load_tag,
    .write = write_tag,
};

int
op_describe_tags(struct sim_call *c)
{
	c->w->describes[STALE_INSTANCES]++;
	c->w->describes[STALE_TARGETS]++;
	c->w->describes[STALE_SESSIONS]++;
	return describe_run(c, &describe_tags);
}
