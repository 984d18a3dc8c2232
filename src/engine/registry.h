#ifndef TMFLOW_ENGINE_REGISTRY_H
#define TMFLOW_ENGINE_REGISTRY_H

#include "asl/compile/compile.h"
#include "tmflow/action.h"

/* What the program asks the registry beyond tmflow/action.h. */

/* For asl_compile: unknown `tmflow:` actions (with the nearest name), other resources (they run
 * on AWS only: a warning here), constant Parameters keys that the action does not know, required
 * ones that are missing. */
struct asl_resources registry_resources(struct tmf_registry *registry);

/* True if a Task of the machine runs an action with needs_aws. */
bool registry_needs_aws(const struct tmf_registry *registry, const struct asl_machine *machine);

#endif
