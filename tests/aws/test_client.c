/* The client's promises: what is retried and what is not, the same body at every attempt, errors
 * with AWS's names; and where keys, settings and endpoints come from. */
#include "aws/pace/retry.h"
#include "aws/wire/endpoint.h"
#include "aws_fixture.h"
#include "base/doc/doc.h"
#include "base/jsonx.h"
#include "base/mem.h"

#include "run_suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_FILE	TEST_SHARED_DIR "/aws/retry.json"
#define CLASS_CASES_MIN 40

static void
fixture_of(struct aws_fixture *f, const struct scripted_reply *replies, size_t count)
{
	aws_fixture_init(f,
	    &(struct scripted_opts){
		.replies = replies, .replies_count = count, .request_id = "from-header"},
	    0);
}

static struct tmf_call *
start(struct aws_fixture *f)
{
	return ec2_describe_sessions(f->client, &(struct ec2_describe){.max_results = 5});
}

static const char *
sent_body(const struct aws_fixture *f, size_t i)
{
	return scripted_transport_request(f->scripted, i)->body;
}

static const char *
sent_header(const struct aws_fixture *f, size_t i, const char *name)
{
	return scripted_request_header(scripted_transport_request(f->scripted, i), name);
}

#define AUTHORIZATION(more_headers, signature)                                                     \
	"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260115/us-east-1/ec2/aws4_request, "            \
	"SignedHeaders=content-type;host;x-amz-date" more_headers ", Signature=" signature
#define OK_BODY                                                                                    \
	"<DescribeTrafficMirrorSessionsResponse><requestId>r</requestId></"                        \
	"DescribeTrafficMirrorSessionsResponse>"
#define ERROR_BODY(code)                                                                           \
	"<Response><Errors><Error><Code>" code                                                     \
	"</Code><Message>why</Message></Error></Errors><RequestID>r-9</RequestID></Response>"

START_TEST(retried_until_it_works)
{
	static const struct scripted_reply replies[] = {
	    {NULL, 503, ERROR_BODY("RequestLimitExceeded")},
	    {NULL, 500, ERROR_BODY("InternalError")},
	    {NULL, 0, "reset"},
	    {NULL, 200, "<Describe"},
	    {NULL, 503, "<html>proxy</html>"},
	    {NULL, 502, ""},
	    {"DescribeTrafficMirrorSessions", 200, OK_BODY},
	};
	struct aws_fixture f;

	fixture_of(&f, replies, 7);
	aws_fixture_run(&f, start(&f));
	ck_assert_ptr_nonnull(f.result);
	ck_assert_uint_eq(scripted_transport_sent(f.scripted), 7);
	for (size_t i = 1; i < 7; i++)
		ck_assert_str_eq(sent_body(&f, i), sent_body(&f, 0));
	/* signed anew */
	ck_assert_str_ne(sent_header(&f, 6, "X-Amz-Date"), sent_header(&f, 0, "X-Amz-Date"));
	ck_assert_str_ne(sent_header(&f, 6, "Authorization"), sent_header(&f, 0, "Authorization"));
	ck_assert_uint_eq(aws_client_stats(f.client)->requests, 7);
	ck_assert_uint_eq(aws_client_stats(f.client)->retries, 6);
	ck_assert_uint_eq(aws_client_stats(f.client)->throttled, 1);
	ck_assert_uint_eq(aws_client_stats(f.client)->failed, 0);
	/* random[0,1) of 1, 2, 4, 8, 16, 20 s */
	ck_assert_int_gt(f.clock.now_mono_ms, 0);
	ck_assert_int_lt(f.clock.now_mono_ms, 51000);
	aws_fixture_fini(&f);
}
END_TEST

