#include "asl/jsonata/functions/functions.h"

#include "asl/jsonata/text.h"

#include <assert.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

/* Built-in functions over strings. Positions and lengths count characters (Unicode code points). */

#define PAD_MAX	      1e12 /* characters; far beyond the heap */
#define STRING_DIGITS 15 /* significant digits of a number in $string: hides the noise of doubles */

/* --- $string --- */

/* Only what JSON requires is escaped, as JSON.stringify does: a slash and characters beyond ASCII
 * stay as they are. strchr finds the NUL that ends its text, so a NUL is kept from it and written
 * as \u0000. */
static void
write_escaped(struct text *out, const char *text, size_t len)
{
	static const char letters[] = "\b\f\n\r\t\"\\";
	static const char escapes[] = "bfnrt\"\\";

	text_add_char(out, '"');
	for (size_t i = 0; i < len; i++) {
		const char *found = text[i] != '\0' ? strchr(letters, text[i]) : NULL;
		char escape[8];

		if (found != NULL) {
			text_add_char(out, '\\');
			text_add_char(out, escapes[found - letters]);
		} else if ((unsigned char)text[i] < 0x20) {
			snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)text[i]);
			text_add(out, escape, 6);
		} else {
			text_add_char(out, text[i]);
		}
	}
	text_add_char(out, '"');
}

/* Two blanks a level, the layout of JSON.stringify(value, null, 2). */
static void
write_indent(struct text *out, int indent)
{
	text_add_char(out, '\n');
	for (int i = 0; i < indent; i++)
		text_add(out, "  ", 2);
}

static void
write_value(struct evaluator *ev, struct text *out, const struct value *value, int indent);

/* indent: how deep, or below zero for one line. */
static void
write_array(struct evaluator *ev, struct text *out, const struct value *value, int indent)
{
	size_t count = value_count(value);
	int inner = indent >= 0 ? indent + 1 : indent;

	text_add_char(out, '[');
	for (size_t i = 0; i < count; i++) {
		struct value element = value_at(value, i);

		if (i > 0)
			text_add_char(out, ',');
		if (indent >= 0)
			write_indent(out, inner);
		/* An array keeps the places of its elements, so a gap becomes null; an object drops
		 * such a member. */
		if (element.type == VALUE_UNDEFINED)
			element = value_null();
		write_value(ev, out, &element, inner);
	}
	if (indent >= 0 && count > 0)
		write_indent(out, indent);
	text_add_char(out, ']');
}

static void
write_object(struct evaluator *ev, struct text *out, const struct value *value, int indent)
{
	struct member_cursor cursor = {0};
	int inner = indent >= 0 ? indent + 1 : indent;
	bool is_first = true;

	text_add_char(out, '{');
	while (value_next_member(value, &cursor)) {
		if (cursor.value.type == VALUE_UNDEFINED)
			continue;
		if (!is_first)
			text_add_char(out, ',');
		if (indent >= 0)
			write_indent(out, inner);
		write_escaped(out, cursor.key, cursor.len);
		text_add(out, indent >= 0 ? ": " : ":", indent >= 0 ? 2 : 1);
		write_value(ev, out, &cursor.value, inner);
		is_first = false;
	}
	if (indent >= 0 && !is_first)
		write_indent(out, indent);
	text_add_char(out, '}');
}

/* Rounded to STRING_DIGITS, unless it is whole: as jsonata has it. 0.1 + 0.2 becomes 0.3, while
 * 9007199254740992 keeps its last digit, and 5e-324 is 5e-324 again. */
static double
string_number(double number)
{
	char printed[40];

	if (trunc(number) <= number && trunc(number) >= number)
		return number;
	snprintf(printed, sizeof(printed), "%.*g", STRING_DIGITS, number);
	return strtod(printed, NULL);
}

static void
write_value(struct evaluator *ev, struct text *out, const struct value *value, int indent)
{
	heap_enter(&ev->heap);
	switch ((enum value_type)value->type) {
	case VALUE_UNDEFINED:
	case VALUE_NULL:
		text_add(out, "null", 4);
		break;
	case VALUE_BOOLEAN:
		text_add(out, value->u.boolean ? "true" : "false", value->u.boolean ? 4 : 5);
		break;
	case VALUE_NUMBER:
		if (!isfinite(value->u.number))
			evaluator_raise(ev, "D1001", evaluator_show(ev, value));
		/* $string([0.1 + 0.2]) is [0.3], not [0.30000000000000004]. */
		text_add_number(out, string_number(value->u.number));
		break;
	case VALUE_STRING:
		write_escaped(out, value->u.text, value->len);
		break;
	case VALUE_ARRAY:
		write_array(ev, out, value, indent);
		break;
	case VALUE_OBJECT:
		write_object(ev, out, value, indent);
		break;
	case VALUE_FUNCTION:
		/* $string([1, function() { 1 }]) is [1,""]. */
		text_add(out, "\"\"", 2);
		break;
	}
	heap_leave(&ev->heap);
}

