/* The text that was fed, and what all kinds of rows do with it. */
#include "data/rows_internal.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

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
