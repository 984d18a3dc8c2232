#ifndef TMFLOW_MIRROR_RETRY_H
#define TMFLOW_MIRROR_RETRY_H

#include "mirror/mirror_internal.h"

/*
 * A retry goes through the workflow again, but sees only what the run's ledger has as `failed`: describe-page gives these instances, match takes these
 * interfaces, and what is said of an instance as a whole is said of its failed rows. The ledger is all that a retry needs, so a killed one goes on.
 */

#define RETRY_PAGE_INSTANCES_MAX EC2_FILTER_VALUES_MAX /* they are asked for by a filter */

/* Up to limit instances that failed, from after (exclusive; NULL: from the first) on. *ret_ids is a new reference. Errors: TMF_ERR_STORE. */
int retry_page(
    struct mirror *mirror, const char *after, int limit, json_t **ret_ids, struct tmf_err *err);

/* Those of ids that failed. Errors: TMF_ERR_STORE. */
int retry_only_failed(struct mirror *mirror, json_t *ids, json_t **ret_ids, struct tmf_err *err);

/* {interface: true where it failed} of what the ledger has of an instance; "" stands for the instance alone. Errors: TMF_ERR_STORE. */
int
retry_rows(struct mirror *mirror, const char *instance_id, json_t **ret_rows, struct tmf_err *err);

/* True if any of these rows failed. */
bool retry_is_for(const json_t *rows);

/* For what is left in rows of interfaces that failed and are not taken any more: `unmatched`, or `gone` where the instance does not have it. Errors: TMF_ERR_STORE. */
int retry_settle_rest(
    struct mirror *mirror, const json_t *instance, const json_t *rows, struct tmf_err *err);

/* Writes an outcome that is said of the whole instance over each of its failed rows. Errors: TMF_ERR_STORE. */
int retry_record(struct mirror *mirror, const struct outcome *outcome, struct tmf_err *err);

#endif
