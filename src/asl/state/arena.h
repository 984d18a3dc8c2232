#ifndef TMFLOW_ASL_STATE_ARENA_H
#define TMFLOW_ASL_STATE_ARENA_H

#include <stddef.h>

/* Memory that is freed all at once, and things elsewhere that are released with it. {0} is an
 * empty one. */
struct arena {
	struct arena_chunk *chunks;
	struct arena_owned *owned; /* the latest first */
};

/* Frees all of it, and releases what it owns, the latest first. */
void arena_fini(struct arena *arena);

/* Zeroed, aligned for anything. Aborts when count * bytes overflows. */
void *arena_zalloc(struct arena *arena, size_t count, size_t bytes);
char *arena_strdup(struct arena *arena, const char *s);

/* release(thing) is called by arena_fini. */
void arena_own(struct arena *arena, void *thing, void (*release)(void *thing));

#endif
