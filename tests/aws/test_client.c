/* The client's promises: what is retried and what is not, the same body at every attempt, errors with AWS's names; and where keys, settings and end points come from. */
#include "tmflow/aws/ec2.h"
#include "tmflow/aws/endpoint.h"
#include "tmflow/aws/retry.h"
#include "tmflow/base/json.h"
#include "tmflow/base/mem.h"

#include "run_suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define REPLIES_MAX 32
#define SECRET	    "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

/* --- a transport that answers from a list --- */

struct answer {
	int status; /* 0: no reply */
	const char *body;
};

struct http_exchange {
	struct task task;
	struct script *script;
	struct http_handler handler;
	struct answer answer;
};

struct script {
	struct http_transport transport; /* first */
	struct loop *loop;
	const struct answer *answers;
	size_t answers_count;
	size_t sent;
	char *bodies[REPLIES_MAX];
	char *dates[REPLIES_MAX];
	struct http_exchange *open;
};

static void
deliver(struct task *task)
{
	struct http_exchange *exchange = (struct http_exchange *)task;
	struct err err = {0};

	exchange->script->open = NULL;
	if (exchange->answer.status == 0)
		err_set(&err, ERR_TRANSPORT, "reset");
	else
		exchange->handler.body(exchange->handler.arg, exchange->answer.status,
		    str_of(exchange->answer.body), &err);
	exchange->handler.done(exchange->handler.arg, exchange, exchange->answer.status, &err);
	err_fini(&err);
	free(exchange);
}

static struct http_exchange *
start(struct http_transport *transport, const struct http_request *request,
    const struct http_handler *handler)
{
	struct script *script = (struct script *)transport;
	struct http_exchange *exchange = mem_zalloc(1, sizeof(*exchange));
	size_t i = script->sent++;

	ck_assert_uint_lt(i, REPLIES_MAX);
	script->bodies[i] = mem_strndup(request->body.p, request->body.len);
	for (size_t h = 0; h < request->headers_count; h++)
		if (strcmp(request->headers[h].name, "X-Amz-Date") == 0)
			script->dates[i] = mem_strdup(request->headers[h].value);
	exchange->task.run = deliver;
	exchange->script = script;
	exchange->handler = *handler;
	exchange->answer =
	    script->answers[i < script->answers_count ? i : script->answers_count - 1];
	script->open = exchange;
	loop_post(script->loop, &exchange->task);
	return exchange;
}

static void
cancel(struct http_transport *transport, struct http_exchange *exchange)
{
	struct script *script = (struct script *)transport;

	loop_unpost(script->loop, &exchange->task);
	script->open = NULL;
	free(exchange);
}

static const char *
reply_header(const struct http_exchange *exchange, const char *name)
{
	(void)exchange;
	return strcmp(name, "x-amzn-requestid") == 0 ? "from-header" : NULL;
}

/* --- what a test needs --- */

struct fixture {
	struct fake_clock clock;
	struct loop *loop;
	struct script script;
	struct rng rng;
	struct credentials_provider *credentials;
	struct aws_client *client;
	json_t *result;
	struct err err;
	int completions;
};

static const char *
key_environment(void *arg, const char *name)
{
	(void)arg;
	if (strcmp(name, "AWS_ACCESS_KEY_ID") == 0)
		return "AKIDEXAMPLE";
	return strcmp(name, "AWS_SECRET_ACCESS_KEY") == 0 ? SECRET : NULL;
}

static void
completed(void *arg, struct call *call)
{
	struct fixture *f = arg;

	f->completions++;
	f->result = call_take_result(call);
	err_move(&f->err, &call->err);
}

static void
fixture_init(struct fixture *f, const struct answer *answers, size_t count)
{
	const struct aws_env env = {.get = key_environment};
	struct err err = {0};

	*f = (struct fixture){0};
	fake_clock_init(&f->clock, 1768478400000);
	f->loop = loop_new(&f->clock.clock);
	f->script = (struct script){
	    .transport = {.start = start, .cancel = cancel, .reply_header = reply_header},
	    .loop = f->loop,
	    .answers = answers,
	    .answers_count = count,
	};
	rng_seed(&f->rng, 1);
	f->credentials = credentials_chain_new(&env, NULL, f->loop);
	f->client = aws_client_new(
	    &(struct aws_client_opts){
		.loop = f->loop,
		.transport = &f->script.transport,
		.credentials = f->credentials,
		.rng = &f->rng,
		.service = "ec2",
		.region = "us-east-1",
	    },
	    &err);
	ck_assert_msg(f->client != NULL, "%s", err_text(&err));
}

