/*
 * Preloaded into a program: lets one allocation fail, or all from one on. It sees those of every
 * library, since all of them end in malloc, calloc or realloc.
 *
 *     TMFLOW_OOM_AT=N     only the Nth fails
 *     TMFLOW_OOM_FROM=N   the Nth fails and all after it
 *     TMFLOW_OOM_STACK=H  with one of the two: of those from the Nth on, the first with the stack H
 *     TMFLOW_OOM_COUNT=F  how many there were is written to the file F when the program exits
 *     TMFLOW_OOM_STACKS=F the stack of each, as 16 hexadecimal digits a line, is written to the file
 *                         F when the program exits; of one that fails, before it does
 *
 * A stack is the sum of its return addresses, each counted from where its library was loaded, so
 * that it is the same in all processes.
 *
 * Counted from the moment when all libraries are loaded: what fails before that is the loader's.
 */

#define _GNU_SOURCE
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

#define EARLY_BYTES  65536   /* for dlsym, which may allocate before it has found the allocator */
#define STACKS_MAX   1000000 /* allocations of a process whose stacks are kept */
#define FRAMES_MAX   256
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
	atomic_bool begun; /* one has failed */
	atomic_long count;
	const char *stacks_path;
	uint64_t *stacks; /* in the order of the allocations */
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

	oom_write(oom.stacks_path, line,
	    snprintf(line, sizeof(line), "%016llx\n", (unsigned long long)stack));
}

/* Whether the nth allocation is the first to fail. What is allocated in here is not counted. */
static bool
oom_is_first(long n)
{
	bool is_first = oom.stack == 0 ? n == oom.at + oom.from : n >= oom.at + oom.from;
	uint64_t stack;

	if (oom.stacks == NULL && (!is_first || (oom.stacks_path == NULL && oom.stack == 0)))
		return is_first;
	oom_noting = true;
	stack = oom_stack();
	is_first = is_first && oom.stacks == NULL && (oom.stack == 0 || stack == oom.stack);
	if (is_first && oom.stacks_path != NULL)
		oom_write_stack(stack);
	else if (oom.stacks != NULL && n <= STACKS_MAX)
		oom.stacks[n - 1] = stack;
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
oom_number(const char *name)
{
	const char *text = getenv(name);

	return text != NULL ? atol(text) : 0;
}

__attribute__((constructor)) static void
oom_begin(void)
{
	const char *stack = getenv("TMFLOW_OOM_STACK");
	void *frame;

	if (oom_next.malloc_fn == NULL)
		oom_find_next();
	oom.at = oom_number("TMFLOW_OOM_AT");
	oom.from = oom_number("TMFLOW_OOM_FROM");
	oom.stack = stack != NULL ? strtoull(stack, NULL, 16) : 0;
	oom.stacks_path = getenv("TMFLOW_OOM_STACKS");
	if (oom.stacks_path != NULL) {
		(void)backtrace(&frame, 1); /* the first one loads a library */
		dl_iterate_phdr(oom_add_library, NULL);
		if (oom.at == 0 && oom.from == 0)
			oom.stacks = oom_next.calloc_fn(STACKS_MAX, sizeof(*oom.stacks));
	}
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
	for (long n = 0; oom.stacks != NULL && n < count && n < STACKS_MAX; n++)
		oom_write_stack(oom.stacks[n]);
}
