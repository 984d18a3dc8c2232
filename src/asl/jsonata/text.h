#ifndef TMFLOW_ASL_JSONATA_TEXT_H
#define TMFLOW_ASL_JSONATA_TEXT_H

#include "asl/jsonata/value.h"

/* Texts that grow in a heap, and characters. */

struct text {
	struct heap *heap;
	char *at;
	size_t len;
	size_t capacity;
};

/* Each adds to the end: bytes, one byte, the text of a string. */
void text_add(struct text *text, const char *bytes, size_t len);
void text_add_char(struct text *text, char c);
void text_add_value(struct text *text, const struct value *string);

/* What has been added, as a string. The text must not grow afterwards. */
struct value text_value(const struct text *text);

/* Appends a number as JavaScript writes it: 1e+21, 0.1, 1e-7; as few digits as distinguish it from
 * its neighbours. */
void text_add_number(struct text *text, double number);

/* Writes a character as UTF-8 (a surrogate as three bytes). Returns how many bytes, at most 4. */
size_t text_encode(char *out, uint32_t character);

/* The character at text, and how many bytes it has. A malformed byte counts as a character. */
uint32_t text_decode(const char *text, size_t len, size_t *ret_bytes);

#endif