static void
fixture_fini(struct fixture *f)
{
	aws_client_free(f->client);
	credentials_provider_free(f->credentials);
	loop_free(f->loop);
	for (size_t i = 0; i < f->script.sent; i++) {
		free(f->script.bodies[i]);
		free(f->script.dates[i]);
	}
	json_decref(f->result);
	err_fini(&f->err);
}

static void
describe(struct fixture *f)
{
	struct err err = {0};

	call_on_done(ec2_describe_sessions(f->client, &(struct ec2_describe){.max_results = 5}),
	    completed, f);
	ck_assert_int_eq(f->completions, 0);
	ck_assert_int_eq(loop_run(f->loop, &err), 0);
	ck_assert_int_eq(f->completions, 1);
}

#define OK_BODY                                                                                    \
	"<DescribeTrafficMirrorSessionsResponse><requestId>r</requestId></"                        \
	"DescribeTrafficMirrorSessionsResponse>"
#define ERROR_BODY(code)                                                                           \
	"<Response><Errors><Error><Code>" code                                                     \
	"</Code><Message>why</Message></Error></Errors><RequestID>r-9</RequestID></Response>"

START_TEST(retried_until_it_works)
{
	static const struct answer answers[] = {
	    {503, ERROR_BODY("RequestLimitExceeded")},
	    {500, ERROR_BODY("InternalError")},
	    {0, NULL},
	    {200, "<Describe"},
	    {503, "<html>proxy</html>"},
	    {502, ""},
	    {200, OK_BODY},
	};
	struct fixture f;

	fixture_init(&f, answers, 7);
	describe(&f);
	ck_assert_ptr_nonnull(f.result);
	ck_assert_uint_eq(f.script.sent, 7);
	for (size_t i = 1; i < 7; i++)
		ck_assert_str_eq(f.script.bodies[i], f.script.bodies[0]);
	ck_assert_str_ne(f.script.dates[6], f.script.dates[0]); /* signed anew */
	ck_assert_uint_eq(aws_client_stats(f.client)->retries, 6);
	ck_assert_uint_eq(aws_client_stats(f.client)->throttled, 1);
	/* random[0,1) of 1, 2, 4, 8, 16, 20 s */
	ck_assert_int_gt(f.clock.now_mono_ms, 0);
	ck_assert_int_lt(f.clock.now_mono_ms, 51000);
	fixture_fini(&f);
}
END_TEST

START_TEST(final_errors)
{
	static const struct answer answers[] = {{400, ERROR_BODY("InvalidParameterValue")}};
	struct fixture f;

	fixture_init(&f, answers, 1);
	describe(&f);
	ck_assert_ptr_null(f.result);
	ck_assert_uint_eq(f.script.sent, 1);
	ck_assert_str_eq(f.err.name, "InvalidParameterValue");
	ck_assert_str_eq(f.err.request_id, "r-9");
	ck_assert_str_eq(err_text(&f.err), "why (request id r-9)");
	ck_assert_int_eq(f.err.http_status, 400);
	fixture_fini(&f);
}
END_TEST

START_TEST(gives_up_in_the_end)
{
	static const struct answer answers[] = {{503, ERROR_BODY("RequestLimitExceeded")}};
	struct fixture f;

	fixture_init(&f, answers, 1);
	describe(&f);
	ck_assert_uint_eq(f.script.sent, AWS_ATTEMPTS_DEFAULT);
	ck_assert_str_eq(f.err.name, "RequestLimitExceeded");
	fixture_fini(&f);
}
END_TEST

/* A captive portal's page is XML too, and must not pass for an empty list. */
START_TEST(another_page)
{
	static const struct answer answers[] = {{200, "<html><body/></html>"}, {200, OK_BODY}};
	struct fixture f;

	fixture_init(&f, answers, 2);
	describe(&f);
	ck_assert_uint_eq(f.script.sent, 2);
	ck_assert_ptr_nonnull(f.result);
	fixture_fini(&f);
}
END_TEST

/* Expired keys are looked for anew, once. */
START_TEST(expired_keys)
{
	static const struct answer answers[] = {{400, ERROR_BODY("RequestExpired")}};
	struct fixture f;

	fixture_init(&f, answers, 1);
	describe(&f);
	ck_assert_uint_eq(f.script.sent, 2);
	ck_assert_str_eq(f.err.name, "RequestExpired");
	ck_assert_ptr_nonnull(strstr(err_text(&f.err), "expired"));
	fixture_fini(&f);
}
END_TEST

