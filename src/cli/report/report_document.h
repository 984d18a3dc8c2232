#ifndef TMFLOW_CLI_REPORT_REPORT_DOCUMENT_H
#define TMFLOW_CLI_REPORT_REPORT_DOCUMENT_H

#include "store/store.h"
#include "tmflow/error.h"

#include <jansson.h>
#include <stdio.h>

/* The parts that all reports of a run are made of. */

/* The longest word of a cause that is shown whole, and how much of a longer one is: AWS's encoded
 * authorization messages have a thousand bytes, which `-o json` has in full. */
#define REPORT_WORD_BYTES_MAX	200
#define REPORT_WORD_BYTES_SHOWN 40

/* Writes a cause for a person, its longest words shortened. */
void report_print_cause(const char *cause, FILE *out);

/* Writes one outcome as a line for a person. */
void report_outcome_line(const struct outcome *outcome, FILE *out);

/*
 * A document whose last member is a list that may be long: it is printed item by item, so that
 * memory does not grow with it. Begin, any number of items, end.
 */
struct report_list {
	FILE *out; /* NULL: not begun */
	size_t count;
	bool lines; /* all of it in one */
};

/* Writes document without its end, and the beginning of the list. Borrows document. */
void
report_list_begin(struct report_list *list, const json_t *document, const char *key, FILE *out);

/* Writes one item. Takes item. */
void report_list_item(struct report_list *list, json_t *item);

/*
 * Ends list and document. err is set where the list was cut off: the document then ends with
 * {"incomplete": {"error", "cause"}}, so that it is not taken for a complete one.
 */
void report_list_end(struct report_list *list, const struct tmf_err *err);

#endif
