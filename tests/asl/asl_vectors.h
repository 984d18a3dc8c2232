#ifndef TMFLOW_TESTS_ASL_VECTORS_H
#define TMFLOW_TESTS_ASL_VECTORS_H

#include "asl/path/scope.h"
#include "base/rng.h"

/* A scope whose parts are given as JSON text. */
struct vector_scope {
	struct asl_scope scope;
	json_t *context;
	struct rng rng;
};

/* NULL: no variables, an empty context. */
void vector_scope_init(
    struct vector_scope *v, const char *input, const char *variables, const char *context);
void vector_scope_fini(struct vector_scope *v);

/* JSON text with ' for ", to spare escapes; the text itself may hold no '. */
json_t *vector_json(const char *text);

/* Asserts that value (released here) is what the text says, exactly as jsonx_same sees it. name
 * says which vector it is. */
void vector_expect(const char *name, json_t *value, const char *expected);

#endif
