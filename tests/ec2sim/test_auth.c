#include "sim_test.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Signatures made by botocore (SigV4Auth, clock fixed to 2026-03-01T10:20:30Z) over this
 * request. */

#define BODY  "Action=DescribeVpcs&Version=2016-11-15"
#define SCOPE "Credential=AKIDEXAMPLE/20260301/us-east-1/ec2/aws4_request, SignedHeaders="
#define PLAIN_SIGNED                                                                               \
	"AWS4-HMAC-SHA256 " SCOPE "content-type;host;x-amz-date, "                                 \
	"Signature=bc3b162386d81e8dca7f4f639b6e128fc4822fd988d05c0959454f636ab0d040"
#define TOKEN_SIGNED                                                                               \
	"AWS4-HMAC-SHA256 " SCOPE "content-type;host;x-amz-date;x-amz-security-token, "            \
	"Signature=cc71e075e0fe9e02dc6ca0066e244287c491e0551812819dd17d83a33cc12ac1"

enum { TYPE, HOST, DATE, AUTHORIZATION, TOKEN, HEADERS };

struct signed_request {
	struct sim_header headers[HEADERS];
	struct sim_request request;
};

static void
make(struct signed_request *r)
{
	*r = (struct signed_request){
	    .headers =
		{
		    [TYPE] = {"Content-Type",
			"application/x-www-form-urlencoded;   charset=utf-8 "},
		    [HOST] = {"Host", "127.0.0.1:8080"},
		    [DATE] = {"x-amz-date", "20260301T102030Z"},
		    [AUTHORIZATION] = {"Authorization", PLAIN_SIGNED},
		    [TOKEN] = {"X-Amz-Security-Token", "TOK/EN+=="},
		},
	    .request = {.method = "POST",
		.path = "/",
		.body = STR(BODY),
		.now_wall_ms = SIM_TEST_NOW_MS},
	};
	r->request.headers = r->headers;
	r->request.headers_count = TOKEN;
}

/* Sends and compares the error's code; "" is success. */
static void
expect(struct signed_request *r, const struct sim_opts *opts, const char *code, int status)
{
	struct sim sim;
	struct sim_reply reply;

	sim_start(&sim, opts);
	r->request.headers = r->headers;
	reply = world_handle(sim.world, &r->request);
	ck_assert_str_eq(reply.code, code);
	ck_assert_int_eq(reply.status, status);
	sim_reply_fini(&reply);
	sim_stop(&sim);
}

static struct sim_opts
strict(void)
{
	struct sim_opts opts = sim_test_opts(10);

	opts.no_auth = false;
	return opts;
}

START_TEST(a_right_signature_is_taken)
{
	struct sim_opts opts = strict();
	struct signed_request r;

	make(&r);
	expect(&r, &opts, "", 200);
	r.headers[AUTHORIZATION].value = TOKEN_SIGNED;
	r.request.headers_count = HEADERS;
	expect(&r, &opts, "", 200);
	opts.credentials[0] =
	    (struct sim_credentials){SIM_ACCESS_KEY_DEFAULT, SIM_SECRET_KEY_DEFAULT, "TOK/EN+=="};
	opts.credentials_count = 1;
	expect(&r, &opts, "", 200);
}
END_TEST

START_TEST(any_change_breaks_it)
{
	struct sim_opts opts = strict();
	struct signed_request r;

	make(&r);
	r.request.body = STR(BODY "&MaxResults=5");
	expect(&r, &opts, "SignatureDoesNotMatch", 403);
	make(&r);
	r.headers[HOST].value = "127.0.0.1:8081";
	expect(&r, &opts, "SignatureDoesNotMatch", 403);
	make(&r);
	r.request.path = "/?x=1";
	expect(&r, &opts, "SignatureDoesNotMatch", 403);
	make(&r);
	r.request.path = "/a";
	expect(&r, &opts, "SignatureDoesNotMatch", 403);
	make(&r);
	r.headers[DATE].value = "20260301T102031Z";
	expect(&r, &opts, "SignatureDoesNotMatch", 403);
	make(&r);
	opts.credentials[0] = (struct sim_credentials){SIM_ACCESS_KEY_DEFAULT, "another", NULL};
	opts.credentials_count = 1;
	expect(&r, &opts, "SignatureDoesNotMatch", 403);
}
END_TEST

