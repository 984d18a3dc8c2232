#include "asl/path/regex.h"

#include "asl/jsonata/pattern.h"
#include "asl/path/regex_java.h"
#include "base/mem.h"
#include "base/watchdog.h"

#include <assert.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

/*
 * Regular expressions for =~, by PCRE2, to which regex_java.c brings Java's: what Step Functions
 * runs. The whole text has to match, as with Java's matches(). PCRE2 backtracks, so a pattern of a
 * few bytes may take longer than anybody waits: its steps are limited, and paid for by the path's
 * budget.
 */
#define REGEX_PATTERN_BYTES_MAX 256u
#define REGEX_STEPS_FIRST	1000u
#define REGEX_STEPS_MAX		10000000u /* of one match, some tenths of a second */
#define REGEX_HEAP_KIB_MAX	20000u	  /* of places to come back to */
#define REGEX_MESSAGE_BYTES	120

struct regex {
	pcre2_code *code;
	pcre2_match_data *match;
	pcre2_match_context *limits;
};

/* \C would stop in the middle of a character. Lower and upper case and \w are those of ASCII, as
 * with Java unless a flag is set, but i is for every letter. A pattern may come from a command
 * line, so PCRE2 looks whether it is UTF-8; the texts are jansson's, which has looked. */
#define REGEX_OPTIONS (PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_NEVER_BACKSLASH_C)

struct regex *
regex_new(struct str pattern, bool ignore_case, struct tmf_err *err)
{
	struct regex *regex;
	PCRE2_SIZE offset;
	pcre2_code *code;
	struct buf translated = {0};
	bool unicode = false, moved;
	int error;

	if (pattern.len > REGEX_PATTERN_BYTES_MAX) {
		tmf_err_set(err, TMF_ERR_INVALID, "a pattern has at most %u bytes",
		    REGEX_PATTERN_BYTES_MAX);
		return NULL;
	}
	if (!regex_java_translate(pattern, &translated, &unicode)) {
		buf_fini(&translated);
		tmf_err_set(err, TMF_ERR_INVALID, "classes of a pattern are nested at most %u deep",
		    REGEX_JAVA_DEPTH_MAX);
		return NULL;
	}
	code = pattern_code_new(buf_str(&translated),
	    REGEX_OPTIONS | (ignore_case ? PCRE2_CASELESS : 0) | (unicode ? PCRE2_UCP : 0), &error,
	    &offset);
	/* The place of a fault is known only where nothing has moved. */
	moved = !str_eq(buf_str(&translated), pattern);
	buf_fini(&translated);
	if (code == NULL) {
		PCRE2_UCHAR text[REGEX_MESSAGE_BYTES];

		pcre2_get_error_message(error, text, sizeof(text));
		if (moved)
			tmf_err_set(
			    err, TMF_ERR_INVALID, "invalid pattern: %s", (const char *)text);
		else
			tmf_err_set(err, TMF_ERR_INVALID, "invalid pattern: %s, at byte %zu",
			    (const char *)text, offset);
		return NULL;
	}
	regex = mem_zalloc(1, sizeof(*regex));
	regex->code = code;
	regex->match = pcre2_match_data_create(1, pattern_memory());
	regex->limits = pcre2_match_context_create(pattern_memory());
	pcre2_set_heap_limit(regex->limits, REGEX_HEAP_KIB_MAX);
	return regex;
}

void
regex_free(struct regex *regex)
{
	if (regex == NULL)
		return;
	pcre2_match_data_free(regex->match);
	pcre2_match_context_free(regex->limits);
	pcre2_code_free(regex->code);
	free(regex);
}

/* PCRE2 does not say how many steps it took. So it begins with a small limit, and each limit that
 * was too small is paid for: a thousand cheap matches cost as much as one that explodes. What it
 * passes over without a choice, as .* does, takes no step of its own, hence the length. */
int
regex_matches(const struct regex *regex, const json_t *text, uint64_t *steps)
{
	uint32_t limit = REGEX_STEPS_FIRST;
	int found = PCRE2_ERROR_MATCHLIMIT;

	if (!json_is_string(text))
		return 0;
	*steps -= json_string_length(text) < *steps ? json_string_length(text) : *steps;
	assert(regex != NULL && regex->code != NULL);
	while (found == PCRE2_ERROR_MATCHLIMIT && limit <= REGEX_STEPS_MAX && limit <= *steps &&
	       !watchdog_overdue()) {
		pcre2_set_match_limit(regex->limits, limit);
		found = pcre2_match(regex->code, (PCRE2_SPTR)json_string_value(text),
		    json_string_length(text), 0, PCRE2_NO_UTF_CHECK, regex->match, regex->limits);
		*steps -= found == PCRE2_ERROR_MATCHLIMIT ? limit : REGEX_STEPS_FIRST;
		limit *= 10;
	}
	if (found >= 0 || found == PCRE2_ERROR_NOMATCH)
		return found >= 0;
	*steps = 0;
	return -1;
}
