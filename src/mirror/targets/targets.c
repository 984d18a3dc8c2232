#include "mirror/targets/targets.h"

#include "aws/services/pager.h"
#include "base/clock.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "mirror/targets/target_creation.h"
#include "mirror/targets/target_facts.h"
#include "mirror/targets/target_leftovers.h"
#include "mirror/targets/target_lives.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Reading the inventory, and what is asked of it. */

struct mirror_targets {
	struct account *account;
	struct inventory inventory;
	struct target_creations *creations;
	struct target_lives *lives;
	struct target_leftovers *leftovers;
	bool loaded;		  /* once at least: the inventory can be asked */
	int64_t loaded_mono_ms;	  /* when that was */
	struct inventory listing; /* being read; takes the place of the inventory at its end */
	struct waiters loading;
	struct tmf_call *page; /* under way; NULL while nobody waits */
};

struct mirror_targets *
targets_new(struct account *account)
{
	struct mirror_targets *targets = mem_zalloc(1, sizeof(*targets));

	targets->account = account;
	inventory_init(&targets->inventory);
	inventory_init(&targets->listing);
	targets->creations = target_creations_new(targets);
	targets->lives = target_lives_new(targets);
	targets->leftovers = target_leftovers_new(targets, targets->creations);
	return targets;
}

/* Those that ask come before those that are asked: leftovers wait for creations, and both and the
 * lives look into the inventory. */
void
targets_free(struct mirror_targets *targets)
{
	if (targets == NULL)
		return;
	target_leftovers_free(targets->leftovers);
	target_lives_free(targets->lives);
	tmf_call_cancel(targets->page);
	waiters_fini(&targets->loading);
	target_creations_free(targets->creations);
	inventory_fini(&targets->inventory);
	inventory_fini(&targets->listing);
	free(targets);
}

/* --- reading --- */

static int64_t
targets_mono_ms(const struct mirror_targets *targets)
{
	struct tmf_clock *clock = tmf_loop_clock(targets->account->loop);

	return clock->mono_ms(clock);
}

/*
 * The listing takes the inventory's place as a whole, so that what others deleted goes too.
 * Whatever this process made or used up meanwhile is a fact of the store, and comes in from
 * there. Whether the instances live has to be looked at again.
 */
static void
targets_listed(struct mirror_targets *targets)
{
	struct inventory old = targets->inventory;
	struct tmf_err err = {0};
	json_t *result;

	if (target_facts_merge(targets->account, &targets->listing, &err) < 0) {
		waiters_fail(&targets->loading, &err);
		tmf_err_fini(&err);
		return;
	}
	assert(targets->page == NULL);
	targets->inventory = targets->listing;
	targets->loaded = true;
	targets->loaded_mono_ms = targets_mono_ms(targets);
	inventory_init(&targets->listing);
	inventory_fini(&old);
	target_lives_forget(targets->lives);
	result = json_object();
	waiters_complete(&targets->loading, result);
	json_decref(result);
}

/* Nothing is decided by a page: what a later page says of the same target may differ. */
static enum ec2_page_next
targets_listing_page(void *arg, json_t *reply, struct tmf_err *err)
{
	struct mirror_targets *targets = arg;
	json_t *listed;
	size_t i;

	(void)err;
	json_array_foreach (jsonx_get_array(reply, "TrafficMirrorTargets"), i, listed)
		inventory_add_listed(&targets->listing, listed);
	return EC2_PAGE_MORE;
}

/* A page token expires, and the listing begins again. What the earlier pages said is dropped, since
 * a target may have gone in between. */
static void
targets_listing_restart(void *arg)
{
	struct mirror_targets *targets = arg;

	inventory_fini(&targets->listing);
	inventory_init(&targets->listing);
}

/* Part of a list must not become the inventory: a target that it left out would be made a second
 * time. */
static void
targets_listing_over(void *arg, struct tmf_call *call)
{
	struct mirror_targets *targets = arg;
	json_t *result = tmf_call_take_result(call);

	assert(targets->page == call);
	targets->page = NULL;
	if (result != NULL)
		targets_listed(targets);
	else
		waiters_fail(&targets->loading, &call->err);
	json_decref(result);
}

/* A look at the instances goes by the inventory as it is: that is replaced before or after,
 * never meanwhile. */
bool
targets_are_fresh(const struct mirror_targets *targets)
{
	int64_t fresh_ms = targets->account->fresh_ms;

	if (!targets->loaded || targets->page != NULL)
		return false;
	return fresh_ms == 0 || target_lives_are_busy(targets->lives) ||
	       targets_mono_ms(targets) - targets->loaded_mono_ms <= fresh_ms;
}