/* The whole header, recomputed by an independent program; with a session token and without. */
START_TEST(signed_as_others_sign)
{
	static const struct scripted_reply replies[] = {{NULL, 200, OK_BODY}};
	struct aws_fixture f;

	fixture_of(&f, replies, 1);
	aws_fixture_run(&f, start(&f));
	aws_fixture_set_token(&f, "our+token/==");
	aws_fixture_run(&f, start(&f));
	ck_assert_str_eq(
	    scripted_transport_request(f.scripted, 0)->url, "https://ec2.us-east-1.amazonaws.com/");
	ck_assert_str_eq(scripted_transport_request(f.scripted, 0)->method, "POST");
	ck_assert_str_eq(sent_header(&f, 0, "X-Amz-Date"), "20260115T120000Z");
	ck_assert_ptr_null(sent_header(&f, 0, "X-Amz-Security-Token"));
	ck_assert_str_eq(sent_header(&f, 0, "Authorization"),
	    AUTHORIZATION("", "eff6ab279c05cca33663f85593a49a216a1fe1e546b6be8761cd0ca43cfccb12"));
	ck_assert_str_eq(sent_header(&f, 1, "X-Amz-Security-Token"), "our+token/==");
	ck_assert_str_eq(sent_header(&f, 1, "Authorization"),
	    AUTHORIZATION(";x-amz-security-token",
		"7202301b7214ecc7c9aac1ad2c3b4f419ca5b43d87fd90ec7b7bff48a6a4d254"));
	aws_fixture_fini(&f);
}
END_TEST

START_TEST(final_errors)
{
	static const struct scripted_reply replies[] = {
	    {NULL, 400, ERROR_BODY("InvalidParameterValue")}};
	struct aws_fixture f;

	fixture_of(&f, replies, 1);
	aws_fixture_run(&f, start(&f));
	ck_assert_ptr_null(f.result);
	ck_assert_uint_eq(scripted_transport_sent(f.scripted), 1);
	ck_assert_int_eq(f.err.code, TMF_ERR_SERVICE);
	ck_assert_str_eq(f.err.name, "InvalidParameterValue");
	ck_assert_str_eq(f.err.request_id, "r-9");
	ck_assert_str_eq(tmf_err_text(&f.err),
	    "ec2:DescribeTrafficMirrorSessions in us-east-1: why (request id r-9)");
	ck_assert_int_eq(f.err.http_status, 400);
	ck_assert_uint_eq(aws_client_stats(f.client)->failed, 1);
	aws_fixture_fini(&f);
}
END_TEST

START_TEST(gives_up_in_the_end)
{
	static const struct scripted_reply replies[] = {
	    {NULL, 503, ERROR_BODY("RequestLimitExceeded")}};
	struct aws_fixture f;

	fixture_of(&f, replies, 1);
	aws_fixture_run(&f, start(&f));
	ck_assert_uint_eq(scripted_transport_sent(f.scripted), RETRY_ATTEMPTS_DEFAULT);
	ck_assert_uint_eq(aws_client_stats(f.client)->throttled, RETRY_ATTEMPTS_DEFAULT);
	ck_assert_str_eq(f.err.name, "RequestLimitExceeded");
	aws_fixture_fini(&f);
}
END_TEST

/* Well-formed XML that EC2 did not write must not pass for an empty list. */
START_TEST(replies_of_another)
{
	static const struct scripted_reply replies[] = {
	    {NULL, 200, "<html><body>Please log in</body></html>"},
	    {NULL, 200, "<DescribeInstancesResponse/>"},
	    {NULL, 200, "<Response/>"},
	    {NULL, 200, ""},
	};
	struct aws_fixture f;

	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		fixture_of(&f, &replies[i], 1);
		aws_fixture_run(&f, start(&f));
		ck_assert_ptr_null(f.result);
		ck_assert_int_eq(f.err.code, TMF_ERR_REPLY);
		ck_assert_uint_eq(scripted_transport_sent(f.scripted), RETRY_ATTEMPTS_DEFAULT);
		aws_fixture_fini(&f);
	}
}
END_TEST

/* A captive portal lets one through in the end. */
START_TEST(another_page)
{
	static const struct scripted_reply replies[] = {
	    {NULL, 200, "<html><body/></html>"}, {NULL, 200, OK_BODY}};
	struct aws_fixture f;

	fixture_of(&f, replies, 2);
	aws_fixture_run(&f, start(&f));
	ck_assert_uint_eq(scripted_transport_sent(f.scripted), 2);
	ck_assert_ptr_nonnull(f.result);
	aws_fixture_fini(&f);
}
END_TEST

