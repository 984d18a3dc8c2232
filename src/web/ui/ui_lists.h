#ifndef TMFLOW_WEB_UI_UI_LISTS_H
#define TMFLOW_WEB_UI_UI_LISTS_H

#include "tmflow/error.h"
#include "web/ui/ui_answer.h"

#include <jansson.h>

/*
 * The lists of the live view. Each answer has a bounded length and looks at a bounded number of
 * rows; "next" is the cursor of what follows, absent at the end. New references; NULL with *err.
 * Errors: TMF_ERR_STORE, TMF_ERR_INVALID for a parameter, TMF_ERR_NOT_FOUND for a run.
 */

/* {"runs": [...], "next"}: newest first, each as -o json has it, with workflow and region. */
json_t *ui_list_runs(struct store *store, const struct ui_query *query, struct tmf_err *err);

/* {"outcomes": [...], "next"}: by instance. A search is a part of any column, in any case. */
json_t *ui_list_outcomes(struct store *store, const struct store_run *run,
    const struct ui_query *query, struct tmf_err *err);

/* {"events": [...], "next"}: those of one state, or all, as GetExecutionHistory has them. */
json_t *ui_list_history(struct store *store, const struct store_run *run,
    const struct ui_query *query, struct tmf_err *err);

/* {"changes": [{"instanceId", ..., "before", "after"}], "next"}: what differs from run a to b. */
json_t *ui_list_changes(struct store *store, const struct ui_query *query, struct tmf_err *err);

#endif
