/* The AWS tools' retry modes: what each retries, and how fast the adaptive one lets calls go. */
#include "aws/pace/adaptive.h"
#include "aws_fixture.h"
#include "base/doc/doc.h"
#include "base/jsonx.h"

#include "base/clock.h"
#include "run_suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define RETRY_FILE	TEST_SHARED_DIR "/aws/retry.json"
#define TRACE_ROWS	30
#define VECTOR_CLOSE	1e-9
#define TRACE_CLOSE	1e-6 /* the trace's numbers are rounded so far */
#define ATTEMPTS_ENOUGH 60

/* --- what each retries --- */

static struct tmf_call *
start(struct aws_fixture *f)
{
	return ec2_describe_sessions(f->client, &(struct ec2_describe){.max_results = 5});
}

#define OK_BODY                                                                                    \
	"<DescribeTrafficMirrorSessionsResponse><requestId>r</requestId></"                        \
	"DescribeTrafficMirrorSessionsResponse>"
#define ERROR_BODY(code)                                                                           \
	"<Response><Errors><Error><Code>" code                                                     \
	"</Code><Message>why</Message></Error></Errors><RequestID>r-9</RequestID></Response>"

static size_t
attempts_at(const struct scripted_reply *reply, const char *mode, int attempts_max)
{
	struct aws_fixture f;
	size_t sent;

	aws_fixture_init(
	    &f, &(struct scripted_opts){.replies = reply, .replies_count = 1}, attempts_max);
	f.keys.provider.refresh = NULL;
	aws_fixture_retry_mode(&f, mode);
	aws_fixture_run(&f, start(&f));
	ck_assert_ptr_null(f.result);
	sent = scripted_transport_sent(f.scripted);
	aws_fixture_fini(&f);
	return sent;
}

