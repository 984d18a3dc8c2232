#include "asl/jsonata/tuples.h"

#include <string.h>

/*
 * An object behind a path, `items{category: price}`, gathers the items by key. Two passes: the
 * first collects the items of each key, the second evaluates the values.
 * See: https://docs.jsonata.org/sorting-grouping
 */

struct group {
	struct value data; /* what has the key so far: one value, or several in an array */
	struct value key;
	uint32_t pair;
	bool grows; /* data is an array of the group's own */
};

struct grouping {
	const struct object_node *node;
	struct frame *frame;
	struct object *index; /* key -> number of its group */
	struct group *groups;
	size_t count, capacity;
	bool tuples;
};

/* The groups keep the order of their first item, which is the order of the result's keys. */
static struct group *
group_add(struct evaluator *ev, struct grouping *g)
{
	if (g->count == g->capacity) {
		size_t capacity = g->capacity == 0 ? 4 : g->capacity * 2;
		struct group *groups = heap_array(&ev->heap, capacity, sizeof(*groups));

		if (g->count > 0)
			memcpy(groups, g->groups, g->count * sizeof(*groups));
		g->groups = groups;
		g->capacity = capacity;
	}
	return &g->groups[g->count++];
}

/* Adds an item to a group's data. Once there are two, the array is the group's own and grows in
 * place: 1,000,000 items of one key are not copied 1,000,000 times. */
static void
group_append(struct evaluator *ev, struct group *group, const struct value *item)
{
	if (group->grows) {
		list_append(&ev->heap, group->data.u.list, *item);
		return;
	}
	group->grows = group->data.type != VALUE_UNDEFINED && item->type != VALUE_UNDEFINED;
	group->data = values_append(ev, group->data, *item);
}

/* jsonata marks its functions by such members. */
static void
group_check_key(struct evaluator *ev, const struct grouping *g, const struct value *key)
{
	static const char *const kept[] = {"_jsonata_lambda", "_jsonata_function"};

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		if (key->len == strlen(kept[i]) && memcmp(key->u.text, kept[i], key->len) == 0)
			fault_raise(ev->fault, g->node->node.position, "D1013", kept[i]);
	}
}

/* The same key may come from one pair for many items, which are gathered, but not from two pairs:
 * {"a": 1, "a": 2} is D1009. */
static void
group_item(struct evaluator *ev, struct grouping *g, const struct value *item)
{
	bool is_tuple = g->tuples && item->type == VALUE_OBJECT;
	struct value context = is_tuple ? tuple_value(item) : *item;
	struct frame *frame = is_tuple ? tuple_frame(ev, item, g->frame) : g->frame;

	for (uint32_t i = 0; i < g->node->node.count; i++) {
		struct value key = evaluate(ev, g->node->pairs[i].key, &context, frame);
		const struct value *known;
		struct group *group;

		if (key.type == VALUE_UNDEFINED)
			continue;
		if (key.type != VALUE_STRING)
			fault_raise(
			    ev->fault, g->node->node.position, "T1003", evaluator_show(ev, &key));
		group_check_key(ev, g, &key);
		known = object_find(g->index, key.u.text, key.len);
		if (known == NULL) {
			object_set(&ev->heap, g->index, key.u.text, key.len,
			    value_number((double)g->count));
			group = group_add(ev, g);
			*group = (struct group){.data = *item, .key = key, .pair = i};
			continue;
		}
		group = &g->groups[(size_t)known->u.number];
		if (group->pair != i)
			fault_raise(
			    ev->fault, g->node->node.position, "D1009", evaluator_show(ev, &key));
		group_append(ev, group, item);
	}
}

/* All keys are collected before any value is evaluated, as the context of a value is all items of
 * its key. */
struct value
evaluate_group(
    struct evaluator *ev, const struct object_node *node, struct value input, struct frame *frame)
{
	struct grouping g = {.node = node,
	    .frame = frame,
	    .index = object_new(&ev->heap),
	    .tuples = value_is_tuple_stream(&input)};
	struct object *result = object_new(&ev->heap);
	const struct value nothing = value_undefined();

	input = sequence_of(ev, input);
	/* An object is made also where items are missing, in the context of nothing. */
	if (value_count(&input) == 0)
		group_item(ev, &g, &nothing);
	for (size_t i = 0; i < value_count(&input); i++) {
		struct value item = value_at(&input, i);

		group_item(ev, &g, &item);
	}
	for (size_t i = 0; i < g.count; i++) {
		struct group *group = &g.groups[i];
		struct value context = group->data;
		struct frame *scope = frame;
		struct value value;

		if (g.tuples && context.type != VALUE_UNDEFINED) {
			struct value tuple = tuples_join(ev, &group->data);

			context = tuple_value(&tuple);
			scope = tuple_frame(ev, &tuple, frame);
		}
		value = evaluate(ev, node->pairs[group->pair].value, &context, scope);
		if (value.type != VALUE_UNDEFINED)
			object_set(&ev->heap, result, group->key.u.text, group->key.len, value);
	}
	return value_object(result);
}
