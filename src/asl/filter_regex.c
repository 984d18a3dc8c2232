#include "path_internal.h"

#include "tmflow/base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Regular expressions are POSIX extended ones with the shorthands of Java. Their cost is bounded: no back references, so that
 * matching is linear, and few repetitions, since regcomp writes each of them out. */
#define REGEX_PATTERN_BYTES_MAX 256u
#define REGEX_REPEAT_MAX	200u  /* product of all {n,m} */
#define REGEX_SUBJECT_BYTES_MAX 8192u /* longer strings do not match */

/* What a shorthand stands for within [...]. */
static const char *
shorthand(char c)
{
	switch (c) {
	case 'd':
		return "0-9";
	case 'w':
		return "A-Za-z0-9_";
	case 's':
		return " \t\n\r\f\v";
	default:
		return NULL;
	}
}

/* A backslash at *at, outside of [...]. */
static int
translate_escape(struct str pattern, size_t *at, struct buf *out, struct err *err)
{
	char c = ++*at < pattern.len ? pattern.p[*at] : '\0';
	const char *set = shorthand((char)tolower((unsigned char)c));

	++*at;
	if (set != NULL) {
		buf_printf(out, "[%s%s]", isupper((unsigned char)c) ? "^" : "", set);
		return 0;
	}
	if (c == '\0' || isalnum((unsigned char)c))
		return err_set(err, ERR_INVALID, "a pattern with an escape that is not supported");
	if (ispunct((unsigned char)c) && strchr("<>`'", c) == NULL)
		buf_add_char(out, '\\');
	buf_add_char(out, c);
	return 0;
}

/* [...] from *at on. POSIX knows no escapes in it, and cannot hold ] ^ - just anywhere: those are refused. */
static int
translate_set(struct str pattern, size_t *at, struct buf *out, struct err *err)
{
	buf_add_char(out, pattern.p[(*at)++]);
	if (*at < pattern.len && pattern.p[*at] == '^')
		buf_add_char(out, pattern.p[(*at)++]);
	while (*at < pattern.len && pattern.p[*at] != ']') {
		char c = pattern.p[(*at)++];

		if (c == '[')
			return err_set(err, ERR_INVALID, "a pattern with [ within [...]");
		if (c == '\\') {
			const char *set;

			c = *at < pattern.len ? pattern.p[(*at)++] : '\0';
			set = shorthand(c);
			if (set != NULL) {
				buf_add_cstr(out, set);
				continue;
			}
			if (c == '\0' || isalnum((unsigned char)c) || strchr("]^-[", c) != NULL)
				return err_set(err, ERR_INVALID,
				    "a pattern with an escape that is not supported in [...]");
		}
		buf_add_char(out, c);
	}
	if (*at == pattern.len)
		return err_set(err, ERR_INVALID, "a pattern with a [ that is not closed");
	buf_add_char(out, pattern.p[(*at)++]);
	return 0;
}

/* {n,m} from *at on: multiplies *repeat by the larger bound. */
static int
check_repeat(struct str pattern, size_t at, unsigned long *repeat, struct err *err)
{
	unsigned long most = 1;

	while (++at < pattern.len && pattern.p[at] != '}') {
		char *end;
		unsigned long bound;

		if (!isdigit((unsigned char)pattern.p[at]))
			continue;
		bound = strtoul(pattern.p + at, &end, 10);
		at = (size_t)(end - pattern.p) - 1;
		most = bound > most ? bound : most;
	}
	if (most > REGEX_REPEAT_MAX || (*repeat *= most) > REGEX_REPEAT_MAX)
		return err_set(
		    err, ERR_INVALID, "a pattern with more than %u repetitions", REGEX_REPEAT_MAX);
	return 0;
}

static int
translate(struct str pattern, struct buf *out, struct err *err)
{
	unsigned long repeat = 1;
	size_t at = 0;

	while (at < pattern.len) {
		int rc = 0;

		if (pattern.p[at] == '\\') {
			rc = translate_escape(pattern, &at, out, err);
		} else if (pattern.p[at] == '[') {
			rc = translate_set(pattern, &at, out, err);
		} else if (at + 2 < pattern.len && memcmp(pattern.p + at, "(?:", 3) == 0) {
			buf_add_char(out, '(');
			at += 3;
		} else if (at + 1 < pattern.len && memcmp(pattern.p + at, "(?", 2) == 0) {
			rc = err_set(err, ERR_INVALID, "a pattern with (?, which is not supported");
		} else {
			if (pattern.p[at] == '{')
				rc = check_repeat(pattern, at, &repeat, err);
			buf_add_char(out, pattern.p[at++]);
		}
		if (rc < 0)
			return -1;
	}
	return 0;
}

regex_t *
filter_regex_new(struct str pattern, bool ignore_case, struct err *err)
{
	struct buf posix = {0};
	regex_t *regex = NULL;

	if (pattern.len > REGEX_PATTERN_BYTES_MAX) {
		err_set(
		    err, ERR_INVALID, "a pattern of more than %u bytes", REGEX_PATTERN_BYTES_MAX);
		return NULL;
	}
	/* The text must match as a whole. */
	buf_add_cstr(&posix, "^(");
	if (translate(pattern, &posix, err) == 0) {
		buf_add_cstr(&posix, ")$");
		regex = mem_zalloc(1, sizeof(*regex));
		if (regcomp(regex, buf_cstr(&posix),
			REG_EXTENDED | REG_NOSUB | (ignore_case ? REG_ICASE : 0)) != 0) {
			free(regex);
			regex = NULL;
			err_set(err, ERR_INVALID, "a pattern that is no regular expression");
		}
	}
	buf_fini(&posix);
	return regex;
}

void
filter_regex_free(regex_t *regex)
{
	if (regex == NULL)
		return;
	regfree(regex);
	free(regex);
}

bool
filter_regex_matches(const regex_t *regex, const json_t *text)
{
	if (!json_is_string(text) || json_string_length(text) > REGEX_SUBJECT_BYTES_MAX)
		return false;
	return regexec(regex, json_string_value(text), 0, NULL, 0) == 0;
}
