/* --debug-http: what is told of requests and replies, and that no secret is in it, whatever it
 * is wrapped in. */
#include "aws/wire/http_trace.h"
#include "aws/wire/redact.h"
#include "aws_fixture.h"
#include "base/log.h"
#include "base/mem.h"

#include "run_suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN "FwoGZXIvYXdzEJr//TOKEN+of=a=session=="
#define BIG   (3 * HTTP_TRACE_BODY_BYTES_MAX)

static const struct {
	const char *text;
	const char *expect;
} bodies[] = {
    /* form data */
    {"Action=AssumeRoleWithWebIdentity&WebIdentityToken=eyJ.SECRET&Version=2011",
	"Action=AssumeRoleWithWebIdentity&WebIdentityToken=(removed)&Version=2011"},
    {"webidentitytoken=SECRET", "webidentitytoken=(removed)"},
    {"UserData=SECRET&NextToken=shown", "UserData=(removed)&NextToken=shown"},
    {"MyWebIdentityToken=shown", "MyWebIdentityToken=shown"},
    {"WebIdentityToken=", "WebIdentityToken="},
    {"X-Amz-Signature=SECRET&X-Amz-Credential=ASIASECRET%2F2026",
	"X-Amz-Signature=(removed)&X-Amz-Credential=ASIA...(removed)"},
    {"AWSAccessKeyId=ASIASECRET&Expires=1&Signature=SECRET&SignatureVersion=shown",
	"AWSAccessKeyId=ASIA...(removed)&Expires=1&Signature=(removed)&SignatureVersion=shown"},
    /* XML */
    {"<Credentials><AccessKeyId>ASIASECRET</AccessKeyId><SecretAccessKey>SEC/RET</"
     "SecretAccessKey><SessionToken>SECRET==</SessionToken><Expiration>2026</Expiration>",
	"<Credentials><AccessKeyId>ASIA...(removed)</AccessKeyId><SecretAccessKey>(removed)</"
	"SecretAccessKey><SessionToken>(removed)</SessionToken><Expiration>2026</Expiration>"},
    {"<a:SecretAccessKey x=\"1\">SECRET</a:SecretAccessKey>",
	"<a:SecretAccessKey x=\"1\">(removed)</a:SecretAccessKey>"},
    {"<SessionToken\n>SECRET", "<SessionToken\n>(removed)"},
    {"<SessionToken><![CDATA[SE<CRET]]></SessionToken>", "<SessionToken>(removed)</SessionToken>"},
    {"<nextToken>shown</nextToken>", "<nextToken>shown</nextToken>"},
    {"<AccessKeyId>AKI</AccessKeyId>", "<AccessKeyId>(removed)</AccessKeyId>"},
    /* JSON, and JSON in JSON */
    {"{\"SecretAccessKey\" : \"SE\\\"CRET\", \"Version\": 1}",
	"{\"SecretAccessKey\" : \"(removed)\", \"Version\": 1}"},
    {"{\"Token\":\"SECRET", "{\"Token\":\"(removed)"},
    {"{\"taskToken\":\"SECRET\",\"output\":\"{\\\"SessionToken\\\": \\\"SE\\\\\\\"CRET\\\"}\"}",
	"{\"taskToken\":\"(removed)\",\"output\":\"{\\\"SessionToken\\\": \\\"(removed)\\\"}\"}"},
    {"{\"ReceiptHandle\":\"SECRET\",\"Password\":null}",
	"{\"ReceiptHandle\":\"(removed)\",\"Password\":null}"},
    {"{\"ResponseURL\":\"https://b/k?X-Amz-Signature=SECRET\",\"StackId\":\"shown\"}",
	"{\"ResponseURL\":\"(removed)\",\"StackId\":\"shown\"}"},
    /* an error that tells what should have been signed */
    {"host:ec2\nx-amz-security-token:SECRET\n\nhost",
	"host:ec2\nx-amz-security-token:(removed)\n\nhost"},
    /* what was sent comes back */
    {"cannot use " TOKEN " here", "cannot use (removed) here"},
    /* nothing that a terminal obeys */
    {"a\033[2Jb\r\nc\x9b", "a\\x1B[2Jb\\x0D\nc\\x9B"},
    {"", ""},
};

START_TEST(bodies_without_secrets)
{
	const struct redact_values values = {.at = {STR(TOKEN)}, .count = 1};
	struct buf out = {0};

	redact_body(&out, str_of(bodies[_i].text), SIZE_MAX, &values);
	ck_assert_str_eq(buf_cstr(&out), bodies[_i].expect);
	buf_fini(&out);
}
END_TEST

/* Wherever the text is cut off, and wherever what is told of it ends, no part of the secret is
 * told. */
