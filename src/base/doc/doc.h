#ifndef TMFLOW_BASE_DOC_DOC_H
#define TMFLOW_BASE_DOC_DOC_H

#include "base/buf.h"
#include "tmflow/error.h"

#include <jansson.h>

/*
 * A YAML or JSON document with the place of every key and value kept. YAML follows the 1.2 core
 * schema (yes, on, no are strings); duplicate keys are an error; anchors and merge keys (<<) work,
 * alias expansion is bounded; more than one document in a file is an error. A text that parses as
 * JSON is taken as JSON, whatever the file is called.
 * See: https://yaml.org/spec/1.2.2/#103-core-schema
 */
struct doc;

#define DOC_BYTES_MAX (16u << 20) /* a file's size */
#define DOC_NODES_MAX 2000000u	  /* values after alias expansion */
#define DOC_DEPTH_MAX 200u	  /* nesting */

struct doc_pos {
	unsigned line;	 /* from 1; 0 = unknown */
	unsigned column; /* from 1, in characters */
};

/* Reads path ("-" is standard input). Errors: TMF_ERR_INVALID with "file:line:column: message",
 * TMF_ERR_SYSTEM when it cannot be read. */
struct doc *doc_read(const char *path, struct tmf_err *err);

/* Parses text; name is what messages call it.
 * Limits: DOC_...; beside the values (jansson's) a document takes at most 16 bytes for each byte of
 * its text.
 * Errors: TMF_ERR_INVALID with "name:line:column: message". */
struct doc *doc_parse(const char *name, struct str text, struct tmf_err *err);

/* Frees the document; NULL is fine. */
void doc_free(struct doc *doc);

/* Borrows: valid as long as doc (take a json_incref to keep it). */
json_t *doc_root(const struct doc *doc);
const char *doc_name(const struct doc *doc);

/* Puts root, a changed value, in the place of the document's own: the place of what both have is
 * still found. Takes root. */
void doc_take_root(struct doc *doc, json_t *root);

/* The text that was read, for a run's record. Borrows. */
struct str doc_text(const struct doc *doc);

/* The place of the value at a JSON pointer (RFC 6901: "", "/States/A~1B/Type", "/tags/0"), and of
 * its key. Where the pointer is not in the document: the place of its nearest existing ancestor. */
struct doc_pos doc_value_pos(const struct doc *doc, const char *pointer);
struct doc_pos doc_key_pos(const struct doc *doc, const char *pointer);

/* The value at a JSON pointer below root, or NULL. Borrows. */
json_t *doc_at(json_t *root, const char *pointer);

/* Appends "/token" with ~ and / escaped to a pointer that is being built. */
void doc_pointer_add(struct buf *pointer, const char *token);
void doc_pointer_add_index(struct buf *pointer, size_t index);

#endif
