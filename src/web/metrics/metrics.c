#include "web/metrics/metrics.h"

#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/run_state.h"
#include "web/metrics/emf.h"
#include "web/metrics/metrics_text.h"
#include "web/metrics/run_metrics.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- one run --- */

struct metrics_parts {
	struct run_metrics *metrics;
	struct tmf_err *err;
};

static int
metrics_add_part(void *arg, const struct store_run *run)
{
	struct metrics_parts *parts = arg;

	return run_metrics_add(parts->metrics, run, parts->err) < 0;
}

/* The parts of a run over several accounts and regions; of another run nothing. */
static int
metrics_add_parts(struct run_metrics *metrics, const char *run_id, struct tmf_err *err)
{
	struct metrics_parts parts = {.metrics = metrics, .err = err};
	const struct store_run_filter filter = {.status = -1, .parent = run_id};

	if (store_runs_each(metrics->store, &filter, metrics_add_part, &parts, err) < 0)
		return -1;
	return tmf_err_isset(err) ? -1 : 0;
}

/* All or nothing: half of a text would read as numbers that went down. */
int
metrics_of_run(
    struct store *store, const struct store_run *run, struct buf *out, struct tmf_err *err)
{
	struct run_metrics metrics = {.store = store, .prefix = "tmflow_run_", .by_row = true};

	if (run_metrics_add(&metrics, run, err) < 0 ||
	    metrics_add_parts(&metrics, run->id, err) < 0) {
		run_metrics_fini(&metrics);
		return -1;
	}
	run_metrics_write(&metrics, out);
	buf_add_cstr(out, METRICS_END);
	return 0;
}

/* --- a store --- */

struct store_counts {
	struct store *store;
	int64_t runs[RUN_STATE_COUNT];
	size_t looked;
	json_t *newest; /* {labels: the id of the newest run that is over} */
	struct tmf_err err;
};

/* The newest of a workflow, account and region is met first. */
static int
store_counts_add(void *arg, const struct store_run *run)
{
	struct store_counts *counts = arg;
	struct buf labels = {0};
	struct run_state state;

	if (counts->looked++ == METRICS_RUNS_MAX)
		return 1;
	if (run_state_read(counts->store, run, &state, &counts->err) < 0)
		return 1;
	counts->runs[state.kind]++;
	if (state.kind == RUN_STATE_PLANNED || !run_state_is_over(state.kind))
		return 0;
	run_metrics_labels(run, &labels);
	if (json_object_get(counts->newest, buf_cstr(&labels)) == NULL &&
	    json_object_size(counts->newest) < METRICS_SERIES_MAX)
		jsonx_put_string(counts->newest, buf_cstr(&labels), run->id);
	buf_fini(&labels);
	return 0;
}

/* Read behind the list: no two reads of runs are under way at once. */
static int
store_counts_add_newest(
    const struct store_counts *counts, struct run_metrics *runs, struct tmf_err *err)
{
	const char *labels;
	json_t *id;
	int ret = 0;

	json_object_foreach (counts->newest, labels, id) {
		struct store_run run = {0};

		if (ret == 0)
			ret = store_run_find(counts->store, json_string_value(id), &run, err);
		if (ret == 0)
			ret = run_metrics_add(runs, &run, err);
		if (ret == 0)
			ret = metrics_add_parts(runs, run.id, err);
		store_run_fini(&run);
	}
	return ret;
}

/* Every kind has a line, also with 0: a series that comes and goes cannot be watched. */
static void
store_counts_write(const struct store_counts *counts, struct buf *out)
{
	metrics_text_begin(
	    out, "tmflow_runs", "gauge", NULL, "Runs that are kept, by what they are.");
	for (int kind = 0; kind < RUN_STATE_COUNT; kind++) {
		buf_add_cstr(out, "tmflow_runs{");
		metrics_text_label(out, "", "status", run_state_name((enum run_state_kind)kind));
		buf_printf(out, "} %" PRId64 "\n", counts->runs[kind]);
	}
}

static int
metrics_add_store(struct store *store, struct buf *out, struct tmf_err *err)
{
	const struct store_run_filter filter = {.status = -1};
	struct store_counts counts = {.store = store, .newest = json_object()};
	struct run_metrics runs = {.store = store, .prefix = "tmflow_last_run_"};
	int ret = store_runs_each(store, &filter, store_counts_add, &counts, err);

	if (tmf_err_isset(&counts.err)) {
		tmf_err_move(err, &counts.err);
		ret = -1;
	}
	if (ret >= 0)
		ret = store_counts_add_newest(&counts, &runs, err);
	if (ret == 0) {
		store_counts_write(&counts, out);
		run_metrics_write(&runs, out);
	}
	run_metrics_fini(&runs);
	json_decref(counts.newest);
	return ret;
}

int
metrics_of_store(struct store *store, struct buf *out, struct tmf_err *err)
{
	if (metrics_add_store(store, out, err) < 0)
		return -1;
	buf_add_cstr(out, METRICS_END);
	return 0;
}

/* A scraper may ask each second, and a store may hold a million outcomes. */
int
store_metrics_append(struct store_metrics *metrics, struct buf *out, struct tmf_err *err)
{
	int64_t now;

	assert(metrics->store != NULL && metrics->loop != NULL);
	now = tmf_loop_mono_ms(metrics->loop);
	if (metrics->read_mono_ms == 0 || now >= metrics->read_mono_ms + STORE_METRICS_FRESH_MS) {
		buf_reset(&metrics->text);
		if (metrics_add_store(metrics->store, &metrics->text, err) < 0)
			return -1;
		metrics->read_mono_ms = now;
	}
	buf_add(out, metrics->text.p, metrics->text.len);
	return 0;
}

void
store_metrics_fini(struct store_metrics *metrics)
{
	buf_fini(&metrics->text);
}

/* --- who wants them --- */

bool
metrics_are_wanted(const char *path)
{
	return path != NULL || log_is_emf();
}

/* Beside it and then renamed: the collector that reads the folder sees the old file or the new
 * one. */
static int
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

/* The numbers of a command are whole: nothing was written before that they would be compared
 * with. */
static void
metrics_log(const char *command, const char *run_id, const char *text)
{
	struct emf emf = {.before = NULL};

	emf_log(&emf, text, command, run_id);
	emf_fini(&emf);
}

int
metrics_report(const char *path, const char *command, const struct buf *text, struct tmf_err *err)
{
	metrics_log(command, NULL, buf_cstr(text));
	return path != NULL ? metrics_write_file(path, text, err) : 0;
}

int
metrics_report_run(
    struct store *store, const struct store_run *run, const char *path, struct tmf_err *err)
{
	struct buf text = {0};
	int ret = 0;

	if (!metrics_are_wanted(path))
		return 0;
	ret = metrics_of_run(store, run, &text, err);
	if (ret == 0)
		metrics_log("run", run->id, buf_cstr(&text));
	if (ret == 0 && path != NULL)
		ret = metrics_write_file(path, &text, err);
	buf_fini(&text);
	return ret;
}
