#ifndef TMFLOW_ASL_JSONATA_PATTERN_H
#define TMFLOW_ASL_JSONATA_PATTERN_H

#include "asl/jsonata/fault.h"
#include "asl/jsonata/value.h"
#include "base/buf.h"

/* Regular expressions of JavaScript's kind, by PCRE2 with limits on matching. */
struct pattern;

#define PATTERN_GROUPS_MAX 100 /* capturing ones */

/* A part of the text: bytes from begin to end; begin SIZE_MAX: the group took no part. */
struct pattern_part {
	size_t begin;
	size_t end;
};

struct pattern_match {
	struct pattern_part parts[PATTERN_GROUPS_MAX + 1]; /* [0]: all of it */
	size_t count;					   /* of parts */
};

/* PCRE2's memory, which comes from mem_alloc: nothing that is made with it can fail for want of
 * memory. One for the process. Borrows. */
struct pcre2_real_general_context_8 *pattern_memory(void);

/* pcre2_compile with that memory. NULL: the pattern is wrong, *ret_error and *ret_offset say
 * how. */
struct pcre2_real_code_8 *
pattern_code_new(struct str pattern, uint32_t options, int *ret_error, size_t *ret_offset);

/* Compiles a pattern; the result lives as long as heap. Raises S0303. */
const struct pattern *pattern_compile(const char *pattern, size_t len, bool ignores_case,
    bool multiline, uint32_t position, struct heap *heap, struct fault *fault);

/* Finds the first match at or behind start. False where there is absent. Raises U1001 where its own
 * limit on steps is passed, or that of heap. */
bool pattern_find(const struct pattern *regex, const char *text, size_t len, size_t start,
    struct pattern_match *ret_match, struct heap *heap, struct fault *fault, uint32_t position);

#endif
