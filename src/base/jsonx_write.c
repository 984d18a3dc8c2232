#include "base/jsonx.h"

#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Not json_dumps: that writes reals with 17 digits (0.1 as 0.10000000000000001), fails on values
 * that hold NUL, and cannot write into a buffer that is there. A checkpoint is written in every
 * turn, so strings are looked at eight bytes at a time.
 */

#define REAL_TEXT_BYTES	  32
#define PLAIN_REAL_MAX	  1e15 /* whole reals below it are written as "1.0" */
#define INDENT_NONE	  -1
#define REAL_DIGITS_SHORT 15 /* enough for most; 17 for all */
#define REAL_DIGITS_MAX	  17
#define INDENT_STEP	  2

/* How a value is written. */
struct style {
	bool sorted;
	int indent; /* INDENT_NONE: compact */
};

static void
jsonx_write_value(const json_t *value, const struct style *style, int indent, struct buf *out);

/* --- strings --- */

/* A byte in each of the eight places of a word. */
#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

static bool
needs_escape(unsigned char c)
{
	return c < 0x20 || c == '"' || c == '\\';
}

/* The same of any of eight bytes. Subtracting borrows from a byte's high bit where the byte is
 * smaller, and counts only where that bit was clear before: for 'A' 0x41 - 0x20 leaves it clear,
 * for '\n' 0x0a - 0x20 sets it. A borrow may run into the next byte and report one that needs
 * nothing; the caller then looks at each byte. */
static bool
word_needs_escape(uint64_t word)
{
	uint64_t quote = word ^ EACH('"');
	uint64_t backslash = word ^ EACH('\\');
	uint64_t found = ((word - EACH(0x20)) & ~word) | ((quote - EACH(1)) & ~quote) |
			 ((backslash - EACH(1)) & ~backslash);

	return (found & EACH(0x80)) != 0;
}

/* How many bytes at the start are written as they are. The tail of fewer than eight bytes is looked
 * at as one word too, with some bytes before it that are known to be plain: a text of 13 bytes
 * takes two looks and not six. */
static size_t
plain_bytes(const char *text, size_t len)
{
	uint64_t word;
	size_t i = 0;

	for (; len - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, text + i, sizeof(word));
		if (word_needs_escape(word))
			break;
	}
	if (i > 0 && len - i < sizeof(word)) {
		/* The rest with some of what is known to be plain before it. */
		memcpy(&word, text + len - sizeof(word), sizeof(word));
		if (!word_needs_escape(word))
			return len;
	}
	while (i < len && !needs_escape((unsigned char)text[i]))
		i++;
	return i;
}

/* Only what JSON demands: a slash or a character beyond ASCII stands for itself. */
static void
jsonx_write_escape(unsigned char c, struct buf *out)
{
	static const char shorts[] = "\"\\\b\f\n\r\t";
	static const char letters[] = "\"\\bfnrt";
	const char *known = c != '\0' ? strchr(shorts, c) : NULL;

	if (known != NULL) {
		buf_add_char(out, '\\');
		buf_add_char(out, letters[known - shorts]);
	} else {
		buf_printf(out, "\\u%04x", c);
	}
}

/* Room for the text is made once; each escape makes its own, since most texts have none. */
static void
jsonx_write_string(const char *text, size_t len, struct buf *out)
{
	size_t plain = plain_bytes(text, len);

	buf_reserve(out, len + 2);
	buf_add_char(out, '"');
	buf_add(out, text, plain);
	for (size_t i = plain; i < len; i += plain) {
		jsonx_write_escape((unsigned char)text[i++], out);
		plain = plain_bytes(text + i, len - i);
		buf_add(out, text + i, plain);
	}
	buf_add_char(out, '"');
}

/* The shortest text that reads back as the same number, always with a point or an exponent, so that
 * it reads back as a real: 0.1, 1.0, 1e+16. 15 digits are enough for what people write, 17 for
 * every double. */
static int
real_text(double real, char out[REAL_TEXT_BYTES])
{
	int len = 0;

	if (fabs(real) < PLAIN_REAL_MAX && rint(real) == real)
		return snprintf(out, REAL_TEXT_BYTES, "%.1f", real);
	for (int digits = REAL_DIGITS_SHORT; digits <= REAL_DIGITS_MAX; digits++) {
		len = snprintf(out, REAL_TEXT_BYTES, "%.*g", digits, real);
		if (strtod(out, NULL) == real)
			break;
	}
	if (strpbrk(out, ".e") == NULL)
		len += snprintf(out + len, (size_t)(REAL_TEXT_BYTES - len), ".0");
	return len;
}

