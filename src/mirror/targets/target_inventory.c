#include "mirror/targets/target_inventory.h"

#include "base/jsonx.h"
#include "base/mem.h"
#include "mirror/account.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void
inventory_init(struct inventory *inventory)
{
	*inventory = (struct inventory){
	    .by_id = json_object(),
	    .by_interface = json_object(),
	    .by_subnet = json_object(),
	    .generations = json_object(),
	};
}

void
inventory_fini(struct inventory *inventory)
{
	for (size_t i = 0; i < inventory->count; i++) {
		free(inventory->at[i]->id);
		free(inventory->at[i]->interface_id);
		free(inventory->at[i]->destination);
		free(inventory->at[i]->owner_id);
		free(inventory->at[i]->subnet_id);
		free(inventory->at[i]->instance_id);
		free(inventory->at[i]->run);
		free(inventory->at[i]->idle_of);
		free(inventory->at[i]);
	}
	free(inventory->at);
	json_decref(inventory->by_id);
	json_decref(inventory->by_interface);
	json_decref(inventory->by_subnet);
	json_decref(inventory->generations);
	*inventory = (struct inventory){0};
}

/* The sets hold indices rather than pointers, since they are JSON. An index stays valid as long as
 * the inventory: entries are only added. */
static struct target *
inventory_at(const struct inventory *inventory, const json_t *index, const char *key)
{
	const json_t *number = json_object_get(index, key);

	assert(number == NULL || (size_t)json_integer_value(number) < inventory->count);
	return number != NULL ? inventory->at[json_integer_value(number)] : NULL;
}

struct target *
inventory_find(const struct inventory *inventory, const char *target_id)
{
	return inventory_at(inventory, inventory->by_id, target_id);
}

const struct target *
inventory_holding(const struct inventory *inventory, const char *interface_id)
{
	return inventory_at(inventory, inventory->by_interface, interface_id);
}

const struct target *
inventory_held_by(const struct inventory *inventory, const json_t *instance)
{
	json_t *interface;
	size_t i;

	json_array_foreach (jsonx_get_array(instance, "NetworkInterfaces"), i, interface) {
		const char *id = jsonx_get_string(interface, "NetworkInterfaceId");
		const struct target *held = id != NULL ? inventory_holding(inventory, id) : NULL;

		if (held != NULL)
			return held;
	}
	return NULL;
}

/* New entry with an id and nothing else. The array doubles when the count is a power of two.
 * Entries are allocated one by one, so that pointers that were given out outlive the growth. */
static struct target *
inventory_new_entry(struct inventory *inventory, const char *id)
{
	struct target *entry = mem_zalloc(1, sizeof(*entry));

	if ((inventory->count & (inventory->count - 1)) == 0)
		inventory->at = mem_resize(inventory->at,
		    inventory->count == 0 ? 1 : inventory->count * 2, sizeof(struct target *));
	entry->id = mem_strdup(id);
	inventory->at[inventory->count] = entry;
	json_object_set_new(inventory->by_id, id, json_integer((json_int_t)inventory->count));
	inventory->count++;
	return entry;
}

/* Of the entry's subnet: once per entry, since a subnet that is known never changes. */
static void
inventory_add_to_subnet(struct inventory *inventory, struct target *entry)
{
	json_t *members = json_object_get(inventory->by_subnet, entry->subnet_id);

	assert(entry->subnet_id != NULL);
	if (members == NULL) {
		members = json_array();
		json_object_set_new(inventory->by_subnet, entry->subnet_id, members);
	}
	json_array_append(members, json_object_get(inventory->by_id, entry->id));
}

/* What is known only grows. A describe that lags behind must not make a full target empty again, or
 * forget the interface of one that was just made; so flags are joined by `or`, numbers by their
 * maximum, and texts are set once. */
void
inventory_add(struct inventory *inventory, const struct target *target)
{
	struct target *entry = inventory_find(inventory, target->id);

	assert(inventory->by_id != NULL && target->id != NULL);
	if (entry == NULL)
		entry = inventory_new_entry(inventory, target->id);
	entry->made = entry->made || target->made;
	entry->proved = entry->proved || target->proved || target->made_wall_ms != 0;
	entry->full = entry->full || target->full;
	entry->tagged = entry->tagged || target->tagged;
	entry->dead = entry->dead || target->dead;
	if (entry->made_wall_ms < target->made_wall_ms)
		entry->made_wall_ms = target->made_wall_ms;
	if (entry->sources_max == 0)
		entry->sources_max = target->sources_max;
	if (entry->generation < target->generation)
		entry->generation = target->generation;
	if (entry->destination == NULL)
		entry->destination = mem_strdup(target->destination);
	if (entry->owner_id == NULL)
		entry->owner_id = mem_strdup(target->owner_id);
	if (entry->instance_id == NULL)
		entry->instance_id = mem_strdup(target->instance_id);
	if (entry->run == NULL)
		entry->run = mem_strdup(target->run);
	if (entry->idle_of == NULL)
		entry->idle_of = mem_strdup(target->idle_of);
	if (entry->interface_id == NULL && target->interface_id != NULL) {
		entry->interface_id = mem_strdup(target->interface_id);
		json_object_set(inventory->by_interface, entry->interface_id,
		    json_object_get(inventory->by_id, entry->id));
	}
	if (entry->subnet_id == NULL && target->subnet_id != NULL) {
		entry->subnet_id = mem_strdup(target->subnet_id);
		inventory_add_to_subnet(inventory, entry);
	}
	if (entry->subnet_id != NULL)
		inventory_note_generation(inventory, entry->subnet_id, entry->generation);
}