/* Another program may have fetched fresh keys meanwhile: they are looked for once, then the call
 * fails and says why. Where those were good, and ended while the call waited for its turn, they are
 * looked for again. */
START_TEST(expired_keys)
{
	static const struct scripted_reply once[] = {
	    {NULL, 400, ERROR_BODY("RequestExpired")}, {NULL, 200, OK_BODY}};
	static const struct scripted_reply twice[] = {{NULL, 400, ERROR_BODY("RequestExpired")},
	    {NULL, 503, ERROR_BODY("RequestLimitExceeded")},
	    {NULL, 400, ERROR_BODY("RequestExpired")}, {NULL, 200, OK_BODY}};
	static const struct scripted_reply always[] = {{NULL, 403, ERROR_BODY("ExpiredToken")}};
	struct aws_fixture f;

	fixture_of(&f, once, 2);
	aws_fixture_run(&f, start(&f));
	ck_assert_ptr_nonnull(f.result);
	ck_assert_int_eq(f.keys.refreshes, 1);
	aws_fixture_fini(&f);

	fixture_of(&f, twice, 4);
	aws_fixture_run(&f, start(&f));
	ck_assert_ptr_nonnull(f.result);
	ck_assert_int_eq(f.keys.refreshes, 2);
	aws_fixture_fini(&f);

	fixture_of(&f, always, 1);
	aws_fixture_run(&f, start(&f));
	ck_assert_uint_eq(scripted_transport_sent(f.scripted), 2);
	ck_assert_int_eq(f.keys.refreshes, 1);
	ck_assert_str_eq(f.err.name, "ExpiredToken");
	ck_assert_ptr_nonnull(strstr(tmf_err_text(&f.err), "clock"));
	ck_assert_ptr_nonnull(strstr(tmf_err_text(&f.err), "r-9"));
	aws_fixture_fini(&f);

	fixture_of(&f, always, 1);
	f.keys.provider.refresh = NULL;
	aws_fixture_run(&f, start(&f));
	ck_assert_uint_eq(scripted_transport_sent(f.scripted), 1);
	aws_fixture_fini(&f);
}
END_TEST

struct canceller {
	struct tmf_task task; /* first */
	struct tmf_call *call;
};

static void
cancel_now(struct tmf_task *task)
{
	tmf_call_cancel(((struct canceller *)task)->call);
}

/* Cancelled before the reply, or, by a task behind the reply's, once it came: nothing is left
 * behind and nobody hears. */
static void
cancel_around(const struct scripted_reply *reply, bool after_reply)
{
	struct canceller canceller = {.task = {.run = cancel_now}};
	struct tmf_err err = {0};
	struct aws_fixture f;

	fixture_of(&f, reply, 1);
	canceller.call = start(&f);
	tmf_call_on_done(canceller.call, aws_fixture_completed, &f);
	ck_assert_uint_eq(scripted_transport_open(f.scripted), 1);
	if (after_reply)
		tmf_loop_post(f.loop, &canceller.task);
	else
		tmf_call_cancel(canceller.call);
	ck_assert_int_eq(tmf_loop_run(f.loop, &err), 0);
	ck_assert_uint_eq(scripted_transport_open(f.scripted), 0);
	ck_assert_uint_eq(scripted_transport_sent(f.scripted), 1);
	ck_assert_int_eq(f.completions, 0);
	ck_assert_int_eq(f.clock.now_mono_ms, 0); /* no timer was left */
	aws_fixture_fini(&f);
}

START_TEST(cancelled_at_any_time)
{
	static const struct scripted_reply failing = {NULL, 500, ERROR_BODY("InternalError")};
	static const struct scripted_reply working = {NULL, 200, OK_BODY};

	cancel_around(&failing, false); /* in flight */
	cancel_around(&failing, true);	/* in back-off */
	cancel_around(&working, true);	/* completed, not yet heard of */
}
END_TEST

