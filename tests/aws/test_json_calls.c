/* The typed calls of the JSON services: what each sends, what comes of the replies, and what
 * their errors mean. */
#include "aws/services/sfn.h"
#include "aws/services/sqs.h"
#include "aws_fixture.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "ec2_by_name.h"

#include "run_suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUESTS_FILE	  TEST_SHARED_DIR "/aws/golden-requests.json"
#define RESPONSES_FILE	  TEST_SHARED_DIR "/aws/golden-responses.json"
#define REQUESTS_COMPARED 8
#define REPLIES_COMPARED  7
#define ERRORS_COMPARED	  12

/* --- calls by name --- */

static const char *
text_of(const json_t *params, const char *key)
{
	const char *text = jsonx_get_string(params, key);

	return text != NULL ? text : "any";
}

static int
number_of(const json_t *params, const char *key, int fallback)
{
	const json_t *number = json_object_get(params, key);

	return number != NULL ? (int)json_integer_value(number) : fallback;
}

static struct tmf_call *
start_get(struct aws_client *client, const json_t *params)
{
	return sfn_get_activity_task(
	    client, text_of(params, "activityArn"), text_of(params, "workerName"));
}

static struct tmf_call *
start_success(struct aws_client *client, const json_t *params)
{
	return sfn_send_task_success(
	    client, text_of(params, "taskToken"), text_of(params, "output"));
}

static struct tmf_call *
start_failure(struct aws_client *client, const json_t *params)
{
	return sfn_send_task_failure(client, text_of(params, "taskToken"),
	    jsonx_get_string(params, "error"), jsonx_get_string(params, "cause"));
}

static struct tmf_call *
start_heartbeat(struct aws_client *client, const json_t *params)
{
	return sfn_send_task_heartbeat(client, text_of(params, "taskToken"));
}

static struct tmf_call *
start_execution(struct aws_client *client, const json_t *params)
{
	return sfn_start_execution(client, text_of(params, "stateMachineArn"),
	    text_of(params, "name"), text_of(params, "input"));
}

static struct tmf_call *
start_receive(struct aws_client *client, const json_t *params)
{
	const struct sqs_receive receive = {
	    .queue_url = text_of(params, "QueueUrl"),
	    .messages_max = number_of(params, "MaxNumberOfMessages", 1),
	    .wait_seconds = number_of(params, "WaitTimeSeconds", 0),
	    .visibility_seconds = number_of(params, "VisibilityTimeout", 30),
	};

	return sqs_receive_message(client, &receive);
}

static struct tmf_call *
start_delete(struct aws_client *client, const json_t *params)
{
	return sqs_delete_message(
	    client, text_of(params, "QueueUrl"), text_of(params, "ReceiptHandle"));
}

static struct tmf_call *
start_visibility(struct aws_client *client, const json_t *params)
{
	return sqs_change_visibility(client, text_of(params, "QueueUrl"),
	    text_of(params, "ReceiptHandle"), number_of(params, "VisibilityTimeout", 0));
}

static const struct operation {
	const char *service;
	const char *name;
	struct tmf_call *(*start)(struct aws_client *client, const json_t *params);
} operations[] = {
    {"states", "GetActivityTask", start_get},
    {"states", "SendTaskSuccess", start_success},
    {"states", "SendTaskFailure", start_failure},
    {"states", "SendTaskHeartbeat", start_heartbeat},
    {"states", "StartExecution", start_execution},
    {"sqs", "ReceiveMessage", start_receive},
    {"sqs", "DeleteMessage", start_delete},
    {"sqs", "ChangeMessageVisibility", start_visibility},
};

static const struct operation *
operation_find(const char *name)
{
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
		if (strcmp(operations[i].name, name) == 0)
			return &operations[i];
	return NULL;
}

/* Runs one operation against one reply. */
static void
run_one(struct aws_fixture *f, const struct operation *operation, const json_t *params,
    const char *session_token, const struct scripted_reply *reply)
{
	struct tmf_err err = {0};

	aws_fixture_init(f, &(struct scripted_opts){.replies = reply, .replies_count = 1}, 1);
	aws_fixture_set_token(f, session_token);
	aws_client_free(f->client);
	f->client = aws_client_new(
	    &(struct aws_client_opts){
		.loop = f->loop,
		.transport = scripted_transport_http(f->scripted),
		.credentials = &f->keys.provider,
		.rng = &f->rng,
		.service = operation->service,
		.region = "us-east-1",
		.attempts_max = 1,
	    },
	    &err);
	ck_assert_ptr_nonnull(f->client);
	aws_fixture_run(f, operation->start(f->client, params));
}

