#ifndef TMFLOW_CLI_RUN_PERMISSIONS_H
#define TMFLOW_CLI_RUN_PERMISSIONS_H

#include "asl/compile/compile.h"
#include "engine/registry.h"
#include "mirror/config/config.h"

/*
 * Which IAM actions are needed: those of the native actions that a workflow uses (machine NULL: of
 * all), and those of looking up what a configuration names.
 */

/* True if the configuration makes the IAM action needless: no rule creates targets, or nothing is
 * pruned. config NULL: it is needed. */
bool permission_is_spare(const struct mirror_config *config, const char *iam_action);

/* [IAM action], sorted, each once, without those that the configuration makes needless. New
 * reference. */
json_t *permissions_needed(struct tmf_registry *registry, const struct asl_machine *machine,
    const struct mirror_config *config);

#endif
