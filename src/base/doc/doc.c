#include "base/doc/doc_internal.h"

#include "base/file.h"
#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STDIN_NAME "<stdin>"

size_t
doc_place_open(struct doc *doc, const char *key, struct doc_pos key_pos, struct doc_pos value_pos)
{
	struct doc_place *place;

	/* By a quarter, not by twice: the bound on memory holds while a document grows, too. */
	if (doc->place_count == doc->place_capacity) {
		doc->place_capacity += doc->place_capacity / 4 + 16;
		doc->places = mem_resize(doc->places, doc->place_capacity, sizeof(*doc->places));
	}
	assert(doc->place_count < DOC_BYTES_MAX && doc->keys.len < DOC_NO_KEY);
	place = &doc->places[doc->place_count];
	*place = (struct doc_place){
	    .end = UINT32_MAX, .key = DOC_NO_KEY, .key_pos = key_pos, .value_pos = value_pos};
	if (key != NULL) {
		place->key = (uint32_t)doc->keys.len;
		buf_add(&doc->keys, key, strlen(key) + 1);
	}
	return doc->place_count++;
}

/* The root's end is the number of all places. */
void
doc_place_close(struct doc *doc, size_t place)
{
	assert(place < doc->place_count && doc->places[place].end == UINT32_MAX);
	doc->places[place].end = (uint32_t)doc->place_count;
}

/* A walk along the children, one after another: asked only for a fault, of which 1,000 are kept. */
const struct doc_place *
doc_place_child(const struct doc *doc, const struct doc_place *parent, const char *token)
{
	size_t end = parent->end < doc->place_count ? parent->end : doc->place_count;
	size_t child = (size_t)(parent - doc->places) + 1;
	char *behind;
	unsigned long index = strtoul(token, &behind, 10);
	bool is_index = *token >= '0' && *token <= '9' && *behind == '\0';

	for (; child < end; child = doc->places[child].end) {
		const struct doc_place *place = &doc->places[child];
		bool found = place->key != DOC_NO_KEY ? strcmp(doc->keys.p + place->key, token) == 0
						      : is_index && index-- == 0;

		if (found)
			return place;
	}
	return NULL;
}

/* The root may live on in the caller's hands; the places and the text do not. */
void
doc_free(struct doc *doc)
{
	if (doc == NULL)
		return;
	free(doc->places);
	buf_fini(&doc->keys);
	json_decref(doc->root);
	free(doc->text);
	free(doc->name);
	free(doc);
}

/* The number behind the first occurrence of word in text, from 1. */
static unsigned
doc_number_behind(const char *text, const char *word)
{
	const char *at = strstr(text, word);
	unsigned long number = at != NULL ? strtoul(at + strlen(word), NULL, 10) : 0;

	return number > 0 && number <= UINT_MAX ? (unsigned)number : 1;
}

/* jsonx_parse's error with the file in front: "name:line:column: message". */
static void
doc_json_fault(const struct doc *doc, struct tmf_err *err)
{
	const char *said = tmf_err_text(err);
	const char *message = strstr(said, ": ");

	tmf_err_set_at(err, doc->name, doc_number_behind(said, "line "),
	    doc_number_behind(said, "column "), "invalid JSON: %s",
	    message != NULL ? message + 2 : said);
}

/* A text that begins like JSON is taken as JSON if it is that, else as YAML, of which JSON is
 * nearly a part: {a: 1} is YAML. YAML also says where a key stands twice, which jansson does not.
 * But in a file that is called .json, "found unexpected end of stream" of YAML would mislead: there
 * JSON's own error counts. */
static int
doc_load(struct doc *doc, struct tmf_err *err)
{
	struct str text = {doc->text, doc->text_bytes};
	char first = str_trim(text).len > 0 ? *str_trim(text).p : '\0';
	const char *suffix = strrchr(doc->name, '.');
	bool flow = first == '{' || first == '[' || first == '"';
	struct tmf_err json_err = {0};
	int ret;

	if (flow && (doc->root = jsonx_parse(text, &json_err)) != NULL) {
		doc_scan_json(doc);
		return 0;
	}
	ret = doc_load_yaml(doc, err);
	if (flow && suffix != NULL && strcmp(suffix, ".json") == 0 &&
	    (ret == 0 || strstr(tmf_err_text(err), "duplicate key") == NULL)) {
		doc_json_fault(doc, &json_err);
		tmf_err_move(err, &json_err);
		ret = -1;
	}
	tmf_err_fini(&json_err);
	return ret;
}

/* A byte order mark is not a part of JSON or YAML, but editors write one. Spare places are
 * given back, since a document lives as long as its machine is compiled. */
