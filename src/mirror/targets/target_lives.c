#include "mirror/targets/target_lives.h"

#include "aws/pace/retry.h"
#include "aws/services/pager.h"
#include "base/clock.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"
#include "mirror/config/instance.h"
#include "mirror/config/instance_types.h"
#include "mirror/targets/launch_proof.h"
#include "mirror/targets/target_facts.h"
#include "mirror/targets/target_requests.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define LOOKS_MAX     4	   /* for what is not listed, with 2, 4 and 8 s between them */
#define LOOK_DELAY_MS 2000 /* AWS: mostly a matter of some seconds */

#define FILTER_INTERFACE "network-interface.network-interface-id"
#define FILTER_LAUNCHED	 "tag:" TAG_TARGET_OF

/* A listing of instances by up to EC2_FILTER_VALUES_MAX values of a filter at a time. */
struct listing {
	const char *filter;
	json_t *values;
	size_t asked; /* values of which all pages are read, or being read */
};

struct target_lives {
	struct target_listing *list;
	struct waiters waiters;
	unsigned known; /* of which reading of the inventory; 0: of none */
	bool busy;
	bool holds;	       /* the inventory, which is not read again meanwhile */
	struct tmf_call *call; /* under way, or NULL */
	struct tmf_timer timer;
	struct listing listing;
	void (*listed)(struct target_lives *lives); /* at its end */
	int looks;
	size_t untagging; /* index of the next target to be looked at for its tag */
	json_t *open;	  /* interfaces of targets that are not settled */
	json_t *foreign;  /* those of others' targets: only their instances' types are asked for */
	/* Both: true where the instance lives, false where it is over. An interface that is on
	 * no list is in neither. */
	json_t *by_interface;
	json_t *by_launch;   /* "SUBNET GENERATION", as it was launched */
	json_t *only_tagged; /* {target: true} that were warned of */
};

static void lives_look(struct target_lives *lives);
static void lives_untag_next(struct target_lives *lives);

static void
lives_forget_look(struct target_lives *lives)
{
	json_decref(lives->listing.values);
	json_decref(lives->open);
	json_decref(lives->foreign);
	json_decref(lives->by_interface);
	json_decref(lives->by_launch);
	lives->listing.values = lives->open = lives->foreign = lives->by_interface =
	    lives->by_launch = NULL;
}

static void
lives_hold(struct target_lives *lives, bool holds)
{
	if (holds == lives->holds)
		return;
	assert(holds || lives->list->held > 0);
	lives->list->held += holds ? 1 : -1u;
	lives->holds = holds;
}

void
target_lives_free(struct target_lives *lives)
{
	tmf_call_cancel(lives->call);
	tmf_loop_timer_disarm(lives->list->account->loop, &lives->timer);
	waiters_fini(&lives->waiters);
	lives_forget_look(lives);
	lives_hold(lives, false);
	json_decref(lives->only_tagged);
	free(lives);
}

/* `known` stays as it was: an earlier look is better than none, but the next load looks again if
 * the inventory is no longer fresh. */
static void
lives_fail(struct target_lives *lives, const struct tmf_err *err)
{
	lives->busy = false;
	lives_hold(lives, false);
	lives_forget_look(lives);
	waiters_fail(&lives->waiters, err);
}

/* Such a target would have its subnet's new sources if its tags were proof. Once a process. */
static void
lives_warn_of_tags(struct target_lives *lives)
{
	const struct inventory *inventory = &lives->list->inventory;
	const char *cause =
	    "nothing but its tags says that it is tmflow's: new sources do not get it";
	const char *hint = "--trust-tags, trustTags: true in the configuration, or its targetId";

	for (size_t i = 0; i < inventory->count; i++) {
		const struct target *target = inventory->at[i];

		if (target->proved || !target->tagged || target->full || target->dead ||
		    target->subnet_id == NULL ||
		    json_object_get(lives->only_tagged, target->id) != NULL)
			continue;
		json_object_set_new(lives->only_tagged, target->id, json_true());
		log_event(LOG_WARN, "target.only_tagged", LOG_STR("target", target->id),
		    LOG_STR("subnet", target->subnet_id), LOG_STR("cause", cause),
		    LOG_STR("hint", hint));
	}
}

static void
lives_settle(struct target_lives *lives)
{
	json_t *result = json_object();

	assert(lives->busy);
	lives_warn_of_tags(lives);
	lives->busy = false;
	lives_hold(lives, false);
	lives->known = lives->list->times;
	lives_forget_look(lives);
	waiters_complete(&lives->waiters, result);
	json_decref(result);
}

