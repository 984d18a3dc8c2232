#include "web/metrics/serving_metrics.h"

#include "aws/tally.h"
#include "store/store.h"
#include "web/metrics/metrics.h"
#include "web/metrics/metrics_text.h"
#include "web/run_json.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

void
serving_metrics_fini(struct serving_metrics *metrics)
{
	buf_fini(&metrics->stored);
}

/* --- the work --- */

static void
serving_write_process(const struct serving_metrics *metrics, struct buf *out)
{
	struct buf labels = {0};

	metrics_text_label(&labels, "", "command", metrics->command);
	metrics_text_label(&labels, ",", "version", TMFLOW_VERSION);
	metrics_text_begin(out, "tmflow_build_info", "gauge", NULL, "1; its labels say what runs.");
	metrics_text_gauge(out, "tmflow_build_info", buf_cstr(&labels), 1);
	metrics_text_begin(out, "tmflow_start_time_seconds", "gauge", "seconds",
	    "When the process began to serve.");
	metrics_text_gauge(
	    out, "tmflow_start_time_seconds", "", (double)metrics->start_wall_ms / 1000.0);
	buf_fini(&labels);
}

static void
serving_write_jobs(const struct jobs_stats *stats, struct buf *out)
{
	metrics_text_begin(out, "tmflow_jobs", "counter", NULL,
	    "Actions and workflows that ended, by how they did.");
	metrics_text_counter(out, "tmflow_jobs", "result=\"succeeded\"", stats->succeeded);
	metrics_text_counter(out, "tmflow_jobs", "result=\"failed\"", stats->failed);
	metrics_text_begin(out, "tmflow_jobs_in_progress", "gauge", NULL,
	    "Actions and workflows that are under way.");
	metrics_text_gauge(out, "tmflow_jobs_in_progress", "", (double)stats->live);
	metrics_text_begin(out, "tmflow_job_duration_seconds", "histogram", "seconds",
	    "How long actions and workflows took.");
	metrics_text_histogram(out, "tmflow_job_duration_seconds", "", &stats->durations);
}

/* --- AWS --- */

/* What the clients of a service counted together: {SERVICE: tally}. A new reference. */
static json_t *
serving_tallies(const struct serving_metrics *metrics)
{
	json_t *services = json_object();

	for (size_t i = 0; i < metrics->client_count; i++) {
		const struct aws_client *client = metrics->clients[i].client;
		const char *service = aws_client_service(client);

		if (json_object_get(services, service) == NULL)
			json_object_set_new(services, service, json_object());
		tally_add(json_object_get(services, service), aws_client_tally(client));
	}
	return services;
}

static void
serving_write_calls(const json_t *services, const char *kind, const char *help, struct buf *out)
{
	const char *service, *operation;
	json_t *tally, *counts;
	char name[64];

	snprintf(name, sizeof(name), "tmflow_aws_%s", kind);
	metrics_text_begin(out, name, "counter", NULL, help);
	json_object_foreach ((json_t *)services, service, tally) {
		json_object_foreach (tally, operation, counts) {
			struct buf labels = {0};

			metrics_text_label(&labels, "", "service", service);
			metrics_text_label(&labels, ",", "operation", operation);
			metrics_text_counter(out, name, buf_cstr(&labels),
			    (uint64_t)json_integer_value(json_object_get(counts, kind)));
			buf_fini(&labels);
		}
	}
}

static void
serving_write_durations(
    const struct serving_metrics *metrics, const json_t *services, struct buf *out)
{
	const char *service;
	json_t *tally;

	metrics_text_begin(out, "tmflow_aws_request_duration_seconds", "histogram", "seconds",
	    "How long AWS took to answer a request.");
	json_object_foreach ((json_t *)services, service, tally) {
		struct histogram sum = {.count = 0};
		struct buf labels = {0};

		for (size_t i = 0; i < metrics->client_count; i++) {
			const struct aws_client *client = metrics->clients[i].client;

			if (strcmp(aws_client_service(client), service) == 0)
				histogram_merge(&sum, aws_client_durations(client));
		}
		metrics_text_label(&labels, "", "service", service);
		metrics_text_histogram(
		    out, "tmflow_aws_request_duration_seconds", buf_cstr(&labels), &sum);
		buf_fini(&labels);
	}
}

