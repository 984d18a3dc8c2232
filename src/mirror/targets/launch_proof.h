#ifndef TMFLOW_MIRROR_TARGETS_LAUNCH_PROOF_H
#define TMFLOW_MIRROR_TARGETS_LAUNCH_PROOF_H

#include "mirror/targets/target_requests.h"

/*
 * Tags are no proof: who may call ec2:CreateTags can put tmflow's on any instance. The client token
 * of a launch is chosen in RunInstances and cannot be changed afterwards. tmflow derives it from
 * what it asks for (target_order_token), so that it can be derived again from what the instance is.
 */

/* True if the instance bears the tags of a launch for a target, and its client token is that of
 * such a launch. instance: as ec2_list_launches gives it. An instance whose type or security groups
 * were changed after its launch cannot be proved. */
bool launch_is_proved(const json_t *instance);

#endif
