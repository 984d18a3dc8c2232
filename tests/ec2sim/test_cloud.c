#include "cloud.h"
#include "realm.h"
#include "sim_test.h"

#include "base/digest.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Several accounts in several regions, and the roles that lead from one to another. Requests are
 * signed here, the plain way. */

#define FIRST  "123456789012"
#define SECOND "123456789013"
#define THIRD  "123456789014"

struct keys {
	char access[64];
	char secret[64];
	char token[128]; /* "": none */
};

struct cloud_test {
	struct sim_cloud *cloud;
	struct sim sim; /* the last reply and the time; no world of its own */
};

static const struct keys first_keys = {SIM_ACCESS_KEY_DEFAULT, SIM_SECRET_KEY_DEFAULT, ""};

static void
start(struct cloud_test *t, struct sim_cloud_opts *opts)
{
	struct tmf_err err = {0};

	opts->world = sim_test_opts(50);
	opts->world.no_auth = false;
	*t = (struct cloud_test){.sim = {.now_wall_ms = SIM_TEST_NOW_MS}};
	t->cloud = cloud_new(opts, &err);
	ck_assert_msg(t->cloud != NULL, "%s", tmf_err_text(&err));
}

static void
stop(struct cloud_test *t)
{
	sim_reply_fini(&t->sim.reply);
	cloud_free(t->cloud);
}

static void
hmac(const uint8_t key[DIGEST_SHA256_BYTES], const char *text, uint8_t out[DIGEST_SHA256_BYTES])
{
	uint8_t mac[DIGEST_SHA256_BYTES];

	digest_hmac_sha256((struct str){(const char *)key, DIGEST_SHA256_BYTES}, str_of(text), mac);
	memcpy(out, mac, sizeof(mac));
}

/* The signature over host, x-amz-date and the token where there is one. */
static void
sign(const struct keys *keys, const char *region, const char *service, const char *canonical,
    const char *date, char out[DIGEST_SHA256_HEX_BYTES])
{
	char hash[DIGEST_SHA256_HEX_BYTES], text[400], first[100], day[9];
	uint8_t key[DIGEST_SHA256_BYTES];

	snprintf(day, sizeof(day), "%.8s", date);
	digest_sha256_hex(str_of(canonical), hash);
	snprintf(text, sizeof(text), "AWS4-HMAC-SHA256\n%s\n%s/%s/%s/aws4_request\n%s", date, day,
	    region, service, hash);
	snprintf(first, sizeof(first), "AWS4%s", keys->secret);
	digest_hmac_sha256(str_of(first), str_of(day), key);
	hmac(key, region, key);
	hmac(key, service, key);
	hmac(key, "aws4_request", key);
	hmac(key, text, key);
	digest_hex(key, sizeof(key), out);
}

/* Sends a signed request, keeps the reply and compares its error code; "" is success. */
static void
expect(struct cloud_test *t, const struct keys *keys, const char *region, const char *service,
    const char *body, const char *code)
{
	bool token = keys->token[0] != '\0';
	const char *names = token ? "host;x-amz-date;x-amz-security-token" : "host;x-amz-date";
	char date[32], hash[DIGEST_SHA256_HEX_BYTES], signature[DIGEST_SHA256_HEX_BYTES];
	char canonical[1000], authorization[600], token_line[200] = "";
	time_t seconds = (time_t)(t->sim.now_wall_ms / 1000);
	struct tm tm;

	strftime(date, sizeof(date), "%Y%m%dT%H%M%SZ", gmtime_r(&seconds, &tm));
	if (token)
		snprintf(token_line, sizeof(token_line), "x-amz-security-token:%s\n", keys->token);
	digest_sha256_hex(str_of(body), hash);
	snprintf(canonical, sizeof(canonical), "POST\n/\n\nhost:sim\nx-amz-date:%s\n%s\n%s\n%s",
	    date, token_line, names, hash);
	sign(keys, region, service, canonical, date, signature);
	snprintf(authorization, sizeof(authorization),
	    "AWS4-HMAC-SHA256 Credential=%s/%.8s/%s/%s/aws4_request, SignedHeaders=%s, "
	    "Signature=%s",
	    keys->access, date, region, service, names, signature);
	struct sim_header headers[] = {{"Host", "sim"}, {"X-Amz-Date", date},
	    {"Authorization", authorization}, {"X-Amz-Security-Token", keys->token}};
	struct sim_request request = {.method = "POST",
	    .path = "/",
	    .headers = headers,
	    .headers_count = token ? 4 : 3,
	    .body = str_of(body),
	    .now_wall_ms = t->sim.now_wall_ms};

	sim_reply_fini(&t->sim.reply);
	t->sim.reply = cloud_handle(t->cloud, &request);
	ck_assert_msg(strcmp(t->sim.reply.code, code) == 0, "%s: not \"%s\" but %d %s", body, code,
	    t->sim.reply.status, buf_cstr(&t->sim.reply.body));
}

