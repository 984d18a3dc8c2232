#ifndef TMFLOW_MIRROR_EXPLAIN_H
#define TMFLOW_MIRROR_EXPLAIN_H

#include "mirror/mirror.h"

/* Why an instance is mirrored as it is, or is not. Changes nothing. */
struct explanation;

/* Borrows mirror (with AWS, configuration and store) and instance_id. */
struct explanation *explanation_new(struct mirror *mirror, const char *instance_id);
/* Stops what is under way. NULL is fine. */
void explanation_free(struct explanation *explanation);

/*
 * New call that ends with
 *   {instanceId, instanceType, state, vpcId, subnetId, tags: {key: value},
 *    eligible, reason? (why it is not), excluded?: {reason, targetId?},
 *    rules: [{rule, matches, by: "rule" or "hook", why}] in the order of trying, up to the one
 *     that takes it (with matching: all of all rules),
 *    rule: name of the first that does, or null,
 *    interfaces: [{networkInterfaceId, deviceIndex, mirrored (the rule takes it), rule?,
 *     outcome? (what the next run would record), reason?, differences?, shadowedBy? (session),
 *     sessionId? (of the rule's session, where it has one), sessionNumber? (that this has then),
 *     targetId?,
 *     sessions: [{sessionId, targetId, filterId, sessionNumber, ours (made by tmflow),
 *      configuration? (for which)}]}]}.
 * Errors: TMF_ERR_NOT_FOUND for an instance that AWS does not list; TMF_ERR_HOOK; AWS's.
 */
struct tmf_call *explanation_start(struct explanation *explanation);

#endif
