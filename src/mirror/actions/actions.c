#include "mirror/actions/actions.h"

#include "mirror/actions/action.h"

/* From the same table as the declarations in action.h: an action is added in one line. */
static const struct tmf_action *const actions[] = {
#define ACTION(name) &action_##name,
#include "mirror/actions/actions.tbl.h"
#undef ACTION
};

/* The env is the same for all: an action takes from it what it needs. */
void
actions_register(struct tmf_registry *registry, struct mirror *mirror)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		tmf_registry_add(registry, actions[i]);
	tmf_registry_set_env(registry, mirror);
}
