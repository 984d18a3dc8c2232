/* Each place where keys come from, with what it answers right and wrong. */
#include "aws/keys/imds.h"
#include "base/doc/doc.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "credentials_fixture.h"

#include "base/clock.h"
#include "run_suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESPONSES_FILE TEST_SHARED_DIR "/aws/golden-responses.json"

#define KEYS  "\"AccessKeyId\":\"ASIA\",\"SecretAccessKey\":\"sec\",\"Token\":\"tok\""
#define LATER "\"Expiration\":\"2026-01-15T18:00:00Z\""

/* --- container --- */

static const struct route container_routes[] = {
    {"GET", "http://169.254.170.2/v2/keys", 200, "{" KEYS "," LATER "}", 0},
    {"GET", "http://127.0.0.1:51/keys", 200, "{" KEYS "}", 0},
    {"GET", "https://example.com/keys", 200, "{" KEYS "}", 0},
    {.method = NULL},
};

START_TEST(container_uris)
{
	struct service service;
	struct keys_fixture f;

	keys_init_service(&f, &service, container_routes);
	keys_env(&f, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/keys");
	keys_env(&f, "AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:51/keys");
	keys_get(&f);
	keys_expect(&f, "ASIA", "sec", "tok");
	ck_assert_str_eq(keys_request(&f, 0)->url, "http://169.254.170.2/v2/keys");
	ck_assert_uint_eq(keys_request(&f, 0)->headers_count, 0);
	ck_assert_int_eq(service.timeout_ms, 2000);
	ck_assert(!service.by_proxy);
	keys_fini(&f);

	keys_init_service(&f, &service, container_routes);
	keys_env(&f, "AWS_CONTAINER_CREDENTIALS_FULL_URI", "https://example.com/keys");
	keys_env(&f, "AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic abc");
	keys_get(&f);
	keys_expect(&f, "ASIA", "sec", "tok");
	ck_assert_str_eq(
	    scripted_request_header(keys_request(&f, 0), "Authorization"), "Basic abc");
	keys_fini(&f);
}
END_TEST

/* The file goes before the variable and is read at every look. */
START_TEST(container_token_file)
{
	struct service service;
	struct keys_fixture f;
	const char *path;
	FILE *file;

	keys_init_service(&f, &service, container_routes);
	keys_env(&f, "AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:51/keys");
	keys_env(&f, "AWS_CONTAINER_AUTHORIZATION_TOKEN", "not-this");
	path = keys_file(&f, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "first");
	keys_get(&f);
	ck_assert_str_eq(scripted_request_header(keys_request(&f, 0), "Authorization"), "first");
	file = fopen(path, "w");
	fputs("second", file);
	fclose(file);
	f.provider->refresh(f.provider, f.serial);
	keys_get(&f);
	ck_assert_str_eq(scripted_request_header(keys_request(&f, 1), "Authorization"), "second");
	file = fopen(path, "w");
	fputs("third\r\nX-Evil: 1", file);
	fclose(file);
	f.provider->refresh(f.provider, f.serial);
	keys_get(&f);
	keys_expect_fault(&f, "line end");
	ck_assert_uint_eq(keys_sent(&f), 2);
	keys_fini(&f);

	keys_init_service(&f, &service, container_routes);
	keys_env(&f, "AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:51/keys");
	keys_env(&f, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/nonexistent/token");
	keys_get(&f);
	keys_expect_fault(&f, "/nonexistent/token");
	keys_fini(&f);
}
END_TEST

/* Keys are asked for in the clear at the container's own addresses only. */
START_TEST(container_hosts)
{
	static const char *const allowed[] = {"http://localhost/k", "http://127.9.9.9:8/k",
	    "http://[::1]:8/k", "http://169.254.170.2/k", "http://169.254.170.23/k",
	    "http://[fd00:ec2::23]/k", "https://any.example/k"};
	static const char *const refused[] = {"http://any.example/k", "http://128.0.0.1/k",
	    "http://127.0.0.1.example/k", "http://127.0.0.1@any.example/k",
	    "http://169.254.169.254/k", "http://[fd00:ec2::254]/k", "ftp://localhost/k",
	    "localhost/k", "http:///k", ""};
	static const struct route routes[] = {
	    {"GET", "/k", 200, "{" KEYS "}", 0}, {.method = NULL}};
	struct service service;
	struct keys_fixture f;

	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		keys_init_service(&f, &service, routes);
		keys_env(&f, "AWS_CONTAINER_CREDENTIALS_FULL_URI", allowed[i]);
		keys_get(&f);
		ck_assert_msg(f.id[0] != '\0', "%s: %s", allowed[i], tmf_err_text(&f.err));
		keys_fini(&f);
	}
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		keys_init_service(&f, &service, routes);
		keys_env(&f, "AWS_EC2_METADATA_DISABLED", "true");
		keys_env(&f, "AWS_CONTAINER_CREDENTIALS_FULL_URI", refused[i]);
		keys_get(&f);
		ck_assert_msg(tmf_err_isset(&f.err), "%s", refused[i]);
		ck_assert_uint_eq(keys_sent(&f), 0);
		keys_fini(&f);
	}
}
END_TEST