static struct str
member_key(void *iterator)
{
	return (struct str){json_object_iter_key(iterator), json_object_iter_key_len(iterator)};
}

/* Compact text has no line feeds at all, so that one value is one line of a log. */
static void
jsonx_write_line(const struct style *style, int indent, struct buf *out)
{
	if (style->indent == INDENT_NONE)
		return;
	buf_printf(out, "\n%*s", indent, "");
}

static void
jsonx_write_array(const json_t *array, const struct style *style, int indent, struct buf *out)
{
	size_t count = json_array_size(array);

	buf_add_char(out, '[');
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_add_char(out, ',');
		jsonx_write_line(style, indent + INDENT_STEP, out);
		jsonx_write_value(json_array_get(array, i), style, indent + INDENT_STEP, out);
	}
	if (count > 0)
		jsonx_write_line(style, indent, out);
	buf_add_char(out, ']');
}

static void
jsonx_write_member(
    struct str key, const json_t *value, const struct style *style, int indent, struct buf *out)
{
	jsonx_write_line(style, indent, out);
	jsonx_write_string(key.p, key.len, out);
	buf_add_char(out, ':');
	if (style->indent != INDENT_NONE)
		buf_add_char(out, ' ');
	jsonx_write_value(value, style, indent, out);
}

static int
jsonx_key_compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* By strcmp: the order of bytes is that of code points in UTF-8, and does not depend on a
 * locale. */
static void
jsonx_write_sorted(const json_t *object, const struct style *style, int indent, struct buf *out)
{
	size_t count = json_object_size(object);
	const char **keys = mem_zalloc(count, sizeof(*keys));
	json_t *borrowed = (json_t *)(uintptr_t)object; /* iterating does not change it */
	const char *key;
	json_t *value;
	size_t i = 0;

	json_object_foreach (borrowed, key, value)
		keys[i++] = key;
	qsort(keys, count, sizeof(*keys), jsonx_key_compare);
	for (i = 0; i < count; i++) {
		if (i > 0)
			buf_add_char(out, ',');
		jsonx_write_member(
		    str_of(keys[i]), json_object_get(object, keys[i]), style, indent, out);
	}
	free(keys);
}

/* By jansson's iterators: json_object_foreach looks the place of each key up again. */
static void
jsonx_write_members(const json_t *object, const struct style *style, int indent, struct buf *out)
{
	json_t *borrowed = (json_t *)(uintptr_t)object; /* iterating does not change it */
	void *first = json_object_iter(borrowed);

	for (void *at = first; at != NULL; at = json_object_iter_next(borrowed, at)) {
		if (at != first)
			buf_add_char(out, ',');
		jsonx_write_member(member_key(at), json_object_iter_value(at), style, indent, out);
	}
}

static void
jsonx_write_object(const json_t *object, const struct style *style, int indent, struct buf *out)
{
	buf_add_char(out, '{');
	if (style->sorted)
		jsonx_write_sorted(object, style, indent + INDENT_STEP, out);
	else
		jsonx_write_members(object, style, indent + INDENT_STEP, out);
	if (json_object_size(object) > 0)
		jsonx_write_line(style, indent, out);
	buf_add_char(out, '}');
}

static void
jsonx_write_value(const json_t *value, const struct style *style, int indent, struct buf *out)
{
	char real[REAL_TEXT_BYTES];

	switch (json_typeof(value)) {
	case JSON_OBJECT:
		jsonx_write_object(value, style, indent, out);
		break;
	case JSON_ARRAY:
		jsonx_write_array(value, style, indent, out);
		break;
	case JSON_STRING:
		jsonx_write_string(json_string_value(value), json_string_length(value), out);
		break;
	case JSON_INTEGER:
		buf_add_int(out, json_integer_value(value));
		break;
	case JSON_REAL:
		buf_add(out, real, (size_t)real_text(json_real_value(value), real));
		break;
	case JSON_TRUE:
		buf_add_cstr(out, "true");
		break;
	case JSON_FALSE:
		buf_add_cstr(out, "false");
		break;
	case JSON_NULL:
		buf_add_cstr(out, "null");
		break;
	}
}

static const struct style compact = {.indent = INDENT_NONE};
static const struct style pretty = {.indent = 0};

void
jsonx_write(const json_t *value, struct buf *out)
{
	jsonx_write_value(value, &compact, 0, out);
}

/* For tokens and for comparing two definitions: a client token must be the same in every attempt,
 * whatever the order in which its members were set. */