/* A string is its own text, without quotes; within an array or an object it is quoted. An infinite
 * number has no form in JSON: D3001 of the argument itself, D1001 within a structure. */
struct value
function_string(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	struct text out = {.heap = &ev->heap};
	bool pretty = count > 1 && args[1].type == VALUE_BOOLEAN && args[1].u.boolean;
	struct value value = args[0];

	(void)context;
	if (value.type == VALUE_UNDEFINED || value.type == VALUE_STRING)
		return value;
	if (value.type == VALUE_FUNCTION)
		return value_string("", 0);
	if (value.type == VALUE_NUMBER && !isfinite(value.u.number))
		evaluator_raise(ev, "D3001");
	if (value_is_array(&value) && !value.is_json && value.u.list->is_outer)
		/* The array that was put around an input must not show: the input itself is
		 * written. */
		value = value.u.list->at[0];
	write_value(ev, &out, &value, pretty ? 0 : -1);
	return text_value(&out);
}

/* --- characters --- */

/* Every byte but a continuation byte (10xxxxxx) starts a character. */
size_t
text_characters(const struct value *text)
{
	size_t count = 0;

	for (uint32_t i = 0; i < text->len; i++)
		count += ((unsigned char)text->u.text[i] & 0xc0) != 0x80;
	return count;
}

/* A character of four bytes is a pair of surrogates in JavaScript, so it counts as two code
 * units. */
size_t
text_utf16_index(const struct value *text, size_t at)
{
	size_t units = 0;

	for (size_t i = 0; i < at; i++) {
		unsigned char byte = (unsigned char)text->u.text[i];

		units += ((byte & 0xc0) != 0x80) + (byte >= 0xf0);
	}
	return units;
}

/* The byte at which a number of characters (or of UTF-16 code units) ends, at most the text's
 * end. */
size_t
text_byte_at(const struct value *text, size_t wanted, bool units)
{
	size_t at = 0, seen = 0;

	while (at < text->len && seen < wanted) {
		size_t bytes;

		text_decode(text->u.text + at, text->len - at, &bytes);
		seen += units && bytes == 4 ? 2 : 1;
		at += bytes;
	}
	return at;
}

/* The part shares the bytes of the whole: no value's text is ever changed in place. */
struct value
text_slice(const struct value *text, size_t begin, size_t end)
{
	return begin < end ? value_string(text->u.text + begin, end - begin) : value_string("", 0);
}

/* $length counts characters, not UTF-16 code units: a clef, U+1D11E, has length 1. */
struct value
function_string_length(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	(void)ev, (void)count, (void)context;
	return args[0].type == VALUE_UNDEFINED ? args[0]
					       : value_number((double)text_characters(&args[0]));
}

/* As Array.prototype.slice of JavaScript takes its bounds. A fraction is dropped, a negative bound
 * counts from the end, and both ends are clamped. */
static size_t
substring_bound(double bound, size_t length)
{
	bound = trunc(bound);
	if (bound < 0)
		bound += (double)length;
	return bound <= 0 ? 0 : bound >= (double)length ? length : (size_t)bound;
}

/* $substring("hello", -3, 2) is "ll". A start before the beginning is the beginning:
 * $substring("hello", -9, 2) is "he". */
struct value
function_substring(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	size_t length, from, to;
	double start;

	(void)ev, (void)context;
	if (args[0].type == VALUE_UNDEFINED)
		return args[0];
	length = text_characters(&args[0]);
	start = args[1].type == VALUE_NUMBER ? args[1].u.number : 0;
	if ((double)length + start < 0)
		start = 0;
	from = substring_bound(start, length);
	to = length;
	if (count > 2 && args[2].type == VALUE_NUMBER) {
		/* The end of a negative start is counted from the front: as a sum it could reach 0,
		 * which a slice would take for the beginning. */
		double end = start >= 0 ? start + args[2].u.number
					: (double)length + start + args[2].u.number;

		if (args[2].u.number <= 0 || args[1].type != VALUE_NUMBER)
			return value_string("", 0);
		to = substring_bound(end, length);
	}
	return text_slice(
	    &args[0], text_byte_at(&args[0], from, false), text_byte_at(&args[0], to, false));
}

/* The byte of the first place of part at or behind from; SIZE_MAX where it is absent. memmem of an
 * empty part is not called: the place is then `from`, as String.indexOf gives it. */
size_t
text_find(const struct value *text, const struct value *part, size_t from)
{
	const char *found;

	if (from > text->len)
		return SIZE_MAX;
	found = part->len == 0
		    ? text->u.text + from
		    : memmem(text->u.text + from, text->len - from, part->u.text, part->len);
	return found != NULL ? (size_t)(found - text->u.text) : SIZE_MAX;
}