/* Many actions may ask at once, but there is one listing: DescribeTrafficMirrorTargets has a small
 * request quota, which is shared by the whole account and region. */
struct tmf_call *
targets_load(struct mirror_targets *targets)
{
	struct tmf_call *call;

	if (targets_are_fresh(targets))
		return tmf_call_of_result(targets->account->loop, json_object());
	call = waiters_add(&targets->loading, targets->account->loop);
	if (targets->page == NULL) {
		targets_listing_restart(targets);
		targets->page =
		    ec2_pages(targets->account->ec2, &(struct ec2_pages){.list = &ec2_list_targets,
							 .on_page = targets_listing_page,
							 .on_restart = targets_listing_restart,
							 .arg = targets});
		tmf_call_on_done(targets->page, targets_listing_over, targets);
	}
	return call;
}

struct tmf_call *
targets_load_lives(struct mirror_targets *targets)
{
	return target_lives_load(targets->lives);
}

struct tmf_call *
targets_settle(struct mirror_targets *targets)
{
	return target_leftovers_settle(targets->leftovers);
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

struct account *
targets_account(const struct mirror_targets *targets)
{
	return targets->account;
}

const struct inventory *
targets_inventory(const struct mirror_targets *targets)
{
	assert(targets->loaded);
	return &targets->inventory;
}

const char *
targets_subnet(const struct config_rule *rule, const char *subnet_id)
{
	return rule->target_subnet_id != NULL ? rule->target_subnet_id : subnet_id;
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
	wanted = targets_subnet(rule, subnet_id);
	return target->subnet_id == NULL ||
	       (wanted != NULL && strcmp(target->subnet_id, wanted) == 0);
}

const char *
targets_subnet_of(const struct mirror_targets *targets, const char *target_id)
{
	const struct target *target = inventory_find(&targets->inventory, target_id);

	return target != NULL ? target->subnet_id : NULL;
}

bool
targets_is_interface(const struct mirror_targets *targets, const char *target_id)
{
	const struct target *target =
	    target_id != NULL ? inventory_find(&targets->inventory, target_id) : NULL;

	return target != NULL && target->interface_id != NULL;
}

/* The store is left alone: a dry run changes nothing, and what it would make exists for this
 * process only. */
void
targets_plan(struct mirror_targets *targets, const struct target *target)
{
	assert(targets->account->dry_run);
	inventory_add(&targets->inventory, target);
}

/* The entry, not the argument, goes to the store: it has what was known before as well. */
int
targets_note(struct mirror_targets *targets, const struct target *target, struct tmf_err *err)
{
	inventory_add(&targets->inventory, target);
	return target_fact_put(
	    targets->account, inventory_find(&targets->inventory, target->id), err);
}

/* The highest that is known, which may be more than was asked for: a lower one in the store would
 * bring used generations back after a restart. */
int
targets_burn(
    struct mirror_targets *targets, const char *subnet_id, int generation, struct tmf_err *err)
{
	inventory_note_generation(&targets->inventory, subnet_id, generation);
	return target_fact_burn(
	    targets->account, subnet_id, inventory_generation(&targets->inventory, subnet_id), err);
}

/* Remembers that a target of the subnet takes no more. A target that is not known any more is
 * one of ours that a stale describe left out. */
static int
targets_note_full(
    struct mirror_targets *targets, const struct target_request *request, struct tmf_err *err)
{
	const struct target *known = inventory_find(&targets->inventory, request->full_target_id);
	const struct target full = {
	    .id = (char *)request->full_target_id,
	    .subnet_id = (char *)targets_subnet(request->rule, request->subnet_id),
	    .made = true,
	    .full = true,
	    .tagged = true,
	};

	if (known != NULL && known->full)
		return 0;
	if (!targets->account->dry_run)
		return targets_note(targets, &full, err);
	targets_plan(targets, &full);
	return 0;
}

int
targets_choose(struct mirror_targets *targets, const struct target_request *request,
    const struct target **ret_target, struct tmf_err *err)
{
	assert(targets->loaded && request->rule->target_id == NULL);
	if (request->full_target_id != NULL && targets_note_full(targets, request, err) < 0)
		return -1;
	*ret_target = inventory_current(
	    &targets->inventory, targets_subnet(request->rule, request->subnet_id));
	return 0;
}

struct tmf_call *
targets_create(struct mirror_targets *targets, const struct target_request *request)
{
	assert(targets->loaded && !targets->account->dry_run);
	return target_creations_join(targets->creations, request);
}
