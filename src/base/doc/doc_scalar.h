#ifndef TMFLOW_BASE_DOC_DOC_SCALAR_H
#define TMFLOW_BASE_DOC_DOC_SCALAR_H

#include "tmflow/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* A YAML scalar as libyaml gives it. */
struct doc_scalar {
	const char *text; /* NUL-terminated; may hold further NULs */
	size_t bytes;
	const char *tag; /* NULL: none */
	bool plain;	 /* not quoted, no block */
};

/* Resolves it by the 1.2 core schema: https://yaml.org/spec/1.2.2/#1032-tag-resolution
 * Returns a new reference. Errors: TMF_ERR_INVALID without a place. */
int doc_scalar_value(const struct doc_scalar *scalar, json_t **ret_value, struct tmf_err *err);

#endif
