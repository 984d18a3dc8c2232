#include "web/metrics/metrics.h"

#include "base/file.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "store/run_state.h"
#include "web/metrics/metrics_text.h"
#include "web/run_json.h"
#include "web/timeline.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- one run --- */

/* "workflow="backfill",region="eu-west-1"": what every sample of a run bears. */
static void
labels_of_run(const struct store_run *run, struct buf *out)
{
	char *workflow = file_stem(run->workflow_name);
	json_t *settings = jsonx_parse(str_of(run->settings), NULL);

	metrics_text_label(out, "", "workflow", workflow);
	metrics_text_label(out, ",", "region", jsonx_get_string(settings, "region"));
	json_decref(settings);
	free(workflow);
}

struct metric_rows {
	struct buf *out;
	const char *labels;
	const char *kind; /* of the calls: a member of their tally */
};

static int
metric_reason(void *arg, const struct outcome_reason *reason)
{
	const struct metric_rows *rows = arg;
	const char *word = run_json_reason_is_told(reason) ? reason->reason : "";

	buf_printf(rows->out, "tmflow_run_outcomes{%s", rows->labels);
	metrics_text_label(rows->out, ",", "outcome", outcome_name(reason->kind));
	metrics_text_label(rows->out, ",", "reason", word);
	metrics_text_label(rows->out, ",", "detail", reason->detail);
	buf_printf(rows->out, "} %" PRId64 "\n", reason->count);
	return 0;
}

static void
metric_calls(struct metric_rows *rows, const json_t *calls)
{
	const char *operation;
	json_t *counts;

	json_object_foreach ((json_t *)calls, operation, counts) {
		buf_printf(rows->out, "tmflow_run_aws_%s{%s", rows->kind, rows->labels);
		metrics_text_label(rows->out, ",", "operation", operation);
		buf_printf(rows->out, "} %" JSON_INTEGER_FORMAT "\n",
		    json_integer_value(json_object_get(counts, rows->kind)));
	}
}

static void
metric_times(const struct store_run *run, const char *labels, struct buf *out)
{
	metrics_text_begin(
	    out, "tmflow_run_start_timestamp_seconds", "gauge", "seconds", "When the run began.");
	buf_printf(out, "tmflow_run_start_timestamp_seconds{%s} %.3f\n", labels,
	    (double)run->start_wall_ms / 1000.0);
	if (run->stop_wall_ms == 0)
		return;
	metrics_text_begin(
	    out, "tmflow_run_stop_timestamp_seconds", "gauge", "seconds", "When the run ended.");
	buf_printf(out, "tmflow_run_stop_timestamp_seconds{%s} %.3f\n", labels,
	    (double)run->stop_wall_ms / 1000.0);
}

/* One sample a state, 1 for the one that the run is in. A gauge, not a stateset: node_exporter and
 * promtool know no such type. */
static void
metric_status(const struct run_state *state, const char *labels, struct buf *out)
{
	metrics_text_begin(out, "tmflow_run_status", "gauge", NULL,
	    "1 for what has become of the run, 0 for the others.");
	for (int kind = 0; kind < RUN_STATE_COUNT; kind++) {
		buf_printf(out, "tmflow_run_status{%s", labels);
		metrics_text_label(out, ",", "status", run_state_name((enum run_state_kind)kind));
		buf_printf(out, "} %d\n", (int)state->kind == kind);
	}
}

int
metrics_of_run(
    struct store *store, const struct store_run *run, struct buf *out, struct tmf_err *err)
{
	static const char *const kinds[][2] = {{"requests", "Requests sent to AWS."},
	    {"retries", "Requests that were not the first of their call."},
	    {"throttled", "Requests that AWS refused for their number."},
	    {"failed", "Calls that ended in an error."}};
	struct buf labels = {0};
	struct run_state state;
	json_t *calls = NULL;
	int ret;

	labels_of_run(run, &labels);
	struct metric_rows rows = {.out = out, .labels = buf_cstr(&labels)};
	ret = run_state_read(store, run, &state, err);
	if (ret == 0 && (calls = run_json_calls(store, run->id, err)) == NULL)
		ret = -1;
	if (ret == 0) {
		metric_status(&state, rows.labels, out);
		metric_times(run, rows.labels, out);
		metrics_text_begin(out, "tmflow_run_outcomes", "gauge", NULL,
		    "Instances and interfaces by what became of them.");
		ret = store_outcome_reasons(store, run->id, metric_reason, &rows, err);
	}
	for (size_t i = 0; ret == 0 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		char name[64];

		snprintf(name, sizeof(name), "tmflow_run_aws_%s", kinds[i][0]);
		/* Of one run: they do not go on counting. */
		metrics_text_begin(out, name, "gauge", NULL, kinds[i][1]);
		rows.kind = kinds[i][0];
		metric_calls(&rows, calls);
	}
	buf_add_cstr(out, "# EOF\n");
	json_decref(calls);
	buf_fini(&labels);
	return ret;
}