#define GENERATION_MAX 1000000 /* a tag is anybody's to write: keep what follows in range */

/* What is not a number counts as the seed's generation 0: such a target is used up first and then
 * replaced by one of generation 1. */
static int
inventory_parse_generation(const char *text)
{
	long number = text != NULL ? strtol(text, NULL, 10) : 0;

	return number > 0 && number < GENERATION_MAX ? (int)number : 0;
}

/*
 * Two applications' tags are read. The seed application wrote TAG_NAME and TAG_SUBNET only, and
 * took TAG_SUBNET off when the target was full. tmflow adds TAG_OUR_SUBNET, which stays, so that a
 * full target of ours still names its subnet. Example: {Name: seed's, no TAG_SUBNET} is full, and
 * its subnet is not known.
 *
 * A target that another account shares is listed here too, and its tags are that account's to
 * write: they would lead a subnet's traffic there. So they do not count; a rule may still name its
 * id.
 */
void
inventory_add_listed(
    struct inventory *inventory, const json_t *listed, const char *account_id, bool trusts_tags)
{
	const char *owner_id = jsonx_get_string(listed, "OwnerId");
	bool is_foreign =
	    owner_id != NULL && account_id[0] != '\0' && strcmp(owner_id, account_id) != 0;
	const char *name = tag_value(listed, TAG_NAME);
	const char *present = tag_value(listed, TAG_SUBNET);
	const char *ours = tag_value(listed, TAG_OUR_SUBNET);
	const char *generation = tag_value(listed, TAG_GENERATION);
	const char *balancer = jsonx_get_string(listed, "NetworkLoadBalancerArn");
	bool seeds = name != NULL && strcmp(name, TAG_NAME_VALUE) == 0;
	struct target target = {
	    .id = (char *)jsonx_get_string(listed, "TrafficMirrorTargetId"),
	    .interface_id = (char *)jsonx_get_string(listed, "NetworkInterfaceId"),
	    .destination = (char *)(balancer != NULL ? balancer
						     : jsonx_get_string(listed,
							   "GatewayLoadBalancerEndpointId")),
	    .owner_id = (char *)owner_id,
	    .made = !is_foreign && (seeds || ours != NULL),
	};

	if (target.id == NULL)
		return;
	/* The tags of a target that somebody made by hand mean nothing here: they could be
	 * anything. */
	if (target.made) {
		target.subnet_id = (char *)(ours != NULL ? ours : present);
		target.full = present == NULL;
		target.tagged = present != NULL;
		target.generation = inventory_parse_generation(generation);
		target.proved = trusts_tags;
	}
	inventory_add(inventory, &target);
}

/* The youngest, because an older one of a lower generation may be full without anybody having
 * noticed yet: it was replaced for a reason. */
const struct target *
inventory_current_beside(
    const struct inventory *inventory, const char *subnet_id, const char *target_id)
{
	const struct target *current = NULL;
	json_t *number;
	size_t i;

	json_array_foreach (json_object_get(inventory->by_subnet, subnet_id), i, number) {
		const struct target *target = inventory->at[json_integer_value(number)];

		if (target->proved && !target->full && !target->dead &&
		    strcmp(target->id, target_id) != 0 &&
		    (current == NULL || target->generation > current->generation))
			current = target;
	}
	return current;
}

const struct target *
inventory_current(const struct inventory *inventory, const char *subnet_id)
{
	return inventory_current_beside(inventory, subnet_id, "");
}

/* One at a time is enough: the caller takes that one's tag off, and asks again. */
struct target *
inventory_spent_tagged(const struct inventory *inventory, const char *subnet_id)
{
	json_t *number;
	size_t i;

	json_array_foreach (json_object_get(inventory->by_subnet, subnet_id), i, number) {
		struct target *target = inventory->at[json_integer_value(number)];

		if ((target->full || target->closed || target->dead) && target->tagged)
			return target;
	}
	return NULL;
}

int
inventory_generation(const struct inventory *inventory, const char *subnet_id)
{
	return (int)json_integer_value(json_object_get(inventory->generations, subnet_id));
}

/* Only upwards. A generation that is used again would ask AWS with a client token that it has
 * answered already, possibly with a terminated instance. */
void
inventory_note_generation(struct inventory *inventory, const char *subnet_id, int generation)
{
	assert(inventory->generations != NULL);
	if (generation > inventory_generation(inventory, subnet_id))
		json_object_set_new(inventory->generations, subnet_id, json_integer(generation));
}
