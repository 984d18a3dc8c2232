#ifndef TMFLOW_BASE_UTF8_H
#define TMFLOW_BASE_UTF8_H

#include "base/buf.h"

#include <stdint.h>

/* Text from the world is UTF-8 where it came as JSON or XML, and anything at all in file names,
 * arguments and headers. */

/* The character at text (NUL-terminated, not empty); *ret_len is its bytes. Returns -1 for a
 * malformed byte, of length 1. */
int32_t utf8_decode(const char *text, size_t *ret_len);

/* How many of the first bytes_max bytes of text (UTF-8) are whole characters: where to cut it
 * off. */
size_t utf8_cut(const char *text, size_t bytes_max);

/* Appends text with U+FFFD in the place of each malformed byte. */
void utf8_repair(struct buf *out, const char *text);

/* Copies as many whole characters as fit into size bytes with their NUL, with ? in the place of
 * each malformed byte. */
void utf8_copy(char *out, size_t size, const char *text);

#endif
