#ifndef TMFLOW_FLEET_COVERAGE_COVERAGE_H
#define TMFLOW_FLEET_COVERAGE_COVERAGE_H

#include "fleet/coverage/coverage_class.h"
#include "tmflow/error.h"

#include <jansson.h>

/*
 * How many interfaces are in which class, for which reasons, altogether and in groups. Memory grows
 * with the number of groups, and that is bounded.
 */
struct coverage;

/* More groups than this are counted together, in one whose values are COVERAGE_OTHER. */
#define COVERAGE_GROUPS_MAX 10000
/* Reasons of one class in one group; a hook may have one for each instance. */
#define COVERAGE_REASONS_MAX 50
#define COVERAGE_OTHER	     "(other)"

/* What interfaces can be grouped by, besides tags. */
#define COVERAGE_KEY_TABLE(X)                                                                      \
	X(ACCOUNT, "account")                                                                      \
	X(REGION, "region")                                                                        \
	X(VPC, "vpc")                                                                              \
	X(SUBNET, "subnet")                                                                        \
	X(ZONE, "zone")                                                                            \
	X(TYPE, "type")                                                                            \
	X(RULE, "rule")                                                                            \
	X(TARGET, "target")
enum coverage_key {
#define X(id, name) COVERAGE_KEY_##id,
	COVERAGE_KEY_TABLE(X)
#undef X
	    COVERAGE_KEY_COUNT
};
#define COVERAGE_TAG_PREFIX "tag:"
#define COVERAGE_BY_MAX	    8 /* keys at once */

/* What to group by: "vpc,tag:team". */
struct coverage_by {
	struct coverage_by_key {
		enum coverage_key key; /* COVERAGE_KEY_COUNT: a tag */
		char *name;	       /* as given, "vpc" or "tag:team"; owned */
	} at[COVERAGE_BY_MAX];
	size_t count;
};

/* Errors: TMF_ERR_INVALID for an unknown, repeated or empty key, and too many. */
int coverage_by_parse(const char *text, struct coverage_by *ret_by, struct tmf_err *err);
void coverage_by_fini(struct coverage_by *by);

/* True if a tag other than Name is asked for. */
bool coverage_by_needs_tags(const struct coverage_by *by);

/* An interface. All of it borrowed; NULL: absent, or not known. */
struct coverage_item {
	enum coverage_class class;
	const char *reason;
	const char *keys[COVERAGE_KEY_COUNT]; /* target: of its session */
	const char *instance_id;
	const char *interface_id;
	const char *name; /* the instance's tag Name */
	const char *session_id;
	const json_t *tags; /* [{Key, Value}] of the instance, or NULL */
};

/* by is borrowed. NULL is fine for free. */
struct coverage *coverage_new(const struct coverage_by *by);
void coverage_free(struct coverage *coverage);

/* Counts one more. interface_id is needed. */
void coverage_add(struct coverage *coverage, const struct coverage_item *item);

/* An instance that has no interface, and so is in no class. */
void coverage_add_bare(struct coverage *coverage, uint64_t instances);

/* Forgets what was counted. */
void coverage_reset(struct coverage *coverage);

/* Adds what another one counted, by the same keys. */
void coverage_merge(struct coverage *coverage, const struct coverage *more);

/* Of all interfaces. Borrows. */
const struct coverage_counts *coverage_counts(const struct coverage *coverage);

/*
 * {interfaces, coverage (null where no rule wants any), classes: {class: n},
 *  reasons: {class: {reason: n}}, groups: [], gaps: [{class, reason, interfaces, remedy}],
 *  instancesWithoutInterface}, gaps by number. New reference. The groups are given one at a time,
 * since all of them together are megabytes: jsonx_list_begin writes them in their place.
 */
json_t *coverage_json(const struct coverage *coverage);
#define COVERAGE_GROUPS "groups"

/* How many groups there are. */
size_t coverage_groups_count(const struct coverage *coverage);

/*
 * Calls fn with {by: {key: value or null}, interfaces, coverage, classes, reasons} of each group,
 * by value. Borrows group for the call.
 */
void coverage_groups_each(
    const struct coverage *coverage, void (*fn)(void *arg, const json_t *group), void *arg);

/* One interface as an object: {class, reason?, networkInterfaceId, instanceId, name?, account?,
 * region?, vpcId?, subnetId?, availabilityZone?, instanceType?, rule?, targetId?, sessionId?,
 * remedy?}. New reference. */
json_t *coverage_item_json(const struct coverage_item *item);

/* What to do about interfaces of that class with that reason; NULL where nothing is wrong. */
const char *coverage_remedy(enum coverage_class class, const char *reason);

#endif
