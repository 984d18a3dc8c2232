#include "asl/path/regex_java.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A pattern that is read from left to right. */
struct java {
	const char *at;
	const char *end;
	unsigned depth;
	bool too_deep;
	bool unicode;
};

/* Java's names that PCRE2 lacks, each as the inside of a class. Those of POSIX are of ASCII. */
static const struct {
	const char *name;
	const char *members;
} java_properties[] = {
    {"Lower", "a-z"},
    {"Upper", "A-Z"},
    {"ASCII", "\\x00-\\x7f"},
    {"Alpha", "a-zA-Z"},
    {"Digit", "0-9"},
    {"Alnum", "a-zA-Z0-9"},
    {"Punct", "!-\\/:-@\\[-`{-~"},
    {"Graph", "!-~"},
    {"Print", "\\x20-~"},
    {"Blank", "\\x20\\t"},
    {"Cntrl", "\\x00-\\x1f\\x7f"},
    {"XDigit", "0-9a-fA-F"},
    {"Space", "\\x20\\t-\\r"},
    {"javaLowerCase", "\\p{Lowercase}"},
    {"javaUpperCase", "\\p{Uppercase}"},
    {"javaTitleCase", "\\p{Lt}"},
    {"javaAlphabetic", "\\p{Alphabetic}"},
    {"javaIdeographic", "\\p{Ideographic}"},
    {"javaLetter", "\\p{L}"},
    {"javaDigit", "\\p{Nd}"},
    {"javaLetterOrDigit", "\\p{L}\\p{Nd}"},
    {"javaSpaceChar", "\\p{Z}"},
    {"javaISOControl", "\\x00-\\x1f\\x7f-\\x{9f}"},
    /* Not the no-break spaces, which Character.isWhitespace leaves out. */
    {"javaWhitespace",
	"\\t-\\r\\x1c-\\x20\\x{1680}\\x{2000}-\\x{2006}\\x{2008}-\\x{200a}\\x{2028}\\x{2029}"
	"\\x{205f}\\x{3000}"},
};

static bool
java_is_octal(const struct java *java, const char *p)
{
	return p < java->end && *p >= '0' && *p <= '7';
}

/* \uXXXX behind its u; two surrogates are one character. Returns its value, or -1. */
static long
java_unit(const struct java *java, const char *p)
{
	char digits[5] = "";

	if (java->end - p < 4 || strspn(memcpy(digits, p, 4), "0123456789abcdefABCDEF") != 4)
		return -1;
	return strtol(digits, NULL, 16);
}

static void
java_add_unicode(struct java *java, struct buf *out)
{
	long unit = java_unit(java, java->at), low;

	if (unit < 0) {
		/* PCRE2 refuses \u, as Java refuses one without its digits. */
		buf_add_cstr(out, "\\u");
		return;
	}
	java->at += 4;
	if (unit >= 0xd800 && unit < 0xdc00 && java->end - java->at >= 6 && java->at[0] == '\\' &&
	    java->at[1] == 'u') {
		low = java_unit(java, java->at + 2);
		if (low >= 0xdc00 && low < 0xe000) {
			unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
			java->at += 6;
		}
	}
	buf_printf(out, "\\x{%lx}", (unsigned long)unit);
}

/* \0n, \0nn or \0mnn with m up to 3. */
static void
java_add_octal(struct java *java, struct buf *out)
{
	unsigned value = 0;
	const char *start = java->at;

	for (int digits = 0; digits < 3 && java_is_octal(java, java->at); digits++) {
		if (digits == 2 && *start > '3')
			break;
		value = value * 8 + (unsigned)(*java->at++ - '0');
	}
	/* PCRE2 refuses an empty \o{}, as Java refuses \0 without digits. */
	if (java->at == start)
		buf_add_cstr(out, "\\o{}");
	else
		buf_printf(out, "\\x{%x}", value);
}

/* \p{..} or \P{..} behind its p. One that PCRE2 lacks becomes a class, which within a class the
 * caller makes an alternative of. */
