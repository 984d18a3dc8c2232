#include "idmap.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

#define IDMAP_CAPACITY_FIRST 16

static size_t
home_of(const struct idmap *map, uint64_t stored)
{
	uint64_t x = stored * 0x9e3779b97f4a7c15u;

	return (size_t)(x ^ x >> 32) & (map->capacity - 1);
}

/* The slot that holds the key, or the free slot where it would go. */
static size_t
slot_of(const struct idmap *map, uint64_t stored)
{
	size_t i = home_of(map, stored);

	while (map->slots[i].key != 0 && map->slots[i].key != stored)
		i = (i + 1) & (map->capacity - 1);
	return i;
}

static void
grow(struct idmap *map)
{
	struct idmap bigger = {.count = map->count};

	bigger.capacity = map->capacity == 0 ? IDMAP_CAPACITY_FIRST : map->capacity * 2;
	bigger.slots = mem_zalloc(bigger.capacity, sizeof(bigger.slots[0]));
	for (size_t i = 0; i < map->capacity; i++) {
		if (map->slots[i].key != 0)
			bigger.slots[slot_of(&bigger, map->slots[i].key)] = map->slots[i];
	}
	free(map->slots);
	*map = bigger;
}

void
idmap_set(struct idmap *map, uint64_t key, uint64_t value)
{
	size_t i;

	assert(key < UINT64_MAX);
	if (map->count * 4 >= map->capacity * 3)
		grow(map);
	i = slot_of(map, key + 1);
	if (map->slots[i].key == 0)
		map->count++;
	map->slots[i] = (struct idmap_slot){.key = key + 1, .value = value};
}

bool
idmap_get(const struct idmap *map, uint64_t key, uint64_t *ret_value)
{
	size_t i;

	if (map->capacity == 0)
		return false;
	i = slot_of(map, key + 1);
	if (map->slots[i].key == 0)
		return false;
	*ret_value = map->slots[i].value;
	return true;
}

void
idmap_remove(struct idmap *map, uint64_t key)
{
	size_t mask = map->capacity - 1;
	size_t hole, i;

	if (map->capacity == 0)
		return;
	hole = slot_of(map, key + 1);
	if (map->slots[hole].key == 0)
		return;
	map->count--;
	for (i = (hole + 1) & mask; map->slots[i].key != 0; i = (i + 1) & mask) {
		size_t home = home_of(map, map->slots[i].key);

		/* What would be found earlier from its home moves back into the hole. */
		if (((i - home) & mask) >= ((i - hole) & mask)) {
			map->slots[hole] = map->slots[i];
			hole = i;
		}
	}
	map->slots[hole].key = 0;
}

void
idmap_fini(struct idmap *map)
{
	free(map->slots);
	*map = (struct idmap){0};
}
