#include "asl/jsonata/functions/functions.h"

#include "asl/jsonata/text.h"

#include <stdio.h>
#include <string.h>

/* Built-in functions that write bytes as characters: Base64 and the escapes of URLs. */

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* As in jsonata: each character is one byte, of characters beyond U+00FF the lower one.
 * $base64encode("\u00e9") is "6Q==", the Latin-1 byte and not the two bytes of UTF-8. At most five
 * bits are held over, so the shift loses only bits that are written already. */
struct value
function_base64encode(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	struct text out = {.heap = &ev->heap};
	uint32_t bits = 0;
	int held = 0;
	bool is_second = false;

	(void)count, (void)context;
	if (args[0].type == VALUE_UNDEFINED)
		return args[0];
	for (size_t at = 0; at < args[0].len;) {
		size_t bytes;
		uint32_t c = text_decode(args[0].u.text + at, args[0].len - at, &bytes);

		/* Of a pair of surrogates, which JavaScript has, the first half. */
		if (bytes == 4 && !is_second) {
			c = 0xd7c0 + (c >> 10);
			is_second = true;
		} else {
			is_second = false;
			at += bytes;
		}
		bits = bits << 8 | (c & 0xff);
		for (held += 8; held >= 6; held -= 6)
			text_add_char(&out, base64_digits[bits >> (held - 6) & 63]);
	}
	if (held > 0)
		text_add_char(&out, base64_digits[bits << (6 - held) & 63]);
	while (out.len % 4 != 0)
		text_add_char(&out, '=');
	return text_value(&out);
}

/* Characters of the URL-safe alphabet are accepted, others are skipped, as Node's Buffer does. Each
 * byte becomes the character of its number, the inverse of $base64encode. Bits that do not fill a
 * byte are dropped. */
struct value
function_base64decode(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	struct text out = {.heap = &ev->heap};
	uint32_t bits = 0;
	int held = 0;

	(void)count, (void)context;
	if (args[0].type == VALUE_UNDEFINED)
		return args[0];
	for (uint32_t i = 0; i < args[0].len && args[0].u.text[i] != '='; i++) {
		char c = args[0].u.text[i] == '-'   ? '+'
			 : args[0].u.text[i] == '_' ? '/'
						    : args[0].u.text[i];
		const char *digit = c != '\0' ? strchr(base64_digits, c) : NULL;
		char character[4];

		if (digit == NULL)
			continue;
		bits = bits << 6 | (uint32_t)(digit - base64_digits);
		held += 6;
		if (held >= 8) {
			held -= 8;
			text_add(&out, character, text_encode(character, bits >> held & 0xff));
		}
	}
	return text_value(&out);
}

/* The sets of encodeURI and encodeURIComponent in ECMAScript. They are older than RFC 3986, so
 * brackets are escaped and quotes are not. */
static const char url_unreserved[] = "-_.!~*'()";
static const char url_reserved[] = ";/?:@&=+$,#";

/* strchr would find the NUL at the end of the set, so a NUL is excluded first. */
static bool
is_url_plain(char c, bool component)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr(url_unreserved, c) != NULL) ||
	       (!component && c != '\0' && strchr(url_reserved, c) != NULL);
}

/* $encodeUrl("a b?c") is "a%20b?c", $encodeUrlComponent("a b?c") is "a%20b%3Fc". */
static struct value
encode_url(struct evaluator *ev, const struct value *text, bool component, const char *name)
{
	struct text out = {.heap = &ev->heap};

	if (text->type == VALUE_UNDEFINED)
		return *text;
	for (uint32_t i = 0; i < text->len; i++) {
		unsigned char byte = (unsigned char)text->u.text[i];
		char escape[4];

		/* Half a pair of surrogates. */
		if (byte == 0xed && i + 1 < text->len && (unsigned char)text->u.text[i + 1] >= 0xa0)
			evaluator_raise(ev, "D3140", name);
		if (is_url_plain((char)byte, component)) {
			text_add_char(&out, (char)byte);
			continue;
		}
		snprintf(escape, sizeof(escape), "%%%02X", byte);
		text_add(&out, escape, 3);
	}
	return text_value(&out);
}

/* Both cases are accepted, as RFC 3986 asks for. */
static int
hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* The byte of an escape %XX at `at`; below zero where it is absent. */
static int
url_escape(const struct value *text, size_t at)
{
	int high, low;

	if (at + 2 >= text->len || text->u.text[at] != '%')
		return -1;
	high = hex_digit(text->u.text[at + 1]);
	low = hex_digit(text->u.text[at + 2]);
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* The bytes of one character, of as many escapes. Returns 0 where they are not well-formed UTF-8. A
 * first byte of 0x80 to 0xc1 is a continuation byte or an overlong form of ASCII. Of three and four
 * bytes the overlong forms, surrogates and numbers beyond U+10FFFF are refused by their value. */
static size_t
url_character(const struct value *text, size_t at, char out[4])
{
	int first = url_escape(text, at);
	size_t bytes = first < 0x80   ? 1
		       : first < 0xc2 ? 0
		       : first < 0xe0 ? 2
		       : first < 0xf0 ? 3
		       : first < 0xf5 ? 4
				      : 0;
	size_t decoded;
	uint32_t character;

	if (first < 0)
		return 0;
	for (size_t i = 0; i < bytes; i++) {
		int byte = url_escape(text, at + 3 * i);

		if (byte < 0 || (i > 0 && (byte & 0xc0) != 0x80))
			return 0;
		out[i] = (char)byte;
	}
	if (bytes < 3)
		return bytes;
	character = text_decode(out, bytes, &decoded);
	return character < (bytes == 3 ? 0x800u : 0x10000u) || character > 0x10ffff ||
		       (character >= 0xd800 && character <= 0xdfff)
		   ? 0
		   : bytes;
}

/* A percent sign that does not begin a valid escape raises D3140, where JavaScript throws
 * URIError. */
static struct value
decode_url(struct evaluator *ev, const struct value *text, bool component, const char *name)
{
	struct text out = {.heap = &ev->heap};

	if (text->type == VALUE_UNDEFINED)
		return *text;
	for (size_t at = 0; at < text->len;) {
		char character[4];
		size_t bytes;

		if (text->u.text[at] != '%') {
			text_add_char(&out, text->u.text[at++]);
			continue;
		}
		bytes = url_character(text, at, character);
		if (bytes == 0)
			evaluator_raise(ev, "D3140", name);
		/* What separates the parts of a URL stays escaped in a whole one. */
		if (!component && bytes == 1 && character[0] != '\0' &&
		    strchr(url_reserved, character[0]) != NULL)
			text_add(&out, text->u.text + at, 3);
		else
			text_add(&out, character, bytes);
		at += 3 * bytes;
	}
	return text_value(&out);
}

struct value
function_encode_url(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	(void)count, (void)context;
	return encode_url(ev, &args[0], false, "encodeUrl");
}

struct value
function_encode_url_component(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	(void)count, (void)context;
	return encode_url(ev, &args[0], true, "encodeUrlComponent");
}

/* $decodeUrl("%3F%20") is "%3F ": an encoded ? must not become a separator. */
struct value
function_decode_url(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	(void)count, (void)context;
	return decode_url(ev, &args[0], false, "decodeUrl");
}

/* $decodeUrlComponent("%3F%20") is "? ". */
struct value
function_decode_url_component(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	(void)count, (void)context;
	return decode_url(ev, &args[0], true, "decodeUrlComponent");
}
