#include "base/buf.h"

#include "base/mem.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_BYTES_MIN	  256
#define NEAREST_BYTES_MAX 64 /* longer words are not compared */
#define INTEGER_BYTES_MAX 20 /* "-9223372036854775808" */

/* NULL becomes an empty slice, so that an absent string can be compared and written. */
struct str
str_of(const char *s)
{
	return (struct str){s, s != NULL ? strlen(s) : 0};
}

/* memcmp must not see NULL, which an empty slice may have, not even for no bytes. */
bool
str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

/* For comparing a part of a text with a literal. */
bool
str_is(struct str a, const char *s)
{
	return str_eq(a, str_of(s));
}

/* HTTP's status line, a byte order mark, an ARN: prefixes are short literals, so they are C
 * strings. */
bool
str_starts(struct str s, const char *prefix)
{
	size_t len = strlen(prefix);

	return s.len >= len && memcmp(s.p, prefix, len) == 0;
}

/* Without a locale, so the same text reads the same everywhere. */
static bool
str_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Only what HTTP, YAML and the shared files mean by blank: isspace depends on the locale and takes
 * a form feed. */
struct str
str_trim(struct str s)
{
	while (s.len > 0 && str_is_space(s.p[0])) {
		s.p++;
		s.len--;
	}
	while (s.len > 0 && str_is_space(s.p[s.len - 1]))
		s.len--;
	return s;
}

/* Levenshtein distance, letters of either case being equal. One row of the table is enough: above
 * is the value of the row before, diagonal the one to the left of that. "vpc" to "vpcs" is 1,
 * "Chioce" to "Choice" is 2. */
static size_t
str_distance(struct str a, struct str b)
{
	size_t row[NEAREST_BYTES_MAX + 1];

	for (size_t j = 0; j <= b.len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			size_t above = row[j];
			bool same = tolower((unsigned char)a.p[i - 1]) ==
				    tolower((unsigned char)b.p[j - 1]);

			size_t replaced = diagonal + (same ? 0 : 1);
			size_t shorter = row[j - 1] < above ? row[j - 1] : above;

			row[j] = replaced <= shorter ? replaced : shorter + 1;
			diagonal = above;
		}
	}
	return row[b.len];
}

/* The bound grows with the word: one typing error in four letters is likely a slip, in two letters
 * another word. Long words are left out, so the table stays on the stack. */
const char *
str_nearest(struct str word, const char *const *known)
{
	size_t best_distance = 2 + word.len / 3;
	const char *best = NULL;

	if (word.len > NEAREST_BYTES_MAX)
		return NULL;
	for (; *known != NULL; known++) {
		struct str candidate = str_of(*known);
		size_t distance;

		if (candidate.len > NEAREST_BYTES_MAX)
			continue;
		distance = str_distance(word, candidate);
		if (distance < best_distance) {
			best_distance = distance;
			best = *known;
		}
	}
	return best;
}

/* Leaves an empty buffer, not a dangling one: a second buf_fini, or use, is fine. */
void
buf_fini(struct buf *buf)
{
	free(buf->p);
	*buf = (struct buf){0};
}

/* The NUL of an empty buffer that has memory is kept: buf_cstr relies on it. */
void
buf_reset(struct buf *buf)
{
	buf->len = 0;
	if (buf->p != NULL)
		buf->p[0] = '\0';
}

/* By doubling, so that adding n bytes one at a time costs O(n) in all. */
void
buf_grow(struct buf *buf, size_t more_bytes)
{
	size_t wanted = buf->len + more_bytes + 1;
	size_t cap = buf->cap > 0 ? buf->cap : BUF_BYTES_MIN;

	if (wanted <= buf->cap)
		return;
	assert(wanted > buf->len && "more than the address space");
	while (cap < wanted)
		cap *= 2;
	buf->p = mem_resize(buf->p, cap, 1);
	buf->cap = cap;
}

void
buf_add(struct buf *buf, const void *data, size_t bytes)
{
	buf_reserve(buf, bytes);
	if (bytes > 0)
		memcpy(buf->p + buf->len, data, bytes);
	buf->len += bytes;
	assert(buf->len < buf->cap);
	buf->p[buf->len] = '\0';
}

void
buf_add_str(struct buf *buf, struct str s)
{
	buf_add(buf, s.p, s.len);
}

void
buf_add_cstr(struct buf *buf, const char *s)
{
	buf_add(buf, s, strlen(s));
}

/* By hand: printf takes ten times as long, and checkpoints are full of numbers. 0 -
 * (uint64_t)INT64_MIN is well defined where -INT64_MIN is not. */
void
buf_add_int(struct buf *buf, int64_t integer)
{
	char text[INTEGER_BYTES_MAX];
	char *p = text + sizeof(text);
	uint64_t rest = integer < 0 ? 0 - (uint64_t)integer : (uint64_t)integer;

	do
		*--p = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	if (integer < 0)
		*--p = '-';
	buf_add(buf, p, (size_t)(text + sizeof(text) - p));
}

/* Twice where the text does not fit: the first time shows how long it is. A va_list may be read
 * once only, hence the copy. */
void
buf_vprintf(struct buf *buf, const char *format, va_list args)
{
	va_list again;
	int len;

	va_copy(again, args);
	buf_reserve(buf, 0);
	len = vsnprintf(buf->p + buf->len, buf->cap - buf->len, format, args);
	assert(len >= 0);
	if ((size_t)len >= buf->cap - buf->len) {
		buf_grow(buf, (size_t)len);
		vsnprintf(buf->p + buf->len, (size_t)len + 1, format, again);
	}
	va_end(again);
	buf->len += (size_t)len;
}

/* For messages; what is written a thousand times has a function of its own above. */
void
buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	buf_vprintf(buf, format, args);
	va_end(args);
}

struct str
buf_str(const struct buf *buf)
{
	return (struct str){buf->p, buf->len};
}

const char *
buf_cstr(const struct buf *buf)
{
	return buf->p != NULL ? buf->p : "";
}

/* Never NULL, so that what is taken can be printed and freed without asking. */
char *
buf_take(struct buf *buf)
{
	char *p = buf->p != NULL ? buf->p : mem_strndup("", 0);

	*buf = (struct buf){0};
	return p;
}
