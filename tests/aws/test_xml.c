/* Replies: what the shapes ask for comes out, the rest is skipped; whatever is broken is an error and never an empty list. */
#include "tmflow/aws/xml.h"
#include "tmflow/base/json.h"

#include "run_suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct xml_shape tag_shape[] = {
    {"key", "Key", XML_STRING, NULL, false},
    {"value", "Value", XML_STRING, NULL, false},
    {.element = NULL},
};

static const struct xml_shape item_shape[] = {
    {"id", "Id", XML_STRING, NULL, false},
    {"size", "Size", XML_INTEGER, NULL, false},
    {"on", "On", XML_BOOLEAN, NULL, false},
    {"tagSet", "Tags", XML_LIST, tag_shape, false},
    {.element = NULL},
};

static const struct xml_shape root_shape[] = {
    {"thingSet", "Things", XML_LIST, item_shape, false},
    {"nameSet", "Names", XML_LIST, NULL, true},
    {"nextToken", "NextToken", XML_STRING, NULL, false},
    {.element = NULL},
};

/* Parses text in pieces of so many bytes; the result as JSON text, or "error: ...". */
static char *
parse(const char *text, size_t piece)
{
	struct xml_parser *parser = xml_parser_new(root_shape);
	size_t len = strlen(text);
	json_t *value = NULL;
	struct err err = {0};
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
		result = json_text(value);
	} else {
		ck_assert_int_eq(err.code, ERR_REPLY);
		result = strdup("error");
	}
	json_decref(value);
	err_fini(&err);
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
	    "{\"Things\":[{\"Tags\":[{\"Key\":\"k\",\"Value\":\"\"}],\"Id\":\"i-1\",\"Size\":3,"
	    "\"On\":true}],\"Names\":[],"
	    "\"NextToken\":\"a&b=\"}");
	gives("<R/>", EMPTY);
	gives("<R><thingSet/><nameSet><item>x</item><item>y</item></nameSet></R>",
	    "{\"Things\":[],\"Names\":[\"x\",\"y\"]}");
	gives("<R>\n <thingSet>\n  <item>\n   <id>\xc3\xa9</id>\n  </item>\n </thingSet>\n</R>",
	    "{\"Things\":[{\"Tags\":[],\"Id\":\"\xc3\xa9\"}],\"Names\":[]}");
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

int
main(void)
{
	Suite *s = suite_create("xml");
	TCase *tests = tcase_create("xml");

	tcase_add_test(tests, known_members_only);
	tcase_add_test(tests, broken_replies);
	tcase_add_test(tests, bounds);
	tcase_add_test(tests, error_replies);
	suite_add_tcase(s, tests);
	return run_suite(s);
}
