/* botocore's protocol cases through our readers of replies, and its golden requests through our
 * client. */
#include "aws/client.h"
#include "aws_fixture.h"
#include "base/doc/doc.h"
#include "base/jsonx.h"
#include "base/mem.h"

#include "run_suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define REQUESTS    47
#define TABLES_MAX  32
#define MEMBERS_MAX 24

/* Cases about what none of our operations has. What stands here is left out, everything else
 * must pass. */
static const struct {
	const char *in_id;
	const char *reason;
} left_out[] = {
    {"XmlMap", "no operation of ours has maps in XML"},
    {"Maps", "no operation of ours has maps in XML"},
    {"Timestamp", "times are taken as text"},
    {"DateTime", "times are taken as text"},
    {"Blob", "no operation of ours has blobs"},
    {"NaN", "no operation of ours has fractions"},
    {"Infinity", "no operation of ours has fractions"},
    {"IgnoresWrappingXmlName", "the root's name is checked: another's page is no reply"},
};

static const char *
why_left_out(const struct aws_protocol *protocol, const json_t *wanted)
{
	const char *id = jsonx_get_string(wanted, "id");
	const char *body = jsonx_get_string(json_object_get(wanted, "response"), "body");

	if (protocol == &aws_protocol_xml && (body == NULL || body[0] == '\0'))
		return "a reply in XML has a root: no body at all is a truncated one";
	for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
		if (strstr(id, left_out[i].in_id) != NULL)
			return left_out[i].reason;
	return NULL;
}

static struct doc *
shared_file(const char *name)
{
	char *path = mem_printf(TEST_SHARED_DIR "/aws/%s", name);
	struct tmf_err err = {0};
	struct doc *doc = doc_read(path, &err);

	if (doc == NULL)
		printf("SKIP: %s is not there\n", path);
	tmf_err_fini(&err);
	free(path);
	return doc;
}

/* --- shapes of botocore as tables of ours --- */

struct tables {
	const json_t *shapes;
	const char *names[TABLES_MAX];
	struct xml_shape members[TABLES_MAX][MEMBERS_MAX + 1];
	size_t count;
};

static const struct xml_shape *table_of(struct tables *tables, const char *name);

static const char *
type_of(const struct tables *tables, const json_t *member)
{
	return jsonx_get_string(
	    json_object_get(tables->shapes, jsonx_get_string(member, "shape")), "type");
}

/* A list of strings or of structures, wrapped, whose items are called item or member. */
static bool
list_shape(struct tables *tables, const json_t *member, struct xml_shape *shape)
{
	const json_t *list = json_object_get(tables->shapes, jsonx_get_string(member, "shape"));
	const json_t *item = json_object_get(list, "member");
	const char *item_name = jsonx_get_string(item, "locationName");
	const char *type = type_of(tables, item);

	if (json_is_true(json_object_get(list, "flattened")) ||
	    json_is_true(json_object_get(member, "flattened")) ||
	    (item_name != NULL && strcmp(item_name, "item") != 0 &&
		strcmp(item_name, "member") != 0))
		return false;
	shape->kind = strcmp(type, "string") == 0 ? XML_STRINGS : XML_LIST;
	if (strcmp(type, "structure") == 0)
		shape->members = table_of(tables, jsonx_get_string(item, "shape"));
	return shape->kind == XML_STRINGS || shape->members != NULL;
}

/* False for a kind that we have no use for. */
static bool
member_shape(struct tables *tables, const json_t *member, struct xml_shape *shape)
{
	static const struct {
		const char *type;
		enum xml_kind kind;
	} scalars[] = {{"string", XML_STRING}, {"integer", XML_INTEGER}, {"long", XML_INTEGER},
	    {"boolean", XML_BOOLEAN}};
	const char *type = type_of(tables, member);

	for (size_t i = 0; i < sizeof(scalars) / sizeof(scalars[0]); i++)
		if (strcmp(type, scalars[i].type) == 0) {
			shape->kind = scalars[i].kind;
			return true;
		}
	if (strcmp(type, "list") == 0)
		return list_shape(tables, member, shape);
	if (strcmp(type, "structure") != 0)
		return false;
	shape->kind = XML_STRUCT;
	shape->members = table_of(tables, jsonx_get_string(member, "shape"));
	return true;
}

