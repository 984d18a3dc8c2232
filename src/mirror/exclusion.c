#include "mirror/exclusion.h"

#include "base/jsonx.h"
#include "mirror/config/instance.h"
#include "mirror/members/members.h"
#include "mirror/targets/targets.h"

/* By the inventory and by the launch's tags: the one knows targets that others made, the other an
 * instance that has no target yet. A target is a stronger reason than the configuration, which
 * cannot be changed to lift it. */
struct exclusion
exclusion_of(
    const struct account *account, const struct mirror_config *config, const json_t *instance)
{
	const char *id = jsonx_get_string(instance, "InstanceId");
	const struct target *held =
	    inventory_held_by(targets_inventory(account->targets), instance);
	const char *member_of = members_target_of(account->members, id);

	if (held != NULL)
		return (struct exclusion){"target-instance", held->id};
	if (member_of != NULL)
		return (struct exclusion){"target-member", member_of};
	if (instance_is_marked_target(instance))
		return (struct exclusion){"target-instance", NULL};
	return (struct exclusion){
	    mirror_config_excludes(config, instance) ? "configured" : NULL, NULL};
}