static json_t *
sent_json(const struct aws_fixture *f)
{
	json_t *body = jsonx_parse(str_of(scripted_transport_request(f->scripted, 0)->body), NULL);

	ck_assert_ptr_nonnull(body);
	return body;
}

static const char *
sent_header(const struct aws_fixture *f, const char *name)
{
	return scripted_request_header(scripted_transport_request(f->scripted, 0), name);
}

/* --- botocore's requests --- */

static void
compare_request(const struct aws_fixture *f, const json_t *golden)
{
	const json_t *headers = json_object_get(golden, "headers");
	json_t *body = sent_json(f);
	const char *name;
	json_t *value;

	expect_same_json(
	    json_object_get(golden, "json"), body, jsonx_get_string(golden, "operation"));
	ck_assert_str_eq(
	    scripted_transport_request(f->scripted, 0)->url, jsonx_get_string(golden, "url"));
	json_object_foreach ((json_t *)headers, name, value) {
		ck_assert_msg(sent_header(f, name) != NULL, "%s is not sent", name);
		/* Ours has no blanks in the body, so its signature is another. */
		if (strcmp(name, "Authorization") != 0)
			ck_assert_str_eq(sent_header(f, name), json_string_value(value));
	}
	json_decref(body);
}

START_TEST(golden_requests)
{
	static const struct scripted_reply reply = {NULL, 200, "{}"};
	struct doc *doc;
	json_t *list = shared_list_read(REQUESTS_FILE, "requests", &doc);
	json_t *golden;
	size_t i;
	int compared = 0;

	if (list == NULL)
		return;
	json_array_foreach (list, i, golden) {
		const struct operation *operation =
		    operation_find(jsonx_get_string(golden, "operation"));
		const json_t *keys = json_object_get(json_object_get(doc_root(doc), "credentials"),
		    jsonx_get_string(golden, "credentials"));
		struct aws_fixture f;

		if (operation == NULL)
			continue;
		run_one(&f, operation, json_object_get(golden, "params"),
		    jsonx_get_string(keys, "sessionToken"), &reply);
		compare_request(&f, golden);
		aws_fixture_fini(&f);
		compared++;
	}
	printf("%d golden requests\n", compared);
	ck_assert_int_eq(compared, REQUESTS_COMPARED);
	doc_free(doc);
}
END_TEST

/* --- botocore's replies --- */

static void
compare_result(const struct aws_fixture *f, const json_t *golden)
{
	json_t *wanted = json_object();

	json_object_update(wanted, json_object_get(golden, "expected"));
	if (strcmp(jsonx_get_string(golden, "operation"), "ReceiveMessage") == 0 &&
	    json_object_get(wanted, "Messages") == NULL)
		json_object_set_new(wanted, "Messages", json_array());
	ck_assert_msg(f->result != NULL, "%s: %s", jsonx_get_string(golden, "name"), f->err.text);
	expect_same_json(wanted, f->result, jsonx_get_string(golden, "name"));
	json_decref(wanted);
}

/* The code of SQS may be the older or the newer one. */
static void
compare_error(const struct aws_fixture *f, const json_t *golden)
{
	const json_t *expected = json_object_get(golden, "expectedError");
	const char *newer = jsonx_get_string(expected, "jsonCode");

	ck_assert_ptr_null(f->result);
	aws_fixture_expect_refusal(f, newer != NULL ? newer : jsonx_get_string(expected, "code"));
	ck_assert_int_eq(
	    f->err.http_status, json_integer_value(json_object_get(golden, "httpStatus")));
}

START_TEST(golden_replies)
{
	struct doc *doc;
	json_t *list = shared_list_read(RESPONSES_FILE, "responses", &doc);
	json_t *golden;
	size_t i;
	int counts[2] = {0};

	if (list == NULL)
		return;
	json_array_foreach (list, i, golden) {
		const struct operation *operation =
		    operation_find(jsonx_get_string(golden, "operation"));
		const struct scripted_reply reply = {NULL,
		    (int)json_integer_value(json_object_get(golden, "httpStatus")),
		    jsonx_get_string(golden, "body")};
		bool failed = json_object_get(golden, "expected") == NULL;
		struct aws_fixture f;

		if (operation == NULL)
			continue;
		run_one(&f, operation, NULL, NULL, &reply);
		if (failed)
			compare_error(&f, golden);
		else
			compare_result(&f, golden);
		aws_fixture_fini(&f);
		counts[failed]++;
	}
	printf("%d golden results, %d golden errors\n", counts[0], counts[1]);
	ck_assert_int_ge(counts[0], REPLIES_COMPARED);
	ck_assert_int_ge(counts[1], ERRORS_COMPARED);
	doc_free(doc);
}
END_TEST

/* --- limits and meanings --- */