/* The table of a structure, which may contain itself. */
static const struct xml_shape *
table_of(struct tables *tables, const char *name)
{
	struct xml_shape *next;
	const char *key;
	json_t *member;

	for (size_t i = 0; i < tables->count; i++)
		if (strcmp(tables->names[i], name) == 0)
			return tables->members[i];
	ck_assert_uint_lt(tables->count, TABLES_MAX);
	tables->names[tables->count] = name;
	next = tables->members[tables->count++];
	const struct xml_shape *table = next;

	json_object_foreach (
	    json_object_get(json_object_get(tables->shapes, name), "members"), key, member) {
		const char *element = jsonx_get_string(member, "locationName");
		struct xml_shape shape = {
		    .element = element != NULL ? element : key, .member = key};

		ck_assert_int_lt(next - table, MEMBERS_MAX);
		if (member_shape(tables, member, &shape))
			*next++ = shape;
	}
	return table;
}

/* --- replies --- */

/* Whether all of expected that the table knows is in got. members NULL: everything must be. */
static void
compare(const json_t *expected, const json_t *got, const struct xml_shape *members, const char *id)
{
	const char *key;
	json_t *value;
	size_t i;

	if (json_is_object(expected)) {
		json_object_foreach ((json_t *)(uintptr_t)expected, key, value) {
			const struct xml_shape *shape = members;

			while (shape != NULL && shape->element != NULL &&
			       strcmp(shape->member, key) != 0)
				shape++;
			if (members == NULL || shape->element != NULL)
				compare(value, json_object_get(got, key),
				    members != NULL ? shape->members : NULL, id);
		}
	} else if (json_is_array(expected)) {
		ck_assert_msg(json_array_size(got) == json_array_size(expected), "%s", id);
		json_array_foreach (expected, i, value)
			compare(value, json_array_get(got, i), members, id);
	} else {
		ck_assert_msg(got != NULL && jsonx_same(expected, got), "%s", id);
	}
}

static const char *
header_of(void *arg, const char *name)
{
	const json_t *headers = arg;
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)headers, key, value)
		if (strcasecmp(key, name) == 0)
			return json_string_value(value);
	return NULL;
}

/* Reads the reply of a case, in pieces. reply's texts live as long as the reader. */
static struct aws_reader *
read_reply(const struct aws_protocol *protocol, const struct aws_operation *operation,
    const json_t *response, struct aws_reply *reply, struct tmf_err *err)
{
	const char *body = jsonx_get_string(response, "body");
	const struct aws_reply_headers headers = {
	    header_of, json_object_get(response, "headers"), 200};
	struct aws_reader *reader = protocol->begin(operation);

	for (size_t i = 0; body != NULL && body[i] != '\0'; i++)
		protocol->feed(reader, (struct str){body + i, 1});
	protocol->finish(reader, &headers, reply, err);
	return reader;
}

static void
compare_fault(const json_t *wanted, const struct aws_reply *reply, const char *id)
{
	const char *message = jsonx_get_string(wanted, "errorMessage");

	ck_assert_msg(reply->value == NULL, "%s", id);
	ck_assert_msg(strcmp(reply->code, jsonx_get_string(wanted, "errorCode")) == 0, "%s: %s", id,
	    reply->code);
	if (message != NULL)
		ck_assert_msg(strcmp(reply->message, message) == 0, "%s: %s", id, reply->message);
}

/* The members of the reply's root: a Query result stands within a wrapper. */
static const struct xml_shape *
root_of(const struct xml_shape *result, const char *operation, bool wrapped,
    struct xml_shape wrapper[2], char *name, size_t name_bytes)
{
	static const struct xml_shape none[] = {{.element = NULL}};

	if (!wrapped)
		return result != NULL ? result : none;
	snprintf(name, name_bytes, "%sResult", operation);
	wrapper[0] =
	    (struct xml_shape){name, "Result", XML_STRUCT, result != NULL ? result : none, false};
	wrapper[1] = (struct xml_shape){.element = NULL};
	return wrapper;
}

static void
run_case(const struct aws_protocol *protocol, const json_t *suite, const json_t *wanted)
{
	const char *id = jsonx_get_string(wanted, "id");
	const json_t *given = json_object_get(wanted, "given");
	const char *output = jsonx_get_string(json_object_get(given, "output"), "shape");
	bool is_xml = protocol == &aws_protocol_xml;
	bool wrapped =
	    strcmp(jsonx_get_string(json_object_get(suite, "metadata"), "protocol"), "query") == 0;
	struct tables *tables = mem_zalloc(1, sizeof(*tables));
	struct xml_shape wrapper[2];
	struct aws_operation operation = {.name = jsonx_get_string(given, "name")};
	const struct xml_shape *result = NULL;
	struct aws_reply reply;
	struct tmf_err err = {0};
	char name[128];

	tables->shapes = json_object_get(suite, "shapes");
	if (is_xml && output != NULL)
		result = table_of(tables, output);
	operation.reply = root_of(result, operation.name, wrapped, wrapper, name, sizeof(name));
	struct aws_reader *reader =
	    read_reply(protocol, &operation, json_object_get(wanted, "response"), &reply, &err);
	if (json_object_get(wanted, "errorCode") != NULL) {
		compare_fault(wanted, &reply, id);
	} else {
		ck_assert_msg(reply.value != NULL, "%s: %s", id, tmf_err_text(&err));
		compare(json_object_get(wanted, "result"),
		    wrapped ? json_object_get(reply.value, "Result") : reply.value, result, id);
	}
	json_decref(reply.value);
	protocol->free_reader(reader);
	tmf_err_fini(&err);
	free(tables);
}

