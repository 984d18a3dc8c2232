#ifndef TMFLOW_CLI_REPORT_REPORT_PLAN_H
#define TMFLOW_CLI_REPORT_REPORT_PLAN_H

#include "store/store.h"
#include "tmflow/error.h"

#include <stdbool.h>
#include <stdio.h>

/* What a dry run found. */

/* Prints the closing document with a last member "plan". Errors: TMF_ERR_STORE. */
int report_plan_json(struct store *store, const struct store_run *run,
    const int64_t counts[OUTCOME_COUNT], struct tmf_err *err);

/* Writes a line for each change, and a count of what stays. Errors: TMF_ERR_STORE. */
int report_plan_text(struct store *store, const struct store_run *run,
    const int64_t counts[OUTCOME_COUNT], FILE *out, struct tmf_err *err);

/* True if a run would create or modify something. */
bool report_plan_changes(const int64_t counts[OUTCOME_COUNT]);

#endif
