#include "base/doc/doc_internal.h"
#include "base/doc/doc_scalar.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/*
 * libyaml's events and not its documents: those build a tree of their own first, expand nothing,
 * and know no core schema. Aliases share the value they name, so a bomb of nested aliases takes
 * little memory here; but a program that walks over the result would not end. So the values behind
 * each alias are counted as if they were copied.
 */

#define ANCHORS_MAX 10000u

/* A finished node that an alias may name. */
struct anchor {
	json_t *value; /* owned */
	size_t nodes;  /* how many values it holds, aliases expanded */
};

struct composer {
	struct doc *doc;
	yaml_parser_t parser;
	struct anchor *anchors;
	size_t anchor_count;
	json_t *anchor_indexes; /* by name: aliases may be a million, and anchors 10,000 */
	size_t nodes;		/* composed so far, aliases expanded */
	unsigned depth;
};

static int compose_node(struct composer *c, const yaml_event_t *event,
    const yaml_event_t *key_event, json_t **ret_value, struct tmf_err *err);

/* libyaml counts from 0, and columns in characters. */
static struct doc_pos
doc_yaml_pos(yaml_mark_t mark)
{
	return (struct doc_pos){(unsigned)mark.line + 1, (unsigned)mark.column + 1};
}

static int doc_yaml_fault(const struct composer *c, yaml_mark_t mark, struct tmf_err *err,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* What libyaml's callbacks and the composer find is reported alike: where, then what. */
static int
doc_yaml_fault(
    const struct composer *c, yaml_mark_t mark, struct tmf_err *err, const char *format, ...)
{
	struct doc_pos pos = doc_yaml_pos(mark);
	struct buf text = {0};
	va_list args;

	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	tmf_err_set_at(err, c->doc->name, pos.line, pos.column, "%s", buf_cstr(&text));
	buf_fini(&text);
	return -1;
}

/* libyaml says what it expected (context) apart from what it found (problem); together they are a
 * sentence. */
static int
doc_yaml_next(struct composer *c, yaml_event_t *event, struct tmf_err *err)
{
	if (yaml_parser_parse(&c->parser, event))
		return 0;
	if (c->parser.error == YAML_MEMORY_ERROR)
		mem_exhausted(0); /* libyaml takes no allocator: this is where it says so */
	return doc_yaml_fault(c, c->parser.problem_mark, err, "%s%s%s",
	    c->parser.problem != NULL ? c->parser.problem : "not YAML",
	    c->parser.context != NULL ? " " : "",
	    c->parser.context != NULL ? c->parser.context : "");
}

/* Before the value is made: the limit is what keeps the memory bounded. */
static int
compose_count(struct composer *c, size_t nodes, yaml_mark_t mark, struct tmf_err *err)
{
	assert(nodes > 0);
	c->nodes += nodes;
	if (c->nodes <= DOC_NODES_MAX)
		return 0;
	return doc_yaml_fault(c, mark, err,
	    "the document holds more than %u values (aliases expanded)", DOC_NODES_MAX);
}

/* An alias and the end of a node have no anchor. */
static const yaml_char_t *
anchor_of(const yaml_event_t *event)
{
	if (event->type == YAML_SCALAR_EVENT)
		return event->data.scalar.anchor;
	if (event->type == YAML_SEQUENCE_START_EVENT)
		return event->data.sequence_start.anchor;
	return event->type == YAML_MAPPING_START_EVENT ? event->data.mapping_start.anchor : NULL;
}

/* Borrows. NULL: no such anchor yet. */
static struct anchor *
anchor_find(const struct composer *c, const yaml_char_t *name)
{
	const json_t *index = json_object_get(c->anchor_indexes, (const char *)name);

	return index != NULL ? &c->anchors[json_integer_value(index)] : NULL;
}

/* An anchor may be set again; an alias means the last one before it. */
static int
anchor_put(
    struct composer *c, const yaml_event_t *event, json_t *value, size_t nodes, struct tmf_err *err)
{
	const yaml_char_t *name = anchor_of(event);
	struct anchor *anchor;

	if (name == NULL)
		return 0;
	anchor = anchor_find(c, name);
	if (anchor == NULL && c->anchor_count == ANCHORS_MAX)
		return doc_yaml_fault(
		    c, event->start_mark, err, "more than %u anchors", ANCHORS_MAX);
	if (anchor == NULL) {
		json_object_set_new(c->anchor_indexes, (const char *)name,
		    json_integer((json_int_t)c->anchor_count));
		c->anchors = mem_resize(c->anchors, c->anchor_count + 1, sizeof(*c->anchors));
		anchor = &c->anchors[c->anchor_count++];
		*anchor = (struct anchor){0};
	}
	json_decref(anchor->value);
	anchor->value = json_incref(value);
	anchor->nodes = nodes;
	return 0;
}

/* Without places below it: what the alias stands for stands in the text once, at its
 * anchor. Its values are shared, not copied, but each alias counts in full: a few lines
 * could else stand for billions. */
static int
compose_alias(
    struct composer *c, const yaml_event_t *event, json_t **ret_value, struct tmf_err *err)
{
	const struct anchor *anchor = anchor_find(c, event->data.alias.anchor);

	if (anchor == NULL)
		return doc_yaml_fault(c, event->start_mark, err, "no anchor &%s before this alias",
		    event->data.alias.anchor);
	if (compose_count(c, anchor->nodes, event->start_mark, err) < 0)
		return -1;
	*ret_value = json_incref(anchor->value);
	return 0;
}

/* doc_scalar_value knows no places: its fault gets one here. */
static int
compose_scalar(
    struct composer *c, const yaml_event_t *event, json_t **ret_value, struct tmf_err *err)
{
	const struct doc_scalar scalar = {
	    .text = (const char *)event->data.scalar.value,
	    .bytes = event->data.scalar.length,
	    .tag = (const char *)event->data.scalar.tag,
	    .plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE,
	};
	struct tmf_err local = {0};

	if (doc_scalar_value(&scalar, ret_value, &local) == 0)
		return 0;
	doc_yaml_fault(c, event->start_mark, err, "%s", tmf_err_text(&local));
	tmf_err_fini(&local);
	return -1;
}

/* An event owns its memory until it is deleted, and a failing one must be deleted as well. */
static int
compose_sequence(struct composer *c, json_t **ret_value, struct tmf_err *err)
{
	json_t *array = json_array();
	yaml_event_t event;

	while (doc_yaml_next(c, &event, err) == 0) {
		json_t *value = NULL;
		bool over = event.type == YAML_SEQUENCE_END_EVENT;
		int ret = 0;

		if (!over)
			ret = compose_node(c, &event, NULL, &value, err);
		yaml_event_delete(&event);
		if (over) {
			*ret_value = array;
			return 0;
		}
		if (ret < 0)
			break;
		json_array_append_new(array, value);
	}
	json_decref(array);
	return -1;
}

/* Adds the members of a << value that the mapping lacks; in a list of mappings the earlier one
 * wins: {<<: [{a: 1}, {a: 2, b: 3}], b: 4} is {a: 1, b: 4}. */
static int
compose_merge(
    struct composer *c, json_t *merged, json_t *value, yaml_mark_t mark, struct tmf_err *err)
{
	json_t *part;
	size_t i;

	if (json_is_object(value)) {
		json_object_update_missing(merged, value);
		return 0;
	}
	if (!json_is_array(value))
		return doc_yaml_fault(c, mark, err, "<< takes a mapping or a list of mappings");
	json_array_foreach (value, i, part) {
		if (!json_is_object(part))
			return doc_yaml_fault(
			    c, mark, err, "<< takes a mapping or a list of mappings");
		json_object_update_missing(merged, part);
	}
	return 0;
}

/* YAML forbids duplicates, libyaml lets them pass; a state that was copied and not renamed would
 * silently vanish. */
static int
compose_check_key(struct composer *c, const json_t *object, size_t place, const yaml_event_t *event,
    struct tmf_err *err)
{
	const char *key = (const char *)event->data.scalar.value;

	if (strlen(key) != event->data.scalar.length)
		return doc_yaml_fault(c, event->start_mark, err, "a key may not hold NUL");
	if (json_object_get(object, key) == NULL)
		return 0;
	return doc_yaml_fault(c, event->start_mark, err, "duplicate key \"%s\" (first at line %u)",
	    key, doc_place_child(c->doc, &c->doc->places[place], key)->key_pos.line);
}

/* One `key: value` of the mapping at place; key_event is its key. A quoted "<<" is a key like any
 * other. A key that is a list or a mapping, which YAML has, no JSON can hold. */
static int
compose_member(struct composer *c, const yaml_event_t *key_event, size_t place, json_t *object,
    json_t *merged, struct tmf_err *err)
{
	const char *key = (const char *)key_event->data.scalar.value;
	yaml_event_t event;
	json_t *value = NULL;
	int ret;

	if (key_event->type != YAML_SCALAR_EVENT)
		return doc_yaml_fault(c, key_event->start_mark, err, "a key must be a scalar");
	bool is_merge =
	    strcmp(key, "<<") == 0 && key_event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	if ((!is_merge && compose_check_key(c, object, place, key_event, err) < 0) ||
	    doc_yaml_next(c, &event, err) < 0)
		return -1;
	ret = compose_node(c, &event, key_event, &value, err);
	if (ret == 0 && is_merge)
		ret = compose_merge(c, merged, value, event.start_mark, err);
	else if (ret == 0 && json_object_set(object, key, value) < 0)
		ret = doc_yaml_fault(c, key_event->start_mark, err, "the key is not UTF-8");
	json_decref(value);
	yaml_event_delete(&event);
	return ret;
}

/* Merged members come last, when it is known which the mapping has itself: << may stand anywhere in
 * it. */
static int
compose_mapping(struct composer *c, size_t place, json_t **ret_value, struct tmf_err *err)
{
	json_t *object = json_object();
	json_t *merged = json_object();
	yaml_event_t event;
	int ret = -1;

	while (doc_yaml_next(c, &event, err) == 0) {
		bool over = event.type == YAML_MAPPING_END_EVENT;

		ret = over ? 0 : compose_member(c, &event, place, object, merged, err);
		yaml_event_delete(&event);
		if (over || ret < 0)
			break;
		ret = -1;
	}
	if (ret == 0) {
		json_object_update_missing(object, merged);
		*ret_value = json_incref(object);
	}
	json_decref(merged);
	json_decref(object);
	return ret;
}

/* Four kinds of event begin a node; libyaml gives no other here. */
static int
compose_content(struct composer *c, const yaml_event_t *event, size_t place, json_t **ret_value,
    struct tmf_err *err)
{
	if (event->type == YAML_ALIAS_EVENT)
		return compose_alias(c, event, ret_value, err);
	if (event->type == YAML_SCALAR_EVENT)
		return compose_scalar(c, event, ret_value, err);
	if (event->type == YAML_SEQUENCE_START_EVENT)
		return compose_sequence(c, ret_value, err);
	assert(event->type == YAML_MAPPING_START_EVENT);
	return compose_mapping(c, place, ret_value, err);
}

/* Composes the node that event begins; its further events are read here. key_event is NULL
 * where it has no key. The node's anchor is set when it is whole: `&a [*a]`, which would
 * hold itself, names an anchor that does not exist yet. The depth is counted, because a
 * node within a node takes a part of the C stack. */
static int
compose_node(struct composer *c, const yaml_event_t *event, const yaml_event_t *key_event,
    json_t **ret_value, struct tmf_err *err)
{
	size_t nodes_before = c->nodes;
	json_t *value = NULL;
	size_t place;
	int ret;

	if (c->depth == DOC_DEPTH_MAX)
		return doc_yaml_fault(
		    c, event->start_mark, err, "nested deeper than %u levels", DOC_DEPTH_MAX);
	if (event->type != YAML_ALIAS_EVENT && compose_count(c, 1, event->start_mark, err) < 0)
		return -1;
	if (key_event != NULL)
		place = doc_place_open(c->doc, (const char *)key_event->data.scalar.value,
		    doc_yaml_pos(key_event->start_mark), doc_yaml_pos(event->start_mark));
	else
		place = doc_place_open(
		    c->doc, NULL, (struct doc_pos){0}, doc_yaml_pos(event->start_mark));
	c->depth++;
	ret = compose_content(c, event, place, &value, err);
	c->depth--;
	doc_place_close(c->doc, place);
	assert(ret < 0 || c->nodes > nodes_before);
	if (ret == 0)
		ret = anchor_put(c, event, value, c->nodes - nodes_before, err);
	if (ret == 0)
		*ret_value = value;
	else
		json_decref(value);
	return ret;
}

/* Events before and after the document carry nothing; another document is a fault. */
static int
compose_document(struct composer *c, struct tmf_err *err)
{
	yaml_event_t event;
	int ret = 0;

	for (bool over = false; !over && ret == 0;) {
		if (doc_yaml_next(c, &event, err) < 0)
			return -1;
		if (event.type == YAML_DOCUMENT_START_EVENT && c->doc->root != NULL) {
			ret = doc_yaml_fault(
			    c, event.start_mark, err, "a second document: a file must hold one");
		} else if (event.type == YAML_STREAM_END_EVENT) {
			over = true;
		} else if (event.type != YAML_STREAM_START_EVENT &&
			   event.type != YAML_DOCUMENT_START_EVENT &&
			   event.type != YAML_DOCUMENT_END_EVENT) {
			ret = compose_node(c, &event, NULL, &c->doc->root, err);
		}
		yaml_event_delete(&event);
	}
	return ret;
}

/* The text is UTF-8 for sure: left to itself libyaml would take a byte order mark of
 * UTF-16. An empty text is null, as YAML has it. Anchors hold references, so they are
 * dropped when the document is complete. */
int
doc_load_yaml(struct doc *doc, struct tmf_err *err)
{
	struct composer c = {.doc = doc, .anchor_indexes = json_object()};
	int ret;

	if (!yaml_parser_initialize(&c.parser))
		mem_exhausted(0);
	yaml_parser_set_input_string(&c.parser, (const unsigned char *)doc->text, doc->text_bytes);
	yaml_parser_set_encoding(&c.parser, YAML_UTF8_ENCODING);
	ret = compose_document(&c, err);
	if (ret == 0 && doc->root == NULL)
		doc->root = json_null();
	yaml_parser_delete(&c.parser);
	for (size_t i = 0; i < c.anchor_count; i++)
		json_decref(c.anchors[i].value);
	free(c.anchors);
	json_decref(c.anchor_indexes);
	return ret;
}
