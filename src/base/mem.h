#ifndef TMFLOW_BASE_MEM_H
#define TMFLOW_BASE_MEM_H

#include <stddef.h>

/*
 * Allocation that cannot fail: out of memory prints one line and aborts. Whatever a user or a
 * server can size is limited by a named constant before it comes here.
 */

/* Allocates bytes, uninitialised. Takes: free() by the caller. bytes 0 is allowed. */
void *mem_alloc(size_t bytes);

/* Allocates count * bytes, zeroed; aborts on overflow of the product. */
void *mem_zalloc(size_t count, size_t bytes);

/* Resizes p (or allocates when NULL) to count * bytes; aborts on overflow. */
void *mem_resize(void *p, size_t count, size_t bytes);

/* Copies a NUL-terminated string. NULL gives NULL. */
char *mem_strdup(const char *s);

/* Copies len bytes and terminates them. */
char *mem_strndup(const char *s, size_t len);

/* printf into a new string. */
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Overwrites memory in a way that the compiler may not remove. */
void mem_wipe(void *p, size_t bytes);

#endif
