#ifndef TMFLOW_CLI_REPORT_REPORT_REASONS_H
#define TMFLOW_CLI_REPORT_REPORT_REASONS_H

#include "store/store.h"
#include "tmflow/error.h"

#include <jansson.h>
#include <stdio.h>

/* Why the outcomes of a run are what they are. */

/*
 * Writes a line for each outcome that occurred, with its most frequent reasons, as
 * "950 ineligible: 740 type t2.micro, 210 terminated", and the sum. Errors: TMF_ERR_STORE.
 */
int report_reasons_text(struct store *store, const struct store_run *run,
    const int64_t counts[OUTCOME_COUNT], FILE *out, struct tmf_err *err);

#endif
