#ifndef TMFLOW_MIRROR_TARGETS_TARGET_LIVES_H
#define TMFLOW_MIRROR_TARGETS_TARGET_LIVES_H

#include "mirror/targets/target_listing.h"

/*
 * Whether the instances behind created targets are still there: a target stays when its instance
 * is terminated, and what is mirrored to it is lost. One describe for each EC2_FILTER_VALUES_MAX
 * targets, once in a process. Describes may lag: a target is dead when its instance is listed as
 * terminated, or when it is not listed at all several times in a row, unless this store has made
 * it just now. The types of the instances say how many sources a target takes: noted on the way,
 * for others' targets as well. The tag that leads others to it is taken off at once, except in a
 * dry run.
 */
struct target_lives;

/* Borrows list. _free cancels a look that is under way. */
struct target_lives *target_lives_new(struct target_listing *list);
void target_lives_free(struct target_lives *lives);

/* New call that ends with {} once the inventory is read and that is known; at once if it is.
 * Errors: as DescribeTrafficMirrorTargets, DescribeInstances; TMF_ERR_STORE. */
struct tmf_call *target_lives_load(struct target_lives *lives);

#endif