/* No secret gets into an error, whatever AWS answers. */
START_TEST(secrets_stay_secret)
{
	static const struct scripted_reply replies[] = {
	    {NULL, 403, ERROR_BODY("SignatureDoesNotMatch")}};
	struct aws_fixture f;

	fixture_of(&f, replies, 1);
	aws_fixture_set_token(&f, "our-token");
	aws_fixture_run(&f, start(&f));
	ck_assert_ptr_null(strstr(tmf_err_text(&f.err), FIXTURE_SECRET_KEY));
	ck_assert_ptr_null(strstr(tmf_err_text(&f.err), "our-token"));
	ck_assert_ptr_null(strstr(sent_body(&f, 0), FIXTURE_SECRET_KEY));
	ck_assert_ptr_null(strstr(sent_header(&f, 0, "Authorization"), FIXTURE_SECRET_KEY));
	aws_fixture_fini(&f);
}
END_TEST

/* --- retries: the numbers of the SDKs' standard mode --- */

static void
fixture_with_headers(struct aws_fixture *f, const struct scripted_reply *replies, size_t count,
    const struct http_header *headers)
{
	aws_fixture_init(f,
	    &(struct scripted_opts){.replies = replies, .replies_count = count, .headers = headers},
	    0);
}

/* A clock that is an hour slow is found out by the reply's Date, once; a Date that agrees with
 * ours changes nothing. */
START_TEST(wrong_clock)
{
	static const struct scripted_reply replies[] = {
	    {NULL, 401, ERROR_BODY("AuthFailure")}, {NULL, 200, OK_BODY}};
	static const struct scripted_reply always[] = {{NULL, 401, ERROR_BODY("AuthFailure")}};
	static const struct http_header ahead[] = {
	    {"Date", "Thu, 15 Jan 2026 13:00:00 GMT"}, {NULL, NULL}};
	static const struct http_header same[] = {
	    {"Date", "Thu, 15 Jan 2026 12:01:00 GMT"}, {NULL, NULL}};
	static const struct http_header none[] = {{"Date", "yesterday"}, {NULL, NULL}};
	struct aws_fixture f;

	fixture_with_headers(&f, replies, 2, ahead);
	aws_fixture_run(&f, start(&f));
	ck_assert_ptr_nonnull(f.result);
	ck_assert_str_eq(sent_header(&f, 0, "X-Amz-Date"), "20260115T120000Z");
	ck_assert_int_eq(strncmp(sent_header(&f, 1, "X-Amz-Date"), "20260115T1300", 13), 0);
	aws_fixture_fini(&f);

	fixture_with_headers(&f, always, 1, ahead);
	aws_fixture_run(&f, start(&f));
	ck_assert_uint_eq(scripted_transport_sent(f.scripted), 3); /* and once with fresh keys */
	aws_fixture_run(&f, start(&f)); /* a Date that did not help is that call's alone */
	ck_assert_int_eq(strncmp(sent_header(&f, 3, "X-Amz-Date"), "20260115T120", 12), 0);
	aws_fixture_fini(&f);

	fixture_with_headers(&f, always, 1, same);
	aws_fixture_run(&f, start(&f));
	ck_assert_uint_eq(scripted_transport_sent(f.scripted), 2);
	aws_fixture_fini(&f);

	fixture_with_headers(&f, always, 1, none);
	aws_fixture_run(&f, start(&f));
	ck_assert_uint_eq(scripted_transport_sent(f.scripted), 2);
	aws_fixture_fini(&f);
}
END_TEST

START_TEST(retry_after)
{
	static const struct scripted_reply replies[] = {
	    {NULL, 503, ERROR_BODY("Unavailable")}, {NULL, 200, OK_BODY}};
	static const struct http_header seconds[] = {{"Retry-After", "7"}, {NULL, NULL}};
	struct aws_fixture f;

	ck_assert_int_eq(retry_after_ms(300, NULL, NULL), 300);
	ck_assert_int_eq(retry_after_ms(300, "100", NULL), 300);
	ck_assert_int_eq(retry_after_ms(300, "1500", "9"), 1500);
	ck_assert_int_eq(retry_after_ms(300, "99999999999999999999", NULL), 5300);
	ck_assert_int_eq(retry_after_ms(300, "-1", NULL), 300);
	ck_assert_int_eq(retry_after_ms(300, "1.5", "2"), 2000);
	ck_assert_int_eq(retry_after_ms(300, NULL, "Thu, 15 Jan 2026 13:00:00 GMT"), 300);
	ck_assert_int_eq(retry_after_ms(300, NULL, "86400"), 20000);

	fixture_with_headers(&f, replies, 2, seconds);
	aws_fixture_run(&f, start(&f));
	ck_assert_ptr_nonnull(f.result);
	ck_assert_int_eq(f.clock.now_mono_ms, 7000);
	aws_fixture_fini(&f);
}
END_TEST

