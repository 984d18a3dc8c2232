#include "web/report/report_document.h"

#include "base/jsonx.h"
#include "store/run_state.h"
#include "web/graph/graph.h"
#include "web/report/failures.h"
#include "web/report/rows.h"
#include "web/run_json.h"
#include "web/timeline.h"

#include <assert.h>
#include <string.h>

/*
 * The document of a report, in two parts: what is there at once however many instances there are
 * (REPORT_SOON), and what every outcome has to be read for (REPORT_WHY). A live page asks for the
 * first each few seconds.
 */

/* What is gathered in a pass over the run, or over its parts. */
struct report_sums {
	struct store *store;
	int64_t counts[OUTCOME_COUNT];
	json_t *reasons; /* [{"outcome", "reason", "detail", "count"}] */
	json_t *calls;
	json_t *parts;
	json_t *timeline;
	struct failures failures;
	enum report_part part;
	struct tmf_err err;
};

static bool
report_row_is(const json_t *row, const char *key, const char *text)
{
	return strcmp(jsonx_get_string(row, key), text) == 0;
}

static int
report_add_failure(void *arg, const struct outcome *outcome)
{
	failures_add(arg, outcome);
	return 0;
}

/* The same reason of several parts is one. */
static int
report_add_reason(void *arg, const struct outcome_reason *reason)
{
	struct report_sums *sums = arg;
	const char *kind = outcome_name(reason->kind);
	json_int_t count = (json_int_t)reason->count;
	json_t *row;
	size_t i;

	if (!run_json_reason_is_shown(reason))
		return 0;
	json_array_foreach (sums->reasons, i, row) {
		if (report_row_is(row, "outcome", kind) &&
		    report_row_is(row, "reason", reason->reason) &&
		    report_row_is(row, "detail", reason->detail)) {
			count += json_integer_value(json_object_get(row, "count"));
			json_object_set_new(row, "count", json_integer(count));
			return 0;
		}
	}
	json_array_append_new(
	    sums->reasons, json_pack("{s:s, s:s, s:s, s:I}", "outcome", kind, "reason",
			       reason->reason, "detail", reason->detail, "count", count));
	return 0;
}

/* As they were last noted, where that is enough and was done, else counted. */
static int
report_counts(struct report_sums *sums, const struct store_run *run, int64_t counts[OUTCOME_COUNT])
{
	json_t *totals = NULL;
	bool noted = false;

	if ((sums->part & REPORT_WHY) == 0) {
		totals = timeline_totals(sums->store, run->id, &sums->err);
		if (totals == NULL)
			return -1;
		noted = json_object_size(totals) > 0;
	}
	for (int kind = 0; noted && kind < OUTCOME_COUNT; kind++)
		counts[kind] = json_integer_value(
		    json_object_get(totals, outcome_name((enum outcome_kind)kind)));
	json_decref(totals);
	return noted ? 0 : store_outcomes_count(sums->store, run->id, counts, &sums->err);
}

/* Reads every outcome. */
static int
report_sum_why(struct report_sums *sums, const struct store_run *run)
{
	if (store_outcome_reasons(sums->store, run->id, report_add_reason, sums, &sums->err) < 0)
		return -1;
	return store_outcomes_each(
	    sums->store, run->id, OUTCOME_FAILED, report_add_failure, &sums->failures, &sums->err);
}

/* Adds a run that has outcomes of its own. Returns -1 with sums->err. */
static int
report_sum_run(struct report_sums *sums, const struct store_run *run)
{
	int64_t counts[OUTCOME_COUNT] = {0};

	if (report_counts(sums, run, counts) < 0 ||
	    run_json_calls_add(sums->calls, sums->store, run->id, &sums->err) < 0 ||
	    ((sums->part & REPORT_WHY) != 0 && report_sum_why(sums, run) < 0))
		return -1;
	for (size_t kind = 0; kind < OUTCOME_COUNT; kind++)
		sums->counts[kind] += counts[kind];
	if (run->parent != NULL) {
		json_t *part = run_json(run, counts);
		json_t *settings = jsonx_parse(str_of(run->settings), NULL);

		jsonx_put_string(part, "account", jsonx_get_string(settings, "account"));
		jsonx_put_string(part, "region", jsonx_get_string(settings, "region"));
		json_array_append_new(sums->parts, part);
		json_decref(settings);
	}
	return 0;
}