struct doc *
doc_parse(const char *name, struct str text, struct tmf_err *err)
{
	static const char bom[] = "\xef\xbb\xbf";
	struct doc *doc;

	if (text.len > DOC_BYTES_MAX) {
		tmf_err_set_at(
		    err, name, 1, 1, "%zu bytes are over the limit of %u", text.len, DOC_BYTES_MAX);
		return NULL;
	}
	if (str_starts(text, bom)) {
		text.p += sizeof(bom) - 1;
		text.len -= sizeof(bom) - 1;
	}
	doc = mem_zalloc(1, sizeof(*doc));
	doc->name = mem_strdup(name);
	doc->text = mem_strndup(text.p, text.len);
	doc->text_bytes = text.len;
	if (doc_load(doc, err) < 0) {
		doc_free(doc);
		return NULL;
	}
	doc->places = mem_resize(doc->places, doc->place_count, sizeof(*doc->places));
	doc->place_capacity = doc->place_count;
	return doc;
}

/* The name of a file is kept for the run's record, so standard input gets one that no file is
 * likely to have. */
struct doc *
doc_read(const char *path, struct tmf_err *err)
{
	bool standard_input = strcmp(path, "-") == 0;
	struct doc *doc = NULL;
	struct buf text = {0};
	int ret;

	if (standard_input)
		ret = file_read_fd(STDIN_FILENO, STDIN_NAME, DOC_BYTES_MAX, &text, err);
	else
		ret = file_read(path, DOC_BYTES_MAX, &text, NULL, err);
	if (ret == 0)
		doc = doc_parse(standard_input ? STDIN_NAME : path, buf_str(&text), err);
	buf_fini(&text);
	return doc;
}

/* Borrowed from the document. */
void
doc_take_root(struct doc *doc, json_t *root)
{
	assert(root != NULL);
	json_decref(doc->root);
	doc->root = root;
}

json_t *
doc_root(const struct doc *doc)
{
	return doc->root;
}

const char *
doc_name(const struct doc *doc)
{
	return doc->name;
}

/* With its length, since a YAML text may be large and is copied into the run's record. */
struct str
doc_text(const struct doc *doc)
{
	return (struct str){doc->text, doc->text_bytes};
}

/* The next token of a pointer, unescaped, into out. Returns what is behind it. */
static const char *
doc_pointer_token(const char *pointer, struct buf *out)
{
	buf_reset(out);
	while (*pointer != '\0' && *pointer != '/') {
		if (pointer[0] == '~' && (pointer[1] == '0' || pointer[1] == '1')) {
			buf_add_char(out, pointer[1] == '0' ? '~' : '/');
			pointer += 2;
		} else {
			buf_add_char(out, *pointer++);
		}
	}
	return pointer;
}

/*
 * Walks down from the root. What the document does not hold has the place of its nearest ancestor:
 * a state that lacks its Type is a fault of the state, and /States/A/Type stands nowhere. What an
 * alias stands for has the alias's place.
 */
static struct doc_pos
doc_pos_of(const struct doc *doc, const char *pointer, bool of_key)
{
	const struct doc_place *place = doc->place_count > 0 ? &doc->places[0] : NULL;
	const struct doc_place *child = place;
	struct buf token = {0};

	if (place == NULL)
		return (struct doc_pos){1, 1};
	while (child != NULL && *pointer == '/') {
		pointer = doc_pointer_token(pointer + 1, &token);
		child = doc_place_child(doc, place, buf_cstr(&token));
		if (child != NULL)
			place = child;
	}
	buf_fini(&token);
	return of_key && child != NULL && place->key_pos.line > 0 ? place->key_pos
								  : place->value_pos;
}

/* For a fault of the value, a wrong type for example. */
struct doc_pos
doc_value_pos(const struct doc *doc, const char *pointer)
{
	return doc_pos_of(doc, pointer, false);
}

/* A fault about a member's name (an unknown field, say) points to the key; what has none points to
 * its value. */
struct doc_pos
doc_key_pos(const struct doc *doc, const char *pointer)
{
	return doc_pos_of(doc, pointer, true);
}

/* As RFC 6901 has it, but for "-" and leading zeros of an index, which nobody writes here. */
json_t *
doc_at(json_t *root, const char *pointer)
{
	struct buf token = {0};

	while (root != NULL && *pointer == '/') {
		pointer = doc_pointer_token(pointer + 1, &token);
		root = json_is_array(root)
			   ? json_array_get(root, strtoul(buf_cstr(&token), NULL, 10))
			   : json_object_get(root, buf_cstr(&token));
	}
	buf_fini(&token);
	return *pointer == '\0' ? root : NULL;
}

/* RFC 6901: ~ first, or else the ~ of a ~1 would be taken for one of the key's. */
void
doc_pointer_add(struct buf *pointer, const char *token)
{
	buf_add_char(pointer, '/');
	for (; *token != '\0'; token++) {
		if (*token == '~')
			buf_add_cstr(pointer, "~0");
		else if (*token == '/')
			buf_add_cstr(pointer, "~1");
		else
			buf_add_char(pointer, *token);
	}
}

/* Digits need no escape. */
void
doc_pointer_add_index(struct buf *pointer, size_t index)
{
	buf_printf(pointer, "/%zu", index);
}