/* --- taking the tags off --- */

/* Where that is not allowed, the creation of the subnet's next target tries again and fails.
 * Mirroring to other targets does not need it. */
static void
lives_untag_done(void *arg, struct tmf_call *call)
{
	struct target_lives *lives = arg;
	const struct inventory *inventory = &lives->list->inventory;
	struct target *target = inventory->at[lives->untagging++];
	json_t *reply = tmf_call_take_result(call);

	lives->call = NULL;
	if (reply != NULL || aws_error_is_not_found(call->err.name))
		target->tagged = false;
	else
		log_event(LOG_WARN, "target.tag_stays", LOG_STR("target", target->id),
		    LOG_ERR(&call->err));
	json_decref(reply);
	lives_untag_next(lives);
}

/* A dead target must not bear its subnet's tag, which leads others to it. One after the other: dead
 * targets are rare, and each request counts against the account's quota for changing requests. */
static void
lives_untag_next(struct target_lives *lives)
{
	const struct inventory *inventory = &lives->list->inventory;
	const struct account *account = lives->list->account;
	const struct target *target = NULL;

	for (; !account->dry_run && lives->untagging < inventory->count; lives->untagging++) {
		target = inventory->at[lives->untagging];
		if (target->dead && target->tagged && target->subnet_id != NULL)
			break;
		target = NULL;
	}
	if (target == NULL) {
		lives_settle(lives);
		return;
	}
	lives->call = target_order_untag(account->ec2, target->id, target->subnet_id);
	tmf_call_on_done(lives->call, lives_untag_done, lives);
}

/* --- judging --- */

/* By interface, since the open ones are kept as the filter's values. Every one of them is in the
 * inventory, which does not change during a look. */
static const struct target *
lives_target_at(const struct target_lives *lives, size_t index)
{
	return inventory_holding(
	    &lives->list->inventory, json_string_value(json_array_get(lives->open, index)));
}

/* True, false, or NULL where no list says. */
static const json_t *
lives_verdict(const struct target_lives *lives, const struct target *target)
{
	const json_t *verdict = json_object_get(lives->by_interface, target->interface_id);
	char key[TARGET_PLACE_BYTES];

	/* Only its interface speaks for one that was given up. */
	assert(target->interface_id != NULL);
	if (verdict != NULL || target->subnet_id == NULL || target->dead)
		return verdict;
	target_place(target->subnet_id, target->generation, key);
	return json_object_get(lives->by_launch, key);
}

/* What this store made just now may be on no list yet. */
static bool
lives_target_is_new(const struct target_lives *lives, const struct target *target)
{
	struct tmf_clock *clock = tmf_loop_clock(lives->list->account->loop);

	return target->made_wall_ms != 0 &&
	       clock->wall_ms(clock) - target->made_wall_ms < TARGET_FACT_SETTLED_MS;
}

/* Also from dead to alive: a verdict that rested on a lagging describe is taken back as soon as a
 * list shows the instance. */
static int
lives_set_dead(
    struct target_lives *lives, const struct target *found, bool dead, struct tmf_err *err)
{
	struct target *target = inventory_find(&lives->list->inventory, found->id);

	if (target->dead == dead)
		return 0;
	target->dead = dead;
	log_event(LOG_WARN, dead ? "target.dead" : "target.alive", LOG_STR("target", target->id),
	    LOG_STR("subnet", target->subnet_id), LOG_STR("interface", target->interface_id));
	return target_fact_put(lives->list->account, target, err);
}

/*
 * Settles what the lists show; what they do not show stays open for another look. Being listed is
 * proof; being absent is only proof after several looks, because EC2's describes are eventually
 * consistent. A target that was dead stays so without proof of the contrary, and is not waited for
 * again.
 */
static int
lives_judge(struct target_lives *lives, struct tmf_err *err)
{
	json_t *open = json_array();
	bool last = ++lives->looks == LOOKS_MAX;
	int ret = 0;

	for (size_t i = 0; i < json_array_size(lives->open) && ret == 0; i++) {
		const struct target *target = lives_target_at(lives, i);
		const json_t *verdict = lives_verdict(lives, target);

		if (verdict != NULL)
			ret = lives_set_dead(lives, target, json_is_false(verdict), err);
		else if (target->dead || lives_target_is_new(lives, target))
			continue;
		else if (last)
			ret = lives_set_dead(lives, target, true, err);
		else
			json_array_append(open, json_array_get(lives->open, i));
	}
	json_decref(lives->open);
	lives->open = open;
	return ret;
}

