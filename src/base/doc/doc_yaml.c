#include "base/doc/doc_internal.h"
#include "base/doc/doc_scalar.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define ANCHORS_MAX 10000u

/* A finished node that an alias may name. */
struct anchor {
	char *name;
	json_t *value; /* owned */
	size_t nodes;  /* how many values it holds, aliases expanded */
};

struct composer {
	struct doc *doc;
	yaml_parser_t parser;
	struct buf pointer;
	struct anchor *anchors;
	size_t anchor_count;
	size_t nodes; /* composed so far, aliases expanded */
	unsigned depth;
};

static int compose(struct composer *c, const yaml_event_t *event, struct doc_pos key,
    json_t **ret_value, struct tmf_err *err);

static struct doc_pos
pos_of(yaml_mark_t mark)
{
	return (struct doc_pos){(unsigned)mark.line + 1, (unsigned)mark.column + 1};
}

static int fault(const struct composer *c, yaml_mark_t mark, struct tmf_err *err,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

static int
fault(const struct composer *c, yaml_mark_t mark, struct tmf_err *err, const char *format, ...)
{
	struct doc_pos pos = pos_of(mark);
	struct buf text = {0};
	va_list args;

	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	tmf_err_set_at(err, c->doc->name, pos.line, pos.column, "%s", buf_cstr(&text));
	buf_fini(&text);
	return -1;
}

static int
next_event(struct composer *c, yaml_event_t *event, struct tmf_err *err)
{
	if (yaml_parser_parse(&c->parser, event))
		return 0;
	return fault(c, c->parser.problem_mark, err, "%s%s%s",
	    c->parser.problem != NULL ? c->parser.problem : "this is no YAML",
	    c->parser.context != NULL ? " " : "",
	    c->parser.context != NULL ? c->parser.context : "");
}

static int
count_nodes(struct composer *c, size_t nodes, yaml_mark_t mark, struct tmf_err *err)
{
	c->nodes += nodes;
	if (c->nodes <= DOC_NODES_MAX)
		return 0;
	return fault(c, mark, err, "the document holds more than %u values (aliases expanded)",
	    DOC_NODES_MAX);
}

static int
remember(struct composer *c, const yaml_char_t *name, json_t *value, size_t nodes, yaml_mark_t mark,
    struct tmf_err *err)
{
	struct anchor *anchor = NULL;

	if (name == NULL)
		return 0;
	for (size_t i = 0; i < c->anchor_count && anchor == NULL; i++)
		if (strcmp(c->anchors[i].name, (const char *)name) == 0)
			anchor = &c->anchors[i];
	if (anchor == NULL && c->anchor_count == ANCHORS_MAX)
		return fault(c, mark, err, "more than %u anchors", ANCHORS_MAX);
	if (anchor == NULL) {
		c->anchors = mem_resize(c->anchors, c->anchor_count + 1, sizeof(*c->anchors));
		anchor = &c->anchors[c->anchor_count++];
		*anchor = (struct anchor){.name = mem_strdup((const char *)name)};
	}
	json_decref(anchor->value);
	anchor->value = json_incref(value);
	anchor->nodes = nodes;
	return 0;
}

static int
compose_alias(
    struct composer *c, const yaml_event_t *event, json_t **ret_value, struct tmf_err *err)
{
	const char *name = (const char *)event->data.alias.anchor;

	for (size_t i = 0; i < c->anchor_count; i++) {
		if (strcmp(c->anchors[i].name, name) != 0)
			continue;
		if (count_nodes(c, c->anchors[i].nodes, event->start_mark, err) < 0)
			return -1;
		*ret_value = json_incref(c->anchors[i].value);
		return 0;
	}
	return fault(c, event->start_mark, err, "there is no anchor &%s before this alias", name);
}

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
	fault(c, event->start_mark, err, "%s", tmf_err_text(&local));
	tmf_err_fini(&local);
	return -1;
}

