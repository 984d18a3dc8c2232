/* The typed calls of STS: what is sent, and what comes of AWS's answers. */
#include "aws/services/sts.h"
#include "aws_fixture.h"
#include "base/doc/doc.h"
#include "base/jsonx.h"

#include "run_suite.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#define RESPONSES_FILE TEST_SHARED_DIR "/aws/golden-responses.json"
#define REQUESTS_FILE  TEST_SHARED_DIR "/aws/golden-requests.json"
#define RESPONSES      5
#define REQUESTS       3

static int
int_of(const json_t *params, const char *key)
{
	return (int)json_integer_value(json_object_get(params, key));
}

/* [{"arn": ".."}] as [".."]. */
static json_t *
arns_of(const json_t *params)
{
	json_t *arns = json_array();
	json_t *policy;
	size_t i;

	json_array_foreach (json_object_get(params, "PolicyArns"), i, policy)
		json_array_append(arns, json_object_get(policy, "arn"));
	return arns;
}

static struct tmf_call *
start_assume_role(struct aws_client *sts, const json_t *params)
{
	json_t *arns = arns_of(params);
	struct tmf_call *call = sts_assume_role(
	    sts, &(struct sts_assume_role){
		     .role_arn = jsonx_get_string(params, "RoleArn"),
		     .role_session_name = jsonx_get_string(params, "RoleSessionName"),
		     .duration_seconds = int_of(params, "DurationSeconds"),
		     .external_id = jsonx_get_string(params, "ExternalId"),
		     .tags = json_object_get(params, "Tags"),
		     .transitive_tag_keys = json_object_get(params, "TransitiveTagKeys"),
		     .policy_arns = arns,
		 });

	json_decref(arns);
	return call;
}

static struct tmf_call *
start(struct aws_client *sts, const char *operation, const json_t *params)
{
	if (strcmp(operation, "AssumeRole") == 0)
		return start_assume_role(sts, params);
	if (strcmp(operation, "GetCallerIdentity") == 0)
		return sts_get_caller_identity(sts);
	ck_assert_str_eq(operation, "AssumeRoleWithWebIdentity");
	return sts_assume_role_with_web_identity(
	    sts, &(struct sts_web_identity){
		     .role_arn = jsonx_get_string(params, "RoleArn"),
		     .role_session_name = jsonx_get_string(params, "RoleSessionName"),
		     .web_identity_token = jsonx_get_string(params, "WebIdentityToken"),
		 });
}

/* The golden file at path, or NULL where it is not there. */
static struct doc *
golden_file(const char *path)
{
	struct tmf_err err = {0};
	struct doc *doc = doc_read(path, &err);

	if (doc == NULL)
		printf("SKIP: %s is not there\n", path);
	tmf_err_fini(&err);
	return doc;
}

static void
answer_golden(void *arg, const struct http_request *request, int *ret_status, struct buf *ret_body)
{
	const json_t *golden = arg;

	(void)request;
	*ret_status = (int)json_integer_value(json_object_get(golden, "httpStatus"));
	buf_add_cstr(ret_body, jsonx_get_string(golden, "body"));
}

/* Expiration is compared by its second: the golden file rounds. */
static void
compare_result(const json_t *got, const json_t *expected)
{
	const json_t *keys = json_object_get(got, "Credentials");
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)expected, key, value) {
		if (strcmp(key, "Credentials") != 0)
			ck_assert_msg(jsonx_same(json_object_get(got, key), value), "%s", key);
	}
	json_object_foreach (json_object_get(expected, "Credentials"), key, value) {
		size_t len = strcmp(key, "Expiration") == 0 ? 19 : json_string_length(value);

		ck_assert_msg(
		    strncmp(jsonx_get_string(keys, key), json_string_value(value), len) == 0, "%s",
		    key);
	}
}