START_TEST(cut_anywhere)
{
	const struct redact_values values = {.at = {STR(TOKEN)}, .count = 1};
	struct str text = str_of(bodies[_i].text);

	for (size_t told = 0; told <= text.len; told++)
		for (size_t len = told; len <= text.len; len++) {
			struct buf out = {0};

			/* A secret that is known by nothing but itself must be there whole. */
			if (strstr(text.p, TOKEN) != NULL && len < text.len)
				continue;
			redact_body(&out, (struct str){text.p, len}, told, &values);
			ck_assert_ptr_null(strstr(buf_cstr(&out), "SEC"));
			ck_assert_ptr_null(strstr(buf_cstr(&out), "CRET"));
			ck_assert_ptr_null(strstr(buf_cstr(&out), "FwoG"));
			buf_fini(&out);
		}
}
END_TEST

START_TEST(a_nul_is_told)
{
	struct buf out = {0};

	redact_body(&out, (struct str){"a\0SessionToken=x", 16}, SIZE_MAX, NULL);
	ck_assert_str_eq(buf_cstr(&out), "a\\x00SessionToken=(removed)");
	buf_fini(&out);
}
END_TEST

START_TEST(headers_without_secrets)
{
	static const struct {
		const char *name;
		const char *value;
		const char *expect;
	} cases[] = {
	    {"authorization",
		"AWS4-HMAC-SHA256 Credential=ASIASECRET/20260115/eu-west-1/ec2/aws4_request, "
		"SignedHeaders=host;x-amz-date, Signature=0123SECRET",
		"AWS4-HMAC-SHA256 with ASIA...(removed)/20260115/eu-west-1/ec2/aws4_request, "
		"SignedHeaders=host;x-amz-date, signature (removed)"},
	    {"Authorization", "Basic SECRET", "(removed)"},
	    {"Authorization", "AWS4-HMAC-SHA256 Credential=SECRET", "(removed)"},
	    {"X-Amz-Security-Token", TOKEN, "(removed)"},
	    {"X-aws-ec2-metadata-token", "SECRET", "(removed)"},
	    {"Cookie", "SECRET", "(removed)"},
	    {"x-amz-date", "20260115T120000Z", "20260115T120000Z"},
	    {"Content-Type", "text/xml\033[2J", "text/xml\\x1B[2J"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out = {0};

		redact_header(&out, cases[i].name, cases[i].value);
		ck_assert_str_eq(buf_cstr(&out), cases[i].expect);
		buf_fini(&out);
	}
}
END_TEST

/* --- the transport --- */

struct traced {
	struct aws_fixture f;
	struct http_transport *trace;
	struct aws_client *client;
	FILE *log;
	char *told;
	size_t told_bytes;
};

static void
traced_init(struct traced *t, const struct scripted_opts *script)
{
	*t = (struct traced){0};
	aws_fixture_init(&t->f, script, 2);
	aws_fixture_set_token(&t->f, TOKEN);
	t->log = open_memstream(&t->told, &t->told_bytes);
	log_setup(LOG_NONE, LOG_LOGFMT, t->log);
	t->trace = http_trace_new(t->f.loop, scripted_transport_http(t->f.scripted));
	t->client = aws_client_new(
	    &(struct aws_client_opts){
		.loop = t->f.loop,
		.transport = t->trace,
		.credentials = &t->f.keys.provider,
		.rng = &t->f.rng,
		.service = "ec2",
		.region = "us-east-1",
		.attempts_max = 2,
	    },
	    &t->f.err);
	ck_assert_ptr_nonnull(t->client);
}

static const char *
told(struct traced *t)
{
	fflush(t->log);
	return t->told;
}

static void
traced_fini(struct traced *t)
{
	aws_client_free(t->client);
	http_trace_free(t->trace);
	log_setup(LOG_WARN, LOG_LOGFMT, NULL);
	fclose(t->log);
	free(t->told);
	aws_fixture_fini(&t->f);
}

static struct tmf_call *
describe(struct traced *t)
{
	return ec2_describe_sessions(t->client, &(struct ec2_describe){.max_results = 5});
}

START_TEST(a_retried_call_is_told)
{
	static const struct scripted_reply replies[] = {
	    {NULL, 0, "reset"},
	    {NULL, 403,
		"<Response><Errors><Error><Code>SignatureDoesNotMatch</Code><Message>sent: " TOKEN
		" AKIDEXAMPLE</Message></Error></Errors></Response>"},
	};
	struct traced t;
	const char *all;

	traced_init(&t,
	    &(struct scripted_opts){.replies = replies, .replies_count = 2, .request_id = "req-1"});
	aws_fixture_run(&t.f, describe(&t));
	all = told(&t);
	ck_assert_ptr_nonnull(strstr(all, "http 1 > POST https://ec2.us-east-1.amazonaws.com/ "
					  "DescribeTrafficMirrorSessions, attempt 1\n"));
	ck_assert_ptr_nonnull(strstr(all, "  Action=DescribeTrafficMirrorSessions&Version="));
	ck_assert_ptr_nonnull(
	    strstr(all, "http 1 < DescribeTrafficMirrorSessions, attempt 1 after 0 ms: reset\n"));
	ck_assert_ptr_nonnull(strstr(all, "http 2 < DescribeTrafficMirrorSessions, attempt 2 after "
					  "0 ms: status 403\n  x-amzn-requestid: req-1-2\n"));
	ck_assert_ptr_nonnull(strstr(all, "sent: (removed) (removed)</Message>"));
	ck_assert_ptr_nonnull(strstr(all, "  X-Amz-Security-Token: (removed)\n"));
	ck_assert_ptr_null(strstr(all, TOKEN));
	ck_assert_ptr_null(strstr(all, FIXTURE_ACCESS_KEY));
	ck_assert_ptr_null(strstr(all, "Signature="));
	traced_fini(&t);
}
END_TEST

START_TEST(a_long_reply_is_bounded)
{
	char *body = mem_alloc(BIG + 1);
	struct scripted_reply reply = {NULL, 200, body};
	struct traced t;

	memset(body, 'x', BIG);
	body[BIG] = '\0';
	/* The token begins where what is told has not ended yet, and ends behind it. */
	memcpy(body + HTTP_TRACE_BODY_BYTES_MAX - 5, TOKEN, strlen(TOKEN));
	traced_init(&t,
	    &(struct scripted_opts){.replies = &reply, .replies_count = 1, .piece_bytes = 1000});
	aws_fixture_run(&t.f, describe(&t));
	ck_assert_uint_lt(strlen(told(&t)), 2 * (HTTP_TRACE_BODY_BYTES_MAX + 2048));
	ck_assert_ptr_nonnull(
	    strstr(told(&t), "  (12288 bytes in all, the first 4096 are shown)\n"));
	ck_assert_ptr_null(strstr(told(&t), "FwoG"));
	traced_fini(&t);
	free(body);
}
END_TEST

static int
drop_body(void *arg, int status, struct str part, struct tmf_err *err)
{
	(void)arg;
	(void)status;
	(void)part;
	(void)err;
	return 0;
}

static void
count_done(void *arg, struct http_exchange *exchange, int status, struct tmf_err *err)
{
	(void)exchange;
	(void)err;
	ck_assert_int_eq(status, 200);
	++*(int *)arg;
}

START_TEST(keys_are_not_told)
{
	static const struct scripted_reply reply = {NULL, 200, "{\"anything\": \"SECRET\"}"};
	static const struct http_header header = {"X-aws-ec2-metadata-token", "SECRET"};
	const struct http_request request = {
	    .method = "GET",
	    .url = "http://169.254.170.2/v2/credentials?id=SECRET",
	    .headers = &header,
	    .headers_count = 1,
	    .operation = "keys",
	    .attempt = 1,
	    .secret = true,
	};
	struct traced t;
	int dones = 0;
	const struct http_handler handler = {drop_body, count_done, &dones};

	traced_init(&t, &(struct scripted_opts){.replies = &reply, .replies_count = 1});
	t.trace->start(t.trace, &request, &handler);
	ck_assert_int_eq(tmf_loop_run(t.f.loop, &t.f.err), 0);
	ck_assert_int_eq(dones, 1);
	ck_assert_ptr_nonnull(
	    strstr(told(&t), "http 1 > GET http://169.254.170.2/v2/credentials keys"));
	ck_assert_ptr_nonnull(strstr(told(&t), "  (22 bytes that are secret)\n"));
	ck_assert_ptr_null(strstr(told(&t), "SECRET"));
	traced_fini(&t);
}
END_TEST

START_TEST(what_is_given_up_is_told)
{
	static const struct scripted_reply reply = {NULL, 200, ""};
	struct traced t;
	struct tmf_call *call;

	traced_init(&t, &(struct scripted_opts){.replies = &reply, .replies_count = 1});
	call = describe(&t);
	tmf_call_cancel(call);
	ck_assert_ptr_nonnull(strstr(told(&t), "attempt 1 after 0 ms: given up\n"));
	ck_assert_uint_eq(scripted_transport_open(t.f.scripted), 0);
	traced_fini(&t);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("http_trace");
	TCase *cases = tcase_create("all");

	tcase_add_loop_test(cases, bodies_without_secrets, 0, sizeof(bodies) / sizeof(bodies[0]));
	tcase_add_loop_test(cases, cut_anywhere, 0, sizeof(bodies) / sizeof(bodies[0]));
	tcase_add_test(cases, a_nul_is_told);
	tcase_add_test(cases, headers_without_secrets);
	tcase_add_test(cases, a_retried_call_is_told);
	tcase_add_test(cases, a_long_reply_is_bounded);
	tcase_add_test(cases, keys_are_not_told);
	tcase_add_test(cases, what_is_given_up_is_told);
	suite_add_tcase(suite, cases);
	return run_suite(suite);
}
