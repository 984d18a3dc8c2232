#ifndef TMFLOW_ASL_PATH_REGEX_H
#define TMFLOW_ASL_PATH_REGEX_H

#include "base/buf.h"
#include "tmflow/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* A compiled pattern of =~; not for two threads at a time. */
struct regex;

/* NULL: what is wrong is in err (TMF_ERR_INVALID). */
struct regex *regex_new(struct str pattern, bool ignore_case, struct tmf_err *err);
void regex_free(struct regex *regex);

/* Whether the whole of text matches; what is not a string does not. *steps is what it may take, and
 * what it took less when it returns.
 * Returns: 1, 0, or -1 where the steps were not enough or the watchdog ended it. Units: a step is
 * one of PCRE2's, each place where it tries an alternative, or a byte of the text; a match takes
 * a thousand at least. */
int regex_matches(const struct regex *regex, const json_t *text, uint64_t *steps);

#endif
