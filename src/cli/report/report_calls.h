#ifndef TMFLOW_CLI_REPORT_REPORT_CALLS_H
#define TMFLOW_CLI_REPORT_REPORT_CALLS_H

#include "store/store.h"
#include "tmflow/error.h"

#include <jansson.h>
#include <stdio.h>

/* How often a run called which AWS operation. */

/* Kind of the facts where a run keeps its counts (aws/tally.h), one for each region. */
#define REPORT_CALLS_FACT "calls"

/* The counts of all regions. New reference, {} where it made no calls; NULL with *err. */
json_t *report_calls(struct store *store, const char *run_id, struct tmf_err *err);

/* The same, added to calls. Errors: TMF_ERR_STORE. */
int report_calls_add(json_t *calls, struct store *store, const char *run_id, struct tmf_err *err);

/* Writes a short table of them, nothing where there were no calls. */
void report_calls_text(const json_t *calls, FILE *out);

#endif
