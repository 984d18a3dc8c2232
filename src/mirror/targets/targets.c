#include "mirror/targets/targets.h"

#include "base/mem.h"
#include "mirror/targets/target_creations.h"
#include "mirror/targets/target_facts.h"
#include "mirror/targets/target_leftovers.h"
#include "mirror/targets/target_listing.h"
#include "mirror/targets/target_lives.h"
#include "mirror/targets/target_rooms.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Puts together what stands below, each part on those above its line, and answers what is asked of
 * the whole. */
struct mirror_targets {
	struct account *account;
	struct target_listing listing; /* has the inventory */
	struct target_lives *lives;
	struct target_rooms *rooms;
	struct target_creations *creations;
	struct target_leftovers *leftovers;
	json_t *given_up; /* {target: true}: looked for several times, and never listed */
};

struct mirror_targets *
targets_new(struct account *account)
{
	struct mirror_targets *targets = mem_zalloc(1, sizeof(*targets));

	targets->account = account;
	target_listing_init(&targets->listing, account);
	targets->lives = target_lives_new(&targets->listing);
	targets->rooms = target_rooms_new(&targets->listing, targets->lives);
	targets->creations = target_creations_new(account, &targets->listing.inventory);
	targets->leftovers =
	    target_leftovers_new(account, targets->creations, targets->rooms, targets->lives);
	targets->given_up = json_object();
	return targets;
}

void
targets_free(struct mirror_targets *targets)
{
	if (targets == NULL)
		return;
	json_decref(targets->given_up);
	target_leftovers_free(targets->leftovers);
	target_creations_free(targets->creations);
	target_rooms_free(targets->rooms);
	target_lives_free(targets->lives);
	target_listing_fini(&targets->listing);
	free(targets);
}

struct tmf_call *
targets_load(struct mirror_targets *targets)
{
	return target_listing_load(&targets->listing);
}

struct tmf_call *
targets_load_lives(struct mirror_targets *targets)
{
	return target_lives_load(targets->lives);
}

unsigned
targets_readings(const struct mirror_targets *targets)
{
	return targets->listing.times;
}

/* While a look goes through the inventory that is not read again: the caller sees that the target
 * is still unknown, and comes again. */
struct tmf_call *
targets_load_lives_after(struct mirror_targets *targets, unsigned readings)
{
	assert(!targets->account->dry_run); /* what it has planned is in the inventory only */
	if (targets->listing.wanted < readings + 1)
		targets->listing.wanted = readings + 1;
	return target_lives_load(targets->lives);
}

struct tmf_call *
targets_load_rooms(struct mirror_targets *targets)
{
	return target_rooms_load(targets->rooms);
}

struct tmf_call *
targets_settle(struct mirror_targets *targets, bool takes_back)
{
	return target_leftovers_settle(targets->leftovers, takes_back);
}

/* The tags are as anybody may write them. They are only compared with what the store knows, so a
 * tag made by hand claims nothing. */
int
targets_launched(struct mirror_targets *targets, const json_t *instance, struct tmf_err *err)
{
	const char *subnet_id = tag_value(instance, TAG_TARGET_OF);
	const char *generation = tag_value(instance, TAG_GENERATION);

	if (subnet_id == NULL || generation == NULL)
		return 0;
	return target_creations_launched(
	    targets->creations, subnet_id, (int)strtol(generation, NULL, 10), err);
}

/* --- asking --- */

const struct inventory *
targets_inventory(const struct mirror_targets *targets)
{
	assert(targets->listing.times > 0);
	return &targets->listing.inventory;
}

bool
targets_allowed(const struct mirror_targets *targets, const struct config_rule *rule,
    const char *subnet_id, const char *target_id)
{
	const struct target *target;
	const char *wanted;

	/* A target of the rule's own is used as it is: whether it lives or is full is the
	 * operator's business, and the inventory may not even be loaded. */
	if (rule->target_id != NULL)
		return strcmp(rule->target_id, target_id) == 0;
	target = inventory_find(targets_inventory(targets), target_id);
	if (target == NULL || !target->made || target->dead)
		return false;
	/* A target that the seed application found full no longer names its subnet. */
	wanted = target_subnet(rule, subnet_id);
	return target->subnet_id == NULL ||
	       (wanted != NULL && strcmp(target->subnet_id, wanted) == 0);
}