START_TEST(who_and_when_and_where)
{
	struct sim_opts opts = strict();
	struct signed_request r;

	make(&r);
	r.request.headers_count = AUTHORIZATION;
	expect(&r, &opts, "MissingAuthenticationToken", 403);
	make(&r);
	r.headers[AUTHORIZATION].value = "Basic eDp5";
	expect(&r, &opts, "IncompleteSignature", 400);
	make(&r);
	r.request.now_wall_ms += 15 * 60 * 1000;
	expect(&r, &opts, "", 200);
	r.request.now_wall_ms += 1;
	expect(&r, &opts, "RequestExpired", 400);
	make(&r);
	r.request.now_wall_ms -= 15 * 60 * 1000 + 1;
	expect(&r, &opts, "RequestExpired", 400);
	make(&r);
	opts.region = "eu-west-1";
	expect(&r, &opts, "SignatureDoesNotMatch", 403);
	opts = strict();
	opts.credentials[0] = (struct sim_credentials){"AKIDOTHER", SIM_SECRET_KEY_DEFAULT, NULL};
	opts.credentials_count = 1;
	expect(&r, &opts, "AuthFailure", 401);
	opts.credentials[0] =
	    (struct sim_credentials){SIM_ACCESS_KEY_DEFAULT, SIM_SECRET_KEY_DEFAULT, "needed"};
	expect(&r, &opts, "AuthFailure", 401);
	opts.no_auth = true;
	expect(&r, &opts, "", 200);
}
END_TEST

/* Every EC2 request of the shared golden file must pass the check. */
static void
replay_golden(struct sim *sim, const json_t *entry)
{
	struct sim_header headers[20];
	struct sim_request request = {.method = "POST",
	    .path = "/",
	    .headers = headers,
	    .now_wall_ms = INT64_C(1768478400000)};
	struct sim_reply reply;
	const char *key;
	json_t *value;

	headers[request.headers_count++] =
	    (struct sim_header){"Host", "ec2.us-east-1.amazonaws.com"};
	json_object_foreach (json_object_get(entry, "headers"), key, value)
		headers[request.headers_count++] =
		    (struct sim_header){key, json_string_value(value)};
	request.body = str_of(json_string_value(json_object_get(entry, "body")));
	reply = world_handle(sim->world, &request);
	ck_assert_msg(reply.status != 401 && reply.status != 403 &&
			  strcmp(reply.code, "IncompleteSignature") != 0 &&
			  strcmp(reply.code, "UnknownParameter") != 0,
	    "%s: %s", json_string_value(json_object_get(entry, "operation")),
	    buf_cstr(&reply.body));
	sim_reply_fini(&reply);
}

START_TEST(golden_requests_pass)
{
	json_t *golden = json_load_file(TEST_SHARED_DIR "/aws/golden-requests.json", 0, NULL);
	struct sim_opts opts = strict();
	size_t i, replayed = 0;
	struct sim sim;
	json_t *entry;

	if (golden == NULL) {
		printf("SKIP: no %s\n", TEST_SHARED_DIR "/aws/golden-requests.json");
		return;
	}
	sim_start(&sim, &opts);
	json_array_foreach (json_object_get(golden, "requests"), i, entry) {
		if (strcmp(json_string_value(json_object_get(entry, "service")), "ec2") != 0)
			continue;
		replay_golden(&sim, entry);
		replayed++;
	}
	ck_assert_uint_gt(replayed, 20);
	json_decref(golden);
	sim_stop(&sim);
}
END_TEST

SIM_MAIN("ec2sim authentication", a_right_signature_is_taken, any_change_breaks_it,
    who_and_when_and_where, golden_requests_pass)
