#ifndef TMFLOW_DATA_ROWS_INTERNAL_H
#define TMFLOW_DATA_ROWS_INTERNAL_H

#include "data/rows.h"

/* Where the text of a JSON array stands between two items. */
enum rows_json_place {
	ROWS_BEFORE_ARRAY,
	ROWS_FIRST_ELEMENT, /* or the end of an empty array */
	ROWS_BEHIND_ELEMENT,
	ROWS_ELEMENT, /* behind a comma */
	ROWS_BEHIND_ARRAY,
};

/* What stands next on the way to the array. */
enum rows_step {
	ROWS_AT_VALUE,	 /* one that holds the next */
	ROWS_AT_NAME,	 /* a member of an object */
	ROWS_AT_ELEMENT, /* of an array */
	ROWS_PASSING,	 /* a value beside the way */
	ROWS_PASSED,	 /* the comma behind one */
};

struct rows_way {
	const char *pointer; /* what is left of ItemsPointer; "": the array is next. Borrowed */
	enum rows_step step;
	int64_t left; /* elements before the one that is wanted */
	/* Of a value that is passed over. */
	size_t depth;
	bool begun;
	bool quoted;
	bool escaped;
};

struct rows {
	const struct asl_reader *reader;
	struct buf text;
	size_t at;	/* in text: where the next item begins */
	int64_t offset; /* of the first byte of text */
	bool finished;
	json_t *columns; /* CSV: array of strings; NULL: the first row will say */
	struct buf field;
	enum rows_json_place place;
	struct rows_way way;
};

/* What is left of the text. */
struct str rows_rest(const struct rows *rows);

/* Fills *err with States.ItemReaderFailed and the offset of the item. Returns: ROWS_FAILED. */
enum rows_next rows_fail(const struct rows *rows, struct tmf_err *err, const char *why);

/* Whether to ask for more text: ROWS_MORE, or ROWS_FAILED for an item that is too long. */
enum rows_next rows_wait(const struct rows *rows, struct tmf_err *err);

/* One JSON text as an item. */
enum rows_next
rows_parse(struct rows *rows, struct str text, json_t **ret_item, struct tmf_err *err);

/* The four signs that may stand between JSON's. */
bool rows_json_is_blank(char c);

/* The length of the JSON value at the start of text, by its brackets and quotes alone: whether it
 * is one is the parser's business. 0: it ends behind the text, or may. */
size_t rows_json_extent(struct str text);

/* Goes on to the array that ItemsPointer names. Returns: ROWS_ITEM before it. */
enum rows_next rows_pointer_go(struct rows *rows, struct tmf_err *err);

/* rows_next by kind of text. */
enum rows_next rows_csv_next(struct rows *rows, json_t **ret_item, struct tmf_err *err);
enum rows_next rows_json_next(struct rows *rows, json_t **ret_item, struct tmf_err *err);
enum rows_next rows_lines_next(struct rows *rows, json_t **ret_item, struct tmf_err *err);

#endif