/* The scenario of the SDKs' documents, then: 100 retries from a full quota without a success. */
START_TEST(retry_quota)
{
	static const struct scripted_reply always[] = {{NULL, 500, ERROR_BODY("InternalError")}};
	struct retry_quota quota = {RETRY_QUOTA_MAX};
	struct aws_fixture f;
	size_t sent;

	ck_assert(retry_quota_take(&quota, RETRY_COST));
	ck_assert(retry_quota_take(&quota, RETRY_COST));
	ck_assert_int_eq(quota.tokens, 490);
	retry_quota_give(&quota, RETRY_COST);
	retry_quota_give(&quota, RETRY_REFUND);
	ck_assert(retry_quota_take(&quota, RETRY_COST_TIMEOUT));
	ck_assert_int_eq(quota.tokens, 486);
	retry_quota_give(&quota, RETRY_QUOTA_MAX);
	ck_assert_int_eq(quota.tokens, RETRY_QUOTA_MAX);

	fixture_of(&f, always, 1);
	for (int i = 0; i < 11; i++)
		aws_fixture_run(&f, start(&f));
	ck_assert_uint_eq(scripted_transport_sent(f.scripted), 110); /* 99 retries of 9 each */
	for (int i = 0; i < 5; i++)
		aws_fixture_run(&f, start(&f));
	sent = scripted_transport_sent(f.scripted);
	ck_assert_uint_eq(sent, 110 + 5 + 1); /* the hundredth retry, then none */
	aws_fixture_fini(&f);
}
END_TEST

START_TEST(back_off_bounds)
{
	static const int64_t most_ms[] = {1000, 2000, 4000, 8000, 16000, 20000, 20000, 20000};
	struct rng rng;

	rng_seed(&rng, 7);
	for (int attempt = 1; attempt <= 8; attempt++) {
		int64_t longest = 0;

		for (int i = 0; i < 1000; i++) {
			int64_t delay = retry_delay_ms(&rng, attempt, RETRY_DELAY_MAX_MS);

			ck_assert_int_ge(delay, 0);
			ck_assert_int_lt(delay, most_ms[attempt - 1]);
			longest = delay > longest ? delay : longest;
		}
		ck_assert_int_gt(longest, most_ms[attempt - 1] * 9 / 10);
	}
}
END_TEST

START_TEST(classes)
{
	static const struct {
		const char *code;
		int status;
		enum retry_class wanted;
	} cases[] = {
	    {"RequestLimitExceeded", 503, RETRY_THROTTLING},
	    {"Throttling", 400, RETRY_THROTTLING},
	    {"EC2ThrottledException", 503, RETRY_THROTTLING},
	    {"RequestTimeout", 400, RETRY_TRANSIENT},
	    {"ServerInternal", 400, RETRY_TRANSIENT},
	    {"RetryableError", 400, RETRY_TRANSIENT},
	    {"ConcurrentTagAccess", 400, RETRY_TRANSIENT},
	    {"KMS.ThrottlingException", 400, RETRY_THROTTLING},
	    {"RequestExpired", 400, RETRY_CREDENTIALS},
	    {"AuthFailure", 401, RETRY_CREDENTIALS},
	    {"AuthFailure", 403, RETRY_NEVER},
	    {"InvalidClientTokenId", 403, RETRY_CREDENTIALS},
	    {"Whatever", 500, RETRY_TRANSIENT},
	    {"Whatever", 504, RETRY_TRANSIENT},
	    {"Whatever", 501, RETRY_NEVER},
	    {"InsufficientInstanceCapacity", 500, RETRY_NEVER},
	    {"UnauthorizedOperation", 403, RETRY_NEVER},
	    {"InvalidParameterValue", 400, RETRY_NEVER},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tmf_err err = {0};

		tmf_err_set_name(&err, TMF_ERR_SERVICE, cases[i].code, "x");
		err.http_status = cases[i].status;
		ck_assert_msg(retry_classify(&err) == cases[i].wanted, "%s %d", cases[i].code,
		    cases[i].status);
		tmf_err_fini(&err);
	}
	ck_assert(aws_error_is_throttling("RequestLimitExceeded"));
	ck_assert(!aws_error_is_throttling("RequestTimeout"));
	ck_assert(aws_error_is_not_found("InvalidTrafficMirrorFilterRuleId.NotFound"));
	ck_assert(aws_error_is_not_found("InvalidTrafficMirrorTargetNoFound"));
	ck_assert(!aws_error_is_not_found("InvalidTrafficMirrorTargetX"));
}
END_TEST

