#include "asl/state/arena.h"

#include "base/mem.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES_MIN 4096u

/* The memory of a machine is freed as a whole, so nothing in a chunk is freed by itself. */
struct arena_chunk {
	struct arena_chunk *next;
	size_t used;
	size_t bytes;
	max_align_t data[];
};

/* For what is not memory of the arena: references to JSON, parsed paths. */
struct arena_owned {
	struct arena_owned *next;
	void *thing;
	void (*release)(void *thing);
};

/* The owned things go before the chunks, since their records lie in these. */
void
arena_fini(struct arena *arena)
{
	while (arena->owned != NULL) {
		struct arena_owned *owned = arena->owned;

		arena->owned = owned->next; /* lies in a chunk itself */
		owned->release(owned->thing);
	}
	while (arena->chunks != NULL) {
		struct arena_chunk *chunk = arena->chunks;

		arena->chunks = chunk->next;
		free(chunk);
	}
}

/* Chunks double, so that a machine of any size has few of them. A block larger than the
 * next chunk has a chunk of its own size. */
static struct arena_chunk *
add_chunk(struct arena *arena, size_t bytes)
{
	size_t chunk_bytes = arena->chunks != NULL ? 2 * arena->chunks->bytes : CHUNK_BYTES_MIN;
	struct arena_chunk *chunk;

	if (chunk_bytes < bytes)
		chunk_bytes = bytes;
	chunk = mem_alloc(sizeof(*chunk) + chunk_bytes);
	*chunk = (struct arena_chunk){.next = arena->chunks, .bytes = chunk_bytes};
	arena->chunks = chunk;
	return chunk;
}

/* Every block is aligned for any type. Zeros are what most fields of a state mean by
 * "absent". */
void *
arena_zalloc(struct arena *arena, size_t count, size_t bytes)
{
	size_t align = _Alignof(max_align_t);
	struct arena_chunk *chunk = arena->chunks;
	size_t total;
	void *p;

	assert(count == 0 || bytes <= (SIZE_MAX / 4) / count);
	total = (count * bytes + align - 1) / align * align;
	if (chunk == NULL || chunk->bytes - chunk->used < total)
		chunk = add_chunk(arena, total);
	p = (char *)chunk->data + chunk->used;
	chunk->used += total;
	return memset(p, 0, total);
}

/* The text lives as long as the machine, whatever happens to the caller's. */
char *
arena_strdup(struct arena *arena, const char *s)
{
	size_t bytes = strlen(s) + 1;

	return memcpy(arena_zalloc(arena, bytes, 1), s, bytes);
}

/* Released in the reverse order of the calls, since the list grows at its head. */
void
arena_own(struct arena *arena, void *thing, void (*release)(void *thing))
{
	struct arena_owned *owned = arena_zalloc(arena, 1, sizeof(*owned));

	*owned = (struct arena_owned){.next = arena->owned, .thing = thing, .release = release};
	arena->owned = owned;
}
