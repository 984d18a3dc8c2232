#ifndef TMFLOW_TESTS_ASL_JSONATA_VECTORS_H
#define TMFLOW_TESTS_ASL_JSONATA_VECTORS_H

#include <stddef.h>

/* Expressions in JSONata with what they give, as the npm package jsonata does. */
struct jsonata_vector {
	const char *expr;
	const char *input;    /* NULL: undefined */
	const char *expected; /* NULL: undefined, or code */
	const char *code;     /* NULL: no error */
};

extern const struct jsonata_vector jsonata_vectors[];
extern const size_t jsonata_vectors_count;

#endif
