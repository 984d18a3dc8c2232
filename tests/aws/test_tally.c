/* Requests counted by operation, kind of reply and retry: from the client, and added up over
 * processes. */
#include "aws/tally.h"
#include "aws_fixture.h"
#include "base/jsonx.h"

#include "run_suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define OPERATION "DescribeTrafficMirrorSessions"
#define OK_BODY                                                                                    \
	"<DescribeTrafficMirrorSessionsResponse><requestId>r</requestId></"                        \
	"DescribeTrafficMirrorSessionsResponse>"
#define ERROR_BODY(code)                                                                           \
	"<Response><Errors><Error><Code>" code                                                     \
	"</Code><Message>why</Message></Error></Errors><RequestID>r-9</RequestID></Response>"

static void
assert_tally(const json_t *tally, const char *expect)
{
	json_t *expected = json_loads(expect, 0, NULL);
	char *text = jsonx_text(tally);

	ck_assert_ptr_nonnull(expected);
	ck_assert_msg(json_equal(tally, expected), "%s instead of %s", text, expect);
	free(text);
	json_decref(expected);
}

START_TEST(a_client_counts)
{
	static const struct scripted_reply replies[] = {
	    {NULL, 503, ERROR_BODY("RequestLimitExceeded")},
	    {NULL, 0, "reset"},
	    {NULL, 200, OK_BODY},
	    {NULL, 400, ERROR_BODY("InvalidParameterValue")},
	};
	struct aws_fixture f;

	aws_fixture_init(&f, &(struct scripted_opts){.replies = replies, .replies_count = 4}, 0);
	for (int i = 0; i < 2; i++)
		aws_fixture_run(
		    &f, ec2_describe_sessions(f.client, &(struct ec2_describe){.max_results = 5}));
	assert_tally(aws_client_tally(f.client),
	    "{\"" OPERATION
	    "\": {\"requests\": 4, \"retries\": 2, \"throttled\": 1, \"failed\": 1, "
	    "\"replies\": {\"200\": 1, \"503 RequestLimitExceeded\": 1, \"TMFlow.Transport\": 1, "
	    "\"400 InvalidParameterValue\": 1}}}");
	aws_fixture_fini(&f);
}
END_TEST

START_TEST(added_up)
{
	static const char one[] =
	    "{\"A\": {\"requests\": 2, \"retries\": 1, \"replies\": {\"200\": 2}}}";
	json_t *more = json_loads(one, 0, NULL);
	json_t *tally = json_object();

	tally_add(tally, more);
	assert_tally(tally, one);
	tally_add(tally, more);
	tally_request(tally, "B", false);
	tally_failure(tally, "B");
	assert_tally(tally, "{\"A\": {\"requests\": 4, \"retries\": 2, \"replies\": {\"200\": 4}}, "
			    "\"B\": {\"requests\": 1, \"failed\": 1}}");
	json_decref(more);
	json_decref(tally);
}
END_TEST

/* A store that somebody else wrote to. */
START_TEST(nonsense_is_left_out)
{
	static const char *const texts[] = {"[]", "7", "{\"A\": 1}", "{\"A\": []}",
	    "{\"A\": {\"requests\": -5, \"retries\": \"x\", \"replies\": [1]}}",
	    "{\"A\": {\"replies\": {\"200\": -1}}}"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		json_t *more = json_loads(texts[i], 0, NULL);
		json_t *tally = json_object();

		tally_add(tally, more);
		tally_request(tally, "A", false);
		ck_assert_int_eq(
		    json_integer_value(json_object_get(json_object_get(tally, "A"), "requests")),
		    1);
		json_decref(more);
		json_decref(tally);
	}
	json_t *nothing = json_object();
	tally_add(nothing, NULL);
	ck_assert_uint_eq(json_object_size(nothing), 0);
	json_decref(nothing);
}
END_TEST

START_TEST(kinds_are_bounded)
{
	json_t *tally = json_object();
	const json_t *replies;

	for (int i = 0; i < 3 * TALLY_REPLIES_MAX; i++) {
		char code[32];

		snprintf(code, sizeof(code), "Code%d", i);
		tally_reply(tally, "A", 400, code, false);
	}
	replies = json_object_get(json_object_get(tally, "A"), "replies");
	ck_assert_uint_eq(json_object_size(replies), TALLY_REPLIES_MAX + 1);
	ck_assert_int_eq(
	    json_integer_value(json_object_get(replies, "other")), 2 * TALLY_REPLIES_MAX);
	json_decref(tally);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("tally");
	TCase *cases = tcase_create("all");

	tcase_add_test(cases, a_client_counts);
	tcase_add_test(cases, added_up);
	tcase_add_test(cases, nonsense_is_left_out);
	tcase_add_test(cases, kinds_are_bounded);
	suite_add_tcase(suite, cases);
	return run_suite(suite);
}
