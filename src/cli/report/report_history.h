#ifndef TMFLOW_CLI_REPORT_REPORT_HISTORY_H
#define TMFLOW_CLI_REPORT_REPORT_HISTORY_H

#include "cli/options.h"
#include "store/store.h"
#include "tmflow/error.h"

/* The events of a run. */

/*
 * Prints them: as a table, as {"events": [...]} in the shape of GetExecutionHistory, or an event
 * a line. child: only those of this child of the Maps at the top level, from its beginning to its
 * end; -1: all.
 * Errors: TMF_ERR_NOT_FOUND when none were kept, or there is no such child, TMF_ERR_STORE.
 * See: https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html
 */
int report_history(struct store *store, const struct store_run *run, enum cli_output output,
    int64_t child, struct tmf_err *err);

/* Prints the closing document with a last member "path": the states entered at the top level. */
int report_path_json(struct store *store, const struct store_run *run,
    const int64_t counts[OUTCOME_COUNT], struct tmf_err *err);

#endif
