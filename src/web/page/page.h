#ifndef TMFLOW_WEB_PAGE_PAGE_H
#define TMFLOW_WEB_PAGE_PAGE_H

#include "base/buf.h"

#include <jansson.h>
#include <stdio.h>

/*
 * A self-contained page of HTML: its style, scripts and data stand in it, and its
 * Content-Security-Policy allows nothing else, so that it asks nobody for anything and can be sent
 * by mail. It is written piece by piece: begin, any number of data blocks, end.
 * See: https://www.w3.org/TR/CSP3/
 */
struct page {
	const char *title;
	const char *const *scripts; /* names of assets in the order in which they run; NULL ends */
};

/* Writes the head and the empty page, which its scripts fill. Write errors: see ferror(out). */
void page_begin(const struct page *page, FILE *out);

/* Writes a data block, which a script finds by its id. */
void page_put_json(FILE *out, const char *id, const json_t *value);

/* The same for text written between the two: it may hold neither '<' nor '&'. */
void page_data_begin(FILE *out, const char *id);
void page_data_end(FILE *out);

/* JSON text between the two: '<', '>' and '&', which its strings may hold, are escaped. */
void page_data_json(FILE *out, struct str text);

/* Writes the scripts and the end. */
void page_end(const struct page *page, FILE *out);

/* Appends text with what HTML means by < > & " and ' escaped. */
void page_escape(struct buf *out, const char *text);

#endif
