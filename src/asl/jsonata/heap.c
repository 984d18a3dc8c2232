#include "asl/jsonata/heap.h"

#include "base/mem.h"

#include <assert.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

/* Small expressions are the rule: the first chunk holds a whole one, later ones double up to the
 * largest, so that a large evaluation asks malloc some ten times a megabyte at most. */
#define CHUNK_BYTES_FIRST ((size_t)1 << 10)
#define CHUNK_BYTES_MAX	  ((size_t)256 << 10)

/* Kept for the next evaluation of this thread: malloc merges what is free again whenever a large
 * block is given back, and the small ones of a result cost twice as much. None under the sanitizer,
 * which is to see what is used after its end. */
#ifdef __SANITIZE_ADDRESS__
#define SPARE_BYTES_MAX ((size_t)0)
#else
#define SPARE_BYTES_MAX ((size_t)64 << 10)
#endif

/* Only the newest chunk is filled: what is left in an older one is lost, which keeps the allocation
 * to one comparison. */
struct heap_chunk {
	struct heap_chunk *next;
	size_t bytes;
	/* The header's size need not be a multiple of the alignment that the contents want. */
	alignas(max_align_t) unsigned char at[];
};

struct heap_owned {
	struct heap_owned *next;
	void *thing;
	void (*release)(void *thing);
};

/* The smallest first. */
static _Thread_local struct heap_chunk *spare_chunks;
static _Thread_local size_t spare_bytes;

/* Chunks of a heap double, and the next heap asks for them in the same order: the first one that is
 * kept fits, or none does. */
static struct heap_chunk *
heap_chunk_new(size_t wanted)
{
	struct heap_chunk *chunk = spare_chunks;

	if (chunk != NULL && chunk->bytes >= wanted) {
		spare_chunks = chunk->next;
		spare_bytes -= chunk->bytes;
		return chunk;
	}
	chunk = mem_alloc(sizeof(*chunk) + wanted);
	chunk->bytes = wanted;
	return chunk;
}

/* A heap gives its largest chunk first, so what is kept is the smallest ones: a chunk that would
 * break the order is not. */
static void
heap_chunk_free(struct heap_chunk *chunk)
{
	if (chunk->bytes > SPARE_BYTES_MAX - spare_bytes ||
	    (spare_chunks != NULL && chunk->bytes > spare_chunks->bytes)) {
		free(chunk);
		return;
	}
	spare_bytes += chunk->bytes;
	chunk->next = spare_chunks;
	spare_chunks = chunk;
}

void
heap_init(struct heap *heap, size_t limit_bytes, void (*exhausted)(void *arg), void *arg)
{
	assert(exhausted != NULL);
	*heap = (struct heap){.limit_bytes = limit_bytes,
	    .steps_max = HEAP_STEPS_MAX,
	    .exhausted = exhausted,
	    .arg = arg};
}

void
heap_init_at(struct heap *heap, void *memory, size_t bytes, void (*exhausted)(void *arg), void *arg)
{
	heap_init(heap, bytes, exhausted, arg);
	heap->next = memory;
	heap->left = bytes;
}

/* A caller holds pointers into the heap, so returning would leave it with a missing block. */
void
heap_give_up(const struct heap *heap)
{
	heap->exhausted(heap->arg);
	abort(); /* it has returned, which it must not */
}

void
heap_release(struct heap_owned *owned)
{
	for (; owned != NULL; owned = owned->next)
		owned->release(owned->thing);
}

struct heap_owned *
heap_take_owned(struct heap *heap)
{
	struct heap_owned *owned = heap->owned;

	heap->owned = NULL;
	return owned;
}

void
heap_fini(struct heap *heap)
{
	/* The records of what is owned lie in the chunks, so they are read before the chunks are
	 * freed. */
	heap_release(heap->owned);
	while (heap->chunks != NULL) {
		struct heap_chunk *chunk = heap->chunks;

		heap->chunks = chunk->next;
		heap_chunk_free(chunk);
	}
	heap->owned = NULL;
	heap->used_bytes = 0;
	heap->left = 0;
}

/* A block larger than the largest chunk has a chunk of its own size. */
static void
heap_add_chunk(struct heap *heap, size_t bytes)
{
	size_t wanted = heap->chunks != NULL ? heap->chunks->bytes * 2 : CHUNK_BYTES_FIRST;
	struct heap_chunk *chunk;

	if (wanted > CHUNK_BYTES_MAX)
		wanted = CHUNK_BYTES_MAX;
	if (wanted < bytes)
		wanted = bytes;
	chunk = heap_chunk_new(wanted);
	chunk->next = heap->chunks;
	heap->chunks = chunk;
	heap->next = chunk->at;
	heap->left = chunk->bytes;
}

/* The limit is checked by subtraction, since a sum could wrap. Blocks are zeroed, so a new list or
 * object is an empty one. */
void *
heap_alloc(struct heap *heap, size_t bytes)
{
	size_t rounded;
	void *at;

	assert(bytes > 0);
	if (bytes > heap->limit_bytes || heap->used_bytes > heap->limit_bytes - bytes)
		heap_give_up(heap);
	/* 8 bytes are enough for what is kept here: pointers, doubles, 64-bit integers. */
	rounded = (bytes + 7) & ~(size_t)7;
	if (heap->left < rounded)
		heap_add_chunk(heap, rounded);
	at = heap->next;
	heap->next += rounded;
	heap->left -= rounded;
	heap->used_bytes += rounded;
	return memset(at, 0, bytes);
}

void
heap_charge(struct heap *heap, size_t bytes)
{
	if (bytes > heap->limit_bytes || heap->used_bytes > heap->limit_bytes - bytes)
		heap_give_up(heap);
	heap->used_bytes += bytes;
	assert(heap->used_bytes <= heap->limit_bytes);
}

/* The division guards the product against overflow. */
void *
heap_array(struct heap *heap, size_t count, size_t bytes)
{
	assert(count > 0 && bytes > 0);
	if (count > heap->limit_bytes / bytes)
		heap_give_up(heap);
	return heap_alloc(heap, count * bytes);
}

/* The byte behind the text is zero already, as heap_alloc gives it. */
char *
heap_text(struct heap *heap, const char *text, size_t bytes)
{
	char *copy = heap_alloc(heap, bytes + 1);

	memcpy(copy, text, bytes);
	return copy;
}

/* The record is allocated before the thing is linked. If that fails, nothing is registered. */
void
heap_own(struct heap *heap, void *thing, void (*release)(void *thing))
{
	struct heap_owned *owned = heap_alloc(heap, sizeof(*owned));

	owned->thing = thing;
	owned->release = release;
	owned->next = heap->owned;
	heap->owned = owned;
}
