#ifndef TMFLOW_MIRROR_TARGETS_TARGETS_H
#define TMFLOW_MIRROR_TARGETS_TARGETS_H

#include "mirror/account.h"
#include "mirror/config/rules.h"
#include "mirror/targets/target_inventory.h"
#include "mirror/targets/target_requests.h"

/*
 * Targets that tmflow creates: one instance a subnet and generation. What AWS lists is read once
 * in a process; several that want a subnet's target at the same time share one creation. Several
 * processes share nothing but AWS: the client token of (subnet, generation) is their lock.
 */
/* Borrows account. _free cancels what is under way; NULL is fine. */
struct mirror_targets *targets_new(struct account *account);
void targets_free(struct mirror_targets *targets);

/* New call that ends with {} once the inventory is read; at once if it is fresh. Until then the
 * one before can be asked.
 * Errors: as DescribeTrafficMirrorTargets; TMF_ERR_STORE. */
struct tmf_call *targets_load(struct mirror_targets *targets);

/* The same, and each target is known to be alive or dead: whether its instance is still there.
 * Errors: likewise, and as DescribeInstances. */
struct tmf_call *targets_load_lives(struct mirror_targets *targets);

/* How many times the inventory was read; and targets_load_lives with one that is read after that:
 * for a target that another process has made meanwhile. Not in a dry run. */
unsigned targets_readings(const struct mirror_targets *targets);
struct tmf_call *targets_load_lives_after(struct mirror_targets *targets, unsigned readings);

/* As targets_load_lives, and the sources of targets that are interfaces are counted. Errors:
 * likewise, and as
 * DescribeTrafficMirrorSessions. */
struct tmf_call *targets_load_rooms(struct mirror_targets *targets);

/* New call that ends with {} once what was launched for targets is a target's or over, as far as
 * that can be done now; takes_back: and targets that this run made and nobody mirrors to are gone.
 * Errors: TMF_ERR_STORE. */
struct tmf_call *targets_settle(struct mirror_targets *targets, bool takes_back);

/* 1 if this run launched the instance for a target itself, 0 if not, -1. Errors: TMF_ERR_STORE. */
int targets_launched(struct mirror_targets *targets, const json_t *instance, struct tmf_err *err);

/* What is known. Only after targets_load. */
const struct inventory *targets_inventory(const struct mirror_targets *targets);

/* Notes that request->full_target_id takes no more, also where the rule names it. Errors:
 * TMF_ERR_STORE. */
int targets_note_full(
    struct mirror_targets *targets, const struct target_request *request, struct tmf_err *err);

/* The target that the source gets, with a place there; NULL where none is known that has room.
 * Borrows, until the next call. Only after targets_load_rooms. */
const struct target *
targets_choose(struct mirror_targets *targets, const struct target_request *request);

/* Gives a source a place at a target, and settles what became of that: used by a session, or taken
 * back. A target of which nothing is known, and one that is not an interface, has room.
 * Errors: ERROR_SOURCES_LIMIT, without asking AWS. */
int targets_enter(struct mirror_targets *targets, const char *target_id, const char *interface_id,
    struct tmf_err *err);
void targets_settle_place(
    struct mirror_targets *targets, const char *target_id, const char *interface_id, bool used);

/* Notes that a session has the target (NULL: none), so that it stays at the end of the run.
 * Nothing in a dry run.
 * Errors: TMF_ERR_STORE. */
int targets_note_used(struct mirror_targets *targets, const char *target_id, struct tmf_err *err);

/* Creates the subnet's next target, where targets_choose found none: a new call that ends with
 * {TargetId, Created: true}. Not in a dry run. Errors: AWS's, TMF_ERR_STORE. */
struct tmf_call *
targets_create(struct mirror_targets *targets, const struct target_request *request);

/* True if the subnet's next target is being created: targets_create waits for that one then. */
bool targets_creating(const struct mirror_targets *targets, const struct target_request *request);

/* True if a session to target_id serves a source of the rule whose target stands in subnet_id
 * (NULL: not known).
 * Only after targets_load_lives, or for a rule with a target of its own. */
bool targets_allowed(const struct mirror_targets *targets, const struct config_rule *rule,
    const char *subnet_id, const char *target_id);

/* Whose sources a target was made for; NULL where that is not known, or the inventory was not
 * needed. Borrows. */
const char *targets_subnet_of(const struct mirror_targets *targets, const char *target_id);

/* True if the target is not known, and one that another process has just made would not be either:
 * AWS lists it some seconds later. False once targets_give_up was called for it, and in a dry run.
 * Only after targets_load. */
bool targets_may_come(const struct mirror_targets *targets, const char *target_id);
void targets_give_up(struct mirror_targets *targets, const char *target_id);

/* True if the target is known to be a network interface. False where the inventory was not
 * needed. */
bool targets_is_interface(const struct mirror_targets *targets, const char *target_id);

/* Puts one that a run would make into the inventory only. */
void targets_plan(struct mirror_targets *targets, const struct target *target);

#endif
