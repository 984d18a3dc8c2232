/* The Lambda runtime on a fake clock: deadlines that cannot be true, and where a custom resource
 * is answered. */
#include "base/log.h"
#include "jobs_fixture.h"
#include "run_suite.h"
#include "serve/lambda.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

struct runtime {
	struct jobs_fixture jobs;
	const char *payload;
	bool given;
	bool is_emulated;
	char answer[256]; /* of the invocation: its path and body */
	char put[128];	  /* where CloudFormation was answered */
};

/* The runtime API has one invocation; the second question for one ends the test. */
static void
answer(void *arg, const struct http_request *request, int *ret_status, struct buf *ret_body)
{
	struct runtime *runtime = arg;

	if (strcmp(request->method, "GET") == 0) {
		*ret_status = runtime->given ? 500 : 200;
		if (!runtime->given)
			buf_add_cstr(ret_body, runtime->payload);
		runtime->given = true;
	} else if (strcmp(request->method, "PUT") == 0) {
		*ret_status = 200;
		snprintf(runtime->put, sizeof(runtime->put), "%s", request->url);
	} else {
		*ret_status = 202;
		snprintf(runtime->answer, sizeof(runtime->answer), "%s %.*s", request->url,
		    (int)request->body.len, request->body.p);
	}
}

static void
over(void *arg, struct tmf_err *fault)
{
	struct runtime *runtime = arg;

	tmf_err_fini(fault);
	tmf_loop_stop(runtime->jobs.loop);
}

/* One invocation, and how long it took. */
static int64_t
invoke(struct runtime *runtime, const char *deadline)
{
	const struct http_header headers[] = {{"Lambda-Runtime-Aws-Request-Id", "request"},
	    {"Lambda-Runtime-Deadline-Ms", deadline}, {NULL, NULL}};
	struct jobs_fixture *f = &runtime->jobs;
	struct lambda *lambda;
	int64_t ended_mono_ms;

	jobs_fixture_init(f);
	jobs_fixture_begin(f,
	    &(struct scripted_opts){.answer = answer, .answer_arg = runtime, .headers = headers},
	    "states");
	lambda = lambda_new(&(struct lambda_opts){
	    .loop = f->loop,
	    .transport = scripted_transport_http(f->scripted),
	    .api = "api",
	    .jobs = f->jobs,
	    .sfn = f->client,
	    .routes = f->routes,
	    .is_emulated = runtime->is_emulated,
	    .backfill = f->routes.on_launch,
	    .over = over,
	    .arg = runtime,
	});
	ck_assert(jobs_fixture_run(f));
	lambda_free(lambda);
	jobs_fixture_end(f);
	ended_mono_ms = tmf_loop_mono_ms(f->loop);
	jobs_fixture_fini(f);
	return ended_mono_ms;
}

#define WAITS                                                                                      \
	"{\"workflow\": {\"StartAt\": \"W\", \"States\": {\"W\": {\"Type\": \"Wait\", "            \
	"\"Seconds\": 86400, \"End\": true}}}}"

/* A day of waiting under a deadline, and when it is answered: before that, or not at all. */
static const struct {
	const char *header;
	int64_t ends_ms;
} deadlines[] = {
    {"1768478460000", 60000 - LAMBDA_MARGIN_MS}, /* a minute */
    {"1768478400000", 0},
    {"0", 0},
    {"1768500000000", LAMBDA_TIMEOUT_MAX_MS - LAMBDA_MARGIN_MS}, /* six hours: not at AWS */
    {"9223372036854775807", LAMBDA_TIMEOUT_MAX_MS - LAMBDA_MARGIN_MS},
    {"99999999999999999999999", LAMBDA_TIMEOUT_MAX_MS - LAMBDA_MARGIN_MS},
    {"-9223372036854775808", 86400000},
    {"soon", 86400000},
    {"", 86400000},
};

START_TEST(deadlines_are_believed_as_far_as_they_can_be_true)
{
	struct runtime runtime = {.payload = WAITS};

	ck_assert_int_eq(invoke(&runtime, deadlines[_i].header), deadlines[_i].ends_ms);
	ck_assert_int_eq(
	    strstr(runtime.answer, "TMFlow.Deadline") != NULL, deadlines[_i].ends_ms != 86400000);
}
END_TEST

static const struct {
	const char *url;
	bool is_aws;
} response_urls[] = {
    {"https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/a?b=c", true},
    {"https://bucket.s3.eu-west-1.amazonaws.com/a", true},
    {"https://bucket.s3.cn-north-1.amazonaws.com.cn/a", true},
    {"http://bucket.s3.amazonaws.com/a", false},
    {"https://bucket.s3.amazonaws.com@example.com/a", false},
    {"https://example.com/bucket.s3.amazonaws.com", false},
    {"https://amazonaws.com/a", false},
    {"https://xamazonaws.com/a", false},
    {"https://bucket.s3.amazonaws.com.example.com/a", false},
    {"https://169.254.169.254/latest", false},
    {"file:///etc/passwd", false},
    {"", false},
};

START_TEST(a_custom_resource_is_answered_at_aws)
{
	char payload[256];
	struct runtime runtime = {.payload = payload};

	snprintf(payload, sizeof(payload), "{\"RequestType\": \"Delete\", \"ResponseURL\": \"%s\"}",
	    response_urls[_i].url);
	invoke(&runtime, "1768478460000");
	ck_assert_str_eq(runtime.put, response_urls[_i].is_aws ? response_urls[_i].url : "");
	ck_assert_int_eq(strstr(runtime.answer, "ResponseURL") != NULL, !response_urls[_i].is_aws);
}
END_TEST

START_TEST(an_emulator_is_answered_where_it_wants)
{
	struct runtime runtime = {
	    .payload = "{\"RequestType\": \"Delete\", \"ResponseURL\": \"http://localhost/a\"}",
	    .is_emulated = true,
	};

	invoke(&runtime, "1768478460000");
	ck_assert_str_eq(runtime.put, "http://localhost/a");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("serve/lambda");
	TCase *tcase = tcase_create("lambda");

	tcase_add_loop_test(tcase, deadlines_are_believed_as_far_as_they_can_be_true, 0,
	    sizeof(deadlines) / sizeof(deadlines[0]));
	tcase_add_loop_test(tcase, a_custom_resource_is_answered_at_aws, 0,
	    sizeof(response_urls) / sizeof(response_urls[0]));
	tcase_add_test(tcase, an_emulator_is_answered_where_it_wants);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