START_TEST(failure_is_cut)
{
	static const struct scripted_reply reply = {NULL, 200, "{}"};
	struct buf cause = {0};
	struct buf error = {0};
	struct aws_fixture f;
	json_t *params = json_object();
	json_t *body;

	buf_add_char(&cause, 'x'); /* so that a character of two bytes lies over the limit */
	while (cause.len < 2 * SFN_CAUSE_CHARS_MAX)
		buf_add_cstr(&cause, "\xc3\xa9");
	while (error.len < 2 * SFN_ERROR_CHARS_MAX)
		buf_add_cstr(&error, "Error");
	jsonx_put_string(params, "error", buf_cstr(&error));
	jsonx_put_string(params, "cause", buf_cstr(&cause));
	run_one(&f, operation_find("SendTaskFailure"), params, NULL, &reply);
	body = sent_json(&f);
	ck_assert_uint_eq(json_string_length(json_object_get(body, "error")), SFN_ERROR_CHARS_MAX);
	ck_assert_uint_eq(
	    json_string_length(json_object_get(body, "cause")), SFN_CAUSE_CHARS_MAX - 1);
	json_decref(body);
	aws_fixture_fini(&f);
	run_one(&f, operation_find("SendTaskFailure"), NULL, NULL, &reply);
	ck_assert_str_eq(
	    scripted_transport_request(f.scripted, 0)->body, "{\"taskToken\":\"any\"}");
	aws_fixture_fini(&f);
	json_decref(params);
	buf_fini(&cause);
	buf_fini(&error);
}
END_TEST

static const struct {
	const char *name;
	bool task_over;
	bool queue_missing;
	bool receipt_over;
} meanings[] = {
    {"TaskTimedOut", true, false, false},
    {"TaskDoesNotExist", true, false, false},
    {"InvalidToken", true, false, false},
    {"InvalidOutput", false, false, false},
    {"QueueDoesNotExist", false, true, false},
    {"AWS.SimpleQueueService.NonExistentQueue", false, true, false},
    {"ReceiptHandleIsInvalid", false, false, true},
    {"MessageNotInflight", false, false, true},
    {"AWS.SimpleQueueService.MessageNotInflight", false, false, true},
    {"RequestThrottled", false, false, false},
};

START_TEST(what_errors_mean)
{
	struct tmf_err err = {0};

	tmf_err_set_name(&err, TMF_ERR_SERVICE, meanings[_i].name, "why");
	ck_assert_int_eq(sfn_task_is_over(&err), meanings[_i].task_over);
	ck_assert_int_eq(sqs_queue_is_missing(&err), meanings[_i].queue_missing);
	ck_assert_int_eq(sqs_receipt_is_over(&err), meanings[_i].receipt_over);
	tmf_err_fini(&err);
}
END_TEST

/* The older name that the header x-amzn-query-error has is the one that an error goes by; what
 * is no name there counts for nothing. */
START_TEST(older_names_of_errors)
{
	static const struct scripted_reply reply = {
	    NULL, 400, "{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\",\"message\":\"why\"}"};
	static const struct {
		const char *header;
		const char *name;
	} cases[] = {
	    {"AWS.SimpleQueueService.NonExistentQueue;Sender",
		"AWS.SimpleQueueService.NonExistentQueue"},
	    {"Other;Receiver", "Other"},
	    {";Sender", "QueueDoesNotExist"},
	    {"Other", "QueueDoesNotExist"},
	    {"Other;Sender;", "QueueDoesNotExist"},
	    {"", "QueueDoesNotExist"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct http_header headers[] = {
		    {"x-amzn-query-error", cases[i].header}, {NULL, NULL}};
		struct aws_fixture f;

		aws_fixture_init(&f,
		    &(struct scripted_opts){
			.replies = &reply, .replies_count = 1, .headers = headers},
		    1);
		aws_fixture_service(&f, "sqs");
		aws_fixture_run(&f, sqs_delete_message(f.client, "https://q", "handle"));
		ck_assert_str_eq(f.err.name, cases[i].name);
		ck_assert_int_eq(f.err.http_status, 400);
		ck_assert_str_eq(scripted_request_header(scripted_transport_request(f.scripted, 0),
				     "x-amzn-query-mode"),
		    "true");
		aws_fixture_fini(&f);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("aws/json_calls");
	TCase *tcase = tcase_create("calls");

	tcase_add_test(tcase, golden_requests);
	tcase_add_test(tcase, golden_replies);
	tcase_add_test(tcase, failure_is_cut);
	tcase_add_test(tcase, older_names_of_errors);
	tcase_add_loop_test(tcase, what_errors_mean, 0, sizeof(meanings) / sizeof(meanings[0]));
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
