#ifndef TMFLOW_MIRROR_DESTROY_DESTROY_KNOWN_H
#define TMFLOW_MIRROR_DESTROY_DESTROY_KNOWN_H

#include "mirror/account.h"

/*
 * What this store knows to have made lately, and describes may not show yet:
 *   {"sessions": {id: {sessionId, networkInterfaceId, targetId}},
 *    "targets": {id: {targetId, networkInterfaceId, subnetId, generation}},
 *    "instances": {id: {instanceId, networkInterfaceId, subnetId, generation}}}
 * It may be gone by now. New reference; NULL on failure. Errors: TMF_ERR_STORE.
 */
json_t *destroy_known(struct account *account, struct tmf_err *err);

#endif
