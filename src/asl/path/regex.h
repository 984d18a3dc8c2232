#ifndef TMFLOW_ASL_PATH_REGEX_H
#define TMFLOW_ASL_PATH_REGEX_H

#include "base/buf.h"
#include "tmflow/error.h"

#include <jansson.h>
#include <stdbool.h>

/* A compiled pattern of =~. Immutable. */
struct regex;

/* NULL: what is wrong is in err (TMF_ERR_INVALID). */
struct regex *regex_new(struct str pattern, bool ignore_case, struct tmf_err *err);
void regex_free(struct regex *regex);

/* True if the whole of text (a string; anything else does not match) matches. */
bool regex_matches(const struct regex *regex, const json_t *text);

#endif