START_TEST(cancelled_at_any_time)
{
	static const struct answer answers[] = {{500, ERROR_BODY("InternalError")}};
	struct err err = {0};
	struct fixture f;

	fixture_init(&f, answers, 1);
	struct call *in_flight =
	    ec2_describe_sessions(f.client, &(struct ec2_describe){.max_results = 5});
	call_on_done(in_flight, completed, &f);
	call_cancel(in_flight);
	ck_assert_ptr_null(f.script.open);
	struct call *backing_off =
	    ec2_describe_sessions(f.client, &(struct ec2_describe){.max_results = 5});
	call_on_done(backing_off, completed, &f);
	f.script.open->task.run(&f.script.open->task); /* the reply comes: back-off begins */
	call_cancel(backing_off);
	fixture_fini(&f);
	err_fini(&err);
}
END_TEST

START_TEST(typed_requests)
{
	static const struct answer answers[] = {{200, "<CreateTrafficMirrorSessionResponse/>"}};
	struct fixture f;
	struct err err = {0};
	json_t *tags = json_pack("[{s:s,s:s}]", "Key", "tmflow:tool", "Value", "tmflow");

	fixture_init(&f, answers, 1);
	call_on_done(ec2_create_session(f.client,
			 &(struct ec2_session_spec){
			     .network_interface_id = "eni-1",
			     .target_id = "tmt-1",
			     .filter_id = "tmf-1",
			     .session_number = 100,
			     .virtual_network_id = -1,
			     .tags = tags,
			     .client_token = "token+/=",
			 }),
	    completed, &f);
	ck_assert_int_eq(loop_run(f.loop, &err), 0);
	ck_assert_str_eq(f.script.bodies[0],
	    "Action=CreateTrafficMirrorSession&Version=2016-11-15&NetworkInterfaceId=eni-1&"
	    "TrafficMirrorTargetId=tmt-1"
	    "&TrafficMirrorFilterId=tmf-1&SessionNumber=100&TagSpecification.1.ResourceType="
	    "traffic-mirror-session"
	    "&TagSpecification.1.Tag.1.Key=tmflow%3Atool&TagSpecification.1.Tag.1.Value=tmflow&"
	    "ClientToken=token%2B%2F%3D");
	json_decref(tags);
	fixture_fini(&f);
}
END_TEST

/* --- retries: the numbers of the SDKs' standard mode --- */

START_TEST(back_off_bounds)
{
	static const int64_t most_ms[] = {1000, 2000, 4000, 8000, 16000, 20000, 20000, 20000};
	struct rng rng;

	rng_seed(&rng, 7);
	for (int attempt = 1; attempt <= 8; attempt++) {
		int64_t longest = 0;

		for (int i = 0; i < 1000; i++) {
			int64_t delay = retry_delay_ms(&rng, attempt);

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
	    {"Whatever", 500, RETRY_TRANSIENT},
	    {"Whatever", 504, RETRY_TRANSIENT},
	    {"Whatever", 501, RETRY_NEVER},
	    {"UnauthorizedOperation", 403, RETRY_NEVER},
	    {"InvalidParameterValue", 400, RETRY_NEVER},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = {0};

		err_set_name(&err, ERR_SERVICE, cases[i].code, "x");
		err.http_status = cases[i].status;
		ck_assert_msg(retry_classify(&err) == cases[i].wanted, "%s %d", cases[i].code,
		    cases[i].status);
		err_fini(&err);
	}
	ck_assert(aws_error_is_not_found("InvalidTrafficMirrorTargetNoFound"));
	ck_assert(!aws_error_is_not_found("InvalidTrafficMirrorTargetX"));
}
END_TEST

/* --- end points --- */

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
	static const char *const bad_customs[] = {
	    "localhost:80", "ftp://x", "http://", "http://u:p@h/", "http://h?x"};
	struct endpoint endpoint;
	struct err err = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_int_eq(
		    endpoint_resolve("ec2", cases[i].region, cases[i].custom, &endpoint, &err), 0);
		ck_assert_str_eq(endpoint.url, cases[i].url);
		ck_assert_str_eq(endpoint.host, cases[i].host);
		endpoint_fini(&endpoint);
	}
	for (size_t i = 0; i < sizeof(bad_customs) / sizeof(bad_customs[0]); i++)
		ck_assert_int_eq(
		    endpoint_resolve("ec2", "us-east-1", bad_customs[i], &endpoint, &err), -1);
	ck_assert_int_eq(
	    endpoint_resolve("ec2", "us-east-1/evil.example", NULL, &endpoint, &err), -1);
	err_fini(&err);
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
	tcase_add_test(tests, typed_requests);
	tcase_add_test(tests, back_off_bounds);
	tcase_add_test(tests, classes);
	tcase_add_test(tests, endpoints);
	suite_add_tcase(s, tests);
	return run_suite(s);
}
