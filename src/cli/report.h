#ifndef TMFLOW_CLI_REPORT_H
#define TMFLOW_CLI_REPORT_H

#include "tmflow/base/err.h"
#include "tmflow/store/store.h"

#include <jansson.h>
#include <stdio.h>

/* How a run and its outcomes are told. */

#define REPORT_FAILED_SHOWN_MAX 10 /* in a closing summary; `show --failed` lists all */

/* {"created": n, ...}, only kinds that occurred. New reference. */
json_t *report_summary(const int64_t counts[OUTCOME_COUNT]);

/* The run's closing document, as DESIGN.md section 6 says; path may be NULL. New reference. */
json_t *
report_document(const struct store_run *run, const int64_t counts[OUTCOME_COUNT], json_t *path);

/* One outcome as JSON. New reference. */
json_t *report_outcome(const struct outcome *outcome);

/* One outcome as a line for a person. */
void report_outcome_line(const struct outcome *outcome, FILE *out);

/* How a run that is not over, or that has failed instances, goes on; nothing otherwise. */
void report_next_step(const struct store *store, const struct store_run *run,
    const int64_t counts[OUTCOME_COUNT], FILE *out);

/* What a person reads at the end: status, counts, the first failed instances, and what to do next. */
int report_text(struct store *store, const struct store_run *run, FILE *out, struct err *err);

/* The exit code that a run's end means. */
int report_exit(const struct store_run *run, const int64_t counts[OUTCOME_COUNT]);

#endif
