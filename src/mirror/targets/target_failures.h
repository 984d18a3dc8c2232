#ifndef TMFLOW_MIRROR_TARGETS_TARGET_FAILURES_H
#define TMFLOW_MIRROR_TARGETS_TARGET_FAILURES_H

#include "mirror/account.h"
#include "mirror/config/rules.h"

/* Creations that lately failed for good, by subnet and rule. */
struct target_failure;
struct target_failures {
	struct target_failure *first;
};

#define TARGET_FAILURE_MS 60000 /* a page's worth of items must not launch an instance each */

/* Frees all that are remembered; empty, and usable, after that. */
void target_failures_fini(struct target_failures *failures);

/* Remembered for TARGET_FAILURE_MS from now on. */
void target_failures_add(struct target_failures *failures, const char *subnet_id,
    const struct config_rule *rule, const struct tmf_err *err, int64_t now_mono_ms);

/* Why it failed, or NULL. Borrows, until the next call. */
const struct tmf_err *target_failures_find(struct target_failures *failures, const char *subnet_id,
    const struct config_rule *rule, int64_t now_mono_ms);

#endif
