/* CloudWatch's embedded metric format: documents of our own text, and what they leave out. */
#include "base/jsonx.h"
#include "loop/histogram.h"
#include "run_suite.h"
#include "web/metrics/emf.h"
#include "web/metrics/metrics_text.h"

#include <check.h>
#include <string.h>

#define NOW INT64_C(1768478283456)

/* The documents of a text, in order. */
static json_t *
documents_of(struct emf *emf, const char *text)
{
	const struct emf_context context = {.command = "listen", .run_id = "01ABC", .wall_ms = NOW};
	json_t *documents = json_array();
	struct buf out = {0};
	char *at, *line;

	emf_write(emf, text, &context, &out);
	at = buf_take(&out);
	for (line = strtok(at, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		json_t *document = jsonx_parse(str_of(line), NULL);

		ck_assert_ptr_nonnull(document);
		json_array_append_new(documents, document);
	}
	free(at);
	return documents;
}

/* A document says exactly this. */
static void
expect(const json_t *documents, size_t index, const char *text)
{
	json_t *wanted = jsonx_parse(str_of(text), NULL);
	json_t *got = json_deep_copy(json_array_get(documents, index));

	ck_assert_ptr_nonnull(wanted);
	ck_assert_str_eq(jsonx_get_string(got, "version"), TMFLOW_VERSION);
	json_object_del(got, "version");
	if (!json_equal(wanted, got))
		ck_abort_msg("%s", json_dumps(got, 0));
	json_decref(wanted);
	json_decref(got);
}

START_TEST(counters_are_what_came_since)
{
	struct emf emf = {.before = NULL};
	json_t *first = documents_of(&emf,
	    "# TYPE tmflow_aws_requests counter\n"
	    "# HELP tmflow_aws_requests Requests.\n"
	    "tmflow_aws_requests_total{service=\"ec2\",operation=\"A\"} 3\n"
	    "tmflow_aws_requests_total{service=\"ec2\",operation=\"B\"} 0\n"
	    "# TYPE tmflow_aws_retries counter\n"
	    "tmflow_aws_retries_total{service=\"ec2\",operation=\"A\"} 1\n# EOF\n");
	json_t *second =
	    documents_of(&emf, "# TYPE tmflow_aws_requests counter\n"
			       "tmflow_aws_requests_total{service=\"ec2\",operation=\"A\"} 10\n");

	ck_assert_uint_eq(json_array_size(first), 1);
	expect(first, 0,
	    "{\"_aws\": {\"Timestamp\": 1768478283456, \"CloudWatchMetrics\": [{\"Namespace\": "
	    "\"tmflow\", \"Dimensions\": [[\"service\", \"operation\"]], \"Metrics\": [{\"Name\": "
	    "\"tmflow_aws_requests_total\", \"Unit\": \"Count\"}, {\"Name\": "
	    "\"tmflow_aws_retries_total\", \"Unit\": \"Count\"}]}]}, \"process\": \"listen\", "
	    "\"run\": \"01ABC\", \"service\": \"ec2\", \"operation\": \"A\", "
	    "\"tmflow_aws_requests_total\": 3, \"tmflow_aws_retries_total\": 1}");
	ck_assert_int_eq(json_integer_value(json_object_get(
			     json_array_get(second, 0), "tmflow_aws_requests_total")),
	    7);
	json_decref(first);
	json_decref(second);
	emf_fini(&emf);
}
END_TEST

START_TEST(gauges_have_units_and_no_empty_dimension)
{
	struct emf emf = {.before = NULL};
	json_t *got = documents_of(&emf,
	    "# TYPE tmflow_coverage_ratio gauge\n# UNIT tmflow_coverage_ratio ratio\n"
	    "tmflow_coverage_ratio{account=\"\",tag=\" \",rule=\"a\\\"b\\\\\\n\xc3\xa9\"} 0.5\n"
	    "# TYPE tmflow_start_timestamp_seconds gauge\ntmflow_start_timestamp_seconds 5\n");

	ck_assert_uint_eq(json_array_size(got), 1);
	expect(got, 0,
	    "{\"_aws\": {\"Timestamp\": 1768478283456, \"CloudWatchMetrics\": [{\"Namespace\": "
	    "\"tmflow\", \"Dimensions\": [[\"rule\"]], \"Metrics\": [{\"Name\": "
	    "\"tmflow_coverage_ratio\", \"Unit\": \"None\"}]}]}, \"process\": \"listen\", \"run\": "
	    "\"01ABC\", \"rule\": \"a\\\"b\\\\???\", \"tmflow_coverage_ratio\": 0.5}");
	json_decref(got);
	emf_fini(&emf);
}
END_TEST

/* How many of a document's values are so long. */
static int
values_of(const json_t *document, double seconds)
{
	json_t *value;
	size_t i;
	int found = 0;

	json_array_foreach (json_object_get(document, "d_seconds"), i, value)
		found += json_number_value(value) == seconds ? 1 : 0;
	return found;
}

START_TEST(histograms_are_values)
{
	struct emf emf = {.before = NULL};
	struct histogram histogram = {.count = 0};
	struct buf text = {0};
	json_t *got;

	for (int i = 0; i < 900; i++)
		histogram_add(&histogram, 3);
	for (int i = 0; i < 100; i++)
		histogram_add(&histogram, 7200000);
	for (int round = 0; round < 2; round++) {
		buf_reset(&text);
		metrics_text_begin(&text, "d_seconds", "histogram", "seconds", "How long.");
		metrics_text_histogram(&text, "d_seconds", "", &histogram);
		got = documents_of(&emf, buf_cstr(&text));
		ck_assert_uint_eq(json_array_size(got), 1);
		ck_assert_int_eq(values_of(json_array_get(got, 0), 0.005), round == 0 ? 90 : 0);
		ck_assert_int_eq(values_of(json_array_get(got, 0), 3600), round == 0 ? 10 : 0);
		ck_assert_int_eq(values_of(json_array_get(got, 0), 0.025), round == 0 ? 0 : 1);
		ck_assert_int_eq(
		    json_integer_value(json_object_get(json_array_get(got, 0), "d_seconds_count")),
		    round == 0 ? 1000 : 1);
		json_decref(got);
		histogram_add(&histogram, 20);
	}
	buf_fini(&text);
	emf_fini(&emf);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("emf");
	TCase *tests = tcase_create("emf");

	tcase_add_test(tests, counters_are_what_came_since);
	tcase_add_test(tests, gauges_have_units_and_no_empty_dimension);
	tcase_add_test(tests, histograms_are_values);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
