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
		free(inventory->at[i]->subnet_id);
		free(inventory->at[i]->instance_id);
		free(inventory->at[i]->run);
		free(inventory->at[i]);
	}
	free(inventory->at);
	json_decref(inventory->by_id);
	json_decref(inventory->by_interface);
	json_decref(inventory->by_subnet);
	json_decref(inventory->generations);
	*inventory = (struct inventory){0};
}

static struct target *
inventory_at(const struct inventory *inventory, const json_t *index, const char *key)
{
	const json_t *number = json_object_get(index, key);

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

/* New entry with an id and nothing else. */
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

static void
inventory_add_to_subnet(struct inventory *inventory, struct target *entry)
{
	json_t *members = json_object_get(inventory->by_subnet, entry->subnet_id);

	if (members == NULL) {
		members = json_array();
		json_object_set_new(inventory->by_subnet, entry->subnet_id, members);
	}
	json_array_append(members, json_object_get(inventory->by_id, entry->id));
}

void
inventory_add(struct inventory *inventory, const struct target *target)
{
	struct target *entry = inventory_find(inventory, target->id);

	assert(inventory->by_id != NULL && target->id != NULL);
	if (entry == NULL)
		entry = inventory_new_entry(inventory, target->id);
	entry->made = entry->made || target->made;
	entry->full = entry->full || target->full;
	entry->tagged = entry->tagged || target->tagged;
	entry->dead = entry->dead || target->dead;
	if (entry->made_wall_ms < target->made_wall_ms)
		entry->made_wall_ms = target->made_wall_ms;
	if (entry->generation < target->generation)
		entry->generation = target->generation;
	if (entry->instance_id == NULL)
		entry->instance_id = mem_strdup(target->instance_id);
	if (entry->run == NULL)
		entry->run = mem_strdup(target->run);
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

static int
inventory_parse_generation(const char *text)
{
	long number = text != NULL ? strtol(text, NULL, 10) : 0;

	return number > 0 && number < GENERATION_MAX ? (int)number : 0;
}

void
inventory_add_listed(struct inventory *inventory, const json_t *listed)
{
	const char *name = tag_value(listed, TAG_NAME);
	const char *present = tag_value(listed, TAG_SUBNET);
	const char *ours = tag_value(listed, TAG_OUR_SUBNET);
	const char *generation = tag_value(listed, TAG_GENERATION);
	bool seeds = name != NULL && strcmp(name, TAG_NAME_VALUE) == 0;
	struct target target = {
	    .id = (char *)jsonx_get_string(listed, "TrafficMirrorTargetId"),
	    .interface_id = (char *)jsonx_get_string(listed, "NetworkInterfaceId"),
	    .made = seeds || ours != NULL,
	};

	if (target.id == NULL)
		return;
	if (target.made) {
		target.subnet_id = (char *)(ours != NULL ? ours : present);
		target.full = present == NULL;
		target.tagged = present != NULL;
		target.generation = inventory_parse_generation(generation);
	}
	inventory_add(inventory, &target);
}

const struct target *
inventory_current_beside(
    const struct inventory *inventory, const char *subnet_id, const char *target_id)
{
	const struct target *current = NULL;
	json_t *number;
	size_t i;

	json_array_foreach (json_object_get(inventory->by_subnet, subnet_id), i, number) {
		const struct target *target = inventory->at[json_integer_value(number)];

		if (!target->full && !target->dead && strcmp(target->id, target_id) != 0 &&
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

struct target *
inventory_spent_tagged(const struct inventory *inventory, const char *subnet_id)
{
	json_t *number;
	size_t i;

	json_array_foreach (json_object_get(inventory->by_subnet, subnet_id), i, number) {
		struct target *target = inventory->at[json_integer_value(number)];

		if ((target->full || target->dead) && target->tagged)
			return target;
	}
	return NULL;
}

int
inventory_generation(const struct inventory *inventory, const char *subnet_id)
{
	return (int)json_integer_value(json_object_get(inventory->generations, subnet_id));
}

void
inventory_note_generation(struct inventory *inventory, const char *subnet_id, int generation)
{
	if (generation > inventory_generation(inventory, subnet_id))
		json_object_set_new(inventory->generations, subnet_id, json_integer(generation));
}