/* Without a match the whole text is the result: $substringBefore("abc", "x") is "abc". */
struct value
function_substring_before(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	size_t at;

	(void)ev, (void)count, (void)context;
	if (args[0].type == VALUE_UNDEFINED || args[1].type == VALUE_UNDEFINED)
		return args[0];
	at = text_find(&args[0], &args[1], 0);
	return at != SIZE_MAX ? text_slice(&args[0], 0, at) : args[0];
}

/* Without a match the whole text is the result here too, not the empty string. */
struct value
function_substring_after(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	size_t at;

	(void)ev, (void)count, (void)context;
	if (args[0].type == VALUE_UNDEFINED || args[1].type == VALUE_UNDEFINED)
		return args[0];
	at = text_find(&args[0], &args[1], 0);
	return at != SIZE_MAX ? text_slice(&args[0], at + args[1].len, args[0].len) : args[0];
}

/* One for the process. The locale that the process has does not count: it may be C. */
static locale_t
case_locale(void)
{
	static locale_t locale;

	if (locale == (locale_t)0)
		locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	return locale;
}

/* A copy with every character in another case. Without a locale of its own the C library knows of
 * ASCII only. Two letters of common use become two: the
 * German sharp s, and the Turkish dotted capital I. */
static struct value
change_case(struct evaluator *ev, const struct value *text, bool upper)
{
	char *out = heap_alloc(&ev->heap, (size_t)text->len * 2 + 4);
	size_t len = 0;

	for (size_t at = 0; at < text->len;) {
		size_t bytes;
		uint32_t c = text_decode(text->u.text + at, text->len - at, &bytes);

		at += bytes;
		if (upper ? c == 0xdf : c == 0x130) {
			memcpy(out + len, upper ? "SS" : "i\xcc\x87", upper ? 2 : 3);
			len += upper ? 2 : 3;
			continue;
		}
		if (c < 0x80)
			c = upper ? (c >= 'a' && c <= 'z' ? c - 32 : c)
				  : (c >= 'A' && c <= 'Z' ? c + 32 : c);
		else if (case_locale() != (locale_t)0)
			c = upper ? towupper_l((wint_t)c, case_locale())
				  : towlower_l((wint_t)c, case_locale());
		len += text_encode(out + len, c);
	}
	return value_string(out, len);
}

struct value
function_lowercase(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	(void)count, (void)context;
	return args[0].type == VALUE_UNDEFINED ? args[0] : change_case(ev, &args[0], false);
}

struct value
function_uppercase(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	(void)count, (void)context;
	return args[0].type == VALUE_UNDEFINED ? args[0] : change_case(ev, &args[0], true);
}

/* The blanks that jsonata's expression names, not all of Unicode's: a no-break space stays. */
static bool
is_trimmed(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Each run of blanks becomes one; none is left at the ends. */
struct value
function_trim(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	struct text out = {.heap = &ev->heap};

	(void)count, (void)context;
	if (args[0].type == VALUE_UNDEFINED)
		return args[0];
	for (uint32_t i = 0; i < args[0].len; i++) {
		char c = args[0].u.text[i];

		if (!is_trimmed(c))
			text_add_char(&out, c);
		else if (out.len > 0 && out.at[out.len - 1] != ' ')
			text_add_char(&out, ' ');
	}
	if (out.len > 0 && out.at[out.len - 1] == ' ')
		out.len--;
	return text_value(&out);
}

/* The sign of the width is the side: $pad("a", -5, "xy") is "xyxya", $pad("a", 5, "xy") is "axyxy".
 * A wider text is not cut. The fill repeats by characters, so it may end within itself. */
struct value
function_pad(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	struct text out = {.heap = &ev->heap};
	struct value fill = value_string(" ", 1);
	double wanted;
	size_t missing = 0;

	(void)context;
	if (args[0].type == VALUE_UNDEFINED)
		return args[0];
	if (count > 2 && args[2].type == VALUE_STRING && args[2].len > 0)
		fill = args[2];
	wanted = fabs(trunc(args[1].u.number)) - (double)text_characters(&args[0]);
	if (wanted > 0) /* past PAD_MAX the heap gives up in any case */
		missing = (size_t)fmin(wanted, PAD_MAX);
	if (args[1].u.number >= 0)
		text_add_value(&out, &args[0]);
	for (size_t at = 0; missing > 0; missing--) {
		size_t bytes;

		text_decode(fill.u.text + at, fill.len - at, &bytes);
		text_add(&out, fill.u.text + at, bytes);
		at = at + bytes < fill.len ? at + bytes : 0;
	}
	if (args[1].u.number < 0)
		text_add_value(&out, &args[0]);
	return text_value(&out);
}
