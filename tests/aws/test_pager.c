/* Whole lists, page by page: what is asked for, when it ends, and what starts it over. */
#include "aws/services/eventbridge.h"
#include "aws/services/pager.h"
#include "aws_fixture.h"
#include "base/jsonx.h"

#include "run_suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define SESSION(id) "<item><trafficMirrorSessionId>" id "</trafficMirrorSessionId></item>"
#define PAGE(items, token)                                                                         \
	{                                                                                          \
		"DescribeTrafficMirrorSessions", 200,                                              \
		    "<DescribeTrafficMirrorSessionsResponse><requestId>r</requestId>"              \
		    "<trafficMirrorSessionSet>" items "</trafficMirrorSessionSet>"                 \
		    "<nextToken>" token "</nextToken></DescribeTrafficMirrorSessionsResponse>"     \
	}
#define REFUSAL_SAYING(code, message)                                                              \
	{                                                                                          \
		NULL, 400,                                                                         \
		    "<Response><Errors><Error><Code>" code "</Code><Message>" message              \
		    "</Message></Error></Errors></Response>"                                       \
	}
#define REFUSAL(code) REFUSAL_SAYING(code, "no")

/* What a reader of pages saw: the sessions' ids one behind the other, "|" where a page ends, "<" at
 * a restart. */
struct reader {
	struct aws_fixture f;
	char seen[256];
	const char *enough_at; /* the session after which it wants no more; NULL: none */
	const char *fails_at;
};

static enum ec2_page_next
read_page(void *arg, json_t *reply, struct tmf_err *err)
{
	struct reader *reader = arg;
	enum ec2_page_next next = EC2_PAGE_MORE;
	const json_t *session;
	size_t i;

	json_array_foreach (jsonx_get_array(reply, "TrafficMirrorSessions"), i, session) {
		const char *id = jsonx_get_string(session, "TrafficMirrorSessionId");

		strcat(reader->seen, id);
		if (reader->enough_at != NULL && strcmp(id, reader->enough_at) == 0)
			next = EC2_PAGE_ENOUGH;
		if (reader->fails_at != NULL && strcmp(id, reader->fails_at) == 0) {
			tmf_err_set(err, TMF_ERR_INVALID, "not this one");
			next = EC2_PAGE_FAIL;
		}
	}
	strcat(reader->seen, "|");
	return next;
}

static void
start_over(void *arg)
{
	strcat(((struct reader *)arg)->seen, "<");
}

static void
reader_init(struct reader *reader, const struct scripted_reply *replies, size_t count)
{
	*reader = (struct reader){.enough_at = NULL};
	aws_fixture_init(
	    &reader->f, &(struct scripted_opts){.replies = replies, .replies_count = count}, 1);
}

static struct tmf_call *
list_sessions(struct reader *reader, int pages_max)
{
	return ec2_pages(reader->f.client, &(struct ec2_pages){
					       .list = &ec2_list_sessions,
					       .pages_max = pages_max,
					       .on_page = read_page,
					       .on_restart = start_over,
					       .arg = reader,
					   });
}

/* Runs a listing that ends well, having read what is expected. */
static void
assert_reads(struct reader *reader, const char *expect)
{
	aws_fixture_run(&reader->f, list_sessions(reader, 0));
	ck_assert_ptr_nonnull(reader->f.result);
	ck_assert_uint_eq(json_object_size(reader->f.result), 0);
	ck_assert_str_eq(reader->seen, expect);
	aws_fixture_fini(&reader->f);
}

#define REFUSED "ec2:DescribeTrafficMirrorSessions in us-east-1: no"

static void
assert_fails(
    struct reader *reader, int pages_max, const char *seen, const char *name, const char *text)
{
	aws_fixture_run(&reader->f, list_sessions(reader, pages_max));
	ck_assert_ptr_null(reader->f.result);
	ck_assert_str_eq(reader->f.err.name, name);
	ck_assert_str_eq(tmf_err_text(&reader->f.err), text);
	ck_assert_str_eq(reader->seen, seen);
	aws_fixture_fini(&reader->f);
}

START_TEST(page_after_page)
{
	static const struct scripted_reply replies[] = {
	    PAGE(SESSION("a") SESSION("b"), "t1"), PAGE("", "t2"), PAGE(SESSION("c"), "")};
	json_t *filters = json_loads("[{\"Name\": \"n\", \"Values\": [\"v\"]}]", 0, NULL);
	struct reader reader;
	struct tmf_call *call;
	static const char *const tokens[] = {NULL, "NextToken=t1", "NextToken=t2"};

	reader_init(&reader, replies, 3);
	call = ec2_pages(reader.f.client, &(struct ec2_pages){.list = &ec2_list_sessions,
					      .filters = filters,
					      .on_page = read_page,
					      .arg = &reader});
	json_decref(filters); /* a reference of its own outlives the caller's */
	aws_fixture_run(&reader.f, call);
	ck_assert_ptr_nonnull(reader.f.result);
	ck_assert_str_eq(reader.seen, "ab||c|");
	ck_assert_uint_eq(scripted_transport_sent(reader.f.scripted), 3);
	for (size_t i = 0; i < 3; i++) {
		const char *body = scripted_transport_request(reader.f.scripted, i)->body;

		ck_assert_ptr_nonnull(strstr(body, "MaxResults=1000"));
		ck_assert_ptr_nonnull(strstr(body, "Filter.1.Value.1=v"));
		if (tokens[i] != NULL)
			ck_assert_ptr_nonnull(strstr(body, tokens[i]));
		else
			ck_assert_ptr_null(strstr(body, "NextToken"));
	}
	aws_fixture_fini(&reader.f);
}
END_TEST

