/* Roles assumed: of profiles, of the flag, and by web identity. */
#include "base/mem.h"
#include "credentials_fixture.h"
#include "tmflow/call.h"

#include "run_suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROLE  "arn:aws:iam::123456789012:role/mirror"
#define KEYS  "\"AccessKeyId\":\"ASIA\",\"SecretAccessKey\":\"sec\",\"Token\":\"tok\""
#define LATER "\"Expiration\":\"2026-01-15T18:00:00Z\""
#define STS_ERROR(code)                                                                            \
	"<ErrorResponse><Error><Type>Sender</Type><Code>" code                                     \
	"</Code><Message>why</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"
#define STS_KEYS(operation, id)                                                                    \
	"<" operation "Response><" operation "Result><Credentials><AccessKeyId>" id                \
	"</AccessKeyId><SecretAccessKey>sec</SecretAccessKey><SessionToken>tok</SessionToken>"     \
	"<Expiration>2026-01-15T13:00:00Z</Expiration></Credentials></" operation                  \
	"Result></" operation "Response>"

#define ROLES "/latest/meta-data/iam/security-credentials/"

/* --- roles --- */

static const struct route sts_routes[] = {
    {"POST", "Action=AssumeRole&", 200, STS_KEYS("AssumeRole", "ASIAROLE"), 0},
    {.method = NULL},
};

START_TEST(role_of_a_source_profile)
{
	struct service service;
	struct keys_fixture f;

	keys_init_service(&f, &service, sts_routes);
	f.opts.profile = "r";
	keys_file(&f, "AWS_CONFIG_FILE",
	    "[profile r]\nrole_arn = " ROLE "\nsource_profile = base\nexternal_id = ext/1\n"
	    "role_session_name = me@example\nduration_seconds = 900\n");
	keys_file(&f, "AWS_SHARED_CREDENTIALS_FILE",
	    "[base]\naws_access_key_id = AKIDBASE\naws_secret_access_key = s\n");
	keys_get(&f);
	keys_expect(&f, "ASIAROLE", "sec", "tok");
	ck_assert_uint_eq(keys_sent(&f), 1);
	ck_assert_str_eq(keys_request(&f, 0)->url, "https://sts.us-east-1.amazonaws.com/");
	ck_assert_str_eq(keys_request(&f, 0)->body,
	    "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole"
	    "%2Fmirror&RoleSessionName=me%40example&DurationSeconds=900&ExternalId=ext%2F1");
	ck_assert_ptr_nonnull(strstr(
	    scripted_request_header(keys_request(&f, 0), "Authorization"), "Credential=AKIDBASE/"));
	keys_fini(&f);
}
END_TEST

/* Roles by way of roles, the first with a profile's own keys though it names itself. */
START_TEST(role_chains)
{
	static const struct route routes[] = {
	    {"POST", "role%2Finner", 200, STS_KEYS("AssumeRole", "ASIAINNER"), 0},
	    {"POST", "role%2Fouter", 200, STS_KEYS("AssumeRole", "ASIAOUTER"), 0},
	    {.method = NULL},
	};
	struct service service;
	struct keys_fixture f;

	keys_init_service(&f, &service, routes);
	keys_env(&f, "AWS_PROFILE", "outer");
	keys_file(&f, "AWS_CONFIG_FILE",
	    "[profile outer]\nrole_arn = arn:aws:iam::1:role/outer\nsource_profile = inner\n"
	    "[profile inner]\nrole_arn = arn:aws:iam::1:role/inner\nsource_profile = self\n"
	    "[profile self]\nrole_arn = arn:aws:iam::1:role/self\nsource_profile = self\n"
	    "aws_access_key_id = AKIDSELF\naws_secret_access_key = s\n");
	keys_get(&f);
	keys_expect(&f, "ASIAOUTER", "sec", "tok");
	ck_assert_uint_eq(keys_sent(&f), 2);
	ck_assert_ptr_nonnull(strstr(
	    scripted_request_header(keys_request(&f, 0), "Authorization"), "Credential=AKIDSELF/"));
	ck_assert_ptr_nonnull(strstr(scripted_request_header(keys_request(&f, 1), "Authorization"),
	    "Credential=ASIAINNER/"));
	keys_fini(&f);
}
END_TEST

