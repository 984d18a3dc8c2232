#include "base/doc/doc_internal.h"

#include "base/file.h"
#include "base/jsonx.h"
#include "base/mem.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STDIN_NAME "<stdin>"

void
doc_place_add(struct doc *doc, struct str pointer, struct doc_pos key, struct doc_pos value)
{
	if (doc->place_count == doc->place_capacity) {
		doc->place_capacity = doc->place_capacity > 0 ? 2 * doc->place_capacity : 64;
		doc->places = mem_resize(doc->places, doc->place_capacity, sizeof(*doc->places));
	}
	doc->places[doc->place_count++] = (struct doc_place){
	    .pointer = mem_strndup(pointer.p, pointer.len),
	    .key = key,
	    .value = value,
	};
}

static int
compare_places(const void *a, const void *b)
{
	const struct doc_place *x = a;
	const struct doc_place *y = b;

	return strcmp(x->pointer, y->pointer);
}

static void
forget_places(struct doc *doc)
{
	for (size_t i = 0; i < doc->place_count; i++)
		free(doc->places[i].pointer);
	doc->place_count = 0;
}

void
doc_free(struct doc *doc)
{
	if (doc == NULL)
		return;
	forget_places(doc);
	free(doc->places);
	json_decref(doc->root);
	free(doc->text);
	free(doc->name);
	free(doc);
}

static bool
ends_with(const char *text, const char *end)
{
	size_t len = strlen(text);
	size_t end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* The number behind the first occurrence of word in text, from 1. */
static unsigned
number_behind(const char *text, const char *word)
{
	const char *at = strstr(text, word);
	unsigned long number = at != NULL ? strtoul(at + strlen(word), NULL, 10) : 0;

	return number > 0 && number <= UINT_MAX ? (unsigned)number : 1;
}

/* jsonx_parse's error with the file in front: "name:line:column: message". */
static void
place_json_error(const struct doc *doc, struct tmf_err *err)
{
	const char *said = tmf_err_text(err);
	const char *message = strstr(said, ": ");

	tmf_err_set_at(err, doc->name, number_behind(said, "line "), number_behind(said, "column "),
	    "invalid JSON: %s", message != NULL ? message + 2 : said);
}

/* A text that begins like JSON is taken as JSON if it is that, else as YAML, of which JSON is nearly a part. */
static int
load(struct doc *doc, struct tmf_err *err)
{
	struct str text = {doc->text, doc->text_bytes};
	char first = str_trim(text).len > 0 ? *str_trim(text).p : '\0';
	bool flow = first == '{' || first == '[' || first == '"';
	struct tmf_err json_err = {0};
	int ret;

	if (flow && (doc->root = jsonx_parse(text, &json_err)) != NULL) {
		doc_scan_json(doc);
		return 0;
	}
	ret = doc_load_yaml(doc, err);
	if (flow && ends_with(doc->name, ".json") &&
	    (ret == 0 || strstr(tmf_err_text(err), "duplicate key") == NULL)) {
		place_json_error(doc, &json_err);
		tmf_err_move(err, &json_err);
		ret = -1;
	}
	tmf_err_fini(&json_err);
	return ret;
}

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
	if (load(doc, err) < 0) {
		doc_free(doc);
		return NULL;
	}
	if (doc->place_count > 0)
		qsort(doc->places, doc->place_count, sizeof(*doc->places), compare_places);
	return doc;
}

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

struct str
doc_text(const struct doc *doc)
{
	return (struct str){doc->text, doc->text_bytes};
}

/* The place of pointer, or of its nearest existing ancestor; *ret_exact tells which. NULL for an empty document. */
static const struct doc_place *
find_place(const struct doc *doc, const char *pointer, bool *ret_exact)
{
	char *shorter = mem_strdup(pointer);
	const struct doc_place *found = NULL;

	*ret_exact = true;
	while (doc->place_count > 0) {
		const struct doc_place key = {.pointer = shorter};
		char *slash;

		found = bsearch(&key, doc->places, doc->place_count, sizeof(key), compare_places);
		slash = strrchr(shorter, '/');
		if (found != NULL || slash == NULL)
			break;
		*slash = '\0';
		*ret_exact = false;
	}
	free(shorter);
	return found;
}

struct doc_pos
doc_value_pos(const struct doc *doc, const char *pointer)
{
	bool exact;
	const struct doc_place *place = find_place(doc, pointer, &exact);

	return place != NULL ? place->value : (struct doc_pos){1, 1};
}

struct doc_pos
doc_key_pos(const struct doc *doc, const char *pointer)
{
	bool exact;
	const struct doc_place *place = find_place(doc, pointer, &exact);

	if (place == NULL)
		return (struct doc_pos){1, 1};
	return exact && place->key.line > 0 ? place->key : place->value;
}

/* The next token of a pointer, unescaped, into out. Returns what is behind it. */
static const char *
take_token(const char *pointer, struct buf *out)
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

json_t *
doc_at(json_t *root, const char *pointer)
{
	struct buf token = {0};

	while (root != NULL && *pointer == '/') {
		pointer = take_token(pointer + 1, &token);
		root = json_is_array(root)
			   ? json_array_get(root, strtoul(buf_cstr(&token), NULL, 10))
			   : json_object_get(root, buf_cstr(&token));
	}
	buf_fini(&token);
	return *pointer == '\0' ? root : NULL;
}

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

void
doc_pointer_add_index(struct buf *pointer, size_t index)
{
	buf_printf(pointer, "/%zu", index);
}
