#ifndef TMFLOW_ASL_PATH_PATH_SCAN_H
#define TMFLOW_ASL_PATH_PATH_SCAN_H

#include "base/buf.h"
#include "tmflow/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define PATH_INDEX_MAX INT32_MAX

/* Where the parser stands in a text. */
struct path_parser {
	struct str text;
	size_t pos;
	unsigned depth; /* filters and parentheses around this place */
	struct tmf_err *err;
};

/* The character at pos, or 0 at the end of the text. */
char path_scan_peek(const struct path_parser *parser);

/* Moves past blanks. */
void path_scan_blanks(struct path_parser *parser);

/* Moves past token if it is next. */
bool path_scan_accept(struct path_parser *parser, const char *token);

/* Fills parser->err with "at character N: message" (TMF_ERR_INVALID); returns -1. */
int path_scan_fail(struct path_parser *parser, const char *message);

/*
 * Each of these reads what stands at pos and moves past it.
 * Returns: 0, or -1 with parser->err.
 */

/*
 * Appends a quoted string to out. A backslash escapes the quote and itself only; before anything
 * else it stands for itself, as in Jayway's JsonPath.
 */
int path_scan_quoted(struct path_parser *parser, struct buf *out);

/* An integer within PATH_INDEX_MAX on both sides of 0. */
int path_scan_integer(struct path_parser *parser, int64_t *ret_value);

/* A number, true, false or null, as JSON writes them; a new reference. */
int path_scan_scalar(struct path_parser *parser, json_t **ret_value);

/* A new JSON string of text, which is emptied. Fails where text is not UTF-8. */
int path_scan_string(struct path_parser *parser, struct buf *text, json_t **ret_value);

#endif
