#include "base/utf8.h"

#include <assert.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd"

/* 10xxxxxx, which never begins a character. */
static bool
utf8_continues(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

/* By the first byte; 0: no sequence begins with it. 0xc0 and 0xc1 could only begin an overlong one,
 * and 0xf5 is beyond U+10FFFF. */
static size_t
utf8_sequence_len(unsigned char byte)
{
	if (byte < 0x80)
		return 1;
	if (byte < 0xc2 || byte > 0xf4)
		return 0;
	return byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
}

/* Refuses what a strict reader refuses: overlong forms (0xc0 0xaf for a slash), surrogates, and
 * what is beyond U+10FFFF. One malformed byte at a time, so that the next good character is
 * found. */
int32_t
utf8_decode(const char *text, size_t *ret_len)
{
	static const int32_t minimum[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char first = (unsigned char)text[0];
	size_t len = utf8_sequence_len(first);
	int32_t point = len == 1 ? first : first & (0xff >> (len + 1));

	*ret_len = 1;
	if (len == 0)
		return -1;
	for (size_t i = 1; i < len; i++) {
		if (!utf8_continues(text[i])) /* the NUL at the latest */
			return -1;
		point = point << 6 | ((unsigned char)text[i] & 0x3f);
	}
	if (point < minimum[len] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
		return -1;
	*ret_len = len;
	return point;
}

/* The character that stands across the end goes as a whole. */
size_t
utf8_cut(const char *text, size_t bytes_max)
{
	size_t len = strnlen(text, bytes_max);

	if (len == bytes_max)
		while (len > 0 && utf8_continues(text[len]))
			len--;
	return len;
}

/* One U+FFFD a byte, not one a run of them: the length stays a hint of what was there. */
void
utf8_repair(struct buf *out, const char *text)
{
	size_t len;

	for (; *text != '\0'; text += len) {
		if (utf8_decode(text, &len) >= 0)
			buf_add(out, text, len);
		else
			buf_add_cstr(out, REPLACEMENT);
	}
}

/* A fixed size, for names in an error: it must not fail for a name that AWS made too long. */
void
utf8_copy(char *out, size_t size, const char *text)
{
	size_t done = 0;
	size_t len;

	assert(size > 0);
	for (; *text != '\0'; text += len) {
		bool whole = utf8_decode(text, &len) >= 0;

		if (done + len >= size)
			break;
		memcpy(out + done, whole ? text : "?", len);
		done += len;
	}
	out[done] = '\0';
}
