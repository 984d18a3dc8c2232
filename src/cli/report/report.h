#ifndef TMFLOW_CLI_REPORT_REPORT_H
#define TMFLOW_CLI_REPORT_REPORT_H

#include "cli/exit.h"
#include "cli/options.h"
#include "cli/report/report_document.h"
#include "store/store.h"
#include "tmflow/error.h"

#include <stdio.h>

/* A whole run, for a person or a program. */

#define REPORT_FAILED_SHOWN_MAX 10 /* in a closing summary; `show --failed` lists all */

/* Of a run over several places. */
struct report_parts {
	size_t count;
	size_t failed;
};

/* Writes which run it is, when it ran, and how it ended, "SUCCEEDED, 300 of 1,000 failed", or
 * what it is now. parts: NULL where it has none. Errors: TMF_ERR_STORE. */
int report_heading(struct store *store, const struct store_run *run,
    const int64_t counts[OUTCOME_COUNT], const struct report_parts *parts, FILE *out,
    struct tmf_err *err);

/*
 * Writes how a run goes on that has not ended, or that has failed instances; nothing otherwise.
 * counts NULL: they are not available. A run that is under way elsewhere is followed and stopped.
 */
void report_next_step(const struct store *store, const struct store_run *run,
    const int64_t counts[OUTCOME_COUNT], FILE *out);

/* Writes status, counts, the first failed instances and the next step. Errors: TMF_ERR_STORE. */
int report_text(struct store *store, const struct store_run *run, FILE *out, struct tmf_err *err);

/* The same for `show`: also the states, and the failures by error and rule. Errors:
 * TMF_ERR_STORE. */
int
report_shown_text(struct store *store, const struct store_run *run, FILE *out, struct tmf_err *err);

/* Prints the closing document; with history also "path". Errors: TMF_ERR_STORE. */
int report_json(struct store *store, const struct store_run *run,
    const int64_t counts[OUTCOME_COUNT], bool history, struct tmf_err *err);

/* The exit code that a run's end means. */
enum cli_exit report_exit(const struct store_run *run, const int64_t counts[OUTCOME_COUNT]);

#endif
