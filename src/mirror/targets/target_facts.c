#include "mirror/targets/target_facts.h"

#include "base/clock.h"
#include "base/jsonx.h"
#include "mirror/account.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Three kinds of facts, by their keys: a target's id, a subnet, a launch's client token. The kinds
 * are part of the store's format. A scope is one account in one region as the client reaches it, so
 * that a store that serves two of them does not mix up their targets. */
#define FACT_TARGET	"mirror-target"
#define FACT_GENERATION "mirror-target-generation"
#define FACT_LAUNCH	"mirror-target-launch"

static const char *
target_fact_scope(const struct account *account)
{
	return aws_client_scope(account->ec2);
}

/* Wall time, since facts outlive the process and the monotonic clock does not. */
int64_t
target_facts_wall_ms(const struct account *account)
{
	struct tmf_clock *clock = tmf_loop_clock(account->loop);

	return clock->wall_ms(clock);
}

/* value is taken. */
static int
target_fact_write(
    struct account *account, const char *kind, const char *key, json_t *value, struct tmf_err *err)
{
	struct buf text = {0};
	int ret;

	assert(value != NULL && key != NULL);
	jsonx_write(value, &text);
	ret = store_fact_put(
	    account->store, target_fact_scope(account), kind, key, buf_str(&text), err);
	buf_fini(&text);
	json_decref(value);
	return ret;
}

/* The whole target, although most members never change: a fact is replaced as a whole, and a merge
 * in the store would need a second format. `tagged` is left out: a listing says whether the tag is
 * there, and the store would only have an older answer. */
int
target_fact_put(struct account *account, const struct target *target, struct tmf_err *err)
{
	json_t *value = json_object();

	assert(target->id != NULL && target->made);
	jsonx_put_string(value, "SubnetId", target->subnet_id);
	jsonx_put_string(value, "NetworkInterfaceId", target->interface_id);
	json_object_set_new(value, "Generation", json_integer(target->generation));
	json_object_set_new(value, "Full", json_boolean(target->full));
	json_object_set_new(value, "Dead", json_boolean(target->dead));
	jsonx_put_string(value, "InstanceId", target->instance_id);
	jsonx_put_string(value, "Run", target->run);
	jsonx_put_string(value, "IdleOf", target->idle_of);
	json_object_set_new(value, "MadeWallMs", json_integer(target->made_wall_ms));
	json_object_set_new(value, "WallMs", json_integer(target_facts_wall_ms(account)));
	return target_fact_write(account, FACT_TARGET, target->id, value, err);
}

/* The entry, not the argument, goes to the store: it has what was known before as well. */
int
target_note(struct account *account, struct inventory *inventory, const struct target *target,
    struct tmf_err *err)
{
	inventory_add(inventory, target);
	return target_fact_put(account, inventory_find(inventory, target->id), err);
}

/* Once a target: the fact is written again for its first session only. */
int
target_note_used(struct account *account, struct inventory *inventory, const char *target_id,
    struct tmf_err *err)
{
	struct target *target = inventory_find(inventory, target_id);

	if (target == NULL || target->idle_of == NULL)
		return 0;
	free(target->idle_of);
	target->idle_of = NULL;
	return target_fact_put(account, target, err);
}

/* Its launch's fact, which says that it is ending, takes the place of IdleOf. */
int
target_note_gone(struct account *account, struct inventory *inventory, const struct target *gone,
    bool *ret_was_full, struct tmf_err *err)
{
	const struct target *known = inventory_find(inventory, gone->id);
	struct target full = *gone;

	full.full = true;
	*ret_was_full = known != NULL && known->full;
	return target_note_used(account, inventory, gone->id, err) < 0
		   ? -1
		   : target_note(account, inventory, &full, err);
}

/* After a crash nobody knows any more whether it was full: AWS will say. */
int
target_note_kept(struct account *account, struct inventory *inventory, const char *target_id,
    bool was_full, struct tmf_err *err)
{
	struct target *target = inventory_find(inventory, target_id);

	if (target == NULL)
		return 0;
	target->full = was_full;
	return target_fact_put(account, target, err);
}

/* It may be listed a while longer. That its instance is gone is nothing to warn of then. */
int
target_note_deleted(struct account *account, struct inventory *inventory, const char *target_id,
    struct tmf_err *err)
{
	struct target *target = inventory_find(inventory, target_id);

