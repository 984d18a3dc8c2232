#include "mirror/targets/launch_proof.h"
#include "mirror/config/instance.h"

#include "base/jsonx.h"

#include <stdlib.h>
#include <string.h>

/* AWS does not say in which order the groups were asked for, and the token depends on it: up to
 * this number all orders are tried, 120 digests. More are taken as they are listed. Five is what an
 * interface may have by default. */
#define GROUPS_TRIED_MAX 5u

static bool
launch_token_is(const struct target_order *order, const char *token)
{
	char derived[CLIENT_TOKEN_BYTES];

	target_order_token(order, derived);
	return strcmp(derived, token) == 0;
}

static void
launch_swap_groups(json_t *groups, size_t i, size_t k)
{
	json_t *moved = json_incref(json_array_get(groups, i));

	json_array_set(groups, i, json_array_get(groups, k));
	json_array_set_new(groups, k, moved);
}

/* Tries all orders of the groups from `fixed` on. Recursion is at most GROUPS_TRIED_MAX deep. */
static bool
launch_any_order_is(struct target_order *order, size_t fixed, const char *token)
{
	size_t count = json_array_size(order->group_ids);
	bool is = false;

	if (fixed + 1 >= count || count > GROUPS_TRIED_MAX)
		return launch_token_is(order, token);
	for (size_t i = fixed; i < count && !is; i++) {
		launch_swap_groups(order->group_ids, fixed, i);
		is = launch_any_order_is(order, fixed + 1, token);
		launch_swap_groups(order->group_ids, fixed, i);
	}
	return is;
}

bool
launch_is_proved(const json_t *instance)
{
	const char *token = jsonx_get_string(instance, "ClientToken");
	const char *subnet_id = jsonx_get_string(instance, "SubnetId");
	const char *made_for = tag_value(instance, TAG_TARGET_OF);
	const char *generation = tag_value(instance, TAG_GENERATION);
	struct target_order order = {
	    .subnet_id = subnet_id,
	    .image_id = jsonx_get_string(instance, "ImageId"),
	    .instance_type = jsonx_get_string(instance, "InstanceType"),
	    .configuration = tag_value(instance, TAG_CONFIGURATION),
	};
	const json_t *interface = instance_primary_interface(instance);
	json_t *group;
	bool is;
	size_t i;

	if (token == NULL || generation == NULL || subnet_id == NULL || made_for == NULL ||
	    strcmp(subnet_id, made_for) != 0)
		return false;
	order.generation = (int)strtol(generation, NULL, 10);
	order.group_ids = json_array();
	json_array_foreach (jsonx_get_array(interface, "Groups"), i, group)
		json_array_append(order.group_ids, json_object_get(group, "GroupId"));
	is = launch_any_order_is(&order, 0, token);
	json_decref(order.group_ids);
	return is;
}
