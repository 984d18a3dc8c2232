#include "base/doc/doc_internal.h"

#include "base/jsonx.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

/* Walks over a text that is known to be valid JSON and notes the places. Keys are decoded by the
 * parser: here they come from the tree. */
struct scanner {
	struct doc *doc;
	const char *p;
	struct doc_pos pos;
};

static void
scan_value(struct scanner *s, const json_t *value, const char *key, struct doc_pos key_pos);

/* A column is a character: the further bytes of one (10xxxxxx in UTF-8) do not count. */
static void
scan_advance(struct scanner *s)
{
	unsigned char c = (unsigned char)*s->p++;

	if (c == '\n') {
		s->pos.line++;
		s->pos.column = 1;
	} else if ((c & 0xc0) != 0x80) {
		s->pos.column++;
	}
}

/* The blanks of JSON only; anything else would have been refused by the parser. */
static void
scan_space(struct scanner *s)
{
	while (*s->p == ' ' || *s->p == '\t' || *s->p == '\r' || *s->p == '\n')
		scan_advance(s);
}

/* An escape is two characters at least, of which the second never ends it: \" or the u of
 * \u0022. */
static void
scan_string(struct scanner *s)
{
	scan_advance(s);
	while (*s->p != '"') {
		if (*s->p == '\\')
			scan_advance(s);
		scan_advance(s);
	}
	scan_advance(s);
}

/* Members come in the order of the text: jansson keeps it, and duplicates were refused. So the
 * tree's iterator and the text go forward together, and keys need not be decoded here. */
static void
scan_object(struct scanner *s, const json_t *object)
{
	void *iter = json_object_iter((json_t *)(uintptr_t)object);

	scan_advance(s);
	scan_space(s);
	for (; iter != NULL; iter = json_object_iter_next((json_t *)(uintptr_t)object, iter)) {
		struct doc_pos key = s->pos;

		assert(*s->p == '"');
		scan_string(s);
		scan_space(s);
		scan_advance(s); /* : */
		scan_value(s, json_object_iter_value(iter), json_object_iter_key(iter), key);
		scan_space(s);
		if (*s->p == ',')
			scan_advance(s);
		scan_space(s);
	}
	scan_advance(s);
}

/* Elements have no key, and a path to one counts them. */
static void
scan_array(struct scanner *s, const json_t *array)
{
	size_t count = json_array_size(array);

	assert(*s->p == '[');
	scan_advance(s);
	for (size_t i = 0; i < count; i++) {
		scan_value(s, json_array_get(array, i), NULL, (struct doc_pos){0});
		scan_space(s);
		if (*s->p == ',')
			scan_advance(s);
	}
	scan_space(s);
	scan_advance(s);
}

/* By recursion: the parser has refused what is nested deeper than JSONX_DEPTH_MAX. A place
 * is opened before and closed after its children, so that they lie between the two. */
static void
scan_value(struct scanner *s, const json_t *value, const char *key, struct doc_pos key_pos)
{
	size_t place;

	scan_space(s);
	place = doc_place_open(s->doc, key, key_pos, s->pos);
	if (json_is_object(value))
		scan_object(s, value);
	else if (json_is_array(value))
		scan_array(s, value);
	else if (*s->p == '"')
		scan_string(s);
	else
		while (strchr(",}] \t\r\n", *s->p) == NULL) /* its own NUL ends the text, too */
			scan_advance(s);
	doc_place_close(s->doc, place);
}

/* A second walk over the text, since jansson gives values without their places. */
void
doc_scan_json(struct doc *doc)
{
	struct scanner scanner = {.doc = doc, .p = doc->text, .pos = {1, 1}};

	scan_value(&scanner, doc->root, NULL, (struct doc_pos){0});
}
