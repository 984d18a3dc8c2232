#include "mirror/config/instance.h"

#include "base/jsonx.h"
#include "mirror/names.h"

#include <string.h>

bool
instance_member_is(const json_t *instance, const char *key, const char *wanted)
{
	const char *value = jsonx_get_string(instance, key);

	return value != NULL && strcmp(value, wanted) == 0;
}

/* A terminated instance is listed for about an hour, without interfaces. "stopped" is not over: a
 * stopped instance keeps its interfaces, and with them its sessions. */
bool
instance_is_over(const json_t *instance)
{
	return instance_member_is(instance, "State", "terminated") ||
	       instance_member_is(instance, "State", "shutting-down");
}

bool
instance_is_stopped(const json_t *instance)
{
	return instance_member_is(instance, "State", "stopped") ||
	       instance_member_is(instance, "State", "stopping");
}

/* By the tags of the launch rather than by the inventory: between launch and target no target leads
 * to the instance yet. */
bool
instance_is_marked_target(const json_t *instance)
{
	const char *name = tag_value(instance, TAG_NAME);

	return tag_value(instance, TAG_TARGET_OF) != NULL ||
	       (name != NULL && strcmp(name, TAG_NAME_VALUE) == 0);
}

json_t *
instance_interface(const json_t *instance, const char *interface_id)
{
	json_t *interface;
	size_t i;

	json_array_foreach (jsonx_get_array(instance, "NetworkInterfaces"), i, interface)
		if (instance_member_is(interface, "NetworkInterfaceId", interface_id))
			return interface;
	return NULL;
}

/* AWS gives every interface a device index and an instance exactly one of index 0. That one cannot
 * be detached, which is why it stands for the instance. */
json_t *
instance_primary_interface(const json_t *instance)
{
	const json_t *interfaces = jsonx_get_array(instance, "NetworkInterfaces");
	json_t *interface;
	size_t i;

	json_array_foreach (interfaces, i, interface) {
		const json_t *index = json_object_get(interface, "DeviceIndex");

		if (json_is_integer(index) && json_integer_value(index) == 0)
			return interface;
	}
	return NULL;
}
