#ifndef EC2SIM_IDMAP_H
#define EC2SIM_IDMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A hash table from 64-bit number to 64-bit number, open addressing. {0} is an empty one. */
struct idmap_slot {
	uint64_t key; /* stored + 1, so that 0 marks a free slot */
	uint64_t value;
};

struct idmap {
	struct idmap_slot *slots;
	size_t capacity; /* a power of two, or 0 */
	size_t count;
};

/* Limits: key must be less than UINT64_MAX. */
void idmap_set(struct idmap *map, uint64_t key, uint64_t value);

/* Returns false, and leaves *ret_value alone, where the key is absent. */
bool idmap_get(const struct idmap *map, uint64_t key, uint64_t *ret_value);

/* Does nothing where the key is absent. */
void idmap_remove(struct idmap *map, uint64_t key);
void idmap_fini(struct idmap *map);

#endif
