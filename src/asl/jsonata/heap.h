#ifndef TMFLOW_ASL_JSONATA_HEAP_H
#define TMFLOW_ASL_JSONATA_HEAP_H

#include <stddef.h>

/*
 * Memory of one compiled expression, or of one evaluation: handed out from chunks, freed all at
 * once. No caller needs to look at the result: where the limit would be passed, the heap calls
 * `exhausted`, which jumps away and never returns. So nothing that lives elsewhere may be owned by
 * a function that allocates here, except what is registered with heap_own.
 */
struct heap {
	struct heap_chunk *chunks;
	struct heap_owned *owned; /* the latest first */
	size_t used_bytes;
	size_t limit_bytes;
	void (*exhausted)(void *arg); /* does not return */
	void *arg;
};

/* Sets up an empty heap. exhausted must not return: see fault.h. */
void heap_init(struct heap *heap, size_t limit_bytes, void (*exhausted)(void *arg), void *arg);

/* Frees all that was allocated, and releases what was registered, the latest first. */
void heap_fini(struct heap *heap);

/* Returns bytes, zeroed and aligned for anything. Does not return where the limit is passed. */
void *heap_alloc(struct heap *heap, size_t bytes);

/* The same for count elements of size bytes. */
void *heap_array(struct heap *heap, size_t count, size_t bytes);

/* A copy of text with a NUL behind it. */
char *heap_text(struct heap *heap, const char *text, size_t bytes);

/* Has release(thing) called by heap_fini. */
void heap_own(struct heap *heap, void *thing, void (*release)(void *thing));

#endif
