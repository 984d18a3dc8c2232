#ifndef TMFLOW_CLI_REPORT_REPORT_CALLS_H
#define TMFLOW_CLI_REPORT_REPORT_CALLS_H

#include "store/store.h"
#include "tmflow/error.h"

#include <jansson.h>
#include <stdio.h>

/* How often a run called which AWS operation. */

/* Writes a short table of them, nothing where there were no calls. */
void report_calls_text(const json_t *calls, FILE *out);

#endif
