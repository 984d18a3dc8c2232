/*
 * Preloaded into a program: lets one allocation fail, or all from one on. It sees those of every
 * library, since all of them end in malloc, calloc or realloc.
 *
 *     TMFLOW_OOM_AT=N     only the Nth fails
 *     TMFLOW_OOM_FROM=N   the Nth fails and all after it
 *     TMFLOW_OOM_STACK=H  with one of the two and FAILED: of those from the Nth on, the first with the stack H
 *     TMFLOW_OOM_NTH=K    with all three: the Kth with that stack
 *     TMFLOW_OOM_COUNT=F  how many there were is written to the file F when the program exits
 *     TMFLOW_OOM_FAILED=F the stack of the first that fails, as 16 hexadecimal digits, is written to
 *                         the file F before it does
 *     TMFLOW_OOM_FORKS=F  each allocation fails in a child of its own, once in either way, and the
 *                         program goes on: see oom_forks.c for what F then says
 *     TMFLOW_OOM_EVERY=N  with it: one allocation in N
 *     TMFLOW_OOM_FIRST=1  with it: the first allocation of each stack
 *
 * A stack is the sum of its return addresses, each counted from where its library was loaded, so
 * that it is the same in all processes.
 *
 * Counted from the moment when all libraries are loaded: what fails before that is the loader's.
 */

#define _GNU_SOURCE
#include "oom.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EARLY_BYTES  65536 /* for dlsym, which may allocate before it has found the allocator */
#define FRAMES_MAX   256
#define PLACES_MAX   (1 << 17) /* stacks that are counted; a power of two */
#define SEGMENTS_MAX 128
#define LINE_BYTES   18
#define FNV_PRIME    0x100000001b3u
#define FNV_BASIS    0xcbf29ce484222325u

static struct {
	void *(*malloc_fn)(size_t bytes);
	void *(*calloc_fn)(size_t count, size_t bytes);
	void *(*realloc_fn)(void *p, size_t bytes);
} oom_next;

static struct {
	bool armed;
	long at;
	long from;
	uint64_t stack;	   /* 0 for any */
	long nth;	   /* of those with the stack */
	long met;	   /* of those so far */
	atomic_bool begun; /* one has failed */
	atomic_long count;
	const char *failed_path;
	bool forks;
	long every;
	bool first_only;
	struct oom_place *places; /* by stack: the last one with it */
} oom;

/* Where code lies in memory, by address: found once, since dladdr would take far longer. */
static struct {
	struct {
		uintptr_t start;
		uintptr_t end;
		uint64_t base; /* added to an address, makes it the same in all processes */
	} at[SEGMENTS_MAX];
	size_t count;
} oom_code;

static _Thread_local bool oom_noting;

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

static int
oom_add_library(struct dl_phdr_info *library, size_t size, void *arg)
{
	const char *slash = strrchr(library->dlpi_name, '/');
	uint64_t name = FNV_BASIS;

	(void)size;
	(void)arg;
	for (const char *c = slash != NULL ? slash : library->dlpi_name; *c != '\0'; c++)
		name = (name ^ (unsigned char)*c) * FNV_PRIME;
	for (size_t i = 0; i < library->dlpi_phnum && oom_code.count < SEGMENTS_MAX; i++) {
		const ElfW(Phdr) *part = &library->dlpi_phdr[i];

		if (part->p_type != PT_LOAD || (part->p_flags & PF_X) == 0)
			continue;
		if ((uintptr_t)&oom_add_library - library->dlpi_addr - part->p_vaddr <
		    part->p_memsz)
			continue; /* of this file */
		oom_code.at[oom_code.count].start = library->dlpi_addr + part->p_vaddr;
		oom_code.at[oom_code.count].end =
		    library->dlpi_addr + part->p_vaddr + part->p_memsz;
		oom_code.at[oom_code.count++].base = name - library->dlpi_addr;
	}
	return 0;
}

/* Without the frames of this file. A library that is loaded later on has no place, either. */
static uint64_t
oom_stack(void)
{
	void *frames[FRAMES_MAX];
	uint64_t sum = FNV_BASIS;
	int count = backtrace(frames, FRAMES_MAX);

	for (int i = 0; i < count; i++) {
		for (size_t k = 0; k < oom_code.count; k++)
			if ((uintptr_t)frames[i] >= oom_code.at[k].start &&
			    (uintptr_t)frames[i] < oom_code.at[k].end)
				sum = (sum ^ ((uintptr_t)frames[i] + oom_code.at[k].base)) *
				      FNV_PRIME;
	}
	return sum;
}

