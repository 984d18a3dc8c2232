#ifndef TMFLOW_BASE_DOC_DOC_INTERNAL_H
#define TMFLOW_BASE_DOC_DOC_INTERNAL_H

#include "base/doc/doc.h"

#include <stdint.h>

#define DOC_NO_KEY UINT32_MAX

/*
 * Where a value and its key stand. Places lie in the order of the text, so the children of place p
 * are p + 1, then the end of that one, and so on up to p's own end. No pointer is kept: a key of
 * 125 KB with 10,000 members below it would be written 10,000 times. 24 bytes a value, and a value
 * takes two bytes of text at least ("1,").
 */
struct doc_place {
	uint32_t end; /* index behind the last place below this one; UINT32_MAX while it is open */
	uint32_t key; /* offset in doc->keys; DOC_NO_KEY: an element of a list, or the root */
	struct doc_pos key_pos; /* line 0: no key */
	struct doc_pos value_pos;
};

struct doc {
	char *name;
	char *text;
	size_t text_bytes;
	json_t *root;
	struct doc_place *places; /* the root's first; none for an empty document */
	size_t place_count;
	size_t place_capacity;
	struct buf keys; /* of the places, each with its NUL */
};

/* Begins the place of a value. key is NULL where it has none. Returns: its index. */
size_t
doc_place_open(struct doc *doc, const char *key, struct doc_pos key_pos, struct doc_pos value_pos);

/* What is opened from now on stands behind the place, no longer below it. */
void doc_place_close(struct doc *doc, size_t place);

/* The child of a place (which may still be open): of a mapping by key, of a list by index. Returns:
 * NULL if absent. */
const struct doc_place *
doc_place_child(const struct doc *doc, const struct doc_place *parent, const char *token);

/* Fills in doc->root and the places from doc->text. Errors: TMF_ERR_INVALID with the place. */
int doc_load_yaml(struct doc *doc, struct tmf_err *err);

/* Fills in the places of a text that is valid JSON and was parsed into doc->root. */
void doc_scan_json(struct doc *doc);

#endif
