#ifndef TMFLOW_WEB_RUN_JSON_H
#define TMFLOW_WEB_RUN_JSON_H

#include "store/run_state.h"
#include "store/store.h"
#include "tmflow/error.h"

#include <jansson.h>

/* A run as JSON: one form for `-o json`, the pages and the live view. */

/* {"created": n, ...}, only kinds that occurred. New reference. */
json_t *run_json_summary(const int64_t counts[OUTCOME_COUNT]);

/*
 * The run's closing document: runId, status, output, error, cause, times, summary. New reference.
 */
json_t *run_json(const struct store_run *run, const int64_t counts[OUTCOME_COUNT]);

/*
 * The same with "reasons", which are read from the store. New reference, or NULL with *err.
 * Errors: TMF_ERR_STORE.
 */
json_t *run_json_read(struct store *store, const struct store_run *run,
    const int64_t counts[OUTCOME_COUNT], struct tmf_err *err);

/* Sets "status" to what the run is now, and "holder", {"pid", "host"}, of one that is running: in a
 * document of a run that is looked at from outside. */
void run_json_put_state(json_t *document, const struct run_state *state);

/* The text columns of an outcome in a fixed order: the key and value (NULL = absent) of the one at
 * index. Returns: false behind the last. */
bool run_json_column(
    const struct outcome *outcome, size_t index, const char **ret_key, const char **ret_value);

/* One outcome. New reference. */
json_t *run_json_outcome(const struct outcome *outcome);

/* Kind of the facts where a run keeps its counts (aws/tally.h), one for each region. */
#define RUN_JSON_CALLS_FACT "calls"
/* Kind of the facts with the buckets that the run learned, as pacer_export writes them. */
#define RUN_JSON_PACER_FACT "pacer"

/*
 * How often a run called which AWS operation, the sum of all regions. New reference, {} where it
 * made no calls; NULL with *err.
 */
json_t *run_json_calls(struct store *store, const char *run_id, struct tmf_err *err);

/* The same, added to calls. Errors: TMF_ERR_STORE. */
int run_json_calls_add(json_t *calls, struct store *store, const char *run_id, struct tmf_err *err);

/*
 * Adds {"ineligible": {"type": n, "terminated": n}, "failed": {ERROR: n}, ...} of a run to reasons,
 * the sum where a count is there already. Errors: TMF_ERR_STORE.
 */
int
run_json_reasons_add(json_t *reasons, struct store *store, const char *run_id, struct tmf_err *err);

/* False for the reason that all rows of a dry run have, which its heading says. */
bool run_json_reason_is_shown(const struct outcome_reason *reason);

/* The details of an event, {} without any. New reference. */
json_t *run_json_event_details(const struct store_event *event);

/* An event as GetExecutionHistory returns it. New reference.
 * See: https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html
 */
json_t *run_json_event(const struct store_event *event);

#endif