static void
oom_write(const char *path, const char *text, int len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, text, (size_t)len) != len)
		_exit(99);
	close(fd);
}

static void
oom_write_stack(uint64_t stack)
{
	char line[LINE_BYTES];

	oom_write(oom.failed_path, line,
	    snprintf(line, sizeof(line), "%016llx\n", (unsigned long long)stack));
}

/* Counts it among those with its stack. */
static struct oom_place
oom_place_of(long n)
{
	uint64_t stack = oom_stack();
	size_t i = stack & (PLACES_MAX - 1);

	while (oom.places[i].nth != 0 && oom.places[i].stack != stack)
		i = (i + 1) & (PLACES_MAX - 1);
	oom.places[i] = (struct oom_place){n, stack, oom.places[i].nth + 1};
	return oom.places[i];
}

/* Whether this is a child whose nth allocation fails. */
static bool
oom_fails_in_child(long n)
{
	enum oom_way way;
	struct oom_place place;

	oom_noting = true;
	place = oom_place_of(n);
	oom_noting = false;
	if (n % oom.every != 0 || (oom.first_only && place.nth > 1) || !oom_forks_try(&place, &way))
		return false;
	oom.forks = false;
	oom.from = way == OOM_FROM ? n : 0;
	return true;
}

/* Whether the nth allocation is the first to fail. What is allocated in here is not counted. */
static bool
oom_is_first(long n)
{
	bool is_first = oom.stack == 0 ? n == oom.at + oom.from : n >= oom.at + oom.from;
	uint64_t stack;

	if (oom.forks)
		return oom_fails_in_child(n);
	if (!is_first || oom.failed_path == NULL)
		return is_first;
	oom_noting = true;
	stack = oom_stack();
	is_first = oom.stack == 0 || (stack == oom.stack && ++oom.met == oom.nth);
	if (is_first)
		oom_write_stack(stack);
	oom_noting = false;
	return is_first;
}

static bool
oom_fails(void)
{
	bool fails;
	long n;

	if (!oom.armed || oom_noting)
		return false;
	n = atomic_fetch_add(&oom.count, 1) + 1;
	fails = atomic_load(&oom.begun) ? oom.from != 0 : oom_is_first(n);
	if (!fails)
		return false;
	atomic_store(&oom.begun, true);
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
oom_number(const char *name, long otherwise)
{
	const char *text = getenv(name);

	return text != NULL ? atol(text) : otherwise;
}

/* Last, since the system calls of all that follows are looked at. */
static void
oom_begin_forks(void)
{
	const char *path = getenv("TMFLOW_OOM_FORKS");

	oom.every = oom_number("TMFLOW_OOM_EVERY", 1);
	oom.first_only = oom_number("TMFLOW_OOM_FIRST", 0) != 0;
	oom.forks = path != NULL;
	if (!oom.forks)
		return;
	oom.places = oom_next.calloc_fn(PLACES_MAX, sizeof(*oom.places));
	oom_forks_begin(path);
}

__attribute__((constructor)) static void
oom_begin(void)
{
	const char *stack = getenv("TMFLOW_OOM_STACK");
	void *frame;

	if (oom_next.malloc_fn == NULL)
		oom_find_next();
	oom.at = oom_number("TMFLOW_OOM_AT", 0);
	oom.from = oom_number("TMFLOW_OOM_FROM", 0);
	oom.nth = oom_number("TMFLOW_OOM_NTH", 1);
	oom.stack = stack != NULL ? strtoull(stack, NULL, 16) : 0;
	oom.failed_path = getenv("TMFLOW_OOM_FAILED");
	if (oom.failed_path != NULL || getenv("TMFLOW_OOM_FORKS") != NULL) {
		(void)backtrace(&frame, 1); /* the first one loads a library */
		dl_iterate_phdr(oom_add_library, NULL);
	}
	oom_begin_forks();
	oom.armed = true;
}

__attribute__((destructor)) static void
oom_end(void)
{
	const char *path = getenv("TMFLOW_OOM_COUNT");
	long count = atomic_load(&oom.count);
	char text[32];

	oom.armed = false;
	if (path != NULL)
		oom_write(path, text, snprintf(text, sizeof(text), "%ld\n", count));
}
