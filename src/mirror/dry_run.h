#ifndef TMFLOW_MIRROR_DRY_RUN_H
#define TMFLOW_MIRROR_DRY_RUN_H

#include "mirror/config/config.h"
#include "mirror/session.h"
#include "mirror/targets/targets.h"

/*
 * Stands in for AWS wherever a run would change something: it answers as AWS would, as far as that
 * can be foretold, and changes nothing. So the workflow takes the same way of a run, and its ledger
 * says what a run would do. It knows the types that cannot be mirrored; how many sources a target
 * takes is counted in a run as well. It does not know what AWS alone knows: permissions, capacity,
 * quotas, whether an image exists.
 */
struct dry_run;

/* "new:SUBNET:GENERATION" is the id of a target that a run would create. */
#define DRY_RUN_TARGET_PREFIX "new:"
#define DRY_RUN_REASON	      "planned" /* of outcomes that a run would have */

/* Borrows config. */
struct dry_run *dry_run_new(const struct mirror_config *config);
void dry_run_free(struct dry_run *dry_run);

/*
 * Stands in for CreateTrafficMirrorSession, and for ModifyTrafficMirrorSession where the order
 * names a session: a new call with the reply's form, but without an id for a new session.
 * instance_type NULL: not known.
 * Errors: AWS's, for a type that cannot be mirrored.
 */
struct tmf_call *dry_run_session(struct dry_run *dry_run, struct account *account,
    const struct session_order *order, const char *instance_type);

/* Stands in for targets_create: the subnet has its next target from now on. */
void dry_run_target(struct account *account, const struct target_request *request);

/* Keeps what differs about a session of ours, for the outcome of its modification. */
void dry_run_note_drift(struct dry_run *dry_run, const char *session_id, const char *differences);
/* NULL where nothing was noted. Borrows. */
const char *dry_run_drift(const struct dry_run *dry_run, const char *session_id);

#endif