static int
compose_sequence(struct composer *c, json_t **ret_value, struct tmf_err *err)
{
	json_t *array = json_array();
	size_t base = c->pointer.len;
	yaml_event_t event;

	while (next_event(c, &event, err) == 0) {
		json_t *value = NULL;
		bool over = event.type == YAML_SEQUENCE_END_EVENT;
		int ret = 0;

		if (!over) {
			doc_pointer_add_index(&c->pointer, json_array_size(array));
			ret = compose(c, &event, (struct doc_pos){0}, &value, err);
			c->pointer.len = base;
		}
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

/* Adds the members of a << value that the mapping lacks; in a list of mappings the earlier one wins. */
static int
merge(struct composer *c, json_t *merged, json_t *value, yaml_mark_t mark, struct tmf_err *err)
{
	json_t *part;
	size_t i;

	if (json_is_object(value)) {
		json_object_update_missing(merged, value);
		return 0;
	}
	if (!json_is_array(value))
		return fault(c, mark, err, "<< takes a mapping or a list of mappings");
	json_array_foreach (value, i, part) {
		if (!json_is_object(part))
			return fault(c, mark, err, "<< takes a mapping or a list of mappings");
		json_object_update_missing(merged, part);
	}
	return 0;
}

static int
check_key(struct composer *c, const json_t *object, const yaml_event_t *event, struct tmf_err *err)
{
	const char *key = (const char *)event->data.scalar.value;
	struct buf pointer = {0};
	struct doc_pos first = {0};

	if (strlen(key) != event->data.scalar.length)
		return fault(c, event->start_mark, err, "a key may not hold NUL");
	if (json_object_get(object, key) == NULL)
		return 0;
	buf_add_str(&pointer, buf_str(&c->pointer));
	doc_pointer_add(&pointer, key);
	for (size_t i = c->doc->place_count; i > 0 && first.line == 0; i--)
		if (strcmp(c->doc->places[i - 1].pointer, buf_cstr(&pointer)) == 0)
			first = c->doc->places[i - 1].key;
	buf_fini(&pointer);
	return fault(
	    c, event->start_mark, err, "duplicate key \"%s\" (first at line %u)", key, first.line);
}

/* One `key: value` of a mapping; the key's event is at hand. */
static int
compose_member(struct composer *c, const yaml_event_t *key_event, json_t *object, json_t *merged,
    struct tmf_err *err)
{
	const char *key = (const char *)key_event->data.scalar.value;
	size_t base = c->pointer.len;
	yaml_event_t event;
	json_t *value = NULL;
	int ret;

	if (key_event->type != YAML_SCALAR_EVENT)
		return fault(c, key_event->start_mark, err, "a key must be a scalar");
	bool is_merge =
	    strcmp(key, "<<") == 0 && key_event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	if ((!is_merge && check_key(c, object, key_event, err) < 0) ||
	    next_event(c, &event, err) < 0)
		return -1;
	doc_pointer_add(&c->pointer, key);
	ret = compose(c, &event, pos_of(key_event->start_mark), &value, err);
	c->pointer.len = base;
	if (ret == 0 && is_merge)
		ret = merge(c, merged, value, event.start_mark, err);
	else if (ret == 0 && json_object_set(object, key, value) < 0)
		ret = fault(c, key_event->start_mark, err, "the key is not UTF-8");
	json_decref(value);
	yaml_event_delete(&event);
	return ret;
}

static int
compose_mapping(struct composer *c, json_t **ret_value, struct tmf_err *err)
{
	json_t *object = json_object();
	json_t *merged = json_object();
	yaml_event_t event;
	int ret = -1;

	while (next_event(c, &event, err) == 0) {
		bool over = event.type == YAML_MAPPING_END_EVENT;

		ret = over ? 0 : compose_member(c, &event, object, merged, err);
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

static const yaml_char_t *
anchor_of(const yaml_event_t *event)
{
	if (event->type == YAML_SCALAR_EVENT)
		return event->data.scalar.anchor;
	if (event->type == YAML_SEQUENCE_START_EVENT)
		return event->data.sequence_start.anchor;
	return event->type == YAML_MAPPING_START_EVENT ? event->data.mapping_start.anchor : NULL;
}

static int
compose_content(
    struct composer *c, const yaml_event_t *event, json_t **ret_value, struct tmf_err *err)
{
	if (event->type == YAML_ALIAS_EVENT)
		return compose_alias(c, event, ret_value, err);
	if (event->type == YAML_SCALAR_EVENT)
		return compose_scalar(c, event, ret_value, err);
	if (event->type == YAML_SEQUENCE_START_EVENT)
		return compose_sequence(c, ret_value, err);
	assert(event->type == YAML_MAPPING_START_EVENT);
	return compose_mapping(c, ret_value, err);
}

/* Composes the node that event begins; its further events are read here. */
static int
compose(struct composer *c, const yaml_event_t *event, struct doc_pos key, json_t **ret_value,
    struct tmf_err *err)
{
	size_t nodes_before = c->nodes;
	json_t *value = NULL;
	int ret;

	if (c->depth == DOC_DEPTH_MAX)
		return fault(
		    c, event->start_mark, err, "nested deeper than %u levels", DOC_DEPTH_MAX);
	if (event->type != YAML_ALIAS_EVENT && count_nodes(c, 1, event->start_mark, err) < 0)
		return -1;
	doc_place_add(c->doc, buf_str(&c->pointer), key, pos_of(event->start_mark));
	c->depth++;
	ret = compose_content(c, event, &value, err);
	c->depth--;
	if (ret == 0)
		ret = remember(
		    c, anchor_of(event), value, c->nodes - nodes_before, event->start_mark, err);
	if (ret == 0)
		*ret_value = value;
	else
		json_decref(value);
	return ret;
}

/* Reads events up to the one wanted; another document is a fault. */
static int
compose_document(struct composer *c, struct tmf_err *err)
{
	yaml_event_t event;
	int ret = 0;

	for (bool over = false; !over && ret == 0;) {
		if (next_event(c, &event, err) < 0)
			return -1;
		if (event.type == YAML_DOCUMENT_START_EVENT && c->doc->root != NULL) {
			ret = fault(
			    c, event.start_mark, err, "a second document: one a file is taken");
		} else if (event.type == YAML_STREAM_END_EVENT) {
			over = true;
		} else if (event.type != YAML_STREAM_START_EVENT &&
			   event.type != YAML_DOCUMENT_START_EVENT &&
			   event.type != YAML_DOCUMENT_END_EVENT) {
			ret = compose(c, &event, (struct doc_pos){0}, &c->doc->root, err);
		}
		yaml_event_delete(&event);
	}
	return ret;
}

int
doc_load_yaml(struct doc *doc, struct tmf_err *err)
{
	struct composer c = {.doc = doc};
	int ret;

	if (!yaml_parser_initialize(&c.parser))
		abort(); /* no memory */
	yaml_parser_set_input_string(&c.parser, (const unsigned char *)doc->text, doc->text_bytes);
	yaml_parser_set_encoding(&c.parser, YAML_UTF8_ENCODING);
	ret = compose_document(&c, err);
	if (ret == 0 && doc->root == NULL)
		doc->root = json_null();
	yaml_parser_delete(&c.parser);
	for (size_t i = 0; i < c.anchor_count; i++) {
		json_decref(c.anchors[i].value);
		free(c.anchors[i].name);
	}
	free(c.anchors);
	buf_fini(&c.pointer);
	return ret;
}
