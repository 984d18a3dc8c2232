#ifndef TMFLOW_MIRROR_TARGET_FACTS_INTERNAL_H
#define TMFLOW_MIRROR_TARGET_FACTS_INTERNAL_H

#include "target_inventory_internal.h"
#include "tmflow/base/err.h"

struct mirror;

/* What the store knows of targets that were made: it bridges the time until AWS lists them. */

/* Longer than any describe lags behind: what is still not listed then is gone. */
#define TARGET_FACT_SETTLED_MS (15LL * 60 * 1000)

int target_fact_put(struct mirror *mirror, const struct target *target, struct err *err);
int target_fact_burn(struct mirror *mirror, const char *subnet_id, int generation, struct err *err);

/* As target_fact_burn, unless the store knows a higher one already. */
int target_fact_note_generation(
    struct mirror *mirror, const char *subnet_id, int generation, struct err *err);

/* An instance that was launched for a subnet's next target and has none yet. Borrows. */
struct target_launch {
	const char *instance_id;
	const char *interface_id;
	int generation;
	int64_t wall_ms; /* when */
};
int target_fact_put_launch(struct mirror *mirror, const char *subnet_id,
    const struct target_launch *launch, struct err *err);
int target_fact_drop_launch(struct mirror *mirror, const char *subnet_id, struct err *err);

/* *ret_kept holds what *ret_launch borrows from (a new reference); both are untouched where there is none. Returns 1, 0 for none, -1. */
int target_fact_launch(struct mirror *mirror, const char *subnet_id, json_t **ret_kept,
    struct target_launch *ret_launch, struct err *err);

/* Adds what the store knows to what AWS listed, and forgets what has settled without being listed. */
int target_facts_merge(struct mirror *mirror, struct inventory *inventory, struct err *err);

#endif
