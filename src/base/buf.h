#ifndef TMFLOW_BASE_BUF_H
#define TMFLOW_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A borrowed slice, passed by value; not NUL-terminated. */
struct str {
	const char *p;
	size_t len;
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})

/* The slice of a C string. NULL gives an empty one. Borrows: s. */
struct str str_of(const char *s);

/* True for the same bytes. */
bool str_eq(struct str a, struct str b);
bool str_is(struct str a, const char *s);

/* True if s begins with prefix. */
bool str_starts(struct str s, const char *prefix);

/* Removes blanks, tabs, CR and LF at both ends. */
struct str str_trim(struct str s);

/* Returns the known word nearest to word by edit distance (at most 1 + a third of its length), or
 * NULL.
 * Borrows: the result is an element of known, which ends with NULL. */
const char *str_nearest(struct str word, const char *const *known);

/* An owned, growing buffer. {0} is an empty one; p[len] is NUL whenever p is not NULL. */
struct buf {
	char *p;
	size_t len;
	size_t cap;
};

/* Frees the memory and leaves an empty buffer. Secrets: mem_wipe it before. */
void buf_fini(struct buf *buf);

/* Empties the buffer and keeps its memory. */
void buf_reset(struct buf *buf);

/* Makes room for more_bytes and the NUL behind them. */
void buf_grow(struct buf *buf, size_t more_bytes);

/* The same where there may be room already. */
static inline void
buf_reserve(struct buf *buf, size_t more_bytes)
{
	if (more_bytes >= buf->cap - buf->len)
		buf_grow(buf, more_bytes);
}

/* Appends bytes of data, which must not be the buffer's own. */
void buf_add(struct buf *buf, const void *data, size_t bytes);

/* Inline: texts are made of single characters in many places. */
static inline void
buf_add_char(struct buf *buf, char c)
{
	buf_reserve(buf, 1);
	buf->p[buf->len++] = c;
	buf->p[buf->len] = '\0';
}

/* Append a slice, a C string, an integer in decimal. */
void buf_add_str(struct buf *buf, struct str s);
void buf_add_cstr(struct buf *buf, const char *s);
void buf_add_int(struct buf *buf, int64_t integer);

/* printf at the end. */
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *buf, const char *format, va_list args);

/* Borrows the content; valid until the next change. */
struct str buf_str(const struct buf *buf);

/* Borrows the content as a C string ("" when empty). */
const char *buf_cstr(const struct buf *buf);

/* Moves the content out as a malloc'ed C string and empties the buffer. Never NULL. */
char *buf_take(struct buf *buf);

#endif
