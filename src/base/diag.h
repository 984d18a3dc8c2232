#ifndef TMFLOW_BASE_DIAG_H
#define TMFLOW_BASE_DIAG_H

#include "base/doc/doc.h"

#include <stdio.h>

/* Faults found in a document, all of them at once, with their places. */

enum diag_severity { DIAG_ERROR, DIAG_WARNING };

struct diag {
	enum diag_severity severity;
	/* Static: SCHEMA_VALIDATION_FAILED, ... as ValidateStateMachineDefinition names them. */
	const char *code;
	char *message; /* one line, no place, no hint */
	char *hint;    /* "did you mean \"vpcs\"?" or NULL */
	char *pointer; /* JSON pointer of the place */
	struct doc_pos pos;
};

/* Further faults are counted only. A pointer may be as long as the document's longest key. */
#define DIAG_COUNT_MAX 1000
#define DIAG_BYTES_MAX (1u << 20)

struct diag_list {
	const struct doc *doc; /* borrowed; for places */
	struct diag *at;
	size_t count;
	size_t bytes;  /* of the texts that are kept */
	size_t errors; /* all errors, also those past the limits */
	size_t warnings;
};

/* Where the place is taken from. */
enum diag_at { DIAG_AT_VALUE, DIAG_AT_KEY };

/* Makes an empty list. doc may be NULL: faults then have no place. Borrows: doc, until the list is
 * freed. */
void diag_list_init(struct diag_list *list, const struct doc *doc);

/* Frees what the list holds. */
void diag_list_fini(struct diag_list *list);

/* Adds a fault; all texts but code are copied. hint may be NULL. Limits: DIAG_COUNT_MAX,
 * DIAG_BYTES_MAX. */
void diag_add(struct diag_list *list, enum diag_severity severity, const char *code,
    const char *pointer, enum diag_at at, const char *hint, const char *format, ...)
    __attribute__((format(printf, 7, 8)));

/* "did you mean \"x\"?" into out when a known word is near, else leaves out empty. Returns out's
 * text or NULL. */
const char *diag_hint_nearest(struct buf *out, const char *word, const char *const *known);

/* Sorts by place (stable), then writes "name:line:column: error: message (hint)" lines. */
void diag_print(struct diag_list *list, FILE *out);

/* Control sequences of a terminal that colour the words "error" and "warning", and end a colour. */
struct diag_colors {
	const char *error;
	const char *warning;
	const char *end;
};

/* The same with the words coloured. */
void diag_print_colored(struct diag_list *list, const struct diag_colors *colors, FILE *out);

/* [{"severity":"ERROR","code","message","location","line","column","hint"?}] New reference. */
json_t *diag_json(struct diag_list *list);

#endif