/* Waits 2, 4 and 8 s. A single wait of 14 s would be as sure, but the first wait is mostly
 * enough. */
static void
lives_look_done(struct target_lives *lives)
{
	struct account *account = lives->list->account;
	struct tmf_clock *clock = tmf_loop_clock(account->loop);
	struct tmf_err err = {0};

	if (lives_judge(lives, &err) < 0) {
		lives_fail(lives, &err);
		tmf_err_fini(&err);
	} else if (json_array_size(lives->open) == 0) {
		lives->untagging = 0;
		lives_untag_next(lives);
	} else {
		tmf_loop_timer_arm(account->loop, &lives->timer,
		    clock->mono_ms(clock) + ((int64_t)LOOK_DELAY_MS << (lives->looks - 1)));
	}
}

/* --- asking --- */

static void lives_list_next(struct target_lives *lives);

/* Two of one generation, as after a change of the rule: one that lives is enough. */
static void
lives_note_verdict(json_t *verdicts, const char *key, bool over)
{
	if (!json_is_true(json_object_get(verdicts, key)))
		json_object_set_new(verdicts, key, json_boolean(!over));
}

/* The type of the instance says how many sources its target takes. Others' targets are not judged
 * dead, but whether they take packets is known here. */
static void
lives_note_holder(struct target_lives *lives, const char *interface_id, const char *type, bool over)
{
	const struct target *held = inventory_holding(&lives->list->inventory, interface_id);
	struct target *target;

	if (held == NULL)
		return;
	target = inventory_find(&lives->list->inventory, held->id);
	target->stopped = over && !target->made;
	if (type != NULL)
		target->sources_max = instance_type_sources_max(type);
}

/* The target of the instance's primary interface is ours if the instance was launched for it. */
static void
lives_note_proof(struct target_lives *lives, const json_t *instance)
{
	const char *interface_id =
	    jsonx_get_string(instance_primary_interface(instance), "NetworkInterfaceId");
	const char *subnet_id = jsonx_get_string(instance, "SubnetId");
	const struct target *held =
	    interface_id != NULL ? inventory_holding(&lives->list->inventory, interface_id) : NULL;

	if (held != NULL && held->made && !held->proved && held->subnet_id != NULL &&
	    subnet_id != NULL && strcmp(held->subnet_id, subnet_id) == 0 &&
	    launch_is_proved(instance))
		inventory_find(&lives->list->inventory, held->id)->proved = true;
}

/* One that is stopped takes no packets, so its target is as good as gone until somebody starts it.
 * An instance is noted twice, by interface and by launch. The interface is exact, but is gone with
 * the instance; the launch's tags outlast it for about an hour. */
static void
lives_note_instance(struct target_lives *lives, const json_t *instance)
{
	const char *subnet_id = tag_value(instance, TAG_TARGET_OF);
	const char *generation = tag_value(instance, TAG_GENERATION);
	bool over = instance_is_over(instance) || instance_is_stopped(instance);
	char key[TARGET_PLACE_BYTES];
	json_t *interface;
	size_t i;

	lives_note_proof(lives, instance);
	json_array_foreach (jsonx_get_array(instance, "NetworkInterfaces"), i, interface) {
		const char *id = jsonx_get_string(interface, "NetworkInterfaceId");

		if (id == NULL)
			continue;
		lives_note_verdict(lives->by_interface, id, over);
		lives_note_holder(lives, id, jsonx_get_string(instance, "InstanceType"), over);
	}
	if (subnet_id == NULL || generation == NULL)
		return;
	target_place(subnet_id, (int)strtol(generation, NULL, 10), key);
	lives_note_verdict(lives->by_launch, key, over);
}

static enum ec2_page_next
lives_list_page(void *arg, json_t *reply, struct tmf_err *err)
{
	struct target_lives *lives = arg;
	json_t *instance;
	size_t i;

	(void)err;
	json_array_foreach (jsonx_get_array(reply, "Instances"), i, instance)
		lives_note_instance(lives, instance);
	return EC2_PAGE_MORE;
}

static void
lives_list_done(void *arg, struct tmf_call *call)
{
	struct target_lives *lives = arg;
	json_t *result = tmf_call_take_result(call);

	lives->call = NULL;
	if (result != NULL)
		lives_list_next(lives);
	else
		lives_fail(lives, &call->err);
	json_decref(result);
}

/* All pages of the next values, or the end of the listing. A page that is read again says the same
 * again, so a restart needs nothing. */
