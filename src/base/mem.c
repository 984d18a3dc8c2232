#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <malloc.h>
#include <openssl/crypto.h>

/*
 * Out of memory is not an error that a caller could handle: each one's handler would itself be
 * untested, and Linux kills a process long before malloc fails. What can be sized by input is
 * bounded where it comes in, so this cannot be reached by it; an abort leaves a core and a run
 * that resumes.
 */

void *
mem_exhausted(size_t bytes)
{
	if (bytes > 0)
		fprintf(stderr, "tmflow: out of memory (%zu bytes wanted)\n", bytes);
	else
		fputs("tmflow: out of memory\n", stderr);
	abort();
}

/* calloc checks this by itself, realloc does not. */
static size_t
product(size_t count, size_t bytes)
{
	size_t total;

	if (__builtin_mul_overflow(count, bytes, &total))
		mem_exhausted(SIZE_MAX);
	return total;
}

/* malloc(0) may return NULL, which would look like a failure. */
void *
mem_alloc(size_t bytes)
{
	void *p = malloc(bytes > 0 ? bytes : 1);

	if (p == NULL)
		mem_exhausted(bytes);
	return p;
}

void *
mem_zalloc(size_t count, size_t bytes)
{
	size_t total = product(count, bytes);
	void *p = calloc(1, total > 0 ? total : 1);

	if (p == NULL)
		mem_exhausted(total);
	return p;
}

void *
mem_resize(void *p, size_t count, size_t bytes)
{
	size_t total = product(count, bytes);
	void *q = realloc(p, total > 0 ? total : 1);

	if (q == NULL)
		mem_exhausted(total);
	return q;
}

void *
mem_realloc(void *p, size_t bytes)
{
	return mem_resize(p, 1, bytes);
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
		mem_exhausted(0);
	va_end(args);
	return text;
}

/* libcrypto says where it allocates, and frees by realloc to 0. */
static void *
crypto_alloc(size_t bytes, const char *file, int line)
{
	(void)file;
	(void)line;
	return bytes > 0 ? mem_alloc(bytes) : NULL;
}

static void
crypto_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

static void *
crypto_realloc(void *p, size_t bytes, const char *file, int line)
{
	if (bytes > 0)
		return mem_realloc(p, bytes);
	crypto_free(p, file, line);
	return NULL;
}

int
mem_guard_libraries(void)
{
	json_set_alloc_funcs(mem_alloc, free);
	return CRYPTO_set_mem_functions(crypto_alloc, crypto_realloc, crypto_free) == 1 ? 0 : -1;
}

void
mem_trim(void)
{
#ifdef __GLIBC__ /* musl gives back by itself */
	malloc_trim(0);
#endif
}

/* memset before free is removed by the optimizer as a dead store; OPENSSL_cleanse is not. */
void
mem_wipe(void *p, size_t bytes)
{
	if (p != NULL)
		OPENSSL_cleanse(p, bytes);
}