static void
ec2(struct cloud_test *t, const struct keys *keys, const char *region, const char *code)
{
	expect(t, keys, region, "ec2", "Action=DescribeVpcs&Version=2016-11-15", code);
}

#define ROLE "Action=AssumeRole&Version=2011-06-15&RoleSessionName=tester&RoleArn="

static void
assume(struct cloud_test *t, const struct keys *keys, const char *arn, struct keys *ret)
{
	char body[400], text[SIM_TEXT_BYTES];

	snprintf(body, sizeof(body), ROLE "%s", arn);
	expect(t, keys, "us-east-1", "sts", body, "");
	sim_text(&t->sim, "AccessKeyId", 0, text);
	snprintf(ret->access, sizeof(ret->access), "%.60s", text);
	sim_text(&t->sim, "SecretAccessKey", 0, text);
	snprintf(ret->secret, sizeof(ret->secret), "%.60s", text);
	sim_text(&t->sim, "SessionToken", 0, text);
	snprintf(ret->token, sizeof(ret->token), "%.120s", text);
}

static int
control(struct cloud_test *t, const char *method, const char *path, const char *body)
{
	struct sim_request request = {.method = method,
	    .path = path,
	    .body = str_of(body),
	    .now_wall_ms = t->sim.now_wall_ms};

	sim_reply_fini(&t->sim.reply);
	t->sim.reply = cloud_handle(t->cloud, &request);
	return t->sim.reply.status;
}

START_TEST(a_role_leads_to_its_account)
{
	struct sim_cloud_opts opts = {.accounts = 3};
	struct cloud_test t;
	struct keys role = {0};
	char text[SIM_TEXT_BYTES], ours[SIM_TEXT_BYTES];

	start(&t, &opts);
	ec2(&t, &first_keys, "us-east-1", "");
	sim_text(&t.sim, "vpcId", 0, ours);
	assume(&t, &first_keys, "arn:aws:iam::" SECOND ":role/path/mirror", &role);
	ck_assert(strncmp(role.access, "ASIA", 4) == 0);
	ck_assert_uint_eq(sim_count(&t.sim, "<AssumeRoleResponse xmlns="), 1);
	ck_assert_uint_eq(sim_count(&t.sim, "<AssumeRoleResult>"), 1);
	sim_text(&t.sim, "Expiration", 0, text);
	ck_assert_str_eq(text, "2026-03-01T11:20:30Z");
	ec2(&t, &role, "us-east-1", "");
	sim_text(&t.sim, "vpcId", 0, text);
	ck_assert_str_ne(text, ours);
	sim_text(&t.sim, "ownerId", 0, text);
	ck_assert_str_eq(text, SECOND);
	expect(&t, &role, "us-east-1", "sts", "Action=GetCallerIdentity&Version=2011-06-15", "");
	sim_text(&t.sim, "Arn", 0, text);
	ck_assert_str_eq(text, "arn:aws:sts::" SECOND ":assumed-role/mirror/tester");
	/* From a role on to the next: a chain. */
	assume(&t, &role, "arn:aws:iam::" THIRD ":role/mirror", &role);
	expect(&t, &role, "us-east-1", "sts", "Action=GetCallerIdentity&Version=2011-06-15", "");
	sim_text(&t.sim, "Account", 0, text);
	ck_assert_str_eq(text, THIRD);
	stop(&t);
}
END_TEST

