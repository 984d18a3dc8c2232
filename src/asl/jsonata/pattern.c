#include "asl/jsonata/pattern.h"

#include "base/buf.h"
#include "base/mem.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <assert.h>
#include <pcre2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* A pattern that explodes ends after that number of steps, some tenths of a second. */
#define MATCH_STEPS_MAX	     10000000u
#define MATCH_STEPS_FIRST    1000u
#define MATCH_STEPS_PER_STEP 100u   /* of the evaluation's budget, about as long as one of them */
#define MATCH_KIB_MAX	     20000u /* of backtracking points */

struct pattern {
	pcre2_code *code;
	pcre2_match_data *match;
	pcre2_match_context *limits;
};

static void
pattern_release(void *thing)
{
	struct pattern *regex = thing;

	pcre2_match_data_free(regex->match);
	pcre2_match_context_free(regex->limits);
	pcre2_code_free(regex->code);
}

/* Out of memory aborts here as everywhere: to PCRE2 it would be one more fault of the pattern. */
static void *
pattern_alloc(PCRE2_SIZE bytes, void *arg)
{
	(void)arg;
	return mem_alloc(bytes);
}

static void
pattern_free(void *p, void *arg)
{
	(void)arg;
	free(p);
}

struct pcre2_real_general_context_8 *
pattern_memory(void)
{
	static pcre2_general_context *memory;

	if (memory == NULL)
		memory = pcre2_general_context_create(pattern_alloc, pattern_free, NULL);
	return memory;
}

struct pcre2_real_code_8 *
pattern_code_new(struct str pattern, uint32_t options, int *ret_error, size_t *ret_offset)
{
	static pcre2_compile_context *context;

	if (context == NULL)
		context = pcre2_compile_context_create(pattern_memory());
	return pcre2_compile(
	    (PCRE2_SPTR)pattern.p, pattern.len, options, ret_error, ret_offset, context);
}

/*
 * JavaScript's rules where they differ from Perl's: \uXXXX, an empty class [] matches nothing, a
 * group that took no part is empty when referred to, and $ is the very end without m.  words:keep
 */
#define PATTERN_OPTIONS                                                                            \
	(PCRE2_UTF | PCRE2_NO_UTF_CHECK | PCRE2_ALT_BSUX | PCRE2_ALLOW_EMPTY_CLASS |               \
	    PCRE2_MATCH_UNSET_BACKREF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C)

/* Of a pattern with more groups than are looked at, the others still count for its own references:
 * PCRE2 keeps them elsewhere where the match data are too short. */
static uint32_t
pattern_groups(const pcre2_code *code)
{
	uint32_t groups = 0;

	pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &groups);
	return groups < PATTERN_GROUPS_MAX ? groups : PATTERN_GROUPS_MAX;
}

/* What \s of JavaScript takes beside PCRE2's, which without UCP knows ASCII only. */
#define JAVASCRIPT_BLANKS "\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\\ufeff"

/* A pattern of JavaScript as one of PCRE2: \s and \S, and a dot that stops at a carriage return,
 * too. In a class \s gives its blanks to the class, while \S stays PCRE2's: PCRE2 cannot take
 * one class out of another. All else passes, so that PCRE2 finds the faults; what only one of
 * the two knows, such as \h or a lookbehind of any length, is PCRE2's. */
static void
pattern_translate(struct buf *out, const char *pattern, size_t len)
{
	bool in_class = false;

	buf_add_cstr(out, "(*ANYCRLF)");
	for (size_t i = 0; i < len; i++) {
		char next = i + 1 < len ? pattern[i + 1] : '\0';

		if (pattern[i] == '\\' && next == 's') {
			buf_add_cstr(
			    out, in_class ? "\\s" JAVASCRIPT_BLANKS : "[\\s" JAVASCRIPT_BLANKS "]");
			i++;
		} else if (pattern[i] == '\\' && next == 'S' && !in_class) {
			buf_add_cstr(out, "[^\\s" JAVASCRIPT_BLANKS "]");
			i++;
		} else if (pattern[i] == '\\' && next != '\0') {
			buf_add(out, pattern + i, 2);
			i++;
		} else {
			in_class = in_class ? pattern[i] != ']' : pattern[i] == '[';
			buf_add_char(out, pattern[i]);
		}
	}
}

/* The block is registered before it is filled: a failed compilation releases NULLs, which PCRE2
 * accepts. */
const struct pattern *
pattern_compile(const char *pattern, size_t len, bool ignores_case, bool multiline,
    uint32_t position, struct heap *heap, struct fault *fault)
{
	struct pattern *regex = heap_alloc(heap, sizeof(*regex));
	uint32_t options = PATTERN_OPTIONS | (ignores_case ? PCRE2_CASELESS : 0) |
			   (multiline ? PCRE2_MULTILINE : 0);
	struct buf translated = {0};
	PCRE2_SIZE offset;
	int error;

	heap_own(heap, regex, pattern_release);
	pattern_translate(&translated, pattern, len);
	regex->code = pattern_code_new(buf_str(&translated), options, &error, &offset);
	buf_fini(&translated);
	if (regex->code == NULL) {
		PCRE2_UCHAR text[120];

		pcre2_get_error_message(error, text, sizeof(text));
		fault_raise(fault, position, "S0303", (const char *)text);
	}
	regex->match = pcre2_match_data_create(pattern_groups(regex->code) + 1, pattern_memory());
	regex->limits = pcre2_match_context_create(pattern_memory());
	pcre2_set_heap_limit(regex->limits, MATCH_KIB_MAX);
	return regex;
}

bool
pattern_find(const struct pattern *regex, const char *text, size_t len, size_t start,
    struct pattern_match *ret_match, struct heap *heap, struct fault *fault, uint32_t position)
{
	int count = PCRE2_ERROR_MATCHLIMIT;
	const PCRE2_SIZE *offsets = pcre2_get_ovector_pointer(regex->match);
	uint32_t groups;

	assert(start <= len);
	/* PCRE2 does not say how many steps it took. So it begins with a small limit, and each
	 * limit that was too small is paid for: a million cheap matches cost as much as one that
	 * explodes. */
	for (uint32_t limit = MATCH_STEPS_FIRST; count == PCRE2_ERROR_MATCHLIMIT; limit *= 10) {
		if (limit > MATCH_STEPS_MAX)
			break;
		heap_spend(heap, limit / MATCH_STEPS_PER_STEP);
		pcre2_set_match_limit(regex->limits, limit);
		count = pcre2_match(regex->code, (PCRE2_SPTR)text, len, start, PCRE2_NO_UTF_CHECK,
		    regex->match, regex->limits);
	}
	if (count == PCRE2_ERROR_NOMATCH)
		return false;
	if (count < 0)
		fault_raise(fault, position, "U1001");
	groups = pattern_groups(regex->code);
	ret_match->count = groups + 1;
	for (size_t i = 0; i <= groups; i++) {
		bool has_part = (int)i < count && offsets[2 * i] != PCRE2_UNSET;

		ret_match->parts[i] =
		    has_part ? (struct pattern_part){offsets[2 * i], offsets[2 * i + 1]}
			     : (struct pattern_part){SIZE_MAX, SIZE_MAX};
	}
	return true;
}