START_TEST(attempts)
{
	static const struct {
		const char *mode;
		size_t attempts;
	} cases[] = {{NULL, 10}, {"standard", 3}, {"adaptive", 3}, {"legacy", 5}};
	static const struct scripted_reply replies[] = {
	    {NULL, 500, ERROR_BODY("InternalError")},
	    {NULL, 503, ERROR_BODY("RequestLimitExceeded")},
	    {NULL, 0, "reset"},
	    {NULL, 200, "<Describe"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t j = 0; j < sizeof(replies) / sizeof(replies[0]); j++) {
			ck_assert_uint_eq(
			    attempts_at(&replies[j], cases[i].mode, 0), cases[i].attempts);
			ck_assert_uint_eq(attempts_at(&replies[j], cases[i].mode, 2), 2);
			ck_assert_uint_eq(attempts_at(&replies[j], cases[i].mode, 1), 1);
		}
}
END_TEST

/* Legacy mode goes by code and status together, of some services only. */
START_TEST(what_legacy_retries)
{
	static const struct {
		const char *service;
		const char *code;
		int status;
		bool again;
	} cases[] = {
	    {"ec2", "RequestLimitExceeded", 503, true},
	    {"ec2", "RequestLimitExceeded", 400, false},
	    {"states", "RequestLimitExceeded", 400, false},
	    {"ec2", "EC2ThrottledException", 503, true},
	    {"ec2", "Throttling", 400, true},
	    {"states", "ThrottlingException", 400, true},
	    {"states", "ThrottlingException", 403, false},
	    {"ec2", "SlowDown", 400, false},
	    {"ec2", "BandwidthLimitExceeded", 400, false},
	    {"ec2", "TooManyRequestsException", 429, true},
	    {"ec2", "Whatever", 509, true},
	    {"ec2", "Whatever", 501, false},
	    {"ec2", "Whatever", 502, true},
	    {"sqs", "RequestThrottled", 403, true},
	    {"ec2", "RequestThrottled", 403, false},
	    {"sts", "IDPCommunicationError", 400, true},
	    {"ec2", "IDPCommunicationError", 400, false},
	    {"ec2", "InvalidParameterValue", 400, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tmf_err err = {0};

		tmf_err_set_name(&err, TMF_ERR_SERVICE, cases[i].code, "x");
		err.http_status = cases[i].status;
		ck_assert_msg(retry_mode_retries(retry_mode_find("legacy"), cases[i].service,
				  &err) == cases[i].again,
		    "%s %s %d", cases[i].service, cases[i].code, cases[i].status);
		tmf_err_fini(&err);
	}
}
END_TEST

/* Every reply that the table of facts has for legacy mode is one that ours retries. */
START_TEST(legacy_as_it_is_written)
{
	struct tmf_err err = {0};
	struct doc *doc = doc_read(RETRY_FILE, &err);
	json_t *row;
	size_t i;

	tmf_err_fini(&err);
	if (doc == NULL) {
		puts("SKIP: " RETRY_FILE " is not there");
		return;
	}
	json_array_foreach (
	    json_object_get(json_object_get(doc_root(doc), "legacy"), "retry"), i, row) {
		const char *service = jsonx_get_string(row, "service");
		const char *code = jsonx_get_string(row, "code");

		if (json_object_get(row, "transport") != NULL)
			tmf_err_set(&err, TMF_ERR_TRANSPORT, "reset");
		else
			tmf_err_set_name(
			    &err, TMF_ERR_SERVICE, code != NULL ? code : "Whatever", "x");
		err.http_status = (int)json_integer_value(json_object_get(row, "httpStatus"));
		ck_assert_msg(retry_mode_retries(retry_mode_find("legacy"),
				  service != NULL ? service : "states", &err),
		    "row %zu", i);
		tmf_err_fini(&err);
	}
	ck_assert_uint_ge(i, 15);
	doc_free(doc);
}
END_TEST

/* Legacy mode has neither a quota nor an end to its back-off: 100 attempts, each call, and days
 * of waiting in the end. */
START_TEST(legacy_knows_no_bounds)
{
	static const struct scripted_reply reply = {NULL, 500, ERROR_BODY("InternalError")};
	struct aws_fixture f;

	aws_fixture_init(&f, &(struct scripted_opts){.replies = &reply, .replies_count = 1}, 25);
	aws_fixture_retry_mode(&f, "legacy");
	for (int i = 0; i < 6; i++)
		aws_fixture_run(&f, start(&f));
	ck_assert_uint_eq(scripted_transport_sent(f.scripted), 150); /* 144 retries */
	/* With 20 s at most it would be 24 * 20 s a call. */
	ck_assert_int_gt(f.clock.now_mono_ms, 6ll * 24 * 20000);
	aws_fixture_fini(&f);

	aws_fixture_init(&f, &(struct scripted_opts){.replies = &reply, .replies_count = 1}, 25);
	aws_fixture_retry_mode(&f, "standard");
	for (int i = 0; i < 6; i++)
		aws_fixture_run(&f, start(&f));
	ck_assert_uint_eq(scripted_transport_sent(f.scripted), 106); /* the quota's 100 */
	ck_assert_int_lt(f.clock.now_mono_ms, 6ll * 24 * 20000);
	aws_fixture_fini(&f);
}
END_TEST

/* --- the adaptive mode's rates, number by number --- */

static bool
is_close(double got, double wanted, double by)
{
	return fabs(got - wanted) <= by;
}

/* By hand: throttled at 10 a second the rate falls to 7, is back at 10 after cbrt(7.5) s, and
 * grows on beyond. */
START_TEST(curve)
{
	struct adaptive_curve cubic = {0};

	ck_assert(is_close(adaptive_curve_throttled(&cubic, 10, 100), 7, VECTOR_CLOSE));
	ck_assert(is_close(cubic.flat_at_s, cbrt(7.5), VECTOR_CLOSE));
	ck_assert(is_close(adaptive_curve_grown(&cubic, 100), 7, VECTOR_CLOSE));
	ck_assert(is_close(adaptive_curve_grown(&cubic, 100 + cbrt(7.5)), 10, VECTOR_CLOSE));
	ck_assert(is_close(
	    adaptive_curve_grown(&cubic, 100 + cbrt(7.5) + 3), 10 + 0.4 * 27, VECTOR_CLOSE));
	ck_assert(is_close(adaptive_curve_throttled(&cubic, 0, 200), 0, VECTOR_CLOSE));
	ck_assert(is_close(adaptive_curve_grown(&cubic, 202), 0.4 * 8, VECTOR_CLOSE));
}
END_TEST

static double
real_of(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

START_TEST(cubic_vectors)
{
	struct tmf_err err = {0};
	struct doc *doc = doc_read(RETRY_FILE, &err);
	struct adaptive_curve cubic = {0};
	const json_t *vectors;
	const json_t *error_at;
	json_t *row;
	size_t i;

	tmf_err_fini(&err);
	if (doc == NULL) {
		puts("SKIP: " RETRY_FILE " is not there");
		return;
	}
	vectors = json_object_get(json_object_get(doc_root(doc), "adaptive"), "cubicVectors");
	adaptive_curve_throttled(&cubic, real_of(json_object_get(vectors, "start"), "w_max"), 0);
	ck_assert(is_close(
	    cubic.flat_at_s, real_of(json_object_get(vectors, "start"), "k"), VECTOR_CLOSE));
	json_array_foreach (json_object_get(vectors, "success"), i, row)
		ck_assert_msg(is_close(adaptive_curve_grown(&cubic, real_of(row, "dt")),
				  real_of(row, "rate"), VECTOR_CLOSE),
		    "row %zu", i);
	error_at = json_object_get(vectors, "errorAt");
	ck_assert(is_close(adaptive_curve_throttled(&cubic, real_of(error_at, "currentRate"),
			       real_of(error_at, "timestamp")),
	    real_of(error_at, "newRate"), VECTOR_CLOSE));
	ck_assert(is_close(cubic.flat_at_s, real_of(error_at, "k"), VECTOR_CLOSE));
	json_array_foreach (json_object_get(vectors, "successAfterError"), i, row)
		ck_assert_msg(is_close(adaptive_curve_grown(&cubic, real_of(row, "timestamp")),
				  real_of(row, "rate"), VECTOR_CLOSE),
		    "row %zu", i);
	doc_free(doc);
}
END_TEST

START_TEST(adaptive_trace)
{
	struct tmf_err err = {0};
	struct doc *doc = doc_read(RETRY_FILE, &err);
	struct adaptive model;
	json_t *row;
	size_t i;

	tmf_err_fini(&err);
	if (doc == NULL) {
		puts("SKIP: " RETRY_FILE " is not there");
		return;
	}
	adaptive_init(&model, 0);
	json_array_foreach (
	    json_object_get(
		json_object_get(json_object_get(doc_root(doc), "adaptive"), "limiterTrace"),
		"rows"),
	    i, row) {
		adaptive_answered(&model, json_is_true(json_object_get(row, "throttled")),
		    (int64_t)(real_of(row, "t") * 1000));
		ck_assert_msg(
		    is_close(model.measured_per_s, real_of(row, "measuredRate"), TRACE_CLOSE) &&
			is_close(model.fill_per_s, real_of(row, "fillRate"), TRACE_CLOSE) &&
			is_close(model.capacity, real_of(row, "maxCapacity"), TRACE_CLOSE) &&
			model.enabled == json_is_true(json_object_get(row, "enabled")),
		    "row %zu: measured %f, fill %f, capacity %f", i, model.measured_per_s,
		    model.fill_per_s, model.capacity);
	}
	ck_assert_uint_eq(i, TRACE_ROWS);
	doc_free(doc);
}
END_TEST

/* Nothing waits before the first throttled reply; then each waits for its token, half a second's
 * refill at the slowest. */
START_TEST(adaptive_waits)
{
	struct adaptive model;

	adaptive_init(&model, 5000);
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(adaptive_wait_ms(&model, 5000), 0);
		adaptive_sent(&model, 5000);
	}
	adaptive_answered(&model, true, 5000);
	ck_assert(is_close(model.fill_per_s, 0.5, VECTOR_CLOSE));
	ck_assert_int_eq(adaptive_wait_ms(&model, 5000), 2000);
	ck_assert_int_eq(adaptive_wait_ms(&model, 6500), 500);
	ck_assert_int_eq(adaptive_wait_ms(&model, 60000), 0);
	adaptive_sent(&model, 60000);
	ck_assert_int_eq(adaptive_wait_ms(&model, 60000), 2000); /* it holds one token */
}
END_TEST

/* --- the adaptive mode in the client --- */

/* A bucket of AWS's, full at first. */
struct bucket {
	struct fake_clock *clock;
	double tokens;
	double rate_per_s;
	int64_t mono_ms;
	int refused;
};

static void
answer_from_bucket(
    void *arg, const struct http_request *request, int *ret_status, struct buf *ret_body)
{
	struct bucket *bucket = arg;
	int64_t now_ms = bucket->clock->now_mono_ms;

	(void)request;
	bucket->tokens = fmin(
	    10, bucket->tokens + (double)(now_ms - bucket->mono_ms) / 1000 * bucket->rate_per_s);
	bucket->mono_ms = now_ms;
	*ret_status = bucket->tokens >= 1 ? 200 : 503;
	buf_add_cstr(ret_body, bucket->tokens >= 1 ? OK_BODY : ERROR_BODY("RequestLimitExceeded"));
	bucket->refused += bucket->tokens < 1;
	bucket->tokens -= bucket->tokens >= 1;
}

#define CALLS 40

/* Forty calls at once against ten tokens and two a second; how many attempts are refused. */
static int
refused_in(const char *mode)
{
	struct bucket bucket = {.tokens = 10, .rate_per_s = 2};
	struct tmf_err err = {0};
	struct aws_fixture f;
	struct tmf_call *calls[CALLS];

	aws_fixture_init(&f,
	    &(struct scripted_opts){.answer = answer_from_bucket, .answer_arg = &bucket},
	    ATTEMPTS_ENOUGH);
	bucket.clock = &f.clock;
	aws_fixture_retry_mode(&f, mode);
	for (int i = 0; i < CALLS; i++) {
		calls[i] = start(&f);
		tmf_call_on_done(calls[i], aws_fixture_completed, &f);
	}
	ck_assert_int_eq(tmf_loop_run(f.loop, &err), 0);
	ck_assert_int_eq(f.completions, CALLS);
	ck_assert_uint_eq(aws_client_stats(f.client)->failed, 0);
	ck_assert_int_gt(bucket.refused, 0);
	aws_fixture_fini(&f);
	return bucket.refused;
}

START_TEST(adaptive_slows_down)
{
	int standard = refused_in("standard");
	int adaptive = refused_in("adaptive");

	printf("refused: %d in standard mode, %d in adaptive mode\n", standard, adaptive);
	ck_assert_int_lt(adaptive, standard);
}
END_TEST

/* First come, first served; one that is cancelled while it waits leaves the others their places. */
START_TEST(adaptive_waits_in_line)
{
	static const struct scripted_reply replies[] = {
	    {NULL, 503, ERROR_BODY("RequestLimitExceeded")}, {NULL, 200, OK_BODY}};
	struct tmf_err err = {0};
	struct aws_fixture f;
	struct tmf_call *first;
	struct tmf_call *second;
	struct tmf_call *third;

	aws_fixture_init(&f, &(struct scripted_opts){.replies = replies, .replies_count = 2}, 3);
	aws_fixture_retry_mode(&f, "adaptive");
	aws_fixture_run(&f, start(&f)); /* throttled once: from now on it counts */
	ck_assert_uint_eq(scripted_transport_sent(f.scripted), 2);
	first = start(&f);
	second = start(&f);
	third = start(&f);
	tmf_call_on_done(first, aws_fixture_completed, &f);
	tmf_call_on_done(third, aws_fixture_completed, &f);
	ck_assert_uint_le(scripted_transport_open(f.scripted), 1);
	tmf_call_cancel(second);
	ck_assert_int_eq(tmf_loop_run(f.loop, &err), 0);
	ck_assert_int_eq(f.completions, 3);
	ck_assert_uint_eq(scripted_transport_sent(f.scripted), 4);
	ck_assert_ptr_nonnull(f.result);
	aws_fixture_fini(&f);
}
END_TEST

/* --- a bucket that ran empty while many calls were under way --- */

struct refusals {
	int left;
};

static void
answer_after_refusals(
    void *arg, const struct http_request *request, int *ret_status, struct buf *ret_body)
{
	struct refusals *refusals = arg;
	bool refused = refusals->left > 0;

	(void)request;
	refusals->left -= refused;
	*ret_status = refused ? 503 : 200;
	buf_add_cstr(ret_body, refused ? ERROR_BODY("RequestLimitExceeded") : OK_BODY);
}

#define PACED_CALLS    150
#define PACED_REFUSALS 130 /* more than the quota pays for */

/* How many of the calls fail. */
static uint64_t
failed_behind_pacer(const char *mode)
{
	struct refusals refusals = {PACED_REFUSALS};
	struct tmf_err err = {0};
	struct aws_fixture f;
	uint64_t failed;

	aws_fixture_init(&f,
	    &(struct scripted_opts){.answer = answer_after_refusals, .answer_arg = &refusals},
	    ATTEMPTS_ENOUGH);
	f.pacer = pacer_new(f.loop);
	aws_fixture_retry_mode(&f, mode);
	for (int i = 0; i < PACED_CALLS; i++)
		tmf_call_on_done(start(&f), aws_fixture_completed, &f);
	ck_assert_int_eq(tmf_loop_run(f.loop, &err), 0);
	ck_assert_int_eq(f.completions, PACED_CALLS);
	ck_assert_int_eq(refusals.left, 0);
	failed = aws_client_stats(f.client)->failed;
	aws_fixture_fini(&f);
	return failed;
}

/* The pacer slows down after them, so they cost nothing; a mode that somebody chose is what it
 * is in the SDKs. */
START_TEST(refusals_behind_a_pacer)
{
	ck_assert_uint_eq(failed_behind_pacer(NULL), 0);
	ck_assert_uint_gt(failed_behind_pacer("standard"), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("retry modes");
	TCase *tests = tcase_create("retry modes");

	tcase_add_test(tests, attempts);
	tcase_add_test(tests, what_legacy_retries);
	tcase_add_test(tests, legacy_as_it_is_written);
	tcase_add_test(tests, legacy_knows_no_bounds);
	tcase_add_test(tests, curve);
	tcase_add_test(tests, cubic_vectors);
	tcase_add_test(tests, adaptive_trace);
	tcase_add_test(tests, adaptive_waits);
	tcase_add_test(tests, adaptive_slows_down);
	tcase_add_test(tests, adaptive_waits_in_line);
	tcase_add_test(tests, refusals_behind_a_pacer);
	suite_add_tcase(s, tests);
	return run_suite(s);
}
