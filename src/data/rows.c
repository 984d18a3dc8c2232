#include "data/rows_internal.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

struct rows *
rows_new(const struct asl_reader *reader)
{
	struct rows *rows = mem_zalloc(1, sizeof(*rows));

	rows->reader = reader;
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

struct str
rows_rest(const struct rows *rows)
{
	assert(rows->at <= rows->text.len);
	return (struct str){buf_cstr(&rows->text) + rows->at, rows->text.len - rows->at};
}

int64_t
rows_offset(const struct rows *rows)
{
	return rows->offset + (int64_t)rows->at;
}

enum rows_next
rows_fail(const struct rows *rows, struct tmf_err *err, const char *why)
{
	tmf_err_set_name(
	    err, TMF_ERR_ASL, ASL_ERROR_READER, "byte %" PRId64 ": %s", rows_offset(rows), why);
	return ROWS_FAILED;
}

enum rows_next
rows_wait(const struct rows *rows, struct tmf_err *err)
{
	assert(!rows->finished);
	if (rows_rest(rows).len > ROWS_ITEM_BYTES_MAX)
		return rows_fail(rows, err, "the item is longer than 1 MiB");
	return ROWS_MORE;
}

/* Of two members with one key the last counts, since others wrote the file. AWS holds an item to
 * the size of a state's input. */
enum rows_next
rows_parse(struct rows *rows, struct str text, json_t **ret_item, struct tmf_err *err)
{
	json_t *item = jsonx_parse_last_wins(text, err);
	char *why;

	if (item != NULL && jsonx_text_fits(item, ASL_DATA_BYTES_MAX)) {
		*ret_item = item;
		return ROWS_ITEM;
	}
	why = item != NULL ? mem_strdup("the item is larger than 256 KiB")
			   : mem_strdup(tmf_err_text(err));
	json_decref(item);
	tmf_err_fini(err);
	rows_fail(rows, err, why);
	free(why);
	return ROWS_FAILED;
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
	if (!rows_skip_mark(rows))
		return ROWS_MORE;
	switch (rows->reader->input) {
	case ASL_READER_CSV:
		return rows_csv_next(rows, ret_item, err);
	case ASL_READER_JSONL:
		return rows_lines_next(rows, ret_item, err);
	case ASL_READER_JSON:
		return rows_json_next(rows, ret_item, err);
	}
	assert(!"not an input type");
	return ROWS_FAILED;
}

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
}
