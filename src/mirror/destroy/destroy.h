#ifndef TMFLOW_MIRROR_DESTROY_DESTROY_H
#define TMFLOW_MIRROR_DESTROY_DESTROY_H

#include "mirror/account.h"

/*
 * Takes away what tmflow made, and only that: sessions that bear its tags, targets and the
 * instances launched for targets that it can also prove, or that this store knows, all of this
 * account. In this order, since a target that has sessions cannot be deleted and an instance
 * must not end under a target. Everything is looked for again by each process, so a removal that
 * was cut off is continued by starting another.
 */
struct destroy;

/* Borrows account, which has AWS and a store. trust_tags: what bears tmflow's tags is taken for its
 * own; otherwise targets and instances need a proof, see launch_proof.h. */
struct destroy *destroy_new(struct account *account, bool trust_tags);
/* Stops what is under way. NULL is fine. */
void destroy_free(struct destroy *destroy);

/* New call that ends with what there is: {"sessions": [{sessionId, networkInterfaceId,
 * targetId}], "targets": [{targetId, subnetId}], "instances": [{instanceId, subnetId}], "kept":
 * [{kind, id, error, cause}], "tagged": [{kind, targetId or instanceId, ...}]}: kept is what
 * somebody else still uses, tagged what bears tmflow's tags without a proof. An instance also has
 * name, instanceType and launchTime. Changes nothing. Errors: AWS's of the describes. */
struct tmf_call *destroy_find(struct destroy *destroy);

/* New call that removes it all and ends with {"removed": {"sessions": [id], "targets": [id],
 * "instances": [id]}, "failed": [{kind, id, error, cause}], "tagged": as above}. What somebody
 * else still uses is not touched, and stands in failed. Waits for targets that are in use
 * otherwise, a few minutes at most. Errors: AWS's of the describes; TMF_ERR_STORE.
 * Effects: the store knows that the targets are gone, whatever a describe may say for a while. */
struct tmf_call *destroy_remove(struct destroy *destroy);

#endif
