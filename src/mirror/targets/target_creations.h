#ifndef TMFLOW_MIRROR_TARGETS_TARGET_CREATIONS_H
#define TMFLOW_MIRROR_TARGETS_TARGET_CREATIONS_H

#include "mirror/targets/target_inventory.h"
#include "mirror/targets/target_requests.h"

/* Creations under way, at most one a subnet. */
struct target_creations;

/* Borrows both. _free cancels what is under way: its waiters are let go, and never end. */
struct target_creations *target_creations_new(struct account *account, struct inventory *inventory);
void target_creations_free(struct target_creations *creations);

/* New call that ends with {TargetId, Created}; starts a creation unless the subnet has one under
 * way.
 * Errors: AWS's, after a rollback of what was launched. */
struct tmf_call *
target_creations_join(struct target_creations *creations, const struct target_request *request);

/* True if such a creation is under way. */
bool target_creations_find(const struct target_creations *creations, const char *subnet_id);

/* 1 if the instance of that subnet and generation was launched in this run, 0 if not, -1.
 * Errors: TMF_ERR_STORE. */
int target_creations_launched(
    struct target_creations *creations, const char *subnet_id, int generation, struct tmf_err *err);

/* --- for target_leftovers.c --- */

/* New call that ends when some creation that is under way does, in whatever way; NULL if nothing
 * is under way. */
struct tmf_call *target_creations_wait(struct target_creations *creations);

/* True if this process asked for the launch of that client token. */
bool target_creations_asked(const struct target_creations *creations, const char *token);

/* New call that ends once a launch that no creation is at has a target, or is over; or when a
 * creation of its subnet ends that is under way.
 * Errors: what is in the way of that for now; the store still knows the launch then. */
struct tmf_call *
target_creations_settle(struct target_creations *creations, const char *token, json_t *launch);

/* New call that ends once a target that nobody mirrors to is gone with its instance, or turned out
 * to be in use; or when a creation of its subnet ends that is under way. fact: as target_facts_idle
 * gives it. Errors: what is in the way of that for now; the store still knows of it then. */
struct tmf_call *target_creations_take_back(
    struct target_creations *creations, const char *target_id, const json_t *fact);

#endif
