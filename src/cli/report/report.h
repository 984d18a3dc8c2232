#ifndef TMFLOW_CLI_REPORT_REPORT_H
#define TMFLOW_CLI_REPORT_REPORT_H

#include "cli/cli.h"
#include "store/store.h"
#include "tmflow/error.h"

#include <jansson.h>
#include <stdio.h>

/* How a run and its outcomes are told. */

#define REPORT_FAILED_SHOWN_MAX 10 /* in a closing summary; `show --failed` lists all */

/* {"created": n, ...}, only kinds that occurred. New reference. */
json_t *report_summary(const int64_t counts[OUTCOME_COUNT]);

/* The run's closing document, as DESIGN.md section 6 says. New reference. */
json_t *report_document(const struct store_run *run, const int64_t counts[OUTCOME_COUNT]);

/* One outcome as JSON. New reference. */
json_t *report_outcome(const struct outcome *outcome);

/* One outcome as a line for a person. */
void report_outcome_line(const struct outcome *outcome, FILE *out);

/* How a run that is not over, or that has failed instances, goes on; nothing otherwise. counts NULL: they cannot be had. */
void report_next_step(const struct store *store, const struct store_run *run,
    const int64_t counts[OUTCOME_COUNT], FILE *out);

/* Which run it is, when it ran, and how it ended. */
void report_heading(const struct store_run *run, FILE *out);

/* What a person reads at the end: status, counts, the first failed instances, and what to do next. */
int report_text(struct store *store, const struct store_run *run, FILE *out, struct tmf_err *err);

/* Where a run keeps how often it asked AWS for what (tmflow/aws/tally.h): a fact of its own for each region. */
#define REPORT_CALLS_FACT "calls"

/* All of them. New reference, {} where it asked for nothing; NULL with *err. */
json_t *report_calls(struct store *store, const char *run_id, struct tmf_err *err);

/* The same, added to calls. */
int report_calls_add(json_t *calls, struct store *store, const char *run_id, struct tmf_err *err);

/* A short table of them; nothing where there are none. */
void report_calls_text(const json_t *calls, FILE *out);

/*
 * A document whose last member is a list that may be long: it is printed item by item, so that memory does not grow with it.
 * Begin, an item as often as there are any, end.
 */
struct report_list {
	FILE *out;
	size_t count;
};
void
report_list_begin(struct report_list *list, const json_t *document, const char *key, FILE *out);
/* Takes item. */
void report_list_item(struct report_list *list, json_t *item);
/* err is set where the list was cut off: the document then ends with {"incomplete": {"error", "cause"}}, so that it is not taken for a whole one. */
void report_list_end(struct report_list *list, const struct tmf_err *err);

#define REPORT_HISTORY_SETTING                                                                     \
	"history" /* in a run's recorded settings: true when it keeps its events */
bool report_keeps_history(const struct store_run *run);

/* Prints the closing document, with history also "path": the names of the states entered at the top level. */
int report_json(struct store *store, const struct store_run *run,
    const int64_t counts[OUTCOME_COUNT], bool history, struct tmf_err *err);

/* A run's history: as a table, as {"events": [...]} in the shape of GetExecutionHistory, or an event a line. Errors: TMF_ERR_NOT_FOUND when none was kept. */
int report_history(
    struct store *store, const struct store_run *run, enum cli_output output, struct tmf_err *err);

/* Prints what a dry run found: the closing document with a last member "plan", or a line for each change and a count of what stays. */
int report_plan_json(struct store *store, const struct store_run *run,
    const int64_t counts[OUTCOME_COUNT], struct tmf_err *err);
int report_plan_text(struct store *store, const struct store_run *run,
    const int64_t counts[OUTCOME_COUNT], FILE *out, struct tmf_err *err);

/* True if a run would create or modify something. */
bool report_plan_changes(const int64_t counts[OUTCOME_COUNT]);

/* The exit code that a run's end means. */
int report_exit(const struct store_run *run, const int64_t counts[OUTCOME_COUNT]);

#endif
