#ifndef TMFLOW_CLI_PRINT_H
#define TMFLOW_CLI_PRINT_H

#include "base/jsonx.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* What is written for people and programs, with terminal control characters escaped. */

/*
 * As fprintf, but control characters and line ends in the text of a %s are escaped; NULL is "-".
 * Conversions: d, u, c, f and s, with widths, precisions, l and z.
 * All text that comes from elsewhere goes through here.
 */
void cli_print(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Writes text of several lines: control characters are escaped, line ends are not. */
void cli_put_lines(FILE *out, const char *text);

/* How many columns the terminal has that out is; 0: it is not one, or does not say. */
size_t cli_columns(FILE *out);

/* True once standard output holds the JSON document, or its beginning: it is to hold one. */
bool cli_has_answered(void);

/* For what writes a document piece by piece: it begins now. */
void cli_answer_begins(void);

/* With -o jsonl every document is a line of its own, from now on. */
void cli_set_lines(bool lines);
bool cli_prints_lines(void);

/* Writes one JSON document and a newline to standard output. Escapes: \uNNNN. */
void cli_print_json(const json_t *document);

/* The same for a document around a list, piece by piece; the first of them sets how it is
 * written. */
void cli_print_list_begin(struct jsonx_list *list);
void cli_print_list_item(struct jsonx_list *list, const json_t *item);
void cli_print_list_end(const struct jsonx_list *list);

/* The same as one line. Takes value. */
void cli_print_json_line(json_t *value);

/* Writes JSON in one line, without the newline, to out. */
void cli_put_json(FILE *out, const json_t *value);

/* Writes a cell of CSV, as RFC 4180 has it: in quotes where the text needs them, or always. A text
 * that a spreadsheet would take for a formula gets an apostrophe before it: names of instances are
 * anybody's. NULL: an empty cell. */
enum csv_quotes { CSV_QUOTES_WHERE_NEEDED, CSV_QUOTES_ALWAYS };
void cli_put_csv(FILE *out, const char *text, enum csv_quotes quotes);

#endif
