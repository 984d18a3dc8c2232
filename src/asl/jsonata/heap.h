#ifndef TMFLOW_ASL_JSONATA_HEAP_H
#define TMFLOW_ASL_JSONATA_HEAP_H

#include "base/watchdog.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Memory of one compiled expression, or of one evaluation: handed out from chunks, freed all at
 * once. No caller needs to look at the result: where the limit would be passed, the heap calls
 * `exhausted`, which jumps away and never returns. So nothing that lives elsewhere may be owned by
 * a function that allocates here, except what is registered with heap_own.
 *
 * Time and stack are handed out here as well, so that one budget bounds all that recurses and all
 * that loops: the nodes of an expression, and the walks over values. A value needs this as much
 * as a function does: `$ ~> |$|{"self": $}|` makes one that holds itself, and forty times [$x, $x]
 * one of 2^40 leaves.
 */
#define HEAP_STEPS_MAX	   30000000u /* some seconds */
#define HEAP_STEPS_WATCHED 64u
#define HEAP_DEPTH_MAX	   2500u /* a level takes less than 2 KiB of stack, also sanitized */

struct heap {
	unsigned char *next; /* what is handed out next, of `left` bytes */
	size_t left;
	struct heap_chunk *chunks;
	struct heap_owned *owned; /* the latest first */
	size_t used_bytes;
	size_t limit_bytes;
	uint64_t steps; /* of work, so far */
	uint64_t steps_max;
	unsigned depth;		      /* of the recursion under way */
	void (*exhausted)(void *arg); /* does not return */
	void *arg;
};

/* Sets up an empty heap. exhausted must not return: see fault.h. */
void heap_init(struct heap *heap, size_t limit_bytes, void (*exhausted)(void *arg), void *arg);

/* The same over bytes of the caller's at memory, aligned for anything, which are its limit. */
void heap_init_at(
    struct heap *heap, void *memory, size_t bytes, void (*exhausted)(void *arg), void *arg);

/* Frees all that was allocated, and releases what was registered, the latest first. */
void heap_fini(struct heap *heap);

/* Returns bytes, zeroed and aligned for anything. Does not return where the limit is passed. */
void *heap_alloc(struct heap *heap, size_t bytes);

/* The same for count elements of size bytes. */
void *heap_array(struct heap *heap, size_t count, size_t bytes);

/* Counts bytes that lie elsewhere against the limit, before they are made. */
void heap_charge(struct heap *heap, size_t bytes);

/* A copy of text with a NUL behind it. */
char *heap_text(struct heap *heap, const char *text, size_t bytes);

/* Ends the evaluation as one that has passed a bound. */
_Noreturn void heap_give_up(const struct heap *heap);

/* Takes steps from the budget. Does not return where it is used up. A step whose cost is larger
 * than it counts is the watchdog's business, which is asked now and then. */
static inline void
heap_spend(struct heap *heap, uint64_t steps)
{
	uint64_t before = heap->steps;

	/* 64 bits, and each amount is bounded by a value's size: the sum cannot wrap. */
	heap->steps += steps;
	if (heap->steps > heap->steps_max ||
	    (before / HEAP_STEPS_WATCHED != heap->steps / HEAP_STEPS_WATCHED && watchdog_overdue()))
		heap_give_up(heap);
}

/* Goes one level down, for one step: the depth bounds the C stack, the step the time. Does not
 * return where HEAP_DEPTH_MAX is passed. */
static inline void
heap_enter(struct heap *heap)
{
	if (++heap->depth > HEAP_DEPTH_MAX)
		heap_give_up(heap);
	heap_spend(heap, 1);
}

static inline void
heap_leave(struct heap *heap)
{
	assert(heap->depth > 0);
	heap->depth--;
}

/* Has release(thing) called by heap_fini. */
void heap_own(struct heap *heap, void *thing, void (*release)(void *thing));

/* What heap_fini would release, from then on the caller's to release with heap_release. Its records
 * stay in the heap's memory. */
struct heap_owned *heap_take_owned(struct heap *heap);
void heap_release(struct heap_owned *owned);

#endif