static void
lives_list_next(struct target_lives *lives)
{
	struct listing *listing = &lives->listing;
	json_t *values;
	json_t *filters;

	assert(listing->asked <= json_array_size(listing->values));
	if (listing->asked == json_array_size(listing->values)) {
		lives->listed(lives);
		return;
	}
	values = json_array();
	while (listing->asked < json_array_size(listing->values) &&
	       json_array_size(values) < EC2_FILTER_VALUES_MAX)
		json_array_append(values, json_array_get(listing->values, listing->asked++));
	filters = describe_filter(listing->filter, values);
	lives->call =
	    ec2_pages(lives->list->account->ec2, &(struct ec2_pages){.list = &ec2_list_launches,
						     .filters = filters,
						     .on_page = lives_list_page,
						     .arg = lives});
	tmf_call_on_done(lives->call, lives_list_done, lives);
	json_decref(filters);
}

/* values is taken. */
static void
lives_list(struct target_lives *lives, const char *filter, json_t *values,
    void (*listed)(struct target_lives *lives))
{
	assert(lives->call == NULL && listed != NULL);
	json_decref(lives->listing.values);
	lives->listing = (struct listing){.filter = filter, .values = values};
	lives->listed = listed;
	lives_list_next(lives);
}

/* A terminated instance has no interface any more, but for a while it is still listed with its
 * tags. Only the subnets of targets that the first list did not settle are asked for: usually none,
 * and then this costs no request. */
static void
lives_look_for_launched(struct target_lives *lives)
{
	json_t *subnets = json_object();
	json_t *values = json_array();
	const char *subnet_id;
	json_t *there;

	for (size_t i = 0; i < json_array_size(lives->open); i++) {
		const struct target *target = lives_target_at(lives, i);

		if (!target->dead && target->subnet_id != NULL &&
		    json_object_get(lives->by_interface, target->interface_id) == NULL)
			json_object_set_new(subnets, target->subnet_id, json_true());
	}
	json_object_foreach (subnets, subnet_id, there)
		json_array_append_new(values, json_string(subnet_id));
	json_decref(subnets);
	/* From here on what a list says of a launch counts; what the interfaces' lists said of
	 * others does not. */
	json_object_clear(lives->by_launch);
	lives_list(lives, FILTER_LAUNCHED, values, lives_look_done);
}

static void
lives_look(struct target_lives *lives)
{
	json_t *values = json_copy(lives->open);

	if (lives->looks == 0)
		json_array_extend(values, lives->foreign);
	lives_list(lives, FILTER_INTERFACE, values, lives_look_for_launched);
}

static void
lives_look_again(struct tmf_timer *timer)
{
	lives_look((struct target_lives *)((char *)timer - offsetof(struct target_lives, timer)));
}

/* --- */

/* Only targets that tmflow or the seed made are judged. A foreign target's instance may be in
 * another account, where it would be taken for gone. */
static void
lives_targets_read(void *arg, struct tmf_call *call)
{
	struct target_lives *lives = arg;
	const struct inventory *inventory;
	json_t *result = tmf_call_take_result(call);

	lives->call = NULL;
	if (result == NULL) {
		lives_fail(lives, &call->err);
		return;
	}
	json_decref(result);
	inventory = &lives->list->inventory;
	lives_hold(lives, true);
	lives->looks = 0;
	lives->open = json_array();
	lives->foreign = json_array();
	lives->by_interface = json_object();
	lives->by_launch = json_object();
	for (size_t i = 0; i < inventory->count; i++)
		if (inventory->at[i]->interface_id != NULL)
			json_array_append_new(inventory->at[i]->made ? lives->open : lives->foreign,
			    json_string(inventory->at[i]->interface_id));
	lives_look(lives);
}

struct target_lives *
target_lives_new(struct target_listing *list)
{
	struct target_lives *lives = mem_zalloc(1, sizeof(*lives));

	lives->list = list;
	lives->only_tagged = json_object();
	lives->timer.fire = lives_look_again;
	return lives;
}

/* The inventory is held at once where it is fresh, so that no load in the same turn replaces it
 * between here and the look. */
struct tmf_call *
target_lives_load(struct target_lives *lives)
{
	struct tmf_loop *loop = lives->list->account->loop;
	bool fresh = target_listing_is_fresh(lives->list);
	struct tmf_call *call;

	if (lives->known == lives->list->times && fresh)
		return tmf_call_of_result(loop, json_object());
	call = waiters_add(&lives->waiters, loop);
	if (!lives->busy) {
		lives->busy = true;
		lives_hold(lives, fresh);
		lives->call = target_listing_load(lives->list);
		tmf_call_on_done(lives->call, lives_targets_read, lives);
	}
	return call;
}