/* A reply for one of AWS's own cases: a code, or nothing but a status. */
static void
answer_case(void *arg, const struct http_request *request, int *ret_status, struct buf *ret_body)
{
	const json_t *wanted = arg;
	const char *code = jsonx_get_string(wanted, "code");

	(void)request;
	*ret_status = (int)json_integer_value(json_object_get(wanted, "httpStatus"));
	if (code != NULL)
		buf_printf(ret_body,
		    "<Response><Errors><Error><Code>%s</Code></Error></Errors></Response>", code);
}

/* botocore leaves these to its caller, who is to ask again later. Here the caller would take the
 * error for a refusal. */
static bool
passes_beside_botocore(const char *code)
{
	static const char *const codes[] = {"ActivityWorkerLimitExceeded", "ConcurrentTagAccess",
	    "KMS.ThrottlingException", "KmsThrottled", "KmsThrottlingException", "OverLimit"};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strcmp(code, codes[i]) == 0)
			return true;
	return false;
}

/* Whether the client asks again after each of the replies that botocore was asked about. */
START_TEST(classes_as_botocore_has_them)
{
	struct tmf_err err = {0};
	struct doc *doc = doc_read(RETRY_FILE, &err);
	json_t *wanted;
	size_t i;
	int cases = 0;

	if (doc == NULL) {
		puts("SKIP: " RETRY_FILE " is not there");
		tmf_err_fini(&err);
		return;
	}
	json_array_foreach (
	    json_object_get(json_object_get(doc_root(doc), "classification"), "cases"), i, wanted) {
		const char *code = jsonx_get_string(wanted, "code");
		struct aws_fixture f;
		bool again = json_is_true(json_object_get(wanted, "botocoreRetries"));

		/* 429 without a code is a proxy asking us to slow down: we do, as botocore's
		 * legacy mode does. */
		if (json_integer_value(json_object_get(wanted, "httpStatus")) == 429)
			again = true;
		/* Asked again later, by the workflow: another subnet's may be had at once. And what
		 * a listing without ids does not find is being deleted: the listing is asked
		 * again. */
		if (code != NULL && strcmp(code, "InsufficientInstanceCapacity") == 0)
			again = false;
		if (code != NULL && (aws_error_is_not_found(code) || passes_beside_botocore(code)))
			again = true;
		aws_fixture_init(
		    &f, &(struct scripted_opts){.answer = answer_case, .answer_arg = wanted}, 2);
		f.keys.provider.refresh = NULL;
		aws_fixture_run(&f, start(&f));
		ck_assert_msg(scripted_transport_sent(f.scripted) == (again ? 2 : 1), "%s %d",
		    jsonx_get_string(wanted, "code"),
		    (int)json_integer_value(json_object_get(wanted, "httpStatus")));
		if (code != NULL)
			ck_assert_int_eq(aws_error_is_throttling(code),
			    json_is_true(json_object_get(wanted, "throttling")) ||
				(passes_beside_botocore(code) &&
				    strcmp(code, "ConcurrentTagAccess") != 0));
		aws_fixture_fini(&f);
		cases++;
	}
	ck_assert_int_ge(cases, CLASS_CASES_MIN);
	doc_free(doc);
}
END_TEST

