#include "data/rows.h"

#include "base/jsonx.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PIECES_MAX 7

/* All items in pieces of a size, or from a place on: *ret_place is where the last item ended. */
static size_t
read_all(
    struct rows *rows, struct str text, size_t piece, int64_t *ret_place, enum rows_next *ret_next)
{
	struct tmf_err err = {0};
	json_t *item = NULL;
	size_t count = 0;
	enum rows_next next;

	while ((next = rows_next(rows, &item, &err)) == ROWS_MORE || next == ROWS_ITEM) {
		size_t bytes = text.len < piece ? text.len : piece;

		if (next == ROWS_ITEM) {
			assert(rows_offset(rows) > *ret_place);
			*ret_place = rows_offset(rows);
			json_decref(item);
			count++;
		} else if (bytes == 0) {
			rows_finish(rows);
		} else {
			rows_feed(rows, (struct str){text.p, bytes});
			text = (struct str){text.p + bytes, text.len - bytes};
		}
	}
	assert((next == ROWS_FAILED) == tmf_err_isset(&err));
	tmf_err_fini(&err);
	*ret_next = next;
	return count;
}

/* The first byte says how, the others are the text: the same items in pieces of any size. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum asl_reader_input inputs[] = {
	    ASL_READER_CSV, ASL_READER_JSONL, ASL_READER_JSON};
	struct asl_reader reader = {.delimiter = ','};
	struct str text;
	size_t counts[2];
	enum rows_next ends[2];
	int64_t places[2] = {-1, -1};
	size_t pieces[2];

	if (size == 0)
		return 0;
	reader.input = inputs[data[0] % 3];
	reader.items_pointer = data[0] > INT8_MAX ? "/a~1/1" : NULL;
	text = (struct str){(const char *)data + 1, size - 1};
	pieces[0] = size;
	pieces[1] = 1 + data[0] % PIECES_MAX;
	for (int i = 0; i < 2; i++) {
		struct rows *rows = rows_new(&reader);

		counts[i] = read_all(rows, text, pieces[i], &places[i], &ends[i]);
		rows_free(rows);
	}
	assert(counts[0] == counts[1] && places[0] == places[1] && ends[0] == ends[1]);
	return 0;
}