START_TEST(roles_are_refused)
{
	struct sim_cloud_opts opts = {.accounts = 2, .denied = {SECOND}, .denied_count = 1};
	static const char *const wrong[] = {ROLE, ROLE "role", ROLE "arn:aws:iam::" FIRST ":user/a",
	    ROLE "arn:aws:iam::12:role/a", ROLE "arn:aws:iam::" FIRST ":role/a&DurationSeconds=1",
	    "Action=AssumeRole&Version=2011-06-15&RoleSessionName=a&RoleArn=arn:aws:iam::" FIRST
	    ":role/a"};
	struct cloud_test t;

	start(&t, &opts);
	expect(&t, &first_keys, "us-east-1", "sts", ROLE "arn:aws:iam::" SECOND ":role/a",
	    "AccessDenied");
	ck_assert_int_eq(t.sim.reply.status, 403);
	ck_assert_uint_eq(sim_count(&t.sim, "is not authorized to perform: sts:AssumeRole"), 1);
	expect(&t, &first_keys, "us-east-1", "sts", ROLE "arn:aws:iam::" THIRD ":role/a",
	    "AccessDenied");
	expect(&t, &first_keys, "us-east-1", "sts", ROLE "arn:aws:iam::" FIRST ":role/a", "");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *code = strstr(wrong[i], "Duration") != NULL ? "InvalidParameterValue"
									: "ValidationError";

		expect(&t, &first_keys, "us-east-1", "sts", wrong[i], code);
	}
	stop(&t);
}
END_TEST

START_TEST(a_role_ends)
{
	struct sim_cloud_opts opts = {.role_ms_max = 60000};
	struct cloud_test t;
	struct keys role = {0}, half;

	start(&t, &opts);
	assume(&t, &first_keys, "arn:aws:iam::" FIRST ":role/mirror", &role);
	t.sim.now_wall_ms += 59999;
	ec2(&t, &role, "us-east-1", "");
	half = role;
	snprintf(half.token, sizeof(half.token), "another");
	ec2(&t, &half, "us-east-1", "AuthFailure");
	half = role;
	half.secret[0] = (char)(half.secret[0] == 'a' ? 'b' : 'a');
	ec2(&t, &half, "us-east-1", "SignatureDoesNotMatch");
	t.sim.now_wall_ms += 1;
	ec2(&t, &role, "us-east-1", "RequestExpired");
	expect(&t, &role, "us-east-1", "sts", "Action=GetCallerIdentity&Version=2011-06-15",
	    "ExpiredToken");
	ec2(&t, &first_keys, "us-east-1", "");
	stop(&t);
}
END_TEST

START_TEST(each_account_and_region_is_a_world)
{
	struct sim_cloud_opts opts = {.accounts = 2, .regions = "us-east-1,eu-west-1"};
	struct keys second = {SIM_ACCESS_KEY_DEFAULT "2", SIM_SECRET_KEY_DEFAULT, ""};
	struct keys nobody = {"AKIDNOBODY", SIM_SECRET_KEY_DEFAULT, ""};
	char vpcs[4][SIM_TEXT_BYTES];
	struct cloud_test t;

	start(&t, &opts);
	ck_assert_uint_eq(cloud_worlds(t.cloud), 4);
	for (size_t i = 0; i < 4; i++) {
		ec2(&t, i < 2 ? &first_keys : &second, i % 2 == 0 ? "us-east-1" : "eu-west-1", "");
		sim_text(&t.sim, "vpcId", 0, vpcs[i]);
		for (size_t k = 0; k < i; k++)
			ck_assert_str_ne(vpcs[i], vpcs[k]);
	}
	ec2(&t, &first_keys, "eu-central-1", "SignatureDoesNotMatch");
	ec2(&t, &nobody, "us-east-1", "AuthFailure");
	ck_assert_uint_eq(cloud_requests(t.cloud), 6);
	ck_assert_int_eq(control(&t, "GET", "/_sim/report", ""), 200);
	ck_assert_uint_eq(sim_count(&t.sim, "\"report\":{"), 4);
	ck_assert_int_eq(
	    control(&t, "GET", "/_sim/world?limit=1&region=eu-west-1&account=" SECOND, ""), 200);
	ck_assert_uint_eq(sim_count(&t.sim, "\"AccountId\":\"" SECOND "\""), 1);
	ck_assert_uint_gt(sim_count(&t.sim, vpcs[3]), 0);
	ck_assert_int_eq(control(&t, "GET", "/_sim/world?account=" THIRD, ""), 404);
	ck_assert_int_eq(control(&t, "GET", "/_sim/world?region=x", ""), 404);
	stop(&t);
}
END_TEST

