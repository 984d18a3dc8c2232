#ifndef TMFLOW_WEB_METRICS_FLEET_METRICS_H
#define TMFLOW_WEB_METRICS_FLEET_METRICS_H

#include "base/buf.h"
#include "fleet/coverage/coverage.h"

#include <jansson.h>
#include <stdint.h>

/*
 * The numbers of a coverage and of an audit, as OpenMetrics text, for node_exporter's textfile
 * collector. Label values are bounded: classes, kinds, severities, places and the values that the
 * coverage was asked to group by.
 */

/* Groups of a coverage that have samples of their own, in the document's order; those beyond count
 * together, as "(other)". */
#define FLEET_METRICS_GROUPS_MAX 500

/* Appends them. document: coverage_json of the coverage, with "failed". */
void metrics_of_coverage(
    const struct coverage *coverage, const json_t *document, int64_t wall_ms, struct buf *out);

/* Appends them. document: what `tmflow audit -o json` prints. */
void metrics_of_audit(const json_t *document, int64_t wall_ms, struct buf *out);

#endif
