#ifndef TMFLOW_AWS_WIRE_XML_H
#define TMFLOW_AWS_WIRE_XML_H

#include "base/buf.h"
#include "tmflow/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * XML replies, parsed as they come in, into JSON as a table of shapes says. Unknown elements are
 * skipped; order does not matter; a DTD is refused; depth and text are bounded.
 */

#define XML_DEPTH_MAX	   32
#define XML_TEXT_BYTES_MAX (64u << 10) /* of one element */
#define XML_ROOT_BYTES_MAX 128	       /* of the root's name; the rest is cut off */

enum xml_kind {
	XML_STRING,
	XML_INTEGER,
	XML_BOOLEAN,
	XML_STRUCT,
	XML_LIST,    /* of structs */
	XML_FLAT,    /* the same without an element around it: each of this name is an item */
	XML_STRINGS, /* a list of strings */
	XML_PAIRS, /* a list of key and value, as of tags: an object, a fifth of the list's size */
};

/* One element that we know within its parent. Static. */
struct xml_shape {
	const char *element; /* on the wire; NULL ends a table */
	const char *member;  /* in JSON */
	enum xml_kind kind;
	const struct xml_shape *members; /* of a struct, or of a list's items */
	/* Of a list of structs, or NULL: what becomes of an item as soon as it is complete. Takes
	 * it, gives a new reference. So a long list never stands in memory in both forms. */
	json_t *(*convert)(json_t *item);
};

struct xml_parser;

/* members: those of the root element. An error reply (root <Response>, <ErrorResponse>, <Error>) is
 * understood whatever the shape. */
struct xml_parser *xml_parser_new(const struct xml_shape *members);
void xml_parser_free(struct xml_parser *parser);

/* Errors: TMF_ERR_REPLY. */
int xml_parser_feed(struct xml_parser *parser, struct str part, struct tmf_err *err);

/* The end of the reply. Returns a new reference: the root's members; lists that were absent are [].
 * Errors: TMF_ERR_REPLY for broken or truncated XML. */
int xml_parser_finish(struct xml_parser *parser, json_t **ret_value, struct tmf_err *err);

/* The name of the root element; "" before it came. Borrowed. */
const char *xml_parser_root(const struct xml_parser *parser);

/* After the end: code, message and request id of an error reply (of its first Error); each "" when
 * absent. Borrowed. */
const char *xml_parser_error_code(const struct xml_parser *parser);
const char *xml_parser_error_message(const struct xml_parser *parser);
const char *xml_parser_request_id(const struct xml_parser *parser);

#endif
