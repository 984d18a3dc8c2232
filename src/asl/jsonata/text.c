#include "asl/jsonata/text.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS_MAX	   17 /* distinguish any two doubles */
#define WHOLE_MAX	   1e15
#define EXPONENT_PLAIN_MAX 21 /* up to 10^21 JavaScript writes digits, beyond it an exponent */
#define EXPONENT_PLAIN_MIN (-6)

/* The old space stays with the heap until it ends; doubling bounds the waste by the final size. The
 * 16 saves the first few growths of a short text. */
void
text_add(struct text *text, const char *bytes, size_t len)
{
	if (len == 0)
		return;
	if (text->capacity - text->len < len) {
		size_t capacity = text->capacity * 2 + len + 16;
		char *at = heap_alloc(text->heap, capacity);

		if (text->len > 0)
			memcpy(at, text->at, text->len);
		text->at = at;
		text->capacity = capacity;
	}
	memcpy(text->at + text->len, bytes, len);
	text->len += len;
}

void
text_add_char(struct text *text, char c)
{
	text_add(text, &c, 1);
}

void
text_add_value(struct text *text, const struct value *string)
{
	assert(string->type == VALUE_STRING);
	text_add(text, string->u.text, string->len);
}

/* An empty text has never allocated, so it has no bytes to point to. */
struct value
text_value(const struct text *text)
{
	return value_string(text->at != NULL ? text->at : "", text->len);
}

/* The significant digits of a positive number without trailing zeros, and its decimal exponent: the
 * number is 0.DIGITS times ten to that power. The shortest text that reads back as the same double
 * is searched, as JavaScript writes numbers: 0.1 and not 0.10000000000000001. A text of 15 digits
 * always survives in a double, so the search begins there: a shorter one has trailing zeros, which
 * are removed. */
static size_t
text_digits(double number, char out[DIGITS_MAX + 1], int *ret_exponent)
{
	char printed[40];
	size_t len = 0;
	/* The smallest numbers need fewer digits to differ from their neighbors. */
	int tried = number < DBL_MIN ? 1 : 15;

	do
		snprintf(printed, sizeof(printed), "%.*e", tried - 1, number);
	while (strtod(printed, NULL) != number && tried++ < DIGITS_MAX);
	for (const char *p = printed; *p != 'e'; p++) {
		if (*p != '.')
			out[len++] = *p;
	}
	*ret_exponent = (int)strtol(strchr(printed, 'e') + 1, NULL, 10) + 1;
	while (len > 1 && out[len - 1] == '0')
		len--;
	return len;
}

/* A whole number that a double holds exactly: most numbers are of that kind. */
static bool
text_add_whole(struct text *text, double number)
{
	char out[24];
	size_t at = sizeof(out);
	uint64_t rest;

	if (!(fabs(number) < WHOLE_MAX) || trunc(number) < number || trunc(number) > number)
		return false;
	rest = (uint64_t)fabs(number);
	do
		out[--at] = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	if (number < 0)
		out[--at] = '-';
	text_add(text, out + at, sizeof(out) - at);
	return true;
}

/* The four forms of Number.prototype.toString: 1e+21, 0.000001, 100, 1.5. From 10^21 on and below
 * 10^-6 an exponent is written: $string(1e20) is 100000000000000000000. */
void
text_add_number(struct text *text, double number)
{
	char out[DIGITS_MAX + 1];
	char exponent_text[16];
	int exponent;
	size_t len;

	assert(isfinite(number));
	/* -0 is written without its sign, as JavaScript does. */
	if (text_add_whole(text, number))
		return;
	if (number < 0)
		text_add_char(text, '-');
	len = text_digits(fabs(number), out, &exponent);
	if (exponent > EXPONENT_PLAIN_MAX || exponent <= EXPONENT_PLAIN_MIN) {
		text_add(text, out, 1);
		if (len > 1)
			text_add_char(text, '.');
		text_add(text, out + 1, len - 1);
		snprintf(exponent_text, sizeof(exponent_text), "e%+d", exponent - 1);
		text_add(text, exponent_text, strlen(exponent_text));
	} else if (exponent <= 0) {
		text_add(text, "0.", 2);
		/* EXPONENT_PLAIN_MIN allows five zeros at most. */
		text_add(text, "000000", (size_t)-exponent);
		text_add(text, out, len);
	} else if ((size_t)exponent >= len) {
		text_add(text, out, len);
		for (size_t i = len; i < (size_t)exponent; i++)
			text_add_char(text, '0');
	} else {
		text_add(text, out, (size_t)exponent);
		text_add_char(text, '.');
		text_add(text, out + exponent, len - (size_t)exponent);
	}
}

/* A surrogate is encoded as any character of three bytes: the lexer needs that for \ud800. */
size_t
text_encode(char *out, uint32_t character)
{
	if (character < 0x80) {
		out[0] = (char)character;
		return 1;
	}
	if (character < 0x800) {
		out[0] = (char)(0xc0 | character >> 6);
		out[1] = (char)(0x80 | (character & 0x3f));
		return 2;
	}
	if (character < 0x10000) {
		out[0] = (char)(0xe0 | character >> 12);
		out[1] = (char)(0x80 | (character >> 6 & 0x3f));
		out[2] = (char)(0x80 | (character & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | character >> 18);
	out[1] = (char)(0x80 | (character >> 12 & 0x3f));
	out[2] = (char)(0x80 | (character >> 6 & 0x3f));
	out[3] = (char)(0x80 | (character & 0x3f));
	return 4;
}

/* Texts come from jansson or the lexer and are well-formed but for lone surrogates. A cut sequence
 * at the end is passed on byte by byte, so that a loop over a text always advances. */
uint32_t
text_decode(const char *text, size_t len, size_t *ret_bytes)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t bytes = at[0] < 0xc0 ? 1 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
	uint32_t character = at[0];

	assert(len > 0);
	*ret_bytes = bytes <= len ? bytes : 1;
	if (*ret_bytes == 1)
		return character;
	character &= 0x7fu >> bytes;
	for (size_t i = 1; i < bytes; i++)
		character = character << 6 | (at[i] & 0x3fu);
	return character;
}