const char *
targets_subnet_of(const struct mirror_targets *targets, const char *target_id)
{
	const struct target *target = inventory_find(&targets->listing.inventory, target_id);

	return target != NULL ? target->subnet_id : NULL;
}

bool
targets_may_come(const struct mirror_targets *targets, const char *target_id)
{
	return !targets->account->dry_run &&
	       inventory_find(targets_inventory(targets), target_id) == NULL &&
	       json_object_get(targets->given_up, target_id) == NULL;
}

void
targets_give_up(struct mirror_targets *targets, const char *target_id)
{
	json_object_set_new(targets->given_up, target_id, json_true());
}

bool
targets_is_interface(const struct mirror_targets *targets, const char *target_id)
{
	const struct target *target =
	    target_id != NULL ? inventory_find(&targets->listing.inventory, target_id) : NULL;

	return target != NULL && target->interface_id != NULL;
}

/* The store is left alone: a dry run changes nothing, and what it would make exists for this
 * process only. */
void
targets_plan(struct mirror_targets *targets, const struct target *target)
{
	assert(targets->account->dry_run);
	inventory_add(&targets->listing.inventory, target);
}

/* Remembers that a target takes no more. One that is not known is one of ours that a stale describe
 * left out, unless the rule names it: of that the store has no fact. */
int
targets_note_full(
    struct mirror_targets *targets, const struct target_request *request, struct tmf_err *err)
{
	struct target *known = inventory_find(&targets->listing.inventory, request->full_target_id);
	const struct target full = {
	    .id = (char *)request->full_target_id,
	    .subnet_id = (char *)target_request_subnet(request),
	    .made = true,
	    .full = true,
	    .tagged = true,
	};

	if (known != NULL && known->full)
		return 0;
	if (request->rule->target_id != NULL) {
		if (known != NULL)
			known->full = true;
		return 0;
	}
	if (!targets->account->dry_run)
		return target_note(targets->account, &targets->listing.inventory, &full, err);
	targets_plan(targets, &full);
	return 0;
}

static int
targets_refuse(const struct target *target, const char *target_id, struct tmf_err *err)
{
	unsigned max = target != NULL ? target_rooms_max(target) : 0;

	return max > 0 ? tmf_err_set_name(err, TMF_ERR_SERVICE, ERROR_SOURCES_LIMIT,
			     "target %s takes no more than %u sources", target_id, max)
		       : tmf_err_set_name(err, TMF_ERR_SERVICE, ERROR_SOURCES_LIMIT,
			     "target %s takes no more sources", target_id);
}

int
targets_enter(struct mirror_targets *targets, const char *target_id, const char *interface_id,
    struct tmf_err *err)
{
	return target_rooms_enter(targets->rooms, target_id, interface_id)
		   ? 0
		   : targets_refuse(
			 inventory_find(&targets->listing.inventory, target_id), target_id, err);
}

void
targets_settle_place(
    struct mirror_targets *targets, const char *target_id, const char *interface_id, bool used)
{
	/* One that nobody expected to be mirrored has none yet. */
	if (used)
		target_rooms_enter(targets->rooms, target_id, interface_id);
	target_rooms_settle(targets->rooms, target_id, interface_id, used);
}

int
targets_note_used(struct mirror_targets *targets, const char *target_id, struct tmf_err *err)
{
	return target_id != NULL && !targets->account->dry_run
		   ? target_note_used(targets->account, &targets->listing.inventory, target_id, err)
		   : 0;
}

const struct target *
targets_choose(struct mirror_targets *targets, const struct target_request *request)
{
	assert(targets->listing.times > 0 && request->rule->target_id == NULL);
	return target_rooms_choose(
	    targets->rooms, target_request_subnet(request), request->interface_id);
}

bool
targets_creating(const struct mirror_targets *targets, const struct target_request *request)
{
	return target_creations_find(targets->creations, target_request_subnet(request));
}

struct tmf_call *
targets_create(struct mirror_targets *targets, const struct target_request *request)
{
	assert(targets->listing.times > 0 && !targets->account->dry_run);
	return target_creations_join(targets->creations, request);
}
