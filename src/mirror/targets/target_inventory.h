#ifndef TMFLOW_MIRROR_TARGETS_TARGET_INVENTORY_H
#define TMFLOW_MIRROR_TARGETS_TARGET_INVENTORY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The mirror targets that are known: what AWS lists and what this process and the store know to
 * have made. Describes are eventually consistent, so nothing is taken off again, and what is
 * known to be full stays so whatever a describe says.
 */
struct target {
	char *id;
	char *interface_id; /* NULL: a load balancer or an endpoint */
	char *destination;  /* the load balancer's ARN or the endpoint's id; NULL: an interface */
	char *owner_id;	    /* the account; NULL: not known yet */
	/* Whose sources it was made for; NULL: neither tmflow nor the seed made it, or unknown. */
	char *subnet_id;
	bool made; /* by tmflow or the seed application, as its tags say */
	/* And they say true: this store made it, or its instance's client token proves it. New
	 * sources get no other one; see launch_proof.h. */
	bool proved;
	bool full;   /* answered that it takes no more sources, or lost its tag for that */
	bool tagged; /* bears TAG_SUBNET, as far as is known: comes off when it is full */
	/* As many sources as it takes are mirrored to it: loses its tag, too. See
	 * target_rooms.h. */
	bool closed;
	/* Its instance is gone: what is mirrored to it is lost. See target_lives.h. */
	bool dead;
	/* Its instance was seen stopped or ended, and neither tmflow nor the seed made it: so it is
	 * not for tmflow to replace. */
	bool stopped;
	int generation;	      /* 0: the seed's */
	unsigned sources_max; /* by its instance's type; 0: not known */
	int64_t made_wall_ms; /* when this store made it; 0: it did not */
	/* Of the launch, as far as this store knows; NULL: it does not */
	char *instance_id;
	char *run; /* whose process launched it */
	/* The run that takes it back at its end, unless somebody mirrors to it by then; NULL: it
	 * has been used, or this store did not make it. */
	char *idle_of;
};

struct inventory {
	struct target **at;
	size_t count;
	json_t *by_id; /* id: index */
	json_t *by_interface;
	json_t *by_subnet;   /* subnet: [index] */
	json_t *generations; /* subnet: the highest that is known to be used */
};

/* Empty, and back to nothing: only _init makes it usable again. */
void inventory_init(struct inventory *inventory);
void inventory_fini(struct inventory *inventory);

/* Adds (or merges into what is known by that id) a target; fields are copied. */
void inventory_add(struct inventory *inventory, const struct target *target);

/* The same from DescribeTrafficMirrorTargets, as that account sees it ("": not known yet).
 * trusts_tags: they are proof enough. */
void inventory_add_listed(
    struct inventory *inventory, const json_t *listed, const char *account_id, bool trusts_tags);

/* NULL when unknown. Borrows, until the inventory ends. */
struct target *inventory_find(const struct inventory *inventory, const char *target_id);
const struct target *inventory_holding(const struct inventory *inventory, const char *interface_id);

/* The target that one of the instance's interfaces is, be it any of them: traffic that arrives on
 * one may leave by another. NULL: none is one that is known. Borrows likewise. */
const struct target *inventory_held_by(const struct inventory *inventory, const json_t *instance);

/* The target that new sources of the subnet get: the youngest that is proved and neither full nor
 * dead; NULL if the subnet has no such target. */
const struct target *inventory_current(const struct inventory *inventory, const char *subnet_id);

/* The same without one: what new sources get once that is gone. */
const struct target *inventory_current_beside(
    const struct inventory *inventory, const char *subnet_id, const char *target_id);

/* One of the subnet that is full, closed or dead and still bears its tag, or NULL. */
struct target *inventory_spent_tagged(const struct inventory *inventory, const char *subnet_id);

/* The highest generation known to be used for the subnet (0: none), and noting one. */
int inventory_generation(const struct inventory *inventory, const char *subnet_id);
void inventory_note_generation(struct inventory *inventory, const char *subnet_id, int generation);

#endif