START_TEST(a_reader_has_enough)
{
	static const struct scripted_reply replies[] = {
	    PAGE(SESSION("a"), "t1"), PAGE(SESSION("b"), "t2"), {NULL, 500, "never asked for"}};
	struct reader reader;

	reader_init(&reader, replies, 3);
	reader.enough_at = "b";
	assert_reads(&reader, "a|b|");
}
END_TEST

START_TEST(a_reader_fails)
{
	static const struct scripted_reply replies[] = {PAGE(SESSION("a"), "t1")};
	struct reader reader;

	reader_init(&reader, replies, 1);
	reader.fails_at = "a";
	assert_fails(&reader, 0, "a|", "TMFlow.InvalidInput", "not this one");
}
END_TEST

/* A list that is cut off would be read as "these are all sessions that there are". */
START_TEST(more_pages_than_allowed_is_an_error)
{
	static const struct scripted_reply replies[] = {PAGE(SESSION("a"), "t")};
	struct reader reader;

	reader_init(&reader, replies, 1);
	assert_fails(&reader, 2, "a|a|", "TMFlow.Limit",
	    "DescribeTrafficMirrorSessions: the list has more than 2 pages");
}
END_TEST

START_TEST(as_many_pages_as_allowed)
{
	static const struct scripted_reply replies[] = {PAGE("", "t"), PAGE(SESSION("a"), "")};
	struct reader reader;

	reader_init(&reader, replies, 2);
	aws_fixture_run(&reader.f, list_sessions(&reader, 2));
	ck_assert_ptr_nonnull(reader.f.result);
	aws_fixture_fini(&reader.f);
}
END_TEST

START_TEST(a_refused_token_starts_over)
{
	static const struct scripted_reply replies[] = {PAGE(SESSION("a"), "t1"),
	    REFUSAL("InvalidNextToken"), PAGE(SESSION("a"), "t2"),
	    REFUSAL("InvalidPaginationToken"), PAGE(SESSION("a"), "t3"),
	    REFUSAL_SAYING("InvalidParameterValue", "Invalid value for parameter NextToken"),
	    PAGE(SESSION("a"), "t4"), PAGE(SESSION("b"), "")};
	struct reader reader;

	reader_init(&reader, replies, 8);
	assert_reads(&reader, "a|<a|<a|<a|b|");
}
END_TEST

/* What is being deleted is still on its page: a listing that names nothing asks again. */
START_TEST(a_listing_finds_nothing_missing)
{
	static const struct scripted_reply replies[] = {
	    REFUSAL("InvalidTrafficMirrorSessionId.NotFound"), PAGE(SESSION("a"), "t1"),
	    REFUSAL("InvalidTrafficMirrorSessionId.NotFound"), PAGE(SESSION("b"), "")};
	struct reader reader;

	reader = (struct reader){.enough_at = NULL};
	aws_fixture_init(
	    &reader.f, &(struct scripted_opts){.replies = replies, .replies_count = 4}, 2);
	assert_reads(&reader, "a|b|");
}
END_TEST

static void
answer_refusing_tokens(
    void *arg, const struct http_request *request, int *ret_status, struct buf *ret_body)
{
	static const struct scripted_reply page = PAGE(SESSION("a"), "t1");
	static const struct scripted_reply refusal = REFUSAL("InvalidNextToken");
	char *body = strndup(request->body.p, request->body.len);
	const struct scripted_reply *reply = strstr(body, "NextToken") != NULL ? &refusal : &page;

	(void)arg;
	*ret_status = reply->status;
	buf_add_cstr(ret_body, reply->body);
	free(body);
}

START_TEST(a_token_refused_always_is_an_error)
{
	struct reader reader = {.enough_at = NULL};

	aws_fixture_init(&reader.f, &(struct scripted_opts){.answer = answer_refusing_tokens}, 1);
	assert_fails(&reader, 0, "a|<a|<a|<a|", "InvalidNextToken", REFUSED);
}
END_TEST

/* Nothing was asked with a token, so that starting over cannot help. */
START_TEST(a_first_page_refused_is_an_error)
{
	static const struct scripted_reply replies[] = {REFUSAL("InvalidNextToken")};
	struct reader reader;

	reader_init(&reader, replies, 1);
	assert_fails(&reader, 0, "", "InvalidNextToken", REFUSED);
}
END_TEST