static int
report_sum_part(void *arg, const struct store_run *part)
{
	return report_sum_run(arg, part) < 0;
}

/* By what the run was started with: a part that was never begun has no record. */
bool
report_has_parts(const struct store_run *run)
{
	json_t *settings = jsonx_parse(str_of(run->settings), NULL);
	bool has = json_is_integer(json_object_get(settings, "parts"));

	json_decref(settings);
	return has;
}

/* Over the run itself, or each of its parts. A callback has no err: it is in sums. */
static int
report_sum(struct report_sums *sums, const struct store_run *run, bool parts, struct tmf_err *err)
{
	struct store_run_filter filter = {.status = -1, .parent = run->id};

	if (parts && store_runs_each(sums->store, &filter, report_sum_part, sums, err) < 0)
		return -1;
	if (!parts)
		report_sum_run(sums, run);
	if (!tmf_err_isset(&sums->err))
		return 0;
	tmf_err_move(err, &sums->err);
	return -1;
}

/* A run keeps the files that it was started with: the page shows those, not today's. */
static void
report_add_file(json_t *files, const char *title, const char *name, const char *text)
{
	json_t *file;

	if (text == NULL)
		return;
	file = json_object();
	jsonx_put_string(file, "title", title);
	jsonx_put_string(file, "name", name);
	jsonx_put_string(file, "text", text);
	json_array_append_new(files, file);
}

/* The part of the document that costs the same however many instances there are. */
static void
report_put_soon(struct report_sums *sums, const struct store_run *run,
    const struct run_state *state, json_t *page)
{
	json_t *document = run_json(run, sums->counts);
	json_t *graph = graph_json_of_run(sums->store, run);
	json_t *settings = jsonx_parse(str_of(run->settings), NULL);
	json_t *files = json_array();
	json_int_t rows = 0;

	for (size_t kind = 0; kind < OUTCOME_COUNT; kind++)
		rows += (json_int_t)sums->counts[kind];
	report_add_file(files, "configuration", run->config_name, run->config);
	report_add_file(files, "hook", run->hook_name, run->hook);
	report_add_file(files, "definition", run->workflow_name, run->definition);
	report_add_file(files, "input", NULL, run->input);
	run_json_put_state(document, state);
	json_object_set_new(page, "run", document);
	jsonx_put_string(page, "workflow", run->workflow_name);
	jsonx_put_string(page, "configName", run->config_name);
	jsonx_put_string(page, "region", jsonx_get_string(settings, "region"));
	json_object_set_new(page, "redrives", json_integer((json_int_t)run->redrives));
	json_object_set(page, "calls", sums->calls);
	json_object_set(page, "parts", sums->parts);
	json_object_set(page, "timeline", sums->timeline);
	if (graph != NULL)
		json_object_set_new(page, "graph", graph);
	json_object_set_new(page, "files", files);
	json_object_set_new(page, "columns", rows_columns());
	json_object_set_new(page, "rows", json_integer(rows));
	json_decref(settings);
}

json_t *
report_document(
    struct store *store, const struct store_run *run, enum report_part part, struct tmf_err *err)
{
	struct report_sums sums = {
	    .store = store,
	    .reasons = json_array(),
	    .calls = json_object(),
	    .parts = json_array(),
	    .timeline = json_array(),
	    .part = part,
	};
	bool parts = report_has_parts(run);
	json_t *page = json_object();
	struct run_state state;
	json_t *failures;
	int ret;

	assert(run->parent == NULL);
	failures_begin(&sums.failures);
	ret = run_state_read(store, run, &state, err);
	if (ret == 0)
		ret = report_sum(&sums, run, parts, err);
	/* Parts run side by side: their samples do not follow each other. */
	if (ret == 0 && !parts)
		ret = timeline_read(store, run->id, sums.timeline, err);
	failures = failures_take(&sums.failures);
	if (ret == 0 && (part & REPORT_SOON) != 0)
		report_put_soon(&sums, run, &state, page);
	if (ret == 0 && (part & REPORT_WHY) != 0) {
		json_object_set(page, "reasons", sums.reasons);
		json_object_set(page, "failures", failures);
	}
	json_decref(failures);
	json_decref(sums.reasons);
	json_decref(sums.calls);
	json_decref(sums.parts);
	json_decref(sums.timeline);
	if (ret == 0)
		return page;
	json_decref(page);
	return NULL;
}
