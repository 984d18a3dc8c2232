#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

/*
 * Out of memory is not an error that a caller could handle: each one's handler would itself be
 * untested, and Linux kills a process long before malloc fails. What can be sized by input is
 * bounded where it comes in, so this cannot be reached by it; an abort leaves a core and a run
 * that resumes.
 */

static void __attribute__((noreturn)) out_of_memory(size_t bytes)
{
	fprintf(stderr, "tmflow: out of memory (%zu bytes wanted)\n", bytes);
	abort();
}

/* calloc checks this by itself, realloc does not. */
static size_t
product(size_t count, size_t bytes)
{
	size_t total;

	if (__builtin_mul_overflow(count, bytes, &total))
		out_of_memory(SIZE_MAX);
	return total;
}

/* malloc(0) may return NULL, which would look like a failure. */
void *
mem_alloc(size_t bytes)
{
	void *p = malloc(bytes > 0 ? bytes : 1);

	if (p == NULL)
		out_of_memory(bytes);
	return p;
}

void *
mem_zalloc(size_t count, size_t bytes)
{
	size_t total = product(count, bytes);
	void *p = calloc(1, total > 0 ? total : 1);

	if (p == NULL)
		out_of_memory(total);
	return p;
}

void *
mem_resize(void *p, size_t count, size_t bytes)
{
	size_t total = product(count, bytes);
	void *q = realloc(p, total > 0 ? total : 1);

	if (q == NULL)
		out_of_memory(total);
	return q;
}

/* NULL gives NULL, so an absent text need not be asked for. */
char *
mem_strdup(const char *s)
{
	return s != NULL ? mem_strndup(s, strlen(s)) : NULL;
}

char *
mem_strndup(const char *s, size_t len)
{
	char *copy = mem_alloc(len + 1);

	if (len > 0)
		memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *
mem_printf(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		out_of_memory(0);
	va_end(args);
	return text;
}

/* memset before free is removed by the optimizer as a dead store; OPENSSL_cleanse is not. */
void
mem_wipe(void *p, size_t bytes)
{
	if (p != NULL)
		OPENSSL_cleanse(p, bytes);
}
