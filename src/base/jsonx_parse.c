#include "base/jsonx.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define INTEGER_DIGITS_SAFE 18 /* decimal digits that always fit int64_t */

/* The end of the number that starts at i; *ret_integer: it has neither fraction nor exponent. The
 * text need not be valid: what is wrong with it the parser will say. */
static size_t
literal_end(struct str text, size_t i, bool *ret_integer)
{
	*ret_integer = true;
	for (; i < text.len; i++) {
		char c = text.p[i];

		if (c == '.' || c == 'e' || c == 'E')
			*ret_integer = false;
		else if (!isdigit((unsigned char)c) && c != '-' && c != '+')
			break;
	}
	return i;
}

/* 18 digits always fit; 31 never do. What is between is tried. */
static bool
integer_overflows(struct str literal)
{
	char digits[32];

	if (literal.len <= INTEGER_DIGITS_SAFE)
		return false;
	if (literal.len >= sizeof(digits))
		return true;
	memcpy(digits, literal.p, literal.len);
	digits[literal.len] = '\0';
	errno = 0;
	strtoll(digits, NULL, 10);
	return errno == ERANGE;
}

/* Digits within a string are not numbers. An escaped character is passed over, so \" does
 * not end it. */
static size_t
literal_string_end(struct str text, size_t i)
{
	assert(text.p[i] == '"');
	for (i++; i < text.len && text.p[i] != '"'; i++)
		if (text.p[i] == '\\')
			i++;
	return i + 1;
}

/* jansson refuses integers beyond 64 bits, which AWS takes as reals. ".0" behind these, and only
 * these, makes reals of them: {"n": 123456789012345678901} becomes {"n": 123456789012345678901.0}.
 * Done only after the parser refused the text for that. Returns: false if nothing was changed. */
static bool
widen_integers(struct str text, struct buf *out)
{
	size_t copied = 0;

	for (size_t i = 0; i < text.len;) {
		bool integer;
		size_t end;

		if (text.p[i] == '"') {
			i = literal_string_end(text, i);
			continue;
		}
		if (!isdigit((unsigned char)text.p[i]) && text.p[i] != '-') {
			i++;
			continue;
		}
		end = literal_end(text, i, &integer);
		if (integer && integer_overflows((struct str){text.p + i, end - i})) {
			buf_add(out, text.p + copied, end - copied);
			buf_add_cstr(out, ".0");
			copied = end;
		}
		i = end;
	}
	if (copied == 0)
		return false;
	buf_add(out, text.p + copied, text.len - copied);
	return true;
}

/* The second attempt costs nothing in the common case, since it follows only on an
 * overflow. */
static json_t *
jsonx_parse_with(struct str text, size_t flags, struct tmf_err *err)
{
	struct buf widened = {0};
	json_error_t error;
	json_t *value;

	if (text.len > JSONX_TEXT_BYTES_MAX) {
		tmf_err_set(err, TMF_ERR_LIMIT, "JSON text of %zu bytes is over the limit of %u",
		    text.len, JSONX_TEXT_BYTES_MAX);
		return NULL;
	}
	/* jansson passes over a NUL behind a number. */
	if (text.len > 0 && memchr(text.p, '\0', text.len) != NULL) {
		tmf_err_set(err, TMF_ERR_INVALID, "invalid JSON: a NUL byte");
		return NULL;
	}
	value = json_loadb(text.p != NULL ? text.p : "", text.len, flags, &error);
	if (value == NULL && json_error_code(&error) == json_error_numeric_overflow &&
	    widen_integers(text, &widened))
		value = json_loadb(widened.p, widened.len, flags, &error);
	buf_fini(&widened);
	if (value == NULL)
		tmf_err_set(err, TMF_ERR_INVALID, "invalid JSON at line %d, column %d: %s",
		    error.line, error.column, error.text);
	return value;
}

/* Of two members with one key a person meant one, and which cannot be known: refused in what users
 * write. */
json_t *
jsonx_parse(struct str text, struct tmf_err *err)
{
	return jsonx_parse_with(
	    text, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, err);
}

/* RFC 8259 leaves it open, and most parsers, AWS's among them, let the last one win. */
json_t *
jsonx_parse_last_wins(struct str text, struct tmf_err *err)
{
	return jsonx_parse_with(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, err);
}