	if (target == NULL)
		return 0;
	target->dead = true;
	return target_fact_put(account, target, err);
}

/* The highest that is known, which may be more than was asked for: a lower one in the store would
 * bring used generations back after a restart. */
int
target_burn(struct account *account, struct inventory *inventory, const char *subnet_id,
    int generation, struct tmf_err *err)
{
	inventory_note_generation(inventory, subnet_id, generation);
	return target_fact_write(account, FACT_GENERATION, subnet_id,
	    json_integer(inventory_generation(inventory, subnet_id)), err);
}

/* Takes facts out of the store as {key: value}; what does not parse is left out. A fact that a
 * newer release wrote in another form must not stop this one from mirroring. */
static int
target_fact_collect(void *arg, const char *key, struct str value)
{
	json_t *parsed = jsonx_parse(value, NULL);

	if (parsed != NULL)
		json_object_set_new(arg, key, parsed);
	return 0;
}

static json_t *
target_fact_read(struct account *account, const char *kind, struct tmf_err *err)
{
	json_t *facts = json_object();

	if (store_facts_each(account->store, target_fact_scope(account), kind, target_fact_collect,
		facts, err) == 0)
		return facts;
	json_decref(facts);
	return NULL;
}

/* Reads all generations for one: it is used by `destroy` only, which has no inventory to ask. */
int
target_fact_note_generation(
    struct account *account, const char *subnet_id, int generation, struct tmf_err *err)
{
	json_t *generations = target_fact_read(account, FACT_GENERATION, err);
	int ret = 0;

	if (generations == NULL)
		return -1;
	if (json_integer_value(json_object_get(generations, subnet_id)) < generation)
		ret = target_fact_write(
		    account, FACT_GENERATION, subnet_id, json_integer(generation), err);
	json_decref(generations);
	return ret;
}

int
target_fact_put_launch(
    struct account *account, const char *token, json_t *launch, struct tmf_err *err)
{
	return target_fact_write(account, FACT_LAUNCH, token, json_incref(launch), err);
}

int
target_fact_drop_launch(struct account *account, const char *token, struct tmf_err *err)
{
	return store_fact_delete(
	    account->store, target_fact_scope(account), FACT_LAUNCH, token, err);
}

json_t *
target_fact_launches(struct account *account, struct tmf_err *err)
{
	return target_fact_read(account, FACT_LAUNCH, err);
}

/* MadeWallMs is when this store made it, WallMs when the fact was last written. Only the former
 * says whether AWS may not list it yet: a target that was noted as full a moment ago can be a year
 * old. */
json_t *
target_facts_new(struct account *account, struct tmf_err *err)
{
	json_t *facts = target_fact_read(account, FACT_TARGET, err);
	const char *id;
	json_t *fact;
	void *next;

	json_object_foreach_safe (facts, next, id, fact) {
		int64_t made = json_integer_value(json_object_get(fact, "MadeWallMs"));

		if (made == 0 || target_facts_wall_ms(account) - made > TARGET_FACT_SETTLED_MS)
			json_object_del(facts, id);
	}
	return facts;
}

/* One without an instance was not launched here: there is nothing to take back. */
json_t *
target_facts_idle(struct account *account, struct tmf_err *err)
{
	json_t *facts = target_fact_read(account, FACT_TARGET, err);
	const char *id;
	json_t *fact;
	void *next;

	json_object_foreach_safe (facts, next, id, fact)
		if (jsonx_get_string(fact, "IdleOf") == NULL ||
		    jsonx_get_string(fact, "SubnetId") == NULL ||
		    jsonx_get_string(fact, "InstanceId") == NULL ||
		    jsonx_get_string(fact, "NetworkInterfaceId") == NULL)
			json_object_del(facts, id);
	return facts;
}

/* Adds "SUBNET GENERATION" of the facts that name the run. Targets name their run as Run, launches
 * as Owner: a launch can change hands, when another run takes it up, and a target cannot. */
