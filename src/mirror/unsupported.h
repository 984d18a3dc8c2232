#ifndef TMFLOW_MIRROR_UNSUPPORTED_H
#define TMFLOW_MIRROR_UNSUPPORTED_H

#include "mirror/account.h"
#include "mirror/config/config.h"

/*
 * Interfaces that AWS refused with NetworkInterfaceNotSupported: the service decides what can be
 * mirrored, and what it said is kept in the store, so that a later run does not ask it again for
 * each of them. An instance that got another type is asked for again, and every one after
 * UNSUPPORTED_TRUSTED_MS, since AWS adds types.
 */

#define UNSUPPORTED_TRUSTED_MS (30LL * 24 * 3600 * 1000)

/* Keeps that AWS refused the interface on an instance of that type. Errors: TMF_ERR_STORE. */
int unsupported_remember(struct account *account, const char *interface_id,
    const char *instance_type, struct tmf_err *err);

/* 1 it was refused, 0 not that we know, -1 with *err (TMF_ERR_STORE). instance_type NULL: not
 * known, so 0. */
int unsupported_known(const struct account *account, const struct mirror_config *config,
    const char *interface_id, const char *instance_type, struct tmf_err *err);

#endif
