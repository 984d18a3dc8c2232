#include "base/doc/doc_internal.h"

#include "base/jsonx.h"

#include <stdint.h>

/* Walks over a text that is known to be valid JSON and notes the places. Keys are decoded by the parser: here they come from the tree. */
struct scanner {
	struct doc *doc;
	const char *p;
	struct doc_pos pos;
};

static void
scan_value(struct scanner *s, const json_t *value, const char *key, struct doc_pos key_pos);

static void
advance(struct scanner *s)
{
	unsigned char c = (unsigned char)*s->p++;

	if (c == '\n') {
		s->pos.line++;
		s->pos.column = 1;
	} else if ((c & 0xc0) != 0x80) {
		s->pos.column++;
	}
}

static void
skip_space(struct scanner *s)
{
	while (*s->p == ' ' || *s->p == '\t' || *s->p == '\r' || *s->p == '\n')
		advance(s);
}

static void
skip_string(struct scanner *s)
{
	advance(s);
	while (*s->p != '"') {
		if (*s->p == '\\')
			advance(s);
		advance(s);
	}
	advance(s);
}

static bool
ends_scalar(char c)
{
	return c == ',' || c == '}' || c == ']' || c == ' ' || c == '\t' || c == '\r' ||
	       c == '\n' || c == '\0';
}

static void
skip_scalar(struct scanner *s)
{
	if (*s->p == '"') {
		skip_string(s);
		return;
	}
	while (!ends_scalar(*s->p))
		advance(s);
}

/* Members come in the order of the text: jansson keeps it, and duplicates were refused. */
static void
scan_object(struct scanner *s, const json_t *object)
{
	void *iter = json_object_iter((json_t *)(uintptr_t)object);

	advance(s);
	skip_space(s);
	for (; iter != NULL; iter = json_object_iter_next((json_t *)(uintptr_t)object, iter)) {
		struct doc_pos key = s->pos;

		skip_string(s);
		skip_space(s);
		advance(s); /* : */
		scan_value(s, json_object_iter_value(iter), json_object_iter_key(iter), key);
		skip_space(s);
		if (*s->p == ',')
			advance(s);
		skip_space(s);
	}
	advance(s);
}

static void
scan_array(struct scanner *s, const json_t *array)
{
	size_t count = json_array_size(array);

	advance(s);
	for (size_t i = 0; i < count; i++) {
		scan_value(s, json_array_get(array, i), NULL, (struct doc_pos){0});
		skip_space(s);
		if (*s->p == ',')
			advance(s);
	}
	skip_space(s);
	advance(s);
}

static void
scan_value(struct scanner *s, const json_t *value, const char *key, struct doc_pos key_pos)
{
	size_t place;

	skip_space(s);
	place = doc_place_open(s->doc, key, key_pos, s->pos);
	if (json_is_object(value))
		scan_object(s, value);
	else if (json_is_array(value))
		scan_array(s, value);
	else
		skip_scalar(s);
	doc_place_close(s->doc, place);
}

void
doc_scan_json(struct doc *doc)
{
	struct scanner scanner = {.doc = doc, .p = doc->text, .pos = {1, 1}};

	scan_value(&scanner, doc->root, NULL, (struct doc_pos){0});
}
