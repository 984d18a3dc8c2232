#include "web/metrics/reconcile_metrics.h"

#include "web/metrics/metrics_text.h"

#include <assert.h>

/* A scrape within the next minute would otherwise show the round before. */
void
reconcile_metrics_round(struct reconcile_metrics *metrics, enum round_result result, int64_t ms)
{
	assert(result < ROUND_RESULT_COUNT);
	metrics->rounds[result]++;
	histogram_add(&metrics->durations, ms);
	metrics->kept.read_mono_ms = 0;
}

static void
reconcile_write_gauge(
    const char *name, const char *unit, const char *help, double value, struct buf *out)
{
	metrics_text_begin(out, name, "gauge", unit, help);
	metrics_text_gauge(out, name, "", value);
}

/* The next round has no time while one runs: an alarm that compares it with now needs none. */
void
reconcile_metrics_count(const struct reconcile_metrics *metrics, struct buf *out)
{
	static const char *const results[ROUND_RESULT_COUNT] = {
	    "result=\"succeeded\"", "result=\"failed\"", "result=\"held\""};

	metrics_text_begin(out, "tmflow_reconcile_rounds", "counter", NULL,
	    "Rounds by how they ended; held: another process was at work in the same place.");
	for (int i = 0; i < ROUND_RESULT_COUNT; i++)
		metrics_text_counter(
		    out, "tmflow_reconcile_rounds", results[i], metrics->rounds[i]);
	metrics_text_begin(out, "tmflow_reconcile_round_duration_seconds", "histogram", "seconds",
	    "How long rounds took.");
	metrics_text_histogram(
	    out, "tmflow_reconcile_round_duration_seconds", "", &metrics->durations);
	reconcile_write_gauge("tmflow_reconcile_in_round", NULL, "1 while a round runs, else 0.",
	    metrics->in_round ? 1 : 0, out);
	reconcile_write_gauge("tmflow_reconcile_failed_rounds_in_a_row", NULL,
	    "Rounds that failed since the last one that did not.", metrics->failures, out);
	if (metrics->next_wall_ms != 0)
		reconcile_write_gauge("tmflow_reconcile_next_round_timestamp_seconds", "seconds",
		    "When the next round is to begin.", (double)metrics->next_wall_ms / 1000.0,
		    out);
}

/* The round's own numbers are in the log already, under its run: session.c has given them there. */
void
reconcile_metrics_log(struct reconcile_metrics *metrics)
{
	struct buf text = {0};

	reconcile_metrics_count(metrics, &text);
	emf_log(&metrics->emf, buf_cstr(&text), "reconcile", NULL);
	buf_fini(&text);
}

int
reconcile_metrics_write(struct reconcile_metrics *metrics, struct buf *out, struct tmf_err *err)
{
	assert(metrics->kept.store != NULL && metrics->kept.loop != NULL);
	metrics_text_process(out, "reconcile", metrics->start_wall_ms);
	reconcile_metrics_count(metrics, out);
	if (store_metrics_append(&metrics->kept, out, err) < 0)
		return -1;
	buf_add_cstr(out, METRICS_END);
	return 0;
}

void
reconcile_metrics_fini(struct reconcile_metrics *metrics)
{
	store_metrics_fini(&metrics->kept);
	emf_fini(&metrics->emf);
}
