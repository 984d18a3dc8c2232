#ifndef TMFLOW_MIRROR_TARGETS_TARGET_CREATION_H
#define TMFLOW_MIRROR_TARGETS_TARGET_CREATION_H

#include "mirror/targets/target_inventory.h"
#include "mirror/targets/target_launches.h"

/* One creation of a target, from the first step to the last. target_creations.h has them all. */
struct creation;

/* Borrows all, until the creation is over. */
struct creation_opts {
	struct account *account;
	struct inventory *inventory;
	struct target_launches *launches;
	const struct config_rule *rule; /* NULL: a launch that was left behind is settled */
	const char *subnet_id;		/* of the target; copied */
	/* Called once, at its end: the creation is freed after that. */
	void (*on_end)(void *arg, struct creation *creation);
	void *arg;
};

/* A creation that nobody has begun yet. */
struct creation *creation_new(const struct creation_opts *opts);

/* Begins it: for the rule, or with a launch that was left behind. */
void creation_start(struct creation *creation);
void creation_start_with(struct creation *creation, const char *token, json_t *launch);

/* The opposite: deletes a target that nobody mirrors to, and terminates its instance. AWS refuses
 * that where somebody does by now: then both stay. fact: as target_facts_idle gives it. */
void creation_start_end(struct creation *creation, const char *target_id, const json_t *fact);

/* New call that ends with it: with {TargetId, Created}, where TargetId is null for a launch that
 * came to nothing. Errors: AWS's, after a rollback of what was launched; TMF_ERR_STORE. */
struct tmf_call *creation_wait(struct creation *creation);

/* Frees it; a call under way is cancelled, who waits is let go, and on_end is not called. */
void creation_free(struct creation *creation);

/* What it was made for. Borrow. */
const char *creation_subnet(const struct creation *creation);
const struct config_rule *creation_rule(const struct creation *creation);

#endif
