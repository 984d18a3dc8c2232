#ifndef TMFLOW_BASE_MEM_H
#define TMFLOW_BASE_MEM_H

#include <stddef.h>

/*
 * Allocation that cannot fail: out of memory prints one line and aborts. Whatever a user or a
 * server can size is limited by a named constant before it comes here.
 */

/* Says that bytes could not be had (0: as many as a library wanted), and aborts. Typed for use in
 * place of them. */
_Noreturn void *mem_exhausted(size_t bytes);

/* Allocates bytes, uninitialised. Takes: free() by the caller. bytes 0 is allowed. */
void *mem_alloc(size_t bytes);

/* Allocates count * bytes, zeroed; aborts on overflow of the product. */
void *mem_zalloc(size_t count, size_t bytes);

/* Resizes p (or allocates when NULL) to count * bytes; aborts on overflow. */
void *mem_resize(void *p, size_t count, size_t bytes);

/* As realloc, for libraries that take an allocator. */
void *mem_realloc(void *p, size_t bytes);

/* Copies a NUL-terminated string. NULL gives NULL. */
char *mem_strdup(const char *s);

/* Copies len bytes and terminates them. */
char *mem_strndup(const char *s, size_t len);

/* printf into a new string. */
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Makes jansson and libcrypto allocate by these functions, in the whole process: a program's first
 * act. Results of jansson need no look then: without it, a member that could not be allocated is
 * missing from its object, and nobody hears of it.
 * Returns: 0; -1 where libcrypto has allocated already. */
int mem_guard_libraries(void);

/* Gives what is free within the heap back to the system, where the C library can; else it stays for
 * later allocations. Costs a look at all of the heap. */
void mem_trim(void);

/* Overwrites memory in a way that the compiler may not remove. */
void mem_wipe(void *p, size_t bytes);

#endif