START_TEST(role_of_a_place)
{
	static const struct route routes[] = {
	    {"PUT", "/latest/api/token", 200, "T", 0},
	    {"GET", ROLES "r", 200, "{" KEYS "," LATER "}", 0},
	    {"GET", ROLES, 200, "r", 0},
	    {"GET", "169.254.170.2/k", 200, "{" KEYS "}", 0},
	    {"POST", "Action=AssumeRole&", 200, STS_KEYS("AssumeRole", "ASIAROLE"), 0},
	    {.method = NULL},
	};
	static const struct {
		const char *source, *credential;
	} cases[] = {{"Environment", "Credential=AKIDENV/"}, {"EcsContainer", "Credential=ASIA/"},
	    {"Ec2InstanceMetadata", "Credential=ASIA/"}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = mem_printf(
		    "[profile r]\nrole_arn = " ROLE "\ncredential_source = %s\n", cases[i].source);
		struct service service;
		struct keys_fixture f;

		keys_init_service(&f, &service, routes);
		f.opts.profile = "r";
		keys_env(&f, "AWS_ACCESS_KEY_ID", "AKIDENV");
		keys_env(&f, "AWS_SECRET_ACCESS_KEY", "s");
		keys_env(&f, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/k");
		keys_file(&f, "AWS_CONFIG_FILE", text);
		keys_get(&f);
		keys_expect(&f, "ASIAROLE", "sec", "tok");
		ck_assert_ptr_nonnull(strstr(
		    scripted_request_header(keys_request(&f, keys_sent(&f) - 1), "Authorization"),
		    cases[i].credential));
		keys_fini(&f);
		free(text);
	}
}
END_TEST

static int codes_asked;

/* As a terminal answers. */
static struct tmf_call *
tell_code(void *arg, const char *serial_number)
{
	struct keys_fixture *f = arg;

	ck_assert_str_eq(serial_number, "arn:aws:iam::1:mfa/ana");
	codes_asked++;
	return tmf_call_of_result(f->loop, json_pack("{s:s}", "Code", "012345"));
}

/* Each set of keys of such a role takes a code of its own. */
START_TEST(role_with_a_device)
{
	struct service service;
	struct keys_fixture f;

	keys_init_service(&f, &service, sts_routes);
	f.opts.profile = "r";
	keys_file(&f, "AWS_CONFIG_FILE",
	    "[profile r]\nrole_arn = " ROLE "\nsource_profile = k\n"
	    "mfa_serial = arn:aws:iam::1:mfa/ana\n"
	    "[profile k]\naws_access_key_id = AKIA\naws_secret_access_key = s\n");
	keys_open(&f);
	f.opts.ask_code = tell_code;
	f.opts.ask_code_arg = &f;
	keys_get(&f);
	ck_assert_msg(!tmf_err_isset(&f.err), "%s", tmf_err_text(&f.err));
	ck_assert_int_eq(codes_asked, 1);
	ck_assert_ptr_nonnull(
	    strstr(keys_request(&f, 0)->body, "SerialNumber=arn%3Aaws%3Aiam%3A%3A1%3Amfa%2Fana"));
	ck_assert_ptr_nonnull(strstr(keys_request(&f, 0)->body, "TokenCode=012345"));
	f.provider->refresh(f.provider, f.serial);
	keys_get(&f);
	ck_assert_int_eq(codes_asked, 2);
	keys_fini(&f);
}
END_TEST

START_TEST(roles_that_cannot_be)
{
	static const struct {
		const char *profiles, *fault;
	} cases[] = {
	    {"source_profile = r\n", "leads back to \"r\""},
	    {"source_profile = a\n[profile a]\nrole_arn = x\nsource_profile = b\n"
	     "[profile b]\nrole_arn = x\nsource_profile = a\n",
		"leads back to \"a\""},
	    {"source_profile = nobody\n", "\"nobody\""},
	    {"", "exactly one of"},
	    {"source_profile = a\ncredential_source = Environment\n[profile a]\n",
		"exactly one of"},
	    {"credential_source = Moon\n", "Ec2InstanceMetadata"},
	    {"source_profile = k\nmfa_serial = arn:aws:iam::1:mfa/x\n"
	     "[profile k]\naws_access_key_id = AKIA\naws_secret_access_key = s\n",
		"nobody can be asked"},
	    {"credential_source = Environment\nrole_session_name = a b\n", "role_session_name"},
	    {"credential_source = Environment\nduration_seconds = 899\n", "900 to 43200"},
	    {"credential_source = Environment\nduration_seconds = 1h\n", "900 to 43200"},
	    {"source_profile = a\nduration_seconds = 7200\n[profile a]\nrole_arn = x\n"
	     "credential_source = Environment\n",
		"at most 3600"},
	    {"source_profile = a\n[profile a]\nregion = x\n", "in the profile a"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = mem_printf("[profile r]\nrole_arn = " ROLE "\n%s", cases[i].profiles);
		struct service service;
		struct keys_fixture f;

		keys_init_service(&f, &service, sts_routes);
		f.opts.profile = "r";
		keys_file(&f, "AWS_CONFIG_FILE", text);
		keys_get(&f);
		keys_expect_fault(&f, cases[i].fault);
		ck_assert_uint_eq(keys_sent(&f), 0);
		keys_fini(&f);
		free(text);
	}
}
END_TEST

/* What STS refuses is a matter of credentials, with its own words. */
START_TEST(role_refused)
{
	static const struct route routes[] = {
	    {"POST", "Action=AssumeRole&", 403, STS_ERROR("AccessDenied"), 0},
	    {.method = NULL},
	};
	struct service service;
	struct keys_fixture f;

	keys_init_service(&f, &service, routes);
	keys_env(&f, "AWS_ACCESS_KEY_ID", "AKID");
	keys_env(&f, "AWS_SECRET_ACCESS_KEY", "s");
	keys_open(&f);
	f.provider = credentials_role_new(
	    &f.opts, credentials_chain_new(&f.opts), &(struct credentials_role){.role_arn = ROLE});
	keys_get(&f);
	keys_expect_fault(&f, ROLE
	    " cannot be assumed: AccessDenied: sts:AssumeRole in us-east-1: why (request id r-1)");
	ck_assert_uint_eq(keys_sent(&f), 1);
	keys_fini(&f);
}
END_TEST

/* What STS says that is no keys: a stumble is tried again, what is malformed too (AWS does not
 * write that), and in the end it is said. */
START_TEST(role_faults)
{
	static const struct {
		int status;
		const char *body;
		size_t sent;
		const char *fault;
	} cases[] = {
	    {0, "timed out", 2, "timed out"},
	    {500, "", 2, "500"},
	    {503, STS_ERROR("ServiceUnavailable"), 2, "ServiceUnavailable"},
	    {200, "", 2, "cannot be assumed"},
	    {200, "<html>secret-of-a-page", 2, "cannot be assumed"},
	    {200, "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>A", 2,
		"cannot be assumed"},
	    {200, "<AssumeRoleResponse/>", 1, "is missing"},
	    {200,
		"<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>A</AccessKeyId>"
		"</Credentials></AssumeRoleResult></AssumeRoleResponse>",
		1, "secret access key is missing"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct route routes[] = {
		    {"POST", "Action=AssumeRole&", cases[i].status, cases[i].body, 0},
		    {.method = NULL}};
		struct service service;
		struct keys_fixture f;

		keys_init_service(&f, &service, routes);
		keys_env(&f, "AWS_ACCESS_KEY_ID", "AKID");
		keys_env(&f, "AWS_SECRET_ACCESS_KEY", "s");
		keys_env(&f, "AWS_MAX_ATTEMPTS", "2");
		keys_open(&f);
		f.provider = credentials_role_new(&f.opts, credentials_chain_new(&f.opts),
		    &(struct credentials_role){.role_arn = ROLE});
		keys_get(&f);
		ck_assert_msg(
		    keys_sent(&f) == cases[i].sent, "case %zu: %zu sent", i, keys_sent(&f));
		ck_assert_ptr_null(strstr(tmf_err_text(&f.err), "secret-of-a-page"));
		keys_expect_fault(&f, cases[i].fault);
		keys_fini(&f);
	}
}
END_TEST

/* --assume-role: over whatever was found; at STS's own endpoint where one is set. */
START_TEST(role_over_the_chain)
{
	struct service service;
	struct keys_fixture f;

	keys_init_service(&f, &service, sts_routes);
	keys_env(&f, "AWS_ACCESS_KEY_ID", "AKID");
	keys_env(&f, "AWS_SECRET_ACCESS_KEY", "s");
	keys_env(&f, "AWS_SESSION_TOKEN", "base-token");
	keys_env(&f, "AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9/sts");
	keys_open(&f);
	f.provider = credentials_role_new(&f.opts, credentials_chain_new(&f.opts),
	    &(struct credentials_role){.role_arn = ROLE, .external_id = "x"});
	keys_get(&f);
	keys_expect(&f, "ASIAROLE", "sec", "tok");
	ck_assert_str_eq(keys_request(&f, 0)->url, "http://127.0.0.1:9/sts");
	ck_assert_ptr_nonnull(strstr(keys_request(&f, 0)->body, "RoleSessionName=tmflow&"));
	ck_assert_str_eq(
	    scripted_request_header(keys_request(&f, 0), "X-Amz-Security-Token"), "base-token");
	keys_fini(&f);
}
END_TEST

/* --- web identity --- */

START_TEST(web_identity)
{
	static const struct route routes[] = {
	    {"POST", "Action=AssumeRoleWithWebIdentity&", 200,
		STS_KEYS("AssumeRoleWithWebIdentity", "ASIAWEB"), 0},
	    {.method = NULL},
	};
	struct service service;
	struct keys_fixture f;

	keys_init_service(&f, &service, routes);
	keys_file(&f, "AWS_WEB_IDENTITY_TOKEN_FILE", " eyJ.e30.sig\n");
	keys_env(&f, "AWS_ROLE_ARN", ROLE);
	keys_get(&f);
	keys_expect(&f, "ASIAWEB", "sec", "tok");
	ck_assert_ptr_nonnull(strstr(
	    keys_request(&f, 0)->body, "RoleSessionName=tmflow&WebIdentityToken=eyJ.e30.sig"));
	ck_assert_ptr_null(scripted_request_header(keys_request(&f, 0), "Authorization"));
	keys_fini(&f);

	keys_init_service(&f, &service, routes);
	f.opts.profile = "w";
	keys_file(&f, "IGNORED", "tok-of-profile");
	char *text = mem_printf("[profile w]\nrole_arn = " ROLE "\nweb_identity_token_file = %s\n"
				"role_session_name = of-profile\n",
	    f.paths[0]);
	keys_file(&f, "AWS_CONFIG_FILE", text);
	keys_get(&f);
	keys_expect(&f, "ASIAWEB", "sec", "tok");
	ck_assert_ptr_nonnull(strstr(keys_request(&f, 0)->body,
	    "RoleSessionName=of-profile&WebIdentityToken=tok-of-profile"));
	keys_fini(&f);
	free(text);
}
END_TEST

/* The token's file is read again once where the token has run out; then it is said. */
START_TEST(web_identity_faults)
{
	static const struct route once[] = {
	    {"POST", "WebIdentity&", 400, STS_ERROR("ExpiredTokenException"), 1},
	    {"POST", "WebIdentity&", 200, STS_KEYS("AssumeRoleWithWebIdentity", "ASIAWEB"), 0},
	    {.method = NULL},
	};
	static const struct route always[] = {
	    {"POST", "WebIdentity&", 400, STS_ERROR("ExpiredTokenException"), 0},
	    {.method = NULL},
	};
	static const struct route stumbling[] = {
	    {"POST", "WebIdentity&", 400, STS_ERROR("IDPCommunicationError"), 2},
	    {"POST", "WebIdentity&", 200, STS_KEYS("AssumeRoleWithWebIdentity", "ASIAWEB"), 0},
	    {.method = NULL},
	};
	static const struct {
		const struct route *routes;
		size_t sent;
		const char *fault;
	} cases[] = {{once, 2, NULL}, {always, 2, "ExpiredTokenException"}, {stumbling, 3, NULL}};
	struct service service;
	struct keys_fixture f;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		keys_init_service(&f, &service, cases[i].routes);
		keys_file(&f, "AWS_WEB_IDENTITY_TOKEN_FILE", "secret-token");
		keys_env(&f, "AWS_ROLE_ARN", ROLE);
		keys_get(&f);
		ck_assert_uint_eq(keys_sent(&f), cases[i].sent);
		ck_assert_ptr_null(strstr(tmf_err_text(&f.err), "secret-token"));
		if (cases[i].fault != NULL)
			keys_expect_fault(&f, cases[i].fault);
		else
			keys_expect(&f, "ASIAWEB", "sec", "tok");
		keys_fini(&f);
	}
	keys_init_service(&f, &service, always);
	keys_env(&f, "AWS_WEB_IDENTITY_TOKEN_FILE", "/nonexistent/token");
	keys_env(&f, "AWS_ROLE_ARN", ROLE);
	keys_get(&f);
	keys_expect_fault(&f, "/nonexistent/token");
	keys_fini(&f);
	keys_init_service(&f, &service, always);
	keys_env(&f, "AWS_WEB_IDENTITY_TOKEN_FILE", "/nonexistent/token");
	keys_get(&f);
	keys_expect_fault(&f, "no role");
	keys_fini(&f);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("roles");
	TCase *tests = tcase_create("roles");

	tcase_add_test(tests, role_of_a_source_profile);
	tcase_add_test(tests, role_chains);
	tcase_add_test(tests, role_of_a_place);
	tcase_add_test(tests, role_with_a_device);
	tcase_add_test(tests, roles_that_cannot_be);
	tcase_add_test(tests, role_refused);
	tcase_add_test(tests, role_faults);
	tcase_add_test(tests, role_over_the_chain);
	tcase_add_test(tests, web_identity);
	tcase_add_test(tests, web_identity_faults);
	suite_add_tcase(s, tests);
	return run_suite(s);
}
