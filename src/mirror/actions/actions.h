#ifndef TMFLOW_MIRROR_ACTIONS_ACTIONS_H
#define TMFLOW_MIRROR_ACTIONS_ACTIONS_H

#include "tmflow/action.h"

/* Every native action: one file each. */
extern const struct tmf_action action_check_account;
extern const struct tmf_action action_describe_page;
extern const struct tmf_action action_ensure_session;
extern const struct tmf_action action_ensure_target;
extern const struct tmf_action action_exclude_target_instances;
extern const struct tmf_action action_find_sessions;
extern const struct tmf_action action_log;
extern const struct tmf_action action_lua;
extern const struct tmf_action action_match;
extern const struct tmf_action action_parse_event;
extern const struct tmf_action action_record;

#endif
