#ifndef TMFLOW_DATA_ROWS_H
#define TMFLOW_DATA_ROWS_H

#include "asl/state/machine.h"
#include "base/buf.h"

/*
 * Items out of a text that comes in pieces: the rows of a CSV file, the lines of JSON Lines, the
 * elements of a JSON array. Pure: the caller brings the bytes, cut anywhere, and takes the items
 * one by one. Memory holds one piece and one item, however long the text is.
 *
 *   rows_next(rows, &item, &err)  -> ROWS_MORE: rows_feed the next piece, or rows_finish
 *                                    ROWS_ITEM: take it; rows_offset is where the next one begins
 *
 * Who stored rows_offset goes on there with rows_seek.
 * See: https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html
 */
struct rows;

#define ROWS_ITEM_BYTES_MAX   (1u << 20) /* of the text of one item, blanks and quotes included */
#define ROWS_HEADER_BYTES_MAX 10240u	 /* of the row that names the columns: AWS's own limit */

enum rows_next {
	ROWS_ITEM,   /* here is one */
	ROWS_MORE,   /* the text so far does not hold a whole one */
	ROWS_OVER,   /* there are no more */
	ROWS_FAILED, /* the text is not of its kind */
};

/* reader: how the text is to be read. Borrowed, and kept. */
struct rows *rows_new(const struct asl_reader *reader);
void rows_free(struct rows *rows);

/* The next piece of the text. Copies. */
void rows_feed(struct rows *rows, struct str piece);

/* The text is over. */
void rows_finish(struct rows *rows);

/*
 * The next item, a new reference. An item of CSV is an object of strings, with "" for what its row
 * lacks.
 * Errors: States.ItemReaderFailed, naming the offset of the item. Limits: ROWS_ITEM_BYTES_MAX.
 */
enum rows_next rows_next(struct rows *rows, json_t **ret_item, struct tmf_err *err);

/* Units: bytes. How much of the text the items so far, and what led to them, took up. */
int64_t rows_offset(const struct rows *rows);

/* Whether the row that names the columns is still to come. ROWS_MORE is all that rows_next answers
 * until it is there; an item may come with it. */
bool rows_wants_header(const struct rows *rows);

/* The next piece begins at offset, which rows_offset gave for the same text behind an item. Takes:
 * rows that want no header. */
void rows_seek(struct rows *rows, int64_t offset);

#endif
