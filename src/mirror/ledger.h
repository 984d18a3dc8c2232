#ifndef TMFLOW_MIRROR_LEDGER_H
#define TMFLOW_MIRROR_LEDGER_H

#include "mirror/mirror.h"

/*
 * What a run has recorded of each interface. `resume --retry-failed` goes through the workflow
 * again, but sees only what the ledger has as `failed`, and so does a run's last round:
 * describe-page gives these instances, match takes these interfaces, and what is said of an
 * instance as a whole is said of its failed rows. It needs no other state, so one that was killed
 * goes on.
 */

/* Instances on a page of what failed: they are asked for by a filter. */
#define LEDGER_PAGE_INSTANCES_MAX EC2_FILTER_VALUES_MAX

/* Writes an outcome of this run. Without an interface it is said of the instance. A slot is given
 * only for what stands beside the interface's own rows. Errors: TMF_ERR_STORE. */
int ledger_put(struct mirror *mirror, const struct outcome *outcome, struct tmf_err *err);

/* Notes an Instance's type, VPC, subnet, zone and name beside its outcomes. Errors:
 * TMF_ERR_STORE. */
int ledger_note_instance(struct mirror *mirror, const json_t *instance, struct tmf_err *err);

/* Writes `failed` with operation, error, cause and request id of failure. What the store refuses
 * then is logged only: the failure itself is on its way up already. */
void
ledger_put_failed(struct mirror *mirror, const struct outcome *item, const struct tmf_err *failure);

/* Up to limit instances that failed, from after (exclusive; NULL: from the first) on. *ret_ids is a
 * new reference.
 * Errors: TMF_ERR_STORE. */
int ledger_failed_page(
    struct mirror *mirror, const char *after, int limit, json_t **ret_ids, struct tmf_err *err);

/* Those of ids that failed. *ret_ids is a new reference. Errors: TMF_ERR_STORE. */
int ledger_failed_among(struct mirror *mirror, json_t *ids, json_t **ret_ids, struct tmf_err *err);

/* {row: true where it failed} of what the ledger has of an instance: a row is that of an interface,
 * of a rule on it (matching: all), or "" of the instance alone. *ret_rows is a new reference.
 * Errors: TMF_ERR_STORE. */
int
ledger_rows(struct mirror *mirror, const char *instance_id, json_t **ret_rows, struct tmf_err *err);

/* Takes the row of a rule's interface out of rows. Returns false if it is there and did not fail:
 * that one is left alone. */
bool ledger_rows_take(
    const struct mirror *mirror, json_t *rows, const char *interface_id, const char *rule);

/* True if any of these rows failed. */
bool ledger_rows_failed(const json_t *rows);

/* What this run says of a session; the later ones go before the earlier ones. */
enum ledger_claim {
	LEDGER_SILENT,	/* it has to be looked at, also where the ledger is other runs' as well */
	LEDGER_OTHER,	/* another session is the one that is wanted in its place */
	LEDGER_REMOVED, /* it is gone, whatever a describe says for a while */
	LEDGER_WANTS,	/* it is as it should be, or its time will come */
};

struct ledger_session {
	const char *id;
	const char *interface_id;
	const char *rule; /* whose it is; NULL: not known. Only matching: all asks for it */
};

/* *ret_reason: why the run does not mirror the interface; a new reference, NULL where it gives no
 * reason or where that is of an earlier pass. Errors: TMF_ERR_STORE. */
int ledger_claim(struct mirror *mirror, const struct ledger_session *session,
    enum ledger_claim *ret_claim, json_t **ret_reason, struct tmf_err *err);

/* For interfaces in rows that failed and that no rule takes any more: `unmatched`, or `gone` where
 * the instance does not have it. Errors: TMF_ERR_STORE. */
int ledger_settle_rest(
    struct mirror *mirror, const json_t *instance, const json_t *rows, struct tmf_err *err);

#endif
