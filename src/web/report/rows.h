#ifndef TMFLOW_WEB_REPORT_ROWS_H
#define TMFLOW_WEB_REPORT_ROWS_H

#include "base/buf.h"
#include "store/store.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <zlib.h>

/*
 * The outcomes of a run as text within a page: columns, because ids then compress to four bits a
 * digit, in blocks, so that memory does not grow with the rows; zlib's format, in base64. A block
 * is its columns, each ended by \x1d, and ends with \x1e; a column is its values, each ended by a
 * line end. A value stands without its column's prefix ("i-" of an instance id), or behind "\=" if
 * it does not begin with it; "\\" is a backslash, "\n" a line end.
 */

#define ROWS_COLUMNS_MAX 20
#define ROWS_BLOCK	 2048 /* rows */

struct rows {
	FILE *out;
	z_stream deflate;
	struct buf columns[ROWS_COLUMNS_MAX];
	size_t held;	    /* rows in them */
	int64_t count;	    /* rows in all */
	struct buf encoded; /* compressed, not yet a multiple of three bytes */
};

/* Begins with the first row. Ends with rows_end. */
void rows_begin(struct rows *rows, FILE *out);

/* Adds an outcome of an account and region, which may be NULL. */
void
rows_add(struct rows *rows, const struct outcome *outcome, const char *account, const char *region);

/* Writes what is left, and frees what rows holds. */
void rows_end(struct rows *rows);

/* [{"key", "prefix"}] in the order of the columns. New reference. */
json_t *rows_columns(void);

#endif
