#ifndef TMFLOW_FLEET_AUDIT_SUPPRESSION_H
#define TMFLOW_FLEET_AUDIT_SUPPRESSION_H

#include "base/diag.h"

#include <jansson.h>
#include <stdint.h>

/*
 * Findings that somebody has looked at and accepts, until a day: {"suppressions": [{kind, resource,
 * account?, region?, reason, until}]}. kind is one of finding.h's or "*"; resource, account and
 * region may have * and ?; reason is any text; until is a date, and the suppression counts to the
 * end of that day (UTC). What is accepted for ever is forgotten: so each must end.
 */

#define SUPPRESSIONS_MAX 10000

/* Checks a file. Returns its list (borrowed from doc), or NULL: every fault is added to diags. */
const json_t *suppressions_of(const struct doc *doc, struct diag_list *diags);

/*
 * Moves what is suppressed from findings to suppressed, each with "reason" and "until". list NULL:
 * nothing is. Warns in the diags, whose document is the list's, of suppressions that have ended and
 * of those that fit no finding.
 */
void suppressions_apply(const json_t *list, int64_t now_wall_ms, json_t *findings,
    json_t *suppressed, struct diag_list *diags);

#endif
