#ifndef TMFLOW_MIRROR_TARGET_CREATION_INTERNAL_H
#define TMFLOW_MIRROR_TARGET_CREATION_INTERNAL_H

#include "targets_internal.h"

/* Creations under way, at most one a subnet, and those that lately failed for good. */
struct target_creations;

struct target_creations *target_creations_new(struct mirror_targets *targets);
void target_creations_free(struct target_creations *creations);

/* New call that ends with {TargetId, Created: true}; starts a creation unless the subnet has one under way.
 * Errors: AWS's, after a roll-back of what was launched. Creating the same again within TARGET_FAILURE_MS fails at once with the same error. */
struct call *
target_creations_join(struct target_creations *creations, const struct target_request *request);

#define TARGET_FAILURE_MS 60000 /* a page's worth of items must not launch an instance each */

#endif
