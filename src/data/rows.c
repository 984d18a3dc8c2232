#include "data/rows_internal.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

/* Columns that the reader names are known before the first row; else the first row has them. */
struct rows *
rows_new(const struct asl_reader *reader)
{
	struct rows *rows = mem_zalloc(1, sizeof(*rows));

	rows->reader = reader;
	rows->way.pointer = reader->items_pointer != NULL ? reader->items_pointer : "";
	if (reader->input == ASL_READER_CSV && reader->headers != NULL)
		rows->columns = json_incref(reader->headers);
	return rows;
}

void
rows_free(struct rows *rows)
{
	if (rows == NULL)
		return;
	json_decref(rows->columns);
	buf_fini(&rows->text);
	buf_fini(&rows->field);
	free(rows);
}

/* What was taken goes only now, so that the items of a piece cost no move each. */
void
rows_feed(struct rows *rows, struct str piece)
{
	assert(!rows->finished && rows->at <= rows->text.len);
	if (rows->at > 0) {
		memmove(rows->text.p, rows->text.p + rows->at, rows->text.len - rows->at);
		rows->text.len -= rows->at;
		rows->offset += (int64_t)rows->at;
		rows->at = 0;
	}
	buf_add_str(&rows->text, piece);
}

void
rows_finish(struct rows *rows)
{
	rows->finished = true;
}

/* Spreadsheets put a byte order mark in front of the first column's name. */
static bool
rows_skip_mark(struct rows *rows)
{
	struct str rest = rows_rest(rows);
	size_t mark = sizeof(BYTE_ORDER_MARK) - 1;

	if (rows_offset(rows) > 0)
		return true;
	if (rest.len < mark && !rows->finished && memcmp(BYTE_ORDER_MARK, rest.p, rest.len) == 0)
		return false;
	if (str_starts(rest, BYTE_ORDER_MARK))
		rows->at += mark;
	return true;
}

enum rows_next
rows_next(struct rows *rows, json_t **ret_item, struct tmf_err *err)
{
	enum rows_next next;

	if (!rows_skip_mark(rows))
		return ROWS_MORE;
	switch (rows->reader->input) {
	case ASL_READER_CSV:
		return rows_csv_next(rows, ret_item, err);
	case ASL_READER_JSONL:
		return rows_lines_next(rows, ret_item, err);
	case ASL_READER_JSON:
		next = rows_pointer_go(rows, err);
		return next == ROWS_ITEM ? rows_json_next(rows, ret_item, err) : next;
	case ASL_READER_MANIFEST:
		break;
	}
	assert(!"not an input type");
	return ROWS_FAILED;
}

/* A resume that starts behind the header has to read that first: the columns are not stored. */
bool
rows_wants_header(const struct rows *rows)
{
	return rows->reader->input == ASL_READER_CSV && rows->columns == NULL;
}

/* Behind an element of an array comes its comma or the end; the other kinds have no memory. */
void
rows_seek(struct rows *rows, int64_t offset)
{
	assert(!rows_wants_header(rows) && offset >= 0);
	buf_reset(&rows->text);
	rows->at = 0;
	rows->offset = offset;
	rows->finished = false;
	rows->place = offset > 0 ? ROWS_BEHIND_ELEMENT : ROWS_BEFORE_ARRAY;
	rows->way = (struct rows_way){.pointer = ""};
	if (offset == 0 && rows->reader->items_pointer != NULL)
		rows->way.pointer = rows->reader->items_pointer;
}