/* A bucket that nothing was refused from is not known, and not shown. */
static void
serving_write_bucket(const struct serving_metrics *metrics, const char *name, const char *member,
    const char *help, struct buf *out)
{
	metrics_text_begin(out, name, "gauge", NULL, help);
	for (size_t i = 0; i < metrics->client_count; i++) {
		const struct serving_client *client = &metrics->clients[i];
		json_t *buckets = client->pacer != NULL ? pacer_export(client->pacer) : NULL;
		const char *operation;
		json_t *bucket;

		json_object_foreach (buckets, operation, bucket) {
			struct buf labels = {0};

			metrics_text_label(&labels, "", "account", client->account);
			metrics_text_label(
			    &labels, ",", "region", aws_client_region(client->client));
			metrics_text_label(&labels, ",", "operation", operation);
			metrics_text_gauge(out, name, buf_cstr(&labels),
			    json_number_value(json_object_get(bucket, member)));
			buf_fini(&labels);
		}
		json_decref(buckets);
	}
}

static void
serving_write_aws(const struct serving_metrics *metrics, struct buf *out)
{
	json_t *services = serving_tallies(metrics);

	serving_write_calls(services, "requests", "Requests sent to AWS.", out);
	serving_write_calls(
	    services, "retries", "Requests that were not the first of their call.", out);
	serving_write_calls(
	    services, "throttled", "Requests that AWS refused for their number.", out);
	serving_write_calls(services, "failed", "Calls that ended in an error.", out);
	serving_write_durations(metrics, services, out);
	serving_write_bucket(metrics, "tmflow_aws_bucket_tokens", "tokens",
	    "Requests that EC2's token bucket is taken to allow at once now.", out);
	serving_write_bucket(metrics, "tmflow_aws_bucket_size_tokens", "size",
	    "Requests that the full bucket is taken to allow at once.", out);
	serving_write_bucket(metrics, "tmflow_aws_bucket_refill_tokens_per_second", "rate",
	    "Requests a second that the bucket is taken to allow for long.", out);
	json_decref(services);
}

/* --- the store --- */

static int
serving_add_reason(void *arg, const struct outcome_reason *reason)
{
	struct buf *out = arg;

	buf_add_cstr(out, "tmflow_outcomes{");
	metrics_text_label(out, "", "outcome", outcome_name(reason->kind));
	metrics_text_label(
	    out, ",", "reason", run_json_reason_is_told(reason) ? reason->reason : "");
	metrics_text_label(out, ",", "detail", reason->detail);
	buf_printf(out, "} %" PRId64 "\n", reason->count);
	return 0;
}

/* Rows of a run that goes on for months are many: they are read once a minute. */
static int
serving_read_store(struct serving_metrics *metrics, struct tmf_err *err)
{
	int64_t now = tmf_loop_mono_ms(metrics->loop);

	if (metrics->stored_mono_ms != 0 && now < metrics->stored_mono_ms + SERVING_STORE_FRESH_MS)
		return 0;
	buf_reset(&metrics->stored);
	metrics_text_begin(&metrics->stored, "tmflow_outcomes", "gauge", NULL,
	    "Instances and interfaces by what became of them in this process.");
	if (store_outcome_reasons(
		metrics->store, metrics->run_id, serving_add_reason, &metrics->stored, err) < 0 ||
	    metrics_add_store(metrics->store, &metrics->stored, err) < 0)
		return -1;
	metrics->stored_mono_ms = now;
	return 0;
}

int
serving_metrics_write(struct serving_metrics *metrics, struct buf *out, struct tmf_err *err)
{
	assert(metrics->client_count <= SERVING_CLIENTS_MAX);
	if (serving_read_store(metrics, err) < 0)
		return -1;
	serving_write_process(metrics, out);
	serving_write_jobs(jobs_stats(metrics->jobs), out);
	if (metrics->more != NULL)
		metrics->more(metrics->arg, out);
	serving_write_aws(metrics, out);
	buf_add(out, metrics->stored.p, metrics->stored.len);
	buf_add_cstr(out, "# EOF\n");
	return 0;
}