START_TEST(another_error_ends_it)
{
	static const struct scripted_reply replies[] = {
	    PAGE(SESSION("a"), "t1"), REFUSAL("UnauthorizedOperation")};
	struct reader reader;

	reader_init(&reader, replies, 2);
	assert_fails(&reader, 0, "a|", "UnauthorizedOperation", REFUSED);
}
END_TEST

START_TEST(cancelled)
{
	static const struct scripted_reply replies[] = {PAGE(SESSION("a"), "")};
	struct reader reader;

	reader_init(&reader, replies, 1);
	tmf_call_cancel(list_sessions(&reader, 0));
	ck_assert_uint_eq(scripted_transport_open(reader.f.scripted), 0);
	ck_assert_str_eq(reader.seen, "");
	aws_fixture_fini(&reader.f);
}
END_TEST

/* --- lists of other services --- */

#define RULE(name) "{\"Name\": \"" name "\"}"
#define RULES(rules, next)                                                                         \
	{                                                                                          \
		NULL, 200, "{\"Rules\": [" rules "]" next "}"                                      \
	}

static enum ec2_page_next
read_rules(void *arg, json_t *reply, struct tmf_err *err)
{
	struct reader *reader = arg;
	const json_t *rule;
	size_t i;

	(void)err;
	json_array_foreach (jsonx_get_array(reply, "Rules"), i, rule)
		strcat(reader->seen, jsonx_get_string(rule, "Name"));
	strcat(reader->seen, "|");
	return EC2_PAGE_MORE;
}

static struct tmf_call *
ask_rules(struct aws_client *events, const char *of, const char *next_token)
{
	ck_assert_str_eq(of, "bus");
	return eventbridge_list_rules.ask(events, NULL, next_token);
}

static const struct token_list rules_of_bus = {"ListRules", "NextToken", ask_rules};

static void
run_rules(struct reader *reader, int pages_max)
{
	aws_fixture_service(&reader->f, "events");
	aws_fixture_run(&reader->f, token_pages(reader->f.client, &(struct token_pages){
								      .list = &rules_of_bus,
								      .of = "bus",
								      .pages_max = pages_max,
								      .on_page = read_rules,
								      .arg = reader,
								  }));
}

START_TEST(a_list_with_tokens)
{
	static const struct scripted_reply replies[] = {RULES(RULE("a"), ", \"NextToken\": \"t1\""),
	    RULES("", ", \"NextToken\": \"t2\""), RULES(RULE("b"), "")};
	struct reader reader;

	reader_init(&reader, replies, 3);
	run_rules(&reader, 3);
	ck_assert_ptr_nonnull(reader.f.result);
	ck_assert_str_eq(reader.seen, "a||b|");
	ck_assert_ptr_nonnull(
	    strstr(scripted_transport_request(reader.f.scripted, 2)->body, "\"t2\""));
	aws_fixture_fini(&reader.f);
}
END_TEST

START_TEST(more_pages_with_tokens_than_allowed)
{
	static const struct scripted_reply replies[] = {RULES(RULE("a"), ", \"NextToken\": \"t\"")};
	struct reader reader;

	reader_init(&reader, replies, 1);
	run_rules(&reader, 3);
	ck_assert_ptr_null(reader.f.result);
	ck_assert_str_eq(reader.f.err.name, "TMFlow.Limit");
	ck_assert_str_eq(tmf_err_text(&reader.f.err), "ListRules: the list has more than 3 pages");
	ck_assert_str_eq(reader.seen, "a|a|a|");
	aws_fixture_fini(&reader.f);
}
END_TEST

/* Nothing starts over: the reader would see what it has a second time. */
START_TEST(a_refused_token_of_others_is_an_error)
{
	static const struct scripted_reply replies[] = {RULES(RULE("a"), ", \"NextToken\": \"t\""),
	    {NULL, 400, "{\"__type\": \"InvalidNextToken\", \"message\": \"no\"}"}};
	struct reader reader;

	reader_init(&reader, replies, 2);
	run_rules(&reader, 3);
	ck_assert_ptr_null(reader.f.result);
	ck_assert_str_eq(reader.f.err.name, "InvalidNextToken");
	ck_assert_str_eq(reader.seen, "a|");
	aws_fixture_fini(&reader.f);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("pager");
	TCase *cases = tcase_create("all");

	tcase_add_test(cases, page_after_page);
	tcase_add_test(cases, a_reader_has_enough);
	tcase_add_test(cases, a_reader_fails);
	tcase_add_test(cases, more_pages_than_allowed_is_an_error);
	tcase_add_test(cases, as_many_pages_as_allowed);
	tcase_add_test(cases, a_refused_token_starts_over);
	tcase_add_test(cases, a_listing_finds_nothing_missing);
	tcase_add_test(cases, a_token_refused_always_is_an_error);
	tcase_add_test(cases, a_first_page_refused_is_an_error);
	tcase_add_test(cases, another_error_ends_it);
	tcase_add_test(cases, cancelled);
	tcase_add_test(cases, a_list_with_tokens);
	tcase_add_test(cases, more_pages_with_tokens_than_allowed);
	tcase_add_test(cases, a_refused_token_of_others_is_an_error);
	suite_add_tcase(suite, cases);
	return run_suite(suite);
}
