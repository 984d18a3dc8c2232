#ifndef TMFLOW_WEB_REPORT_FAILURES_H
#define TMFLOW_WEB_REPORT_FAILURES_H

#include "store/store.h"

#include <jansson.h>

/* Failed instances grouped by error, operation and rule. */

#define FAILURES_GROUPS_MAX   200 /* more are counted together, as the error "other" */
#define FAILURES_REQUESTS_MAX 3	  /* request ids that are shown of a group */

struct failures {
	json_t *groups; /* object: "ERROR\nOPERATION\nRULE" to its group */
};

/* Begins with none. Ends with failures_take. */
void failures_begin(struct failures *failures);

/* Counts a failed outcome. */
void failures_add(struct failures *failures, const struct outcome *outcome);

/*
 * [{"error", "operation", "rule", "count", "instanceId", "cause", "requestIds": [...]}], the most
 * frequent first; instance and cause are those of the first that was counted. New reference.
 */
json_t *failures_take(struct failures *failures);

#endif
