#include "data/rows_internal.h"

#include <assert.h>
#include <string.h>

/* --- JSON Lines --- */

/* A blank line, which ends many files, is not an item. */
enum rows_next
rows_lines_next(struct rows *rows, json_t **ret_item, struct tmf_err *err)
{
	for (;;) {
		struct str rest = rows_rest(rows);
		const char *end = memchr(rest.p, '\n', rest.len);
		size_t bytes = end != NULL ? (size_t)(end - rest.p) + 1 : rest.len;
		struct str line = str_trim((struct str){rest.p, bytes});
		enum rows_next next = ROWS_ITEM;

		if (end == NULL && !rows->finished)
			return rows_wait(rows, err);
		if (rest.len == 0)
			return ROWS_OVER;
		if (bytes > ROWS_ITEM_BYTES_MAX)
			return rows_fail(rows, err, "the item is longer than 1 MiB");
		if (line.len > 0)
			next = rows_parse(rows, line, ret_item, err);
		if (next == ROWS_ITEM)
			rows->at += bytes;
		if (line.len > 0)
			return next;
	}
}

/* --- a JSON array --- */

bool
rows_json_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* A string may have brackets in it, and an escaped quote does not end it. */
size_t
rows_json_extent(struct str text)
{
	size_t depth = 0;
	bool quoted = false;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.p[i];

		if (quoted) {
			i += c == '\\';
			quoted = c != '"';
			if (!quoted && depth == 0)
				return i + 1;
		} else if (c == '"') {
			quoted = true;
		} else if (c == '[' || c == '{') {
			depth++;
		} else if (depth == 0 &&
			   (c == ',' || c == ']' || c == '}' || rows_json_is_blank(c))) {
			return i;
		} else if (c == ']' || c == '}') {
			if (--depth == 0)
				return i + 1;
		}
	}
	return 0;
}

/* The value at the start of rest, which begins with something that is not blank. */
static enum rows_next
rows_json_element(struct rows *rows, json_t **ret_item, struct tmf_err *err)
{
	struct str rest = rows_rest(rows);
	size_t bytes = rows_json_extent(rest);
	enum rows_next next;

	if (bytes == 0 && !rows->finished && strchr(",]}", rest.p[0]) == NULL)
		return rows_wait(rows, err);
	if (bytes > ROWS_ITEM_BYTES_MAX)
		return rows_fail(rows, err, "the item is longer than 1 MiB");
	if (bytes == 0)
		return rows_fail(rows, err, "the array ends within an element");
	next = rows_parse(rows, (struct str){rest.p, bytes}, ret_item, err);
	if (next == ROWS_ITEM) {
		rows->at += bytes;
		rows->place = ROWS_BEHIND_ELEMENT;
	}
	return next;
}

/* The sign c between two elements, or around all of them. False: it does not belong there. */
static bool
rows_json_take_sign(struct rows *rows, char c)
{
	bool may_end = rows->place == ROWS_FIRST_ELEMENT || rows->place == ROWS_BEHIND_ELEMENT;

	if (rows->place == ROWS_BEFORE_ARRAY && c == '[')
		rows->place = ROWS_FIRST_ELEMENT;
	else if (rows->place == ROWS_BEHIND_ELEMENT && c == ',')
		rows->place = ROWS_ELEMENT;
	else if (may_end && c == ']')
		rows->place = ROWS_BEHIND_ARRAY;
	else
		return false;
	rows->at++;
	return true;
}

/* What is wrong where a sign was wanted. */
static const char *
rows_json_sign_missing(enum rows_json_place place)
{
	switch (place) {
	case ROWS_BEFORE_ARRAY:
		return "not a JSON array";
	case ROWS_BEHIND_ELEMENT:
		return "a comma or the end of the array is missing";
	case ROWS_BEHIND_ARRAY:
		return "something stands behind the array";
	case ROWS_FIRST_ELEMENT:
	case ROWS_ELEMENT:
		break;
	}
	return "the array has no end";
}

/* Behind an array within an object nothing is looked at: it may be of any length. */
enum rows_next
rows_json_next(struct rows *rows, json_t **ret_item, struct tmf_err *err)
{
	bool within = rows->reader->items_pointer != NULL && rows->reader->items_pointer[0] != '\0';

	for (;;) {
		struct str rest = rows_rest(rows);

		if (within && rows->place == ROWS_BEHIND_ARRAY)
			return ROWS_OVER;
		if (rest.len == 0 && rows->finished)
			return rows->place == ROWS_BEHIND_ARRAY
				   ? ROWS_OVER
				   : rows_fail(rows, err, rows_json_sign_missing(rows->place));
		if (rest.len == 0)
			return ROWS_MORE;
		if (rows_json_is_blank(rest.p[0]))
			rows->at++;
		else if (rows_json_take_sign(rows, rest.p[0]))
			continue;
		else if (rows->place == ROWS_FIRST_ELEMENT || rows->place == ROWS_ELEMENT)
			return rows_json_element(rows, ret_item, err);
		else
			return rows_fail(rows, err, rows_json_sign_missing(rows->place));
	}
}
