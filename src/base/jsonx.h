#ifndef TMFLOW_BASE_JSONX_H
#define TMFLOW_BASE_JSONX_H

#include "base/buf.h"
#include "tmflow/error.h"

#include <jansson.h>
#include <stdbool.h>

/*
 * Helpers over jansson. Within tmflow a json_t that has been handed on is immutable: it is shared
 * by reference count and never changed, so a state's input may also be its output, a checkpoint and
 * a history entry without a copy.
 */

#define JSONX_DEPTH_MAX 1000 /* nesting that any parser here accepts */
#define JSONX_TEXT_BYTES_MAX                                                                       \
	(64u << 20) /* a document handed to jsonx_parse; larger ones are refused */

/* Parses one JSON text (any value at the top). Refuses duplicate keys, NUL bytes in strings are
 * allowed. Integers beyond 64 bits become reals.
 * Returns: a new reference, or NULL with TMF_ERR_INVALID naming line and column. */
json_t *jsonx_parse(struct str text, struct tmf_err *err);

/* The same, but of several members with one key the last counts: as most programs read JSON that
 * others wrote. */
json_t *jsonx_parse_last_wins(struct str text, struct tmf_err *err);

/* Appends compact JSON text, keys in insertion order. */
void jsonx_write(const json_t *value, struct buf *out);

/* As jsonx_write with keys sorted at every level: the same value always gives the same bytes. */
void jsonx_write_canonical(const json_t *value, struct buf *out);

/* As jsonx_write with two blanks of indentation. */
void jsonx_write_pretty(const json_t *value, struct buf *out);

/*
 * As jsonx_write, or jsonx_write_pretty, in pieces: each member of an object, and each item of the
 * arrays among them, is handed on by itself, so that the text of a large document is nowhere as a
 * whole. text is put's for the call.
 */
void jsonx_write_pieces(
    const json_t *value, bool is_pretty, void (*put)(void *arg, const char *text), void *arg);

/*
 * A document one of whose members is a list that is written item by item, since all items together
 * would be too large. The text is that of jsonx_write, or jsonx_write_pretty, with the list filled
 * in. The three functions append: begin, any number of items, end.
 */
struct jsonx_list {
	const json_t *document; /* an object; borrowed until the end */
	const char *key;	/* of a member of it, an empty array in the list's place */
	bool pretty;
	size_t count; /* items so far: 0 before the first */
};
void jsonx_list_begin(const struct jsonx_list *list, struct buf *out);
void jsonx_list_item(struct jsonx_list *list, const json_t *item, struct buf *out);
void jsonx_list_end(const struct jsonx_list *list, struct buf *out);

/* Compact text as a malloc'ed string. */
char *jsonx_text(const json_t *value);

#define JSONX_ESCAPE_BYTES_MAX 6 /* of one byte of text: \u0001 */

/* How many bytes jsonx_write would append; walks the value, allocates nothing. Stops counting past
 * limit and returns limit + 1. */
size_t jsonx_text_bytes(const json_t *value, size_t limit);

/* True if jsonx_write would append at most limit bytes. Does not look into the strings where their
 * lengths alone settle it, so it is cheaper than jsonx_text_bytes. */
bool jsonx_text_fits(const json_t *value, size_t limit);

/* Deep equality with 1 == 1.0. */
bool jsonx_same(const json_t *a, const json_t *b);

/* "null", "boolean", "number", "string", "array", "object" */
const char *jsonx_kind(const json_t *value);

/* Member access; NULL where object is not one, the key is absent, or the kind differs. Borrows. */
const char *jsonx_get_string(const json_t *object, const char *key);
json_t *jsonx_get_array(const json_t *object, const char *key);
json_t *jsonx_get_object(const json_t *object, const char *key);

/* New reference to a shallow copy of object (an empty one if object is not one) with key set. Takes
 * value. */
json_t *jsonx_with(const json_t *object, const char *key, json_t *value);

/* New reference to a string. What is not UTF-8 (an argument or a file's name may be anything)
 * becomes U+FFFD. */
json_t *jsonx_text_value(const char *text);

/* Sets key, which is UTF-8, to such a string, or does nothing when value is NULL. For building new
 * objects only. */
void jsonx_put_string(json_t *object, const char *key, const char *value);

/* The same, but sets key to null when value is NULL: for members that are always there. */
void jsonx_put_string_or_null(json_t *object, const char *key, const char *value);

/* Sets key to the string that from has at from_key, shared, or does nothing if it has none
 * there. A string is never changed in place, so any number of objects may hold it. */
void jsonx_share_string(json_t *object, const char *key, const json_t *from, const char *from_key);

#endif
