#include "web/metrics/serving_metrics.h"

#include "aws/tally.h"
#include "web/metrics/metrics.h"
#include "web/metrics/metrics_text.h"

#include <assert.h>
#include <string.h>

void
serving_metrics_fini(struct serving_metrics *metrics)
{
	store_metrics_fini(&metrics->kept);
}

/* --- the work --- */

/* Names and units stay as they are from release to release: dashboards are made of them. */
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

/* One kind of count, of all services: OpenMetrics wants all samples of a name together. */
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

/* The clients of a service have a histogram each, which add up: their bounds are the same. */
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

/* --- outcomes and the store --- */

/* Two accounts of the list may have one id: a sample is there once. */
static void
serving_add_outcomes(void *arg, const struct outcome_count *count)
{
	json_t *sums = arg;
	struct buf labels = {0};
	const char *key;

	metrics_text_label(&labels, "", "account", count->account);
	metrics_text_label(&labels, ",", "rule", count->rule);
	metrics_text_label(&labels, ",", "outcome", count->kind);
	metrics_text_label(&labels, ",", "reason", count->reason);
	key = buf_cstr(&labels);
	json_object_set_new(sums, key,
	    json_integer(
		json_integer_value(json_object_get(sums, key)) + (json_int_t)count->count));
	buf_fini(&labels);
}

static void
serving_write_outcomes(const struct jobs *jobs, struct buf *out)
{
	json_t *sums = json_object();
	const char *labels;
	json_t *sum;

	jobs_outcomes_each(jobs, serving_add_outcomes, sums);
	metrics_text_begin(out, "tmflow_outcomes", "counter", NULL,
	    "Outcomes of instances and interfaces that were recorded.");
	json_object_foreach (sums, labels, sum)
		metrics_text_counter(
		    out, "tmflow_outcomes", labels, (uint64_t)json_integer_value(sum));
	json_decref(sums);
}

void
serving_metrics_count(const struct serving_metrics *metrics, struct buf *out)
{
	assert(metrics->client_count <= SERVING_CLIENTS_MAX);
	serving_write_jobs(jobs_stats(metrics->jobs), out);
	serving_write_outcomes(metrics->jobs, out);
	if (metrics->more != NULL)
		metrics->more(metrics->arg, out);
	serving_write_aws(metrics, out);
}

int
serving_metrics_write(struct serving_metrics *metrics, struct buf *out, struct tmf_err *err)
{
	metrics_text_process(out, metrics->command, metrics->start_wall_ms);
	serving_metrics_count(metrics, out);
	if (store_metrics_append(&metrics->kept, out, err) < 0)
		return -1;
	buf_add_cstr(out, METRICS_END);
	return 0;
}