void
jsonx_write_canonical(const json_t *value, struct buf *out)
{
	static const struct style canonical = {.sorted = true, .indent = INDENT_NONE};

	jsonx_write_value(value, &canonical, 0, out);
}

void
jsonx_write_pretty(const json_t *value, struct buf *out)
{
	jsonx_write_value(value, &pretty, 0, out);
}

/* --- piece by piece --- */

struct pieces {
	const struct style *style;
	struct buf text; /* of the piece under way */
	void (*put)(void *arg, const char *text);
	void *arg;
};

static void
pieces_put(struct pieces *pieces)
{
	pieces->put(pieces->arg, buf_cstr(&pieces->text));
	buf_reset(&pieces->text);
}

/* A member that is a list with items. */
static void
pieces_write_list(struct pieces *pieces, struct str key, const json_t *list)
{
	const struct style *style = pieces->style;
	struct buf *text = &pieces->text;

	jsonx_write_line(style, INDENT_STEP, text);
	jsonx_write_string(key.p, key.len, text);
	buf_add_cstr(text, style->indent != INDENT_NONE ? ": [" : ":[");
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (i > 0)
			buf_add_char(text, ',');
		jsonx_write_line(style, 2 * INDENT_STEP, text);
		jsonx_write_value(json_array_get(list, i), style, 2 * INDENT_STEP, text);
		pieces_put(pieces);
	}
	jsonx_write_line(style, INDENT_STEP, text);
	buf_add_char(text, ']');
}

void
jsonx_write_pieces(
    const json_t *value, bool is_pretty, void (*put)(void *arg, const char *text), void *arg)
{
	struct pieces pieces = {.style = is_pretty ? &pretty : &compact, .put = put, .arg = arg};
	json_t *borrowed = (json_t *)(uintptr_t)value;
	void *first = json_object_iter(borrowed); /* NULL also where it is not an object */

	if (first == NULL)
		jsonx_write_value(value, pieces.style, 0, &pieces.text);
	else
		buf_add_char(&pieces.text, '{');
	for (void *at = first; at != NULL; at = json_object_iter_next(borrowed, at)) {
		const json_t *member = json_object_iter_value(at);

		if (at != first)
			buf_add_char(&pieces.text, ',');
		if (json_array_size(member) > 0)
			pieces_write_list(&pieces, member_key(at), member);
		else
			jsonx_write_member(
			    member_key(at), member, pieces.style, INDENT_STEP, &pieces.text);
		pieces_put(&pieces);
	}
	if (first != NULL) {
		jsonx_write_line(pieces.style, 0, &pieces.text);
		buf_add_char(&pieces.text, '}');
	}
	pieces_put(&pieces);
	buf_fini(&pieces.text);
}

/* --- a document around a list --- */

static const struct style *
jsonx_list_style(const struct jsonx_list *list)
{
	return list->pretty ? &pretty : &compact;
}

/* Up to the list's key, which has its bracket in place of a value. */
void
jsonx_list_begin(const struct jsonx_list *list, struct buf *out)
{
	json_t *borrowed = (json_t *)(uintptr_t)list->document;
	const struct style *style = jsonx_list_style(list);
	void *first = json_object_iter(borrowed);
	void *own = json_object_iter_at(borrowed, list->key);

	assert(own != NULL && list->count == 0);
	assert(json_array_size(json_object_iter_value(own)) == 0);
	buf_add_char(out, '{');
	for (void *at = first;; at = json_object_iter_next(borrowed, at)) {
		if (at != first)
			buf_add_char(out, ',');
		jsonx_write_member(
		    member_key(at), json_object_iter_value(at), style, INDENT_STEP, out);
		if (at == own)
			break;
	}
	assert(out->p[out->len - 1] == ']');
	out->p[--out->len] = '\0';
}

void
jsonx_list_item(struct jsonx_list *list, const json_t *item, struct buf *out)
{
	const struct style *style = jsonx_list_style(list);

	if (list->count++ > 0)
		buf_add_char(out, ',');
	jsonx_write_line(style, 2 * INDENT_STEP, out);
	jsonx_write_value(item, style, 2 * INDENT_STEP, out);
}

void
jsonx_list_end(const struct jsonx_list *list, struct buf *out)
{
	json_t *borrowed = (json_t *)(uintptr_t)list->document;
	const struct style *style = jsonx_list_style(list);
	void *at = json_object_iter_at(borrowed, list->key);

	assert(at != NULL);
	if (list->count > 0)
		jsonx_write_line(style, INDENT_STEP, out);
	buf_add_char(out, ']');
	while ((at = json_object_iter_next(borrowed, at)) != NULL) {
		buf_add_char(out, ',');
		jsonx_write_member(
		    member_key(at), json_object_iter_value(at), style, INDENT_STEP, out);
	}
	jsonx_write_line(style, 0, out);
	buf_add_char(out, '}');
}

