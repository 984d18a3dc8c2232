#include "data/rows_internal.h"

#include "base/jsonx.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/*
 * CSV as Step Functions reads it: quotes keep delimiters and line feeds, two quotes within them are
 * one. Outside of the specification that others follow, a backslash escapes a quote, the delimiter
 * or itself, and is dropped before anything else.
 */
struct csv_scan {
	struct rows *rows;
	struct str text; /* from the row on */
	size_t at;
	bool cut; /* the text ends where the row does not */
};

/* The byte at the scan, -1 at the end of the text. */
static int
csv_byte(const struct csv_scan *scan, size_t ahead)
{
	return scan->at + ahead < scan->text.len ? (unsigned char)scan->text.p[scan->at + ahead]
						 : -1;
}

/* The backslash is at the scan. */
static void
csv_escaped(struct csv_scan *scan)
{
	int next = csv_byte(scan, 1);

	if (next < 0) {
		scan->cut = !scan->rows->finished;
		scan->at++;
		return;
	}
	buf_add_char(&scan->rows->field, (char)next);
	scan->at += 2;
}

/* Behind the opening quote; ends behind the closing one. */
static enum rows_next
csv_quoted(struct csv_scan *scan, struct tmf_err *err)
{
	for (;;) {
		int byte = csv_byte(scan, 0);

		if (byte < 0) {
			scan->cut = true;
			return scan->rows->finished
				   ? rows_fail(scan->rows, err, "a quote is not closed")
				   : ROWS_MORE;
		}
		if (byte == '\\') {
			csv_escaped(scan);
			if (scan->cut)
				return ROWS_MORE;
		} else if (byte == '"' && csv_byte(scan, 1) == '"') {
			buf_add_char(&scan->rows->field, '"');
			scan->at += 2;
		} else {
			scan->at++;
			if (byte == '"')
				break;
			buf_add_char(&scan->rows->field, (char)byte);
		}
	}
	/* Whether a second quote follows is not known yet. */
	scan->cut = csv_byte(scan, 0) < 0 && !scan->rows->finished;
	return scan->cut ? ROWS_MORE : ROWS_ITEM;
}

/* Whether a line ends at the scan, by LF or CR LF; *ret_bytes is its length. */
static bool
csv_line_ends(struct csv_scan *scan, size_t *ret_bytes)
{
	int byte = csv_byte(scan, 0);

	bool is_last = csv_byte(scan, 1) < 0;

	if (byte == '\r' && is_last && !scan->rows->finished)
		scan->cut = true;
	*ret_bytes = byte == '\r' && !is_last ? 2 : 1;
	return byte == '\n' || (byte == '\r' && (is_last || csv_byte(scan, 1) == '\n'));
}

/* One field into rows->field. Stops at the delimiter, at the end of the line, or of the text. */
static enum rows_next
csv_field(struct csv_scan *scan, struct tmf_err *err)
{
	size_t line_bytes;

	buf_reset(&scan->rows->field);
	if (csv_byte(scan, 0) == '"') {
		enum rows_next next;

		scan->at++;
		next = csv_quoted(scan, err);
		if (next != ROWS_ITEM)
			return next;
	}
	while (!scan->cut) {
		int byte = csv_byte(scan, 0);

		if (byte < 0) {
			scan->cut = !scan->rows->finished;
			break;
		}
		if (byte == scan->rows->reader->delimiter || csv_line_ends(scan, &line_bytes))
			break;
		if (byte == '\\') {
			csv_escaped(scan);
			continue;
		}
		buf_add_char(&scan->rows->field, (char)byte);
		scan->at++;
	}
	return scan->cut ? ROWS_MORE : ROWS_ITEM;
}

/* The fields of the row at the start of the rest, an array; scan.at is behind its line. */
static enum rows_next
csv_fields(struct csv_scan *scan, json_t *fields, struct tmf_err *err)
{
	for (;;) {
		enum rows_next next = csv_field(scan, err);
		const struct buf *field = &scan->rows->field;
		json_t *text;
		size_t line_bytes;

		if (next != ROWS_ITEM)
			return next;
		text = json_stringn(buf_cstr(field), field->len);
		if (text == NULL)
			return rows_fail(scan->rows, err, "the row is not UTF-8");
		json_array_append_new(fields, text);
		if (csv_byte(scan, 0) < 0)
			return ROWS_ITEM;
		if (csv_line_ends(scan, &line_bytes)) {
			scan->at += line_bytes;
			return ROWS_ITEM;
		}
		scan->at++; /* the delimiter */
	}
}

/* Two columns of one name would leave one of them out of every item, in silence. */
static enum rows_next
csv_take_header(struct rows *rows, size_t bytes, json_t *fields, struct tmf_err *err)
{
	json_t *seen = json_object();
	enum rows_next next = ROWS_ITEM;
	json_t *name;
	size_t i;

	if (bytes > ROWS_HEADER_BYTES_MAX)
		next = rows_fail(rows, err, "the row of column names is longer than 10 KiB");
	json_array_foreach (fields, i, name) {
		const char *text = json_string_value(name);

		if (strlen(text) != json_string_length(name))
			next = rows_fail(rows, err, "a column's name has a NUL character");
		else if (json_object_get(seen, text) != NULL)
			next = rows_fail(rows, err, "two columns have the same name");
		json_object_set_new(seen, text, json_true());
	}
	json_decref(seen);
	if (next == ROWS_ITEM)
		rows->columns = json_incref(fields);
	return next;
}

/* What a row has beyond its columns is left out, and what it lacks is "": as AWS documents it. */
static enum rows_next
csv_item(const struct rows *rows, const json_t *fields, json_t **ret_item, struct tmf_err *err)
{
	json_t *item = json_object();
	json_t *name;
	size_t i;

	json_array_foreach (rows->columns, i, name) {
		json_t *field = json_array_get(fields, i);

		if (field != NULL)
			json_object_set(item, json_string_value(name), field);
		else
			json_object_set_new(item, json_string_value(name), json_string(""));
	}
	if (jsonx_text_fits(item, ASL_DATA_BYTES_MAX)) {
		*ret_item = item;
		return ROWS_ITEM;
	}
	json_decref(item);
	return rows_fail(rows, err, "the item is larger than 256 KiB");
}

/* A line without anything on it is not a row. */
static bool
csv_is_blank(const json_t *fields)
{
	return json_array_size(fields) == 1 && json_string_length(json_array_get(fields, 0)) == 0;
}

/* Rows before an item: one that names the columns, blank lines. */
enum rows_next
rows_csv_next(struct rows *rows, json_t **ret_item, struct tmf_err *err)
{
	for (;;) {
		struct csv_scan scan = {.rows = rows, .text = rows_rest(rows)};
		json_t *fields;
		enum rows_next next;
		bool is_item;

		if (scan.text.len == 0 && rows->finished)
			return ROWS_OVER;
		fields = json_array();
		next = csv_fields(&scan, fields, err);
		is_item = rows->columns != NULL && !csv_is_blank(fields);
		if (next == ROWS_ITEM && is_item)
			next = csv_item(rows, fields, ret_item, err);
		else if (next == ROWS_ITEM && !csv_is_blank(fields))
			next = csv_take_header(rows, scan.at, fields, err);
		json_decref(fields);
		if (next == ROWS_MORE)
			return rows_wait(rows, err);
		if (next == ROWS_ITEM)
			rows->at += scan.at;
		if (next != ROWS_ITEM || is_item)
			return next;
	}
}
