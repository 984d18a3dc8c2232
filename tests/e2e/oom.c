/*
 * Preloaded into a program: lets one allocation fail, or all from one on. It sees those of every
 * library, since all of them end in malloc, calloc or realloc.
 *
 *     TMFLOW_OOM_AT=N     only the Nth fails
 *     TMFLOW_OOM_FROM=N   the Nth fails and all after it
 *     TMFLOW_OOM_COUNT=F  how many there were is written to the file F when the program exits
 *
 * Counted from the moment when all libraries are loaded: what fails before that is the loader's.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define EARLY_BYTES 65536 /* for dlsym, which may allocate before it has found the allocator */

static struct {
	void *(*malloc_fn)(size_t bytes);
	void *(*calloc_fn)(size_t count, size_t bytes);
	void *(*realloc_fn)(void *p, size_t bytes);
} oom_next;

static struct {
	bool armed;
	long at;
	long from;
	atomic_long count;
} oom;

static _Alignas(max_align_t) unsigned char oom_early[EARLY_BYTES];
static size_t oom_early_used;

/* Zeroed, never freed. */
static void *
oom_early_alloc(size_t bytes)
{
	void *p = oom_early + oom_early_used;

	oom_early_used += (bytes + 15) & ~(size_t)15;
	if (oom_early_used > sizeof(oom_early))
		abort();
	return p;
}

static void
oom_find_next(void)
{
	static bool finding;

	if (finding)
		return;
	finding = true;
	*(void **)&oom_next.calloc_fn = dlsym(RTLD_NEXT, "calloc");
	*(void **)&oom_next.realloc_fn = dlsym(RTLD_NEXT, "realloc");
	*(void **)&oom_next.malloc_fn = dlsym(RTLD_NEXT, "malloc");
	finding = false;
}

static bool
oom_fails(void)
{
	long n;

	if (!oom.armed)
		return false;
	n = atomic_fetch_add(&oom.count, 1) + 1;
	if (n != oom.at && (oom.from == 0 || n < oom.from))
		return false;
	errno = ENOMEM;
	return true;
}

void *
malloc(size_t bytes)
{
	if (oom_next.malloc_fn == NULL)
		oom_find_next();
	if (oom_next.malloc_fn == NULL)
		return oom_early_alloc(bytes);
	return oom_fails() ? NULL : oom_next.malloc_fn(bytes);
}

void *
calloc(size_t count, size_t bytes)
{
	if (oom_next.malloc_fn == NULL)
		oom_find_next();
	if (oom_next.malloc_fn == NULL)
		return oom_early_alloc(count * bytes);
	return oom_fails() ? NULL : oom_next.calloc_fn(count, bytes);
}

void *
realloc(void *p, size_t bytes)
{
	if (oom_next.malloc_fn == NULL)
		oom_find_next();
	if (bytes == 0)
		return oom_next.realloc_fn(p, bytes); /* a free */
	return oom_fails() ? NULL : oom_next.realloc_fn(p, bytes);
}

static long
oom_number(const char *name)
{
	const char *text = getenv(name);

	return text != NULL ? atol(text) : 0;
}

__attribute__((constructor)) static void
oom_begin(void)
{
	if (oom_next.malloc_fn == NULL)
		oom_find_next();
	oom.at = oom_number("TMFLOW_OOM_AT");
	oom.from = oom_number("TMFLOW_OOM_FROM");
	oom.armed = true;
}

__attribute__((destructor)) static void
oom_end(void)
{
	const char *path = getenv("TMFLOW_OOM_COUNT");
	char text[32];
	int len;
	int fd;

	oom.armed = false;
	if (path == NULL)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	len = snprintf(text, sizeof(text), "%ld\n", atomic_load(&oom.count));
	if (fd < 0 || write(fd, text, (size_t)len) != len)
		_exit(99);
	close(fd);
}