static void
run_outputs(const char *file, const struct aws_protocol *protocol, int least)
{
	struct doc *doc = shared_file(file);
	json_t *suite;
	json_t *wanted;
	size_t i;
	size_t j;
	int ran = 0;

	if (doc == NULL)
		return;
	json_array_foreach (json_object_get(doc_root(doc), "output"), i, suite) {
		json_array_foreach (json_object_get(suite, "cases"), j, wanted) {
			const char *id = jsonx_get_string(wanted, "id");
			const char *reason = why_left_out(protocol, wanted);

			if (reason != NULL) {
				printf("left out: %s: %s\n", id, reason);
				continue;
			}
			run_case(protocol, suite, wanted);
			ran++;
		}
	}
	printf("%s: %d replies read\n", file, ran);
	ck_assert_int_ge(ran, least);
	doc_free(doc);
}

START_TEST(replies_of_ec2)
{
	run_outputs("protocol-ec2.json", &aws_protocol_xml, 12);
}
END_TEST

START_TEST(replies_of_query)
{
	run_outputs("protocol-query.json", &aws_protocol_xml, 11);
}
END_TEST

START_TEST(replies_of_json)
{
	run_outputs("protocol-json-1.0.json", &aws_protocol_json, 25);
}
END_TEST

/* --- requests --- */

/* The client makes of a golden body exactly what botocore sends: headers, signature and all. */
static void
send_golden(const json_t *file, const json_t *golden)
{
	static const struct scripted_reply reply = {NULL, 400, ""};
	static const struct xml_shape none[] = {{.element = NULL}};
	const json_t *headers = json_object_get(golden, "headers");
	const json_t *keys = json_object_get(
	    json_object_get(file, "credentials"), jsonx_get_string(golden, "credentials"));
	struct aws_operation operation = {
	    .name = jsonx_get_string(golden, "operation"),
	    .reply = none,
	    .unsigned_request = json_object_get(headers, "Authorization") == NULL,
	};
	const struct scripted_request *sent;
	struct aws_fixture f;
	const char *name;
	json_t *value;

	aws_fixture_init(&f, &(struct scripted_opts){.replies = &reply, .replies_count = 1}, 1);
	aws_fixture_service(&f, jsonx_get_string(golden, "service"));
	aws_fixture_set_token(&f, jsonx_get_string(keys, "sessionToken"));
	buf_add_cstr(&operation.body, jsonx_get_string(golden, "body"));
	aws_fixture_run(&f, aws_client_call(f.client, &operation));
	sent = scripted_transport_request(f.scripted, 0);
	ck_assert_str_eq(sent->method, jsonx_get_string(golden, "method"));
	ck_assert_str_eq(sent->url, jsonx_get_string(golden, "url"));
	ck_assert_str_eq(sent->body, jsonx_get_string(golden, "body"));
	ck_assert_uint_eq(sent->headers_count, json_object_size(headers));
	json_object_foreach ((json_t *)(uintptr_t)headers, name, value) {
		const char *got = scripted_request_header(sent, name);

		ck_assert_msg(got != NULL && strcmp(got, json_string_value(value)) == 0,
		    "%s %s: %s", operation.name, name, got != NULL ? got : "absent");
	}
	aws_fixture_fini(&f);
}

START_TEST(golden_requests)
{
	struct doc *doc = shared_file("golden-requests.json");
	json_t *golden;
	size_t i;
	int sent = 0;

	if (doc == NULL)
		return;
	json_array_foreach (json_object_get(doc_root(doc), "requests"), i, golden) {
		send_golden(doc_root(doc), golden);
		sent++;
	}
	printf("%d golden requests\n", sent);
	ck_assert_int_eq(sent, REQUESTS);
	doc_free(doc);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("protocol");
	TCase *tests = tcase_create("protocol");

	tcase_add_test(tests, replies_of_ec2);
	tcase_add_test(tests, replies_of_query);
	tcase_add_test(tests, replies_of_json);
	tcase_add_test(tests, golden_requests);
	suite_add_tcase(s, tests);
	return run_suite(s);
}