START_TEST(faults_and_counters_are_for_all_unless_one_is_named)
{
	struct sim_cloud_opts opts = {.accounts = 2};
	struct keys second = {SIM_ACCESS_KEY_DEFAULT "2", SIM_SECRET_KEY_DEFAULT, ""};
	struct cloud_test t;

	start(&t, &opts);
	ck_assert_int_eq(control(&t, "POST", "/_sim/faults", "{\"faults\": [\"503@1\"]}"), 200);
	ec2(&t, &first_keys, "us-east-1", "Unavailable");
	ec2(&t, &second, "us-east-1", "Unavailable");
	ck_assert_int_eq(
	    control(&t, "POST", "/_sim/faults?account=" SECOND, "{\"faults\": []}"), 200);
	ec2(&t, &first_keys, "us-east-1", "Unavailable");
	ec2(&t, &second, "us-east-1", "");
	ck_assert_int_eq(control(&t, "POST", "/_sim/reset-counters", ""), 200);
	ck_assert_uint_eq(cloud_requests(t.cloud), 0);
	stop(&t);
}
END_TEST

START_TEST(one_configuration_has_the_rules_of_all)
{
	struct sim_cloud_opts opts = {.accounts = 2, .regions = "us-east-1,eu-west-1"};
	struct buf text = {0}, verdict = {0};
	struct cloud_test t;
	struct tmf_err err = {0};

	start(&t, &opts);
	cloud_config(t.cloud, SIM_SCENARIO_ALL, &text);
	for (size_t i = 0; i < cloud_worlds(t.cloud); i++) {
		char vpc[SIM_ID_BYTES];

		world_vpc_id(cloud_world_at(t.cloud, i), 3, vpc);
		ck_assert_ptr_nonnull(strstr(buf_cstr(&text), vpc));
		buf_reset(&verdict);
		ck_assert_msg(
		    world_expected(cloud_world_at(t.cloud, i), buf_str(&text), &verdict, &err) == 0,
		    "%s", tmf_err_text(&err));
		ck_assert_ptr_nonnull(strstr(buf_cstr(&verdict), "\"ok\":false"));
	}
	buf_fini(&text);
	buf_fini(&verdict);
	stop(&t);
}
END_TEST

START_TEST(wrong_options_are_refused)
{
	struct sim_cloud_opts wrong[] = {{.accounts = REALM_ACCOUNTS_MAX + 1}, {.regions = ""},
	    {.regions = "a,,b"}, {.denied = {"1"}, .denied_count = 1},
	    {.denied = {SECOND}, .denied_count = 1}};
	struct tmf_err err = {0};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		wrong[i].world = sim_test_opts(5);
		ck_assert_ptr_null(cloud_new(&wrong[i], &err));
		ck_assert_int_eq(err.code, TMF_ERR_INVALID);
	}
	struct sim_cloud_opts account = {.world = sim_test_opts(5)};

	account.world.account_id = "12";
	ck_assert_ptr_null(cloud_new(&account, &err));
	tmf_err_fini(&err);
}
END_TEST

SIM_MAIN("ec2sim cloud", a_role_leads_to_its_account, roles_are_refused, a_role_ends,
    each_account_and_region_is_a_world, faults_and_counters_are_for_all_unless_one_is_named,
    one_configuration_has_the_rules_of_all, wrong_options_are_refused)
