#ifndef TMFLOW_MIRROR_TARGETS_TARGET_LISTING_H
#define TMFLOW_MIRROR_TARGETS_TARGET_LISTING_H

#include "mirror/account.h"
#include "mirror/targets/target_inventory.h"
#include "mirror/waiters.h"

/*
 * What AWS lists of an account's targets, with what the store knows: the inventory, read once in a
 * process, or again when it is older than the account's fresh_ms.
 */
struct target_listing {
	struct account *account;
	struct inventory inventory; /* as it was read last */
	unsigned times;		    /* it was read; 0: it cannot be asked yet */
	int64_t read_mono_ms;	    /* when that was last */
	unsigned wanted;	    /* an earlier reading than that one is not fresh */
	/* Who goes through the inventory: until they are done it is not read again. */
	unsigned held;
	struct inventory coming; /* being read; takes the place of the inventory at its end */
	struct waiters waiters;
	struct tmf_call *call; /* under way; NULL while nobody waits */
};

/* Nothing read. Borrows account. _fini cancels what is under way. */
void target_listing_init(struct target_listing *listing, struct account *account);
void target_listing_fini(struct target_listing *listing);

/* New call that ends with {} once the inventory is read; at once if it is fresh. Until then the
 * one before can be asked. Errors: as DescribeTrafficMirrorTargets; TMF_ERR_STORE. */
struct tmf_call *target_listing_load(struct target_listing *listing);

/* False where target_listing_load has to ask AWS. */
bool target_listing_is_fresh(const struct target_listing *listing);

#endif
