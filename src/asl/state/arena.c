#include "asl/state/arena.h"

#include "base/mem.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES_MIN 4096u

struct arena_chunk {
	struct arena_chunk *next;
	size_t used;
	size_t bytes;
	max_align_t data[];
};

struct arena_owned {
	struct arena_owned *next;
	void *thing;
	void (*release)(void *thing);
};

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

/* Chunks double, so that a machine of any size has few of them. */
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

char *
arena_strdup(struct arena *arena, const char *s)
{
	size_t bytes = strlen(s) + 1;

	return memcpy(arena_zalloc(arena, bytes, 1), s, bytes);
}

void
arena_own(struct arena *arena, void *thing, void (*release)(void *thing))
{
	struct arena_owned *owned = arena_zalloc(arena, 1, sizeof(*owned));

	*owned = (struct arena_owned){.next = arena->owned, .thing = thing, .release = release};
	arena->owned = owned;
}
