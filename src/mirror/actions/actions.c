#include "mirror/actions/actions.h"
#include "mirror/mirror.h"

static const struct tmf_action *const actions[] = {
    &action_check_account,
    &action_describe_page,
    &action_ensure_session,
    &action_ensure_target,
    &action_exclude_target_instances,
    &action_find_sessions,
    &action_log,
    &action_lua,
    &action_match,
    &action_parse_event,
    &action_record,
};

void
mirror_register_actions(struct tmf_registry *registry, struct mirror *mirror)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		tmf_registry_add(registry, actions[i]);
	tmf_registry_set_env(registry, mirror);
}