static void
target_fact_note_run(json_t *places, const json_t *facts, const char *member, const char *run)
{
	const char *key;
	json_t *fact;

	json_object_foreach ((json_t *)facts, key, fact) {
		const char *subnet_id = jsonx_get_string(fact, "SubnetId");
		const char *of = jsonx_get_string(fact, member);
		char place[TARGET_PLACE_BYTES];

		if (subnet_id == NULL || of == NULL || strcmp(of, run) != 0)
			continue;
		target_place(
		    subnet_id, (int)json_integer_value(json_object_get(fact, "Generation")), place);
		json_object_set_new(places, place, json_true());
	}
}

/* Both kinds are read, because a launch becomes a target within the run and then is no longer a
 * launch. */
json_t *
target_fact_places(struct account *account, const char *run, struct tmf_err *err)
{
	json_t *targets = target_fact_read(account, FACT_TARGET, err);
	json_t *launches = targets != NULL ? target_fact_read(account, FACT_LAUNCH, err) : NULL;
	json_t *places = NULL;

	if (launches != NULL) {
		places = json_object();
		target_fact_note_run(places, targets, "Run", run);
		target_fact_note_run(places, launches, "Owner", run);
	}
	json_decref(targets);
	json_decref(launches);
	return places;
}

/* A blank stands in no subnet id, so two places are never written alike. */
void
target_place(const char *subnet_id, int generation, char ret_place[TARGET_PLACE_BYTES])
{
	snprintf(ret_place, TARGET_PLACE_BYTES, "%s %d", subnet_id, generation);
}

/* A target that settled without being listed is gone, but its generation stays used. The generation
 * is written first: if that fails, the fact stays and nothing is forgotten. */
static int
target_fact_forget(struct account *account, struct inventory *inventory, const struct target *gone,
    struct tmf_err *err)
{
	assert(inventory_find(inventory, gone->id) == NULL);
	if (gone->subnet_id != NULL &&
	    target_burn(account, inventory, gone->subnet_id, gone->generation, err) < 0)
		return -1;
	return store_fact_delete(
	    account->store, target_fact_scope(account), FACT_TARGET, gone->id, err);
}

/* A target that AWS does not list is believed for TARGET_FACT_SETTLED_MS after the last write.
 * After that it was deleted by somebody, and keeping it would send sources to it for ever. */
static int
target_fact_merge(struct account *account, struct inventory *inventory, const char *id,
    const json_t *fact, struct tmf_err *err)
{
	int64_t age_ms =
	    target_facts_wall_ms(account) - json_integer_value(json_object_get(fact, "WallMs"));
	struct target target = {
	    .id = (char *)id,
	    .subnet_id = (char *)jsonx_get_string(fact, "SubnetId"),
	    .interface_id = (char *)jsonx_get_string(fact, "NetworkInterfaceId"),
	    .made = true,
	    .instance_id = (char *)jsonx_get_string(fact, "InstanceId"),
	    .run = (char *)jsonx_get_string(fact, "Run"),
	    .idle_of = (char *)jsonx_get_string(fact, "IdleOf"),
	    .full = json_is_true(json_object_get(fact, "Full")),
	    .dead = json_is_true(json_object_get(fact, "Dead")),
	    .made_wall_ms = json_integer_value(json_object_get(fact, "MadeWallMs")),
	    .generation = (int)json_integer_value(json_object_get(fact, "Generation")),
	};

	if (inventory_find(inventory, id) == NULL && age_ms > TARGET_FACT_SETTLED_MS)
		return target_fact_forget(account, inventory, &target, err);
	inventory_add(inventory, &target);
	return 0;
}

/* Generations first: target_fact_forget burns up to the highest that is known, and must not write a
 * lower one over it. */
int
target_facts_merge(struct account *account, struct inventory *inventory, struct tmf_err *err)
{
	json_t *targets = target_fact_read(account, FACT_TARGET, err);
	json_t *generations =
	    targets != NULL ? target_fact_read(account, FACT_GENERATION, err) : NULL;
	int ret = generations != NULL ? 0 : -1;
	const char *key;
	json_t *fact;

	if (ret == 0)
		json_object_foreach (generations, key, fact)
			inventory_note_generation(inventory, key, (int)json_integer_value(fact));
	if (ret == 0)
		json_object_foreach (targets, key, fact)
			if (ret == 0)
				ret = target_fact_merge(account, inventory, key, fact, err);
	json_decref(targets);
	json_decref(generations);
	return ret;
}
