/* Replies: what the shapes ask for comes out, the rest is skipped; whatever is broken is an
 * error and never an empty list. */
#include "aws/wire/xml.h"
#include "base/doc/doc.h"
#include "base/jsonx.h"

#include "run_suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROTOCOL_FILE TEST_SHARED_DIR "/aws/protocol-ec2.json"

static const struct xml_shape tag_shape[] = {
    {"key", "Key", XML_STRING, NULL, NULL},
    {"value", "Value", XML_STRING, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape item_shape[] = {
    {"id", "Id", XML_STRING, NULL, NULL},
    {"size", "Size", XML_INTEGER, NULL, NULL},
    {"on", "On", XML_BOOLEAN, NULL, NULL},
    {"tagSet", "Tags", XML_LIST, tag_shape, NULL},
    {.element = NULL},
};

static const struct xml_shape pairs_shape[] = {
    {"tagSet", "Tags", XML_PAIRS, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape root_shape[] = {
    {"thingSet", "Things", XML_LIST, item_shape, NULL},
    {"nameSet", "Names", XML_STRINGS, NULL, NULL},
    {"pairs", "Pairs", XML_STRUCT, pairs_shape, NULL},
    {"nextToken", "NextToken", XML_STRING, NULL, NULL},
    {.element = NULL},
};

/* Parses text in pieces of so many bytes; the result as JSON text, or "error: ...". */
static char *
parse(const char *text, size_t piece)
{
	struct xml_parser *parser = xml_parser_new(root_shape);
	size_t len = strlen(text);
	json_t *value = NULL;
	struct tmf_err err = {0};
	char *result;
	int ret = 0;

	for (size_t i = 0; i < len && ret == 0; i += piece)
		ret = xml_parser_feed(
		    parser, (struct str){text + i, len - i < piece ? len - i : piece}, &err);
	if (ret == 0)
		ret = xml_parser_finish(parser, &value, &err);
	if (ret == 0 && xml_parser_error_code(parser)[0] != '\0') {
		struct buf said = {0};

		buf_printf(&said, "%s|%s|%s", xml_parser_error_code(parser),
		    xml_parser_error_message(parser), xml_parser_request_id(parser));
		result = buf_take(&said);
	} else if (ret == 0) {
		result = jsonx_text(value);
	} else {
		ck_assert_int_eq(err.code, TMF_ERR_REPLY);
		result = strdup("error");
	}
	json_decref(value);
	tmf_err_fini(&err);
	xml_parser_free(parser);
	return result;
}

static void
gives(const char *text, const char *wanted)
{
	for (size_t piece = 1; piece < 200; piece = piece * 3 + 1) {
		char *got = parse(text, piece);

		ck_assert_str_eq(got, wanted);
		free(got);
	}
}

#define EMPTY "{\"Things\":[],\"Names\":[]}"

START_TEST(known_members_only)
{
	gives(
	    "<?xml version=\"1.0\"?><R "
	    "xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId>"
	    "<nextToken>a&amp;b=</nextToken><thingSet><item><new><deep><id>no</id></deep></"
	    "new><id>i-1</id><size>3</size>"
	    "<on>true</on><tagSet><item><key>k</key><value/></item></tagSet></item></thingSet></R>",
	    "{\"NextToken\":\"a&b=\",\"Things\":[{\"Id\":\"i-1\",\"Size\":3,\"On\":true,"
	    "\"Tags\":[{\"Key\":\"k\",\"Value\":\"\"}]}],\"Names\":[]}");
	gives("<R/>", EMPTY);
	gives("<R><thingSet/><nameSet><item>x</item><item>y</item></nameSet></R>",
	    "{\"Things\":[],\"Names\":[\"x\",\"y\"]}");
	gives("<R>\n <thingSet>\n  <item>\n   <id>\xc3\xa9</id>\n  </item>\n </thingSet>\n</R>",
	    "{\"Things\":[{\"Id\":\"\xc3\xa9\",\"Tags\":[]}],\"Names\":[]}");
}
END_TEST

START_TEST(pairs_become_an_object)
{
	gives(
	    "<R><pairs><tagSet><item><key>a</key><value>1</value></item><item><value>&lt;2</value>"
	    "<key>b</key><else>x</else></item><item><key>c</key></item><new/></tagSet></pairs></R>",
	    "{\"Pairs\":{\"Tags\":{\"a\":\"1\",\"b\":\"<2\",\"c\":\"\"}},\"Things\":[],\"Names\":[]"
	    "}");
	gives("<R><pairs/></R>", "{\"Pairs\":{\"Tags\":{}},\"Things\":[],\"Names\":[]}");
}
END_TEST

START_TEST(broken_replies)
{
	static const char *const broken[] = {
	    "",
	    "not xml",
	    "<R><thingSet><item><id>i-1</id>",
	    "<R><thingSet></R>",
	    "<R><thingSet><item><size>many</size></item></thingSet></R>",
	    "<R><thingSet><item><size>99999999999999999999</size></item></thingSet></R>",
	    "<!DOCTYPE R [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><R>&b;</R>",
	    "<!DOCTYPE R SYSTEM \"file:///etc/passwd\"><R/>",
	    "<R>&undefined;</R>",
	    "<R/><R/>",
	};

	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
		gives(broken[i], "error");
}
END_TEST

/* Nested without end, or an element that never ends: both are bounded. */
START_TEST(bounds)
{
	struct buf deep = {0};
	struct buf wide = {0};
	char *got;

	for (int i = 0; i < 100000; i++)
		buf_add_cstr(&deep, "<a>");
	got = parse(buf_cstr(&deep), 4096);
	ck_assert_str_eq(got, "error");
	free(got);
	buf_add_cstr(&wide, "<R><nextToken>");
	for (size_t i = 0; i <= XML_TEXT_BYTES_MAX; i++)
		buf_add_char(&wide, 'x');
	buf_add_cstr(&wide, "</nextToken></R>");
	got = parse(buf_cstr(&wide), 4096);
	ck_assert_str_eq(got, "error");
	free(got);
	buf_fini(&deep);
	buf_fini(&wide);
}
END_TEST

START_TEST(error_replies)
{
	gives("<?xml "
	      "version=\"1.0\"?><Response><Errors><Error><Code>Client.RequestLimitExceeded</Code>"
	      "<Message>Request limit "
	      "exceeded.</Message></Error><Error><Code>Second</Code><Message>m</Message></Error></"
	      "Errors>"
	      "<RequestID>abc-1</RequestID></Response>",
	    "RequestLimitExceeded|Request limit exceeded.|abc-1");
	gives("<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</"
	      "Message></Error>"
	      "<RequestId>r2</RequestId></ErrorResponse>",
	    "AccessDenied|no|r2");
}
END_TEST

/* The first Error counts alone, even where it lacks what a later one has; what looks like an id
 * deeper down is none. */
START_TEST(one_error_and_one_id)
{
	struct xml_parser *parser = xml_parser_new(root_shape);
	json_t *value = NULL;
	struct tmf_err err = {0};

	gives("<Response><Errors><Error><Code>A</Code></Error><Error><Code>B</Code><Message>b</"
	      "Message>"
	      "</Error></Errors><RequestID>r</RequestID></Response>",
	    "A||r");
	ck_assert_str_eq(xml_parser_root(parser), "");
	ck_assert_int_eq(xml_parser_feed(parser,
			     STR("<R><thingSet><item><requestId>no</requestId><id>i</id></item>"
				 "</thingSet><requestId>yes</requestId></R>"),
			     &err),
	    0);
	ck_assert_int_eq(xml_parser_finish(parser, &value, &err), 0);
	ck_assert_str_eq(xml_parser_request_id(parser), "yes");
	ck_assert_str_eq(xml_parser_root(parser), "R");
	json_decref(value);
	xml_parser_free(parser);
}
END_TEST

/* --- botocore's protocol cases that our shapes can say --- */

static const struct xml_shape pair_shape[] = {
    {"value", "a", XML_STRING, NULL, NULL},
    {"other", "b", XML_STRING, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape lists_shape[] = {
    {"stringList", "stringList", XML_STRINGS, NULL, NULL},
    {"stringSet", "stringSet", XML_STRINGS, NULL, NULL},
    {"renamed", "renamedListMembers", XML_STRINGS, NULL, NULL},
    {"myStructureList", "structureList", XML_LIST, pair_shape, NULL},
    {.element = NULL},
};

static const struct xml_shape scalars_shape[] = {
    {"stringValue", "stringValue", XML_STRING, NULL, NULL},
    {"emptyStringValue", "emptyStringValue", XML_STRING, NULL, NULL},
    {"trueBooleanValue", "trueBooleanValue", XML_BOOLEAN, NULL, NULL},
    {"falseBooleanValue", "falseBooleanValue", XML_BOOLEAN, NULL, NULL},
    {"longValue", "longValue", XML_INTEGER, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape namespaced_shape[] = {
    {"foo", "foo", XML_STRING, NULL, NULL},
    {"values", "values", XML_STRINGS, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape namespaces_shape[] = {
    {"nested", "nested", XML_STRUCT, namespaced_shape, NULL},
    {.element = NULL},
};

static const struct {
	const char *id;
	const struct xml_shape *shape;
} protocol_cases[] = {
    {"Ec2XmlLists", lists_shape},
    {"Ec2SimpleScalarProperties", scalars_shape},
    {"Ec2XmlNamespaces", namespaces_shape},
    {"Ec2InvalidGreetingError", root_shape},
    {"Ec2ComplexError", root_shape},
};

#define PROTOCOL_CASES (sizeof(protocol_cases) / sizeof(protocol_cases[0]))

static void
compare_protocol_case(const json_t *protocol_case, const struct xml_shape *shape)
{
	const json_t *response = json_object_get(protocol_case, "response");
	const char *code = jsonx_get_string(protocol_case, "errorCode");
	struct xml_parser *parser = xml_parser_new(shape);
	json_t *value = NULL;
	struct tmf_err err = {0};

	ck_assert_int_eq(
	    xml_parser_feed(parser, str_of(jsonx_get_string(response, "body")), &err), 0);
	ck_assert_int_eq(xml_parser_finish(parser, &value, &err), 0);
	if (code != NULL) {
		ck_assert_str_eq(xml_parser_error_code(parser), code);
		ck_assert_str_eq(xml_parser_request_id(parser), "foo-id");
	}
	for (const struct xml_shape *s = shape; code == NULL && s->element != NULL; s++)
		ck_assert_msg(
		    jsonx_same(json_object_get(value, s->member),
			json_object_get(json_object_get(protocol_case, "result"), s->member)),
		    "%s: %s", jsonx_get_string(protocol_case, "id"), s->member);
	json_decref(value);
	xml_parser_free(parser);
}

START_TEST(protocol_replies)
{
	struct tmf_err err = {0};
	struct doc *doc = doc_read(PROTOCOL_FILE, &err);
	json_t *suite;
	json_t *protocol_case;
	size_t i;
	size_t k;
	size_t compared = 0;

	if (doc == NULL) {
		puts("SKIP: " PROTOCOL_FILE " is not there");
		tmf_err_fini(&err);
		return;
	}
	json_array_foreach (json_object_get(doc_root(doc), "output"), i, suite)
		json_array_foreach (json_object_get(suite, "cases"), k, protocol_case)
			for (size_t c = 0; c < PROTOCOL_CASES; c++)
				if (strcmp(protocol_cases[c].id,
					jsonx_get_string(protocol_case, "id")) == 0) {
					compare_protocol_case(
					    protocol_case, protocol_cases[c].shape);
					compared++;
				}
	ck_assert_uint_eq(compared, PROTOCOL_CASES);
	doc_free(doc);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("xml");
	TCase *tests = tcase_create("xml");

	tcase_add_test(tests, known_members_only);
	tcase_add_test(tests, pairs_become_an_object);
	tcase_add_test(tests, broken_replies);
	tcase_add_test(tests, bounds);
	tcase_add_test(tests, error_replies);
	tcase_add_test(tests, one_error_and_one_id);
	tcase_add_test(tests, protocol_replies);
	suite_add_tcase(s, tests);
	return run_suite(s);
}