/* --- a store --- */

struct store_metrics {
	struct store *store;
	int64_t runs[RUN_STATE_COUNT];
	size_t looked;
	json_t *newest; /* {labels: {"stop": ms, "totals": {...}}} */
	struct tmf_err err;
};

/* The newest of a workflow and region is met first. */
static int
store_metrics_newest(struct store_metrics *metrics, const struct store_run *run)
{
	struct buf labels = {0};
	json_t *totals = NULL;

	labels_of_run(run, &labels);
	if (json_object_get(metrics->newest, buf_cstr(&labels)) == NULL &&
	    json_object_size(metrics->newest) < METRICS_SERIES_MAX) {
		totals = timeline_totals(metrics->store, run->id, &metrics->err);
		if (totals != NULL)
			json_object_set_new(metrics->newest, buf_cstr(&labels),
			    json_pack("{s:I, s:O}", "stop", (json_int_t)run->stop_wall_ms, "totals",
				totals));
	}
	json_decref(totals);
	buf_fini(&labels);
	return tmf_err_isset(&metrics->err);
}

static int
store_metrics_add(void *arg, const struct store_run *run)
{
	struct store_metrics *metrics = arg;
	struct run_state state;

	if (metrics->looked++ == METRICS_RUNS_MAX)
		return 1;
	if (run_state_read(metrics->store, run, &state, &metrics->err) < 0)
		return 1;
	metrics->runs[state.kind]++;
	if (state.kind == RUN_STATE_PLANNED || !run_state_is_over(state.kind))
		return 0;
	return store_metrics_newest(metrics, run);
}

static void
store_metrics_write(const struct store_metrics *metrics, struct buf *out)
{
	const char *labels;
	json_t *newest;

	metrics_text_begin(
	    out, "tmflow_runs", "gauge", NULL, "Runs that are kept, by what they are.");
	for (int kind = 0; kind < RUN_STATE_COUNT; kind++) {
		buf_add_cstr(out, "tmflow_runs{");
		metrics_text_label(out, "", "status", run_state_name((enum run_state_kind)kind));
		buf_printf(out, "} %" PRId64 "\n", metrics->runs[kind]);
	}
	metrics_text_begin(out, "tmflow_last_run_stop_timestamp_seconds", "gauge", "seconds",
	    "When the newest run that is over ended.");
	json_object_foreach (metrics->newest, labels, newest)
		buf_printf(out, "tmflow_last_run_stop_timestamp_seconds{%s} %.3f\n", labels,
		    (double)json_integer_value(json_object_get(newest, "stop")) / 1000.0);
	metrics_text_begin(out, "tmflow_last_run_outcomes", "gauge", NULL,
	    "Instances and interfaces by what became of them in the newest run that is over.");
	json_object_foreach (metrics->newest, labels, newest) {
		for (int kind = 0; kind < OUTCOME_COUNT; kind++) {
			const char *name = outcome_name((enum outcome_kind)kind);
			json_t *count = json_object_get(json_object_get(newest, "totals"), name);

			buf_printf(out, "tmflow_last_run_outcomes{%s", labels);
			metrics_text_label(out, ",", "outcome", name);
			buf_printf(out, "} %" JSON_INTEGER_FORMAT "\n", json_integer_value(count));
		}
	}
}

int
metrics_add_store(struct store *store, struct buf *out, struct tmf_err *err)
{
	const struct store_run_filter filter = {.status = -1};
	struct store_metrics metrics = {.store = store, .newest = json_object()};
	int ret = store_runs_each(store, &filter, store_metrics_add, &metrics, err);

	if (tmf_err_isset(&metrics.err)) {
		tmf_err_move(err, &metrics.err);
		ret = -1;
	}
	if (ret >= 0)
		store_metrics_write(&metrics, out);
	json_decref(metrics.newest);
	return ret < 0 ? -1 : 0;
}

int
metrics_of_store(struct store *store, struct buf *out, struct tmf_err *err)
{
	if (metrics_add_store(store, out, err) < 0)
		return -1;
	buf_add_cstr(out, "# EOF\n");
	return 0;
}

/* --- a file --- */

int
metrics_write_file(const char *path, const struct buf *text, struct tmf_err *err)
{
	char *beside = mem_printf("%s.tmp", path);
	FILE *out = fopen(beside, "we");
	bool written = out != NULL && fwrite(text->p, 1, text->len, out) == text->len;
	int ret = 0;

	assert(text->len > 0);
	if (out != NULL && fclose(out) != 0)
		written = false;
	if (!written || rename(beside, path) < 0) {
		ret = tmf_err_set(
		    err, TMF_ERR_SYSTEM, "failed to write %s: %s", path, strerror(errno));
		(void)unlink(beside);
	}
	free(beside);
	return ret;
}
