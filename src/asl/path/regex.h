#ifndef TMFLOW_ASL_PATH_REGEX_H
#define TMFLOW_ASL_PATH_REGEX_H

#include "base/buf.h"
#include "tmflow/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* A compiled pattern of =~. Immutable. */
struct regex;

/* NULL: what is wrong is in err (TMF_ERR_INVALID). */
struct regex *regex_new(struct str pattern, bool ignore_case, struct tmf_err *err);
void regex_free(struct regex *regex);

/* Whether the whole of text matches; what is not a string does not. *steps is what it may take, and
 * what it took less when it returns.
 * Returns: 1, 0, or -1 where the steps were not enough or the watchdog ended it. Units: a step is
 * one comparison of a character with a range of a set, or one instruction. */
int regex_matches(const struct regex *regex, const json_t *text, uint64_t *steps);

#endif