START_TEST(golden_replies)
{
	struct doc *doc = golden_file(RESPONSES_FILE);
	json_t *golden;
	size_t i;
	int compared = 0;

	if (doc == NULL)
		return;
	json_array_foreach (json_object_get(doc_root(doc), "responses"), i, golden) {
		const json_t *fault = json_object_get(golden, "expectedError");
		struct aws_fixture f;

		if (strcmp(jsonx_get_string(golden, "service"), "sts") != 0)
			continue;
		aws_fixture_init(&f,
		    &(struct scripted_opts){
			.answer = answer_golden, .answer_arg = golden, .piece_bytes = 7},
		    0);
		f.keys.provider.refresh = NULL;
		aws_fixture_service(&f, "sts");
		aws_fixture_run(&f, start(f.client, jsonx_get_string(golden, "operation"), NULL));
		if (fault != NULL) {
			ck_assert_str_eq(f.err.name, jsonx_get_string(fault, "code"));
			ck_assert_str_eq(f.err.request_id, jsonx_get_string(golden, "requestId"));
			ck_assert_ptr_nonnull(
			    strstr(tmf_err_text(&f.err), jsonx_get_string(fault, "message")));
			ck_assert_uint_eq(scripted_transport_sent(f.scripted), 1);
		} else {
			ck_assert_msg(f.result != NULL, "%s", tmf_err_text(&f.err));
			compare_result(f.result, json_object_get(golden, "expected"));
		}
		aws_fixture_fini(&f);
		compared++;
	}
	ck_assert_int_eq(compared, RESPONSES);
	doc_free(doc);
}
END_TEST

/* The typed calls make botocore's requests, byte by byte, signature and all. */
START_TEST(golden_requests)
{
	static const struct scripted_reply reply = {NULL, 200, ""};
	struct doc *doc = golden_file(REQUESTS_FILE);
	json_t *golden;
	size_t i;
	int compared = 0;

	if (doc == NULL)
		return;
	json_array_foreach (json_object_get(doc_root(doc), "requests"), i, golden) {
		const json_t *headers = json_object_get(golden, "headers");
		const json_t *keys = json_object_get(json_object_get(doc_root(doc), "credentials"),
		    jsonx_get_string(golden, "credentials"));
		const struct scripted_request *sent;
		struct aws_fixture f;
		const char *name;
		json_t *value;

		if (strcmp(jsonx_get_string(golden, "service"), "sts") != 0)
			continue;
		aws_fixture_init(
		    &f, &(struct scripted_opts){.replies = &reply, .replies_count = 1}, 1);
		aws_fixture_service(&f, "sts");
		aws_fixture_set_token(&f, jsonx_get_string(keys, "sessionToken"));
		aws_fixture_run(&f, start(f.client, jsonx_get_string(golden, "operation"),
					json_object_get(golden, "params")));
		sent = scripted_transport_request(f.scripted, 0);
		ck_assert_str_eq(sent->body, jsonx_get_string(golden, "body"));
		ck_assert_str_eq(sent->url, jsonx_get_string(golden, "url"));
		ck_assert_uint_eq(sent->headers_count, json_object_size(headers));
		json_object_foreach ((json_t *)(uintptr_t)headers, name, value)
			ck_assert_str_eq(
			    scripted_request_header(sent, name), json_string_value(value));
		aws_fixture_fini(&f);
		compared++;
	}
	ck_assert_int_eq(compared, REQUESTS);
	doc_free(doc);
}
END_TEST

START_TEST(session_names)
{
	char longest[STS_SESSION_NAME_BYTES_MAX + 2];

	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	ck_assert(!sts_session_name_is_valid(longest));
	longest[sizeof(longest) - 2] = '\0';
	ck_assert(sts_session_name_is_valid(longest));
	ck_assert(sts_session_name_is_valid("a_+=,.@-9"));
	ck_assert(!sts_session_name_is_valid("a"));
	ck_assert(!sts_session_name_is_valid("a b"));
	ck_assert(!sts_session_name_is_valid("a/b"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sts");
	TCase *tests = tcase_create("sts");

	tcase_add_test(tests, golden_replies);
	tcase_add_test(tests, golden_requests);
	tcase_add_test(tests, session_names);
	suite_add_tcase(s, tests);
	return run_suite(s);
}