static void
java_add_property(struct java *java, struct buf *out, bool negated)
{
	const char *close = memchr(java->at, '}', (size_t)(java->end - java->at));
	struct str name;

	if (java->at == java->end || *java->at != '{' || close == NULL) {
		buf_add_cstr(out, negated ? "\\P" : "\\p");
		return;
	}
	name = (struct str){java->at + 1, (size_t)(close - java->at) - 1};
	java->at = close + 1;
	for (size_t i = 0; i < sizeof(java_properties) / sizeof(java_properties[0]); i++) {
		if (!str_is(name, java_properties[i].name))
			continue;
		buf_printf(out, "[%s%s]", negated ? "^" : "", java_properties[i].members);
		return;
	}
	if (str_starts(name, "Is"))
		name = (struct str){name.p + 2, name.len - 2};
	for (const char *sign; (sign = memchr(name.p, '=', name.len)) != NULL;)
		name = (struct str){sign + 1, (size_t)(name.p + name.len - sign) - 1};
	buf_printf(out, "\\%c{%.*s}", negated ? 'P' : 'p', (int)name.len, name.p);
}

/* \Q..\E: each character for itself. An \E may be missing at the end. */
static void
java_add_quoted(struct java *java, struct buf *out)
{
	while (java->at < java->end) {
		if (java->end - java->at >= 2 && java->at[0] == '\\' && java->at[1] == 'E') {
			java->at += 2;
			return;
		}
		if (strchr("\\^$.[]|()?*+{}-/&#", *java->at) != NULL && *java->at != '\0')
			buf_add_char(out, '\\');
		buf_add_char(out, *java->at++);
	}
}

/* What a backslash begins. */
static void
java_add_escape(struct java *java, struct buf *out)
{
	char letter;

	assert(*java->at == '\\');
	if (++java->at == java->end) {
		buf_add_char(out, '\\');
		return;
	}
	letter = *java->at++;
	switch (letter) {
	case 'u':
		java_add_unicode(java, out);
		break;
	case '0':
		java_add_octal(java, out);
		break;
	case 'p':
	case 'P':
		java_add_property(java, out, letter == 'P');
		break;
	case 'Q':
		java_add_quoted(java, out);
		break;
	default:
		buf_add_char(out, '\\');
		buf_add_char(out, letter);
		break;
	}
}

/* --- classes --- */

static void java_add_class(struct java *java, struct buf *out);

static bool
java_is_intersection(const struct java *java)
{
	return java->end - java->at >= 2 && java->at[0] == '&' && java->at[1] == '&';
}

/* [:alpha:] is POSIX's, which PCRE2 knows and Java does not: it stays what it was here. */
static size_t
java_posix_length(const struct java *java)
{
	const char *close;

	if (java->end - java->at < 4 || java->at[1] != ':')
		return 0;
	close = memchr(java->at + 2, ':', (size_t)(java->end - java->at) - 2);
	return close != NULL && close + 1 < java->end && close[1] == ']'
		   ? (size_t)(close + 2 - java->at)
		   : 0;
}

/* One side of &&: what stands in the class itself goes to plain, classes within it to alternatives,
 * each behind a "|". */
static void
java_read_operand(struct java *java, struct buf *plain, struct buf *alternatives)
{
	bool is_first = true;

	for (; java->at < java->end && !java_is_intersection(java); is_first = false) {
		size_t posix = *java->at == '[' ? java_posix_length(java) : 0;

		if (*java->at == ']' && !is_first)
			break;
		if (posix > 0) {
			buf_add(plain, java->at, posix);
			java->at += posix;
		} else if (*java->at == '[') {
			buf_add_char(alternatives, '|');
			java_add_class(java, alternatives);
		} else if (*java->at == '\\') {
			struct buf escape = {0};

			java_add_escape(java, &escape);
			/* A property that became a class of its own. */
			if (escape.len > 0 && escape.p[0] == '[') {
				buf_add_char(alternatives, '|');
				buf_add(alternatives, escape.p, escape.len);
			} else {
				buf_add(plain, escape.p, escape.len);
			}
			buf_fini(&escape);
		} else {
			buf_add_char(plain, *java->at++);
		}
	}
}