char *
jsonx_text(const json_t *value)
{
	struct buf text = {0};

	assert(value != NULL);
	jsonx_write(value, &text);
	return buf_take(&text);
}

/* --- how long it would be --- */

/* A short escape (\n) is one byte more than the character, the others (\u0001) are five more. */
static size_t
string_bytes(const char *text, size_t len)
{
	size_t bytes = len + 2;

	for (size_t i = plain_bytes(text, len); i < len;
	     i += 1 + plain_bytes(text + i + 1, len - i - 1))
		bytes += text[i] != '\0' && strchr("\"\\\b\f\n\r\t", text[i]) != NULL ? 1 : 5;
	return bytes;
}

/* The same digits as buf_add_int writes, counted. The smallest integer has no positive
 * counterpart, hence the unsigned copy. */
static size_t
integer_bytes(json_int_t integer)
{
	uint64_t rest = integer < 0 ? 0 - (uint64_t)integer : (uint64_t)integer;
	size_t bytes = integer < 0 ? 2 : 1;

	while ((rest /= 10) > 0)
		bytes++;
	return bytes;
}

/* How exactly it is to be known. */
struct count {
	size_t limit; /* counting stops beyond it */
	bool at_most; /* texts are not looked at: each byte may be escaped */
};

/* The two quotes count as well. */
static size_t
counted_string(const struct count *count, const char *text, size_t len)
{
	return count->at_most ? JSONX_ESCAPE_BYTES_MAX * len + 2 : string_bytes(text, len);
}

/* Reals are written out, since only their text has their length. */
static size_t
scalar_bytes(const struct count *count, const json_t *value)
{
	char real[REAL_TEXT_BYTES];

	switch (json_typeof(value)) {
	case JSON_STRING:
		return counted_string(count, json_string_value(value), json_string_length(value));
	case JSON_INTEGER:
		return integer_bytes(json_integer_value(value));
	case JSON_REAL:
		return (size_t)real_text(json_real_value(value), real);
	case JSON_FALSE:
		return 5;
	case JSON_TRUE:
	case JSON_NULL:
	case JSON_OBJECT:
	case JSON_ARRAY:
		break;
	}
	return 4;
}

static void count_bytes(const struct count *count, const json_t *value, size_t *total);

/* Of what holds others: its brackets, and the commas between them. */
static size_t
punctuation_bytes(size_t members)
{
	return 2 + (members > 0 ? members - 1 : 0);
}

/* Stops once it is past the limit: a value of 64 MB need not be walked to be refused. */
static void
count_object_bytes(const struct count *count, const json_t *object, size_t *total)
{
	json_t *borrowed = (json_t *)(uintptr_t)object;

	*total += punctuation_bytes(json_object_size(object));
	for (void *at = json_object_iter(borrowed); at != NULL && *total <= count->limit;
	     at = json_object_iter_next(borrowed, at)) {
		struct str key = member_key(at);

		*total += counted_string(count, key.p, key.len) + 1;
		count_bytes(count, json_object_iter_value(at), total);
	}
}

/* Adds the bytes of value to *total; stops early once it is past the limit. */
static void
count_bytes(const struct count *count, const json_t *value, size_t *total)
{
	if (json_is_object(value)) {
		count_object_bytes(count, value, total);
	} else if (json_is_array(value)) {
		size_t members = json_array_size(value);

		*total += punctuation_bytes(members);
		for (size_t i = 0; i < members && *total <= count->limit; i++)
			count_bytes(count, json_array_get(value, i), total);
	} else {
		*total += scalar_bytes(count, value);
	}
}

/* limit + 1 stands for all that is over it: the rest was not counted. */
static size_t
count_up_to(const struct count *count, const json_t *value)
{
	size_t total = 0;

	count_bytes(count, value, &total);
	return total <= count->limit ? total : count->limit + 1;
}

/* Exact, for reports; whether data fits is asked by the function below. */
size_t
jsonx_text_bytes(const json_t *value, size_t limit)
{
	return count_up_to(&(const struct count){.limit = limit}, value);
}

/* The rough count looks at no text and mostly decides: only where it is over the limit is
 * the exact one needed. */
bool
jsonx_text_fits(const json_t *value, size_t limit)
{
	const struct count rough = {.limit = limit, .at_most = true};

	return count_up_to(&rough, value) <= limit || jsonx_text_bytes(value, limit) <= limit;
}