/* --- endpoints --- */

START_TEST(endpoints)
{
	static const struct {
		const char *region;
		const char *custom;
		const char *url;
		const char *host;
	} cases[] = {
	    {"us-east-1", NULL, "https://ec2.us-east-1.amazonaws.com/",
		"ec2.us-east-1.amazonaws.com"},
	    {"cn-north-1", NULL, "https://ec2.cn-north-1.amazonaws.com.cn/",
		"ec2.cn-north-1.amazonaws.com.cn"},
	    {"us-gov-west-1", NULL, "https://ec2.us-gov-west-1.amazonaws.com/",
		"ec2.us-gov-west-1.amazonaws.com"},
	    {"us-iso-east-1", NULL, "https://ec2.us-iso-east-1.c2s.ic.gov/",
		"ec2.us-iso-east-1.c2s.ic.gov"},
	    {"xx-new-9", NULL, "https://ec2.xx-new-9.amazonaws.com/", "ec2.xx-new-9.amazonaws.com"},
	    {"us-east-1", "http://localhost:4566", "http://localhost:4566", "localhost:4566"},
	    {"us-east-1", "http://localhost:80/ec2", "http://localhost:80/ec2", "localhost"},
	    {"us-east-1", "https://vpce.example:443", "https://vpce.example:443", "vpce.example"},
	};
	static const char *const bad_customs[] = {"localhost:80", "ftp://x", "http://",
	    "http://u:p@h/", "http://h?x", "http://h/p?x", "http://h/p#x", "http://h/a b",
	    "http://h/a\r\nX-Evil:1", "http://h\x7f/"};
	char long_custom[400] = "http://h";
	struct endpoint endpoint;
	struct tmf_err err = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_int_eq(endpoint_resolve(&(struct endpoint_opts){.service = "ec2",
						      .region = cases[i].region,
						      .custom = cases[i].custom},
				     &endpoint, &err),
		    0);
		ck_assert_str_eq(endpoint.url, cases[i].url);
		ck_assert_str_eq(endpoint.host, cases[i].host);
		endpoint_fini(&endpoint);
	}
	for (size_t i = 0; i < sizeof(bad_customs) / sizeof(bad_customs[0]); i++)
		ck_assert_int_eq(endpoint_resolve(&(struct endpoint_opts){.service = "ec2",
						      .region = "us-east-1",
						      .custom = bad_customs[i]},
				     &endpoint, &err),
		    -1);
	for (size_t len = strlen(long_custom); len + 2 < sizeof(long_custom); len += 2)
		memcpy(long_custom + len, "/a", 3);
	ck_assert_int_eq(endpoint_resolve(
			     &(struct endpoint_opts){
				 .service = "ec2", .region = "us-east-1", .custom = long_custom},
			     &endpoint, &err),
	    -1);
	ck_assert_int_eq(endpoint_resolve(&(struct endpoint_opts){.service = "ec2",
					      .region = "us-east-1/evil.example"},
			     &endpoint, &err),
	    -1);
	tmf_err_fini(&err);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("client");
	TCase *tests = tcase_create("client");

	tcase_add_test(tests, retried_until_it_works);
	tcase_add_test(tests, final_errors);
	tcase_add_test(tests, gives_up_in_the_end);
	tcase_add_test(tests, another_page);
	tcase_add_test(tests, expired_keys);
	tcase_add_test(tests, cancelled_at_any_time);
	tcase_add_test(tests, signed_as_others_sign);
	tcase_add_test(tests, replies_of_another);
	tcase_add_test(tests, secrets_stay_secret);
	tcase_add_test(tests, classes_as_botocore_has_them);
	tcase_add_test(tests, back_off_bounds);
	tcase_add_test(tests, wrong_clock);
	tcase_add_test(tests, retry_after);
	tcase_add_test(tests, retry_quota);
	tcase_add_test(tests, classes);
	tcase_add_test(tests, endpoints);
	suite_add_tcase(s, tests);
	return run_suite(s);
}
