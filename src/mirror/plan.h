#ifndef TMFLOW_MIRROR_PLAN_H
#define TMFLOW_MIRROR_PLAN_H

#include "mirror/session_plan.h"
#include "mirror/targets/targets.h"

/*
 * In a dry run the plan stands in for AWS wherever something would be changed: it answers as AWS would, as far as that can be foretold, and changes nothing.
 * So the workflow goes the very way of a run, and its ledger says what a run would do. Known are the types that cannot be mirrored and how many sources
 * a target takes; what AWS alone knows (permissions, capacity, whether an image exists) is not.
 */
struct plan;

#define PLAN_REASON "planned" /* of outcomes that a run would have */

struct plan *plan_new(struct mirror *mirror);
void plan_free(struct plan *plan);

/* What AWS will say of interfaces of such an instance: by the configuration, which may know newer types, then the built-in list. */
bool plan_type_can_be_mirrored(const struct mirror *mirror, const char *type);

/* Stands in for CreateTrafficMirrorSession, and ModifyTrafficMirrorSession where the order names a session: a new call with the reply's form, but without
 * an id for a new session. instance_type NULL: not known. Errors: AWS's; those of the describes that it takes to count a target's sources. */
struct tmf_call *
plan_session(struct plan *plan, const struct session_order *order, const char *instance_type);

/* Stands in for the creation of a subnet's next target. New call that ends with {TargetId, Created: true}. */
struct tmf_call *plan_target(struct plan *plan, const struct target_request *request);

/* Keeps what differs about a session of ours, to be told when it is modified. */
void plan_note_drift(struct plan *plan, const char *session_id, const char *differences);
/* NULL where nothing was noted. Borrows. */
const char *plan_drift(const struct plan *plan, const char *session_id);

#endif