/* Time-outs and stumbles are tried three times, a refusal or a malformed answer is final; and no
 * fall-through: what is configured is meant. */
START_TEST(container_faults)
{
	static const struct {
		struct route route;
		size_t sent;
		const char *fault;
	} cases[] = {
	    {{"GET", "/k", 0, "timed out", 0}, 3, "timed out"},
	    {{"GET", "/k", 500, "", 0}, 3, "500"},
	    {{"GET", "/k", 400, "{\"code\":\"InvalidAuthorizationToken\"}", 0}, 1, "400"},
	    {{"GET", "/k", 200, "<html>", 0}, 1, "not a JSON object"},
	    {{"GET", "/k", 200, "[]", 0}, 1, "not a JSON object"},
	    {{"GET", "/k", 200, "{\"AccessKeyId\":\"A\"}", 0}, 1, "secret access key is missing"},
	    {{"GET", "/k", 200, "{\"AccessKeyId\":7}", 0}, 1, "not a string"},
	    {{"GET", "/k", 200, "{" KEYS ",\"Expiration\":\"soon\"}", 0}, 1, "expiration"},
	    {{"GET", "/k", 200, "{" KEYS ",\"Expiration\":\"2026-01-15T11:00:00Z\"}", 0}, 1,
		"expired already"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct route routes[] = {cases[i].route, {.method = NULL}};
		struct service service;
		struct keys_fixture f;

		keys_init_service(&f, &service, routes);
		keys_env(&f, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/k");
		keys_get(&f);
		ck_assert_uint_eq(keys_sent(&f), cases[i].sent);
		ck_assert_int_eq(f.clock.now_mono_ms, ((int64_t)cases[i].sent - 1) * 1000);
		keys_expect_fault(&f, cases[i].fault);
		keys_fini(&f);
	}
}
END_TEST

/* --- instance metadata --- */

#define ROLES "/latest/meta-data/iam/security-credentials/"

START_TEST(imds_version_2)
{
	static const struct route routes[] = {
	    {"PUT", "http://169.254.169.254/latest/api/token", 200, "TOKEN==", 0},
	    {"GET", ROLES "mirror-role", 200, "{\"Code\":\"Success\"," KEYS "," LATER "}", 0},
	    {"GET", ROLES, 200, "mirror-role\n", 0},
	    {.method = NULL},
	};
	struct service service;
	struct keys_fixture f;

	keys_init_service(&f, &service, routes);
	keys_get(&f);
	keys_expect(&f, "ASIA", "sec", "tok");
	ck_assert_uint_eq(keys_sent(&f), 3);
	ck_assert_str_eq(
	    scripted_request_header(keys_request(&f, 0), "X-aws-ec2-metadata-token-ttl-seconds"),
	    "21600");
	for (size_t i = 1; i < 3; i++)
		ck_assert_str_eq(
		    scripted_request_header(keys_request(&f, i), "X-aws-ec2-metadata-token"),
		    "TOKEN==");
	ck_assert_int_eq(service.timeout_ms, 1000);
	ck_assert(!service.by_proxy);
	keys_fini(&f);
}
END_TEST

/* Version 1 where there are no tokens, unless it is disabled; a 400 is final. */
START_TEST(imds_version_1)
{
	static const int statuses[] = {0, 403, 404, 405};
	struct service service;
	struct keys_fixture f;

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		const struct route routes[] = {
		    {"PUT", "/latest/api/token", statuses[i], "timed out", 0},
		    {"GET", ROLES "r", 200, "{" KEYS "," LATER "}", 0},
		    {"GET", ROLES, 200, "r", 0},
		    {.method = NULL},
		};

		keys_init_service(&f, &service, routes);
		keys_get(&f);
		keys_expect(&f, "ASIA", "sec", "tok");
		ck_assert_uint_eq(keys_request(&f, 1)->headers_count, 0);
		keys_fini(&f);

		keys_init_service(&f, &service, routes);
		keys_env(&f, "AWS_EC2_METADATA_V1_DISABLED", "true");
		keys_get(&f);
		ck_assert_uint_eq(keys_sent(&f), 1);
		keys_expect_fault(&f, "hop limit");
		keys_fini(&f);
	}
	static const struct route refusing[] = {
	    {"PUT", "/latest/api/token", 400, "", 0}, {.method = NULL}};
	keys_init_service(&f, &service, refusing);
	keys_get(&f);
	ck_assert_uint_eq(keys_sent(&f), 1);
	keys_expect_fault(&f, "refuses to give a token");
	keys_fini(&f);
}
END_TEST

/* A token that is not taken any more is renewed once. */
START_TEST(imds_token_renewed)
{
	static const struct route routes[] = {
	    {"PUT", "/latest/api/token", 200, "T1", 1},
	    {"PUT", "/latest/api/token", 200, "T2", 0},
	    {"GET", ROLES, 401, "", 1},
	    {"GET", ROLES "r", 200, "{" KEYS "," LATER "}", 0},
	    {"GET", ROLES, 200, "r", 0},
	    {.method = NULL},
	};
	static const struct route stubborn[] = {
	    {"PUT", "/latest/api/token", 200, "T1", 0},
	    {"GET", ROLES, 401, "", 0},
	    {.method = NULL},
	};
	struct service service;
	struct keys_fixture f;

	keys_init_service(&f, &service, routes);
	keys_get(&f);
	keys_expect(&f, "ASIA", "sec", "tok");
	ck_assert_str_eq(
	    scripted_request_header(keys_request(&f, 3), "X-aws-ec2-metadata-token"), "T2");
	keys_fini(&f);
	keys_init_service(&f, &service, stubborn);
	keys_get(&f);
	ck_assert_uint_eq(keys_sent(&f), 4);
	keys_expect_fault(&f, "wants a token");
	keys_fini(&f);
}
END_TEST

START_TEST(imds_addresses)
{
	static const struct {
		const char *name, *value, *url;
	} cases[] = {
	    {"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6",
		"http://[fd00:ec2::254]/latest/api/token"},
	    {"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ipv4",
		"http://169.254.169.254/latest/api/token"},
	    {"AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1338/",
		"http://127.0.0.1:1338/latest/api/token"},
	};
	static const struct route routes[] = {
	    {"PUT", "/latest/api/token", 400, "", 0}, {.method = NULL}};
	struct aws_settings settings;
	struct service service;
	struct keys_fixture f;
	struct tmf_err err = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		keys_init_service(&f, &service, routes);
		keys_env(&f, cases[i].name, cases[i].value);
		keys_get(&f);
		ck_assert_str_eq(keys_request(&f, 0)->url, cases[i].url);
		keys_fini(&f);
	}
	keys_init_service(&f, &service, routes);
	keys_open(&f);
	keys_env(&f, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv5");
	ck_assert_int_eq(aws_settings_load(&f.opts.env, NULL, NULL, &settings, &err), -1);
	ck_assert_ptr_nonnull(strstr(tmf_err_text(&err), "IPv5"));
	tmf_err_fini(&err);
	keys_fini(&f);
}
END_TEST

/* Whatever goes wrong here, most machines are no instances: it is one of the reasons. */
START_TEST(imds_faults)
{
	static const struct {
		struct route list, keys;
		const char *fault;
	} cases[] = {
	    {{"GET", ROLES, 0, "timed out", 0}, {.method = NULL}, "no instance metadata service"},
	    {{"GET", ROLES, 404, "", 0}, {.method = NULL}, "no role"},
	    {{"GET", ROLES, 200, "", 0}, {.method = NULL}, "no role"},
	    {{"GET", ROLES, 200, "../../evil", 0}, {.method = NULL}, "no role"},
	    {{"GET", ROLES, 500, "", 0}, {.method = NULL}, "500"},
	    {{"GET", ROLES "r", 200, "{\"Code\":\"AssumeRoleUnauthorizedAccess\"}", 0},
		{"GET", ROLES, 200, "r", 0}, "AssumeRoleUnauthorizedAccess"},
	    {{"GET", ROLES "r", 200, "not json", 0}, {"GET", ROLES, 200, "r", 0},
		"not a JSON object"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct route routes[] = {{"PUT", "/latest/api/token", 200, "T", 0},
		    cases[i].list, cases[i].keys, {.method = NULL}};
		struct service service;
		struct keys_fixture f;

		keys_init_service(&f, &service, routes);
		keys_get(&f);
		ck_assert_ptr_nonnull(strstr(tmf_err_text(&f.err), "instance metadata: "));
		ck_assert_ptr_nonnull(strstr(tmf_err_text(&f.err), cases[i].fault));
		keys_expect_fault(&f, "no AWS credentials were found");
		keys_fini(&f);
	}
}
END_TEST

static void
region_came(void *arg, struct tmf_call *call)
{
	char **region = arg;
	json_t *result = tmf_call_take_result(call);

	*region = mem_strdup(jsonx_get_string(result, "Region"));
	json_decref(result);
}

START_TEST(region_of_the_instance)
{
	static const struct route routes[] = {
	    {"PUT", "/latest/api/token", 200, "T", 0},
	    {"GET", "/latest/meta-data/placement/region", 200, "eu-central-2\n", 0},
	    {.method = NULL},
	};
	struct service service;
	struct keys_fixture f;
	struct tmf_err err = {0};
	char *region = NULL;

	keys_init_service(&f, &service, routes);
	keys_open(&f);
	tmf_call_on_done(imds_region(&f.opts), region_came, &region);
	ck_assert_int_eq(tmf_loop_run(f.loop, &err), 0);
	ck_assert_str_eq(region, "eu-central-2");
	free(region);
	keys_fini(&f);
}
END_TEST

/* --- credential process --- */

/* Another program takes that. */
static void
use_real_time(struct keys_fixture *f)
{
	tmf_loop_free(f->loop);
	f->loop = tmf_loop_new(clock_system());
}

/* Asks for the keys of a profile whose credential_process is as given. */
static void
get_process(struct keys_fixture *f, const char *command)
{
	char *text = mem_printf("[profile p]\ncredential_process = %s\n", command);

	keys_init(f, NULL);
	use_real_time(f);
	f->opts.profile = "p";
	keys_file(f, "AWS_CONFIG_FILE", text);
	keys_get(f);
	free(text);
}

START_TEST(credential_process)
{
	struct keys_fixture f;

	/* Nothing in the words is replaced, since there is no shell. */
	get_process(&f,
	    "/bin/echo '{\"Version\": 1, \"AccessKeyId\": \"AKIDP\", \"SecretAccessKey\": "
	    "\"$HOME~*\", \"SessionToken\": null}'");
	keys_expect(&f, "AKIDP", "$HOME~*", "");
	keys_fini(&f);
	get_process(&f, "\"/bin/ech\"o \"{\\\"Version\\\": 1, \\\"AccessKeyId\\\": \\\"AKIDP\\\", "
			"\\\"SecretAccessKey\\\": \\\"s\\\",\" \\\"SessionToken\\\":\\\"t\\\"}");
	keys_expect(&f, "AKIDP", "s", "t");
	keys_fini(&f);
}
END_TEST

START_TEST(credential_process_faults)
{
	static const struct {
		const char *command, *fault;
	} cases[] = {
	    {"/nonexistent/program", "cannot be run"},
	    {"/dev/null", "cannot be run"}, /* not executable */
	    {"false", "status 1"},
	    {"sh -c 'echo secret-of-mine; exit 3'", "status 3"},
	    {"sh -c 'echo first >&2; echo \"the sign-in has ended\" >&2; exit 255'",
		"status 255: the sign-in has ended"},
	    {"sh -c 'echo \"not taken: SecretAccessKey=secret-of-mine\" >&2; exit 1'",
		"status 1: not taken: SecretAccessKey=(removed)"},
	    {"sh -c 'kill -9 $$'", "signal 9"},
	    {"echo secret-of-mine", "not a JSON object"},
	    {"echo '{\"Version\": 2, \"AccessKeyId\": \"a\"}'", "Version"},
	    {"echo '{\"Version\": \"1\", \"AccessKeyId\": \"a\"}'", "Version"},
	    {"echo '{\"Version\": 1, \"AccessKeyId\": \"secret-of-mine\"}'", "is missing"},
	    {"sh -c 'yes secret-of-mine'", "puts out more than"},
	    {"echo 'open", "not closed"},
	    {"\"\"", "cannot be run"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct keys_fixture f;

		get_process(&f, cases[i].command);
		ck_assert_ptr_null(strstr(tmf_err_text(&f.err), "secret-of-mine"));
		keys_expect_fault(&f, cases[i].fault);
		keys_fini(&f);
	}
}
END_TEST

/* On the fake clock its minute is over at once: the program is killed. */
START_TEST(credential_process_takes_too_long)
{
	struct keys_fixture f;

	keys_init(&f, NULL);
	f.opts.profile = "p";
	keys_file(&f, "AWS_CONFIG_FILE", "[profile p]\ncredential_process = sleep 1000\n");
	keys_get(&f);
	ck_assert_int_eq(f.clock.now_mono_ms, 60000);
	keys_expect_fault(&f, "takes too long");
	keys_fini(&f);
}
END_TEST

/* --- which goes before which --- */

#define STS_KEYS(operation, id)                                                                    \
	"<" operation "Response><" operation "Result><Credentials><AccessKeyId>" id                \
	"</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"         \
	"<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></" operation                  \
	"Result></" operation "Response>"

/* Keys in all places from the first-th on, in the AWS CLI's order. */
static void
put_keys_from(struct keys_fixture *f, int first)
{
	struct buf config = {0};

	buf_add_cstr(&config, "[profile base]\naws_access_key_id = B\naws_secret_access_key = s\n"
			      "[default]\n");
	if (first <= 0) {
		keys_env(f, "AWS_ACCESS_KEY_ID", "ENVIRONMENT");
		keys_env(f, "AWS_SECRET_ACCESS_KEY", "s");
	}
	if (first <= 1)
		buf_add_cstr(&config, "role_arn = arn:aws:iam::1:role/r\nsource_profile = base\n");
	if (first <= 2) {
		keys_env(f, "AWS_ROLE_ARN", "arn:aws:iam::1:role/w");
		keys_file(f, "AWS_WEB_IDENTITY_TOKEN_FILE", "eyJ.e30.sig");
	}
	if (first <= 3)
		keys_file(f, "AWS_SHARED_CREDENTIALS_FILE",
		    "[default]\naws_access_key_id = CREDENTIALSFILE\naws_secret_access_key = s\n");
	if (first <= 4)
		buf_add_cstr(&config,
		    "credential_process = echo '{\"Version\": 1, \"AccessKeyId\": \"PROCESS\", "
		    "\"SecretAccessKey\": \"s\"}'\n");
	if (first <= 5)
		buf_add_cstr(
		    &config, "aws_access_key_id = CONFIGFILE\naws_secret_access_key = s\n");
	if (first <= 6)
		keys_env(f, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/k");
	keys_file(f, "AWS_CONFIG_FILE", buf_cstr(&config));
	buf_fini(&config);
}

START_TEST(places_in_order)
{
	static const char *const ids[] = {"ENVIRONMENT", "ROLE", "WEBIDENTITY", "CREDENTIALSFILE",
	    "PROCESS", "CONFIGFILE", "CONTAINER", "INSTANCE"};
	static const struct route routes[] = {
	    {"POST", "Action=AssumeRole&", 200, STS_KEYS("AssumeRole", "ROLE"), 0},
	    {"POST", "Action=AssumeRoleWithWebIdentity&", 200,
		STS_KEYS("AssumeRoleWithWebIdentity", "WEBIDENTITY"), 0},
	    {"GET", "169.254.170.2/k", 200,
		"{\"AccessKeyId\":\"CONTAINER\",\"SecretAccessKey\":\"s\",\"Token\":\"t\"}", 0},
	    {"PUT", "/latest/api/token", 200, "T", 0},
	    {"GET", ROLES "r", 200,
		"{\"AccessKeyId\":\"INSTANCE\",\"SecretAccessKey\":\"s\",\"Token\":\"t\"," LATER
		"}",
		0},
	    {"GET", ROLES, 200, "r", 0},
	    {.method = NULL},
	};

	for (int first = 0; first < (int)(sizeof(ids) / sizeof(ids[0])); first++) {
		struct service service;
		struct keys_fixture f;

		keys_init_service(&f, &service, routes);
		put_keys_from(&f, first);
		if (first == 4)
			use_real_time(&f);
		keys_get(&f);
		ck_assert_msg(!tmf_err_isset(&f.err), "%s: %s", ids[first], tmf_err_text(&f.err));
		ck_assert_str_eq(f.id, ids[first]);
		keys_fini(&f);
	}
}
END_TEST

/* --- the golden answers --- */

static void
serve_golden(void *arg, const struct http_request *request, int *ret_status, struct buf *ret_body)
{
	const json_t *golden = arg;

	*ret_status = 200;
	if (strcmp(request->method, "PUT") == 0) {
		buf_add_cstr(ret_body, "T");
	} else if (strstr(request->url, ROLES) != NULL &&
		   request->url[strlen(request->url) - 1] == '/') {
		buf_add_cstr(ret_body, "role");
	} else {
		*ret_status = (int)json_integer_value(json_object_get(golden, "httpStatus"));
		buf_add_cstr(ret_body, jsonx_get_string(golden, "body"));
	}
}

static void
try_golden(json_t *golden)
{
	const char *name = jsonx_get_string(golden, "name");
	const json_t *expected = json_object_get(golden, "expected");
	struct keys_fixture f;

	if (strncmp(name, "credential-process", 18) == 0) {
		char *command = mem_printf("echo '%s'", jsonx_get_string(golden, "body"));

		get_process(&f, command);
		free(command);
	} else {
		keys_init(
		    &f, &(struct scripted_opts){.answer = serve_golden, .answer_arg = golden});
		if (strncmp(name, "container", 9) == 0)
			keys_env(&f, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/k");
		keys_get(&f);
	}
	if (json_is_null(expected)) {
		keys_expect_fault(&f, "");
	} else {
		const char *token = jsonx_get_string(expected, "Token");

		/* They end in 2026, which the clock of a process may have passed. */
		if (strcmp(name, "credential-process-ok") == 0 && tmf_err_isset(&f.err))
			keys_expect_fault(&f, "expired already");
		else
			keys_expect(&f, jsonx_get_string(expected, "AccessKeyId"),
			    jsonx_get_string(expected, "SecretAccessKey"),
			    token != NULL ? token : "");
	}
	keys_fini(&f);
}

START_TEST(golden_answers)
{
	struct tmf_err err = {0};
	struct doc *doc = doc_read(RESPONSES_FILE, &err);
	json_t *golden;
	size_t i;
	int tried = 0;

	if (doc == NULL) {
		puts("SKIP: " RESPONSES_FILE " is not there");
		tmf_err_fini(&err);
		return;
	}
	json_array_foreach (json_object_get(doc_root(doc), "responses"), i, golden) {
		if (strcmp(jsonx_get_string(golden, "service"), "credentials") != 0 ||
		    strcmp(jsonx_get_string(golden, "name"), "imds-role-name") == 0)
			continue; /* a step of the others */
		try_golden(golden);
		tried++;
	}
	printf("%d answers with credentials\n", tried);
	ck_assert_int_ge(tried, 7);
	doc_free(doc);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("providers");
	TCase *tests = tcase_create("providers");

	tcase_add_test(tests, container_uris);
	tcase_add_test(tests, container_token_file);
	tcase_add_test(tests, container_hosts);
	tcase_add_test(tests, container_faults);
	tcase_add_test(tests, imds_version_2);
	tcase_add_test(tests, imds_version_1);
	tcase_add_test(tests, imds_token_renewed);
	tcase_add_test(tests, imds_addresses);
	tcase_add_test(tests, imds_faults);
	tcase_add_test(tests, region_of_the_instance);
	tcase_add_test(tests, credential_process);
	tcase_add_test(tests, credential_process_faults);
	tcase_add_test(tests, credential_process_takes_too_long);
	tcase_add_test(tests, places_in_order);
	tcase_add_test(tests, golden_answers);
	suite_add_tcase(s, tests);
	return run_suite(s);
}
