#ifndef TMFLOW_BASE_DOC_DOC_INTERNAL_H
#define TMFLOW_BASE_DOC_DOC_INTERNAL_H

#include "base/doc/doc.h"

/* Where the key and the value at a pointer stand. */
struct doc_place {
	char *pointer;
	struct doc_pos key; /* line 0: the value is no member of a mapping */
	struct doc_pos value;
};

struct doc {
	char *name;
	char *text;
	size_t text_bytes;
	json_t *root;
	struct doc_place *places; /* sorted by pointer once loading is over */
	size_t place_count;
	size_t place_capacity;
};

void doc_place_add(struct doc *doc, struct str pointer, struct doc_pos key, struct doc_pos value);

/* Fills in doc->root and the places from doc->text. */
int doc_load_yaml(struct doc *doc, struct tmf_err *err);

/* Fills in the places of a text that is known to be valid JSON. */
void doc_scan_json(struct doc *doc);

#endif