/* An operand as a pattern that takes one character. */
static void
java_add_operand(struct java *java, struct buf *out)
{
	struct buf plain = {0}, alternatives = {0};

	java_read_operand(java, &plain, &alternatives);
	buf_add_cstr(out, "(?:");
	if (plain.len > 0)
		buf_printf(out, "[%.*s]", (int)plain.len, plain.p);
	if (alternatives.len > 0)
		buf_add(
		    out, alternatives.p + (plain.len == 0), alternatives.len - (plain.len == 0));
	buf_add_char(out, ')');
	buf_fini(&plain);
	buf_fini(&alternatives);
}

/* The sides of &&: each but the last looks ahead. */
static void
java_add_sides(struct java *java, struct buf *out)
{
	java_add_operand(java, out);
	while (java_is_intersection(java)) {
		struct buf sides = {0};

		java->at += 2;
		buf_add_cstr(&sides, "(?:(?=");
		buf_add(&sides, out->p, out->len);
		buf_add_char(&sides, ')');
		java_add_operand(java, &sides);
		buf_add_char(&sides, ')');
		buf_fini(out);
		*out = sides;
	}
}

/* [a-z&&[^b]] is (?:(?=(?:[a-z]))(?:[^b])). A class of one operand without classes in it stays as
 * it is; so does one without its end, which is PCRE2's to refuse. */
static void
java_add_class(struct java *java, struct buf *out)
{
	struct buf plain = {0}, inner = {0};
	const char *start = ++java->at;
	bool negated = java->at < java->end && *java->at == '^';

	if (++java->depth > REGEX_JAVA_DEPTH_MAX) {
		java->too_deep = true;
		java->at = java->end;
		return;
	}
	java->at += negated;
	java_read_operand(java, &plain, &inner);
	if (java->at == java->end || (*java->at == ']' && inner.len == 0)) {
		buf_add_cstr(out, negated ? "[^" : "[");
		buf_add(out, plain.p, plain.len);
		if (java->at < java->end)
			buf_add_char(out, *java->at++);
	} else {
		buf_reset(&inner);
		java->at = start + negated;
		java_add_sides(java, &inner);
		java->at += java->at < java->end;
		buf_add_cstr(out, negated ? "(?:(?!" : "");
		buf_add(out, inner.p, inner.len);
		buf_add_cstr(out, negated ? ")(?s:.))" : "");
	}
	java->depth--;
	buf_fini(&plain);
	buf_fini(&inner);
}

/* --- groups --- */

/* (?d), (?idm-s:..): PCRE2 has no d, whose effect is its own usual one, and no u, since it knows
 * the cases of all letters; U is another flag there. */
static void
java_add_group(struct java *java, struct buf *out)
{
	const char *flags = java->at + 2;
	const char *end = flags;

	buf_add_char(out, *java->at++);
	if (java->at == java->end || *java->at != '?')
		return;
	while (end < java->end && strchr("idmsuxU-", *end) != NULL && *end != '\0')
		end++;
	if (end == flags || end == java->end || (*end != ')' && *end != ':'))
		return;
	buf_add_char(out, '?');
	for (const char *flag = flags; flag < end; flag++) {
		java->unicode = java->unicode || *flag == 'U';
		if (strchr("duU", *flag) == NULL)
			buf_add_char(out, *flag);
	}
	java->at = end;
}

/* A class that is nested reads its inside twice, so the depth also bounds the time. */
bool
regex_java_translate(struct str pattern, struct buf *out, bool *ret_unicode)
{
	struct java java = {.at = pattern.p, .end = pattern.p + pattern.len};

	while (java.at < java.end) {
		if (*java.at == '\\')
			java_add_escape(&java, out);
		else if (*java.at == '[')
			java_add_class(&java, out);
		else if (*java.at == '(')
			java_add_group(&java, out);
		else
			buf_add_char(out, *java.at++);
	}
	*ret_unicode = java.unicode;
	return !java.too_deep;
}
