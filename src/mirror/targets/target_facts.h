#ifndef TMFLOW_MIRROR_TARGETS_TARGET_FACTS_H
#define TMFLOW_MIRROR_TARGETS_TARGET_FACTS_H

#include "mirror/targets/target_inventory.h"
#include "tmflow/error.h"

struct account;

/* What the store knows about targets that were made: it bridges the time until AWS lists them. */

/* Longer than any describe lags behind: what is still not listed then is gone. */
#define TARGET_FACT_SETTLED_MS (15LL * 60 * 1000)

/* The time by which facts are judged: wall time, since they outlive the process. */
int64_t target_facts_wall_ms(const struct account *account);

/* Puts a target that was made, or found in spite of a describe, into the inventory and the
 * store. Errors: TMF_ERR_STORE. */
int target_note(struct account *account, struct inventory *inventory, const struct target *target,
    struct tmf_err *err);

/* Writes what the inventory has of a target that was made. Errors: TMF_ERR_STORE. */
int target_fact_put(struct account *account, const struct target *target, struct tmf_err *err);

/* Notes that somebody mirrors to a target: it stays at the end of the run that made it. Nothing
 * for one that is known to be used, or not known. Errors: TMF_ERR_STORE. */
int target_note_used(struct account *account, struct inventory *inventory, const char *target_id,
    struct tmf_err *err);

/* Notes a target that is about to be deleted: described a while longer, it counts as full.
 * Errors: TMF_ERR_STORE. */
int target_note_gone(struct account *account, struct inventory *inventory,
    const struct target *gone, bool *ret_was_full, struct tmf_err *err);

/* Notes that such a target stays after all: it is as full as it was before.
 * Nothing for one that is not known. Errors: TMF_ERR_STORE. */
int target_note_kept(struct account *account, struct inventory *inventory, const char *target_id,
    bool was_full, struct tmf_err *err);

/* AWS has deleted the target, as this process asked. Unknown here: nothing. Errors:
 * TMF_ERR_STORE. */
int target_note_deleted(struct account *account, struct inventory *inventory, const char *target_id,
    struct tmf_err *err);

/* {target: fact} of those that were made and that nobody is known to mirror to. The fact has
 * IdleOf, SubnetId, Generation, InstanceId and NetworkInterfaceId. New reference; NULL on
 * failure. */
json_t *target_facts_idle(struct account *account, struct tmf_err *err);

/* Notes that the subnet's generations up to this one are used up, here and in the store: none of
 * their client tokens is asked with again. Errors: TMF_ERR_STORE. */
int target_burn(struct account *account, struct inventory *inventory, const char *subnet_id,
    int generation, struct tmf_err *err);

/* The same in the store only, unless that knows a higher one already. Errors: TMF_ERR_STORE. */
int target_fact_note_generation(
    struct account *account, const char *subnet_id, int generation, struct tmf_err *err);

/*
 * Launches that no target has taken yet, by the client token of RunInstances:
 *   {SubnetId, Generation, ImageId, InstanceType, SecurityGroupIds, Owner, WallMs, InstanceId?,
 *    NetworkInterfaceId?, TargetId?, Ending?}
 * Written before AWS is asked, so that no loss of power leaves an instance that the store does
 * not know; InstanceId and NetworkInterfaceId are what AWS answered, WallMs is when. Owner is
 * the run whose process is at it. Ending: the instance is being terminated, and TargetId (if
 * any) deleted before that.
 */
int target_fact_put_launch(
    struct account *account, const char *token, json_t *launch, struct tmf_err *err);
int target_fact_drop_launch(struct account *account, const char *token, struct tmf_err *err);

/* {token: launch}, a new reference; NULL on failure. */
json_t *target_fact_launches(struct account *account, struct tmf_err *err);

/* {target: fact} of those that this store made just now, which AWS may not list yet. The fact
 * has SubnetId, NetworkInterfaceId, InstanceId and Generation. New reference; NULL on failure. */
json_t *target_facts_new(struct account *account, struct tmf_err *err);

#define TARGET_PLACE_BYTES 128

/* "SUBNET GENERATION", for example "subnet-0a1 3": what a launch is known by in sets. */
void target_place(const char *subnet_id, int generation, char ret_place[TARGET_PLACE_BYTES]);

/* {place: true} of the instances that the run's process launched, in whichever life. New
 * reference; NULL on failure. */
json_t *target_fact_places(struct account *account, const char *run, struct tmf_err *err);

/* Adds what the store knows to what AWS listed, and forgets what has settled without being
 * listed. */
int target_facts_merge(struct account *account, struct inventory *inventory, struct tmf_err *err);

#endif
