#include "mirror/targets/target_failures.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A list and no table: an entry lives for a minute, and an account has few subnets with targets.
 * The rule belongs to the key because another rule may launch another type in the same subnet, for
 * which AWS has capacity. */
struct target_failure {
	struct target_failure *next;
	char *subnet_id;
	const struct config_rule *rule;
	struct tmf_err err;
	int64_t until_mono_ms;
};

static void
target_failure_free(struct target_failure *failure)
{
	tmf_err_fini(&failure->err);
	free(failure->subnet_id);
	free(failure);
}

void
target_failures_fini(struct target_failures *failures)
{
	while (failures->first != NULL) {
		struct target_failure *failure = failures->first;

		failures->first = failure->next;
		target_failure_free(failure);
	}
}

/* Without a look for an older entry: the creation that failed was only started because there was
 * none. */
void
target_failures_add(struct target_failures *failures, const char *subnet_id,
    const struct config_rule *rule, const struct tmf_err *err, int64_t now_mono_ms)
{
	struct target_failure *failure = mem_zalloc(1, sizeof(*failure));

	assert(rule != NULL && tmf_err_isset(err));
	failure->subnet_id = mem_strdup(subnet_id);
	failure->rule = rule;
	failure->until_mono_ms = now_mono_ms + TARGET_FAILURE_MS;
	tmf_err_copy(&failure->err, err);
	/* In front: the latest failure of a subnet and rule is the one that is found. */
	failure->next = failures->first;
	failures->first = failure;
}

/* Drops what is past on the way. */
const struct tmf_err *
target_failures_find(struct target_failures *failures, const char *subnet_id,
    const struct config_rule *rule, int64_t now_mono_ms)
{
	struct target_failure **at = &failures->first;

	assert(rule != NULL);
	while (*at != NULL) {
		struct target_failure *failure = *at;

		if (failure->until_mono_ms <= now_mono_ms) {
			*at = failure->next;
			target_failure_free(failure);
		} else if (failure->rule == rule && strcmp(failure->subnet_id, subnet_id) == 0) {
			return &failure->err;
		} else {
			at = &failure->next;
		}
	}
	return NULL;
}
