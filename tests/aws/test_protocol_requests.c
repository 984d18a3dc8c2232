/* botocore's protocol cases of requests: what our writers of forms and JSON, and the client,
 * make of their parameters. */
#include "aws/client.h"
#include "aws/services/operation.h"
#include "aws/wire/query.h"
#include "aws_fixture.h"
#include "base/doc/doc.h"
#include "base/jsonx.h"
#include "base/mem.h"

#include "run_suite.h"

#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAME_BYTES_MAX 256
#define PAIRS_MAX      16

/* Cases about what none of our requests has. What stands here is left out, everything else must
 * pass. */
static const struct {
	const char *in_id;
	const char *reason;
} left_out[] = {
    {"EndpointTrait", "no operation of ours has a host of its own"},
    {"ContentEncoding", "no operation of ours is compressed"},
    {"HttpProvidedEncoding", "no operation of ours is compressed"},
    {"AutoFill", "tokens are made by the caller, never by chance"},
    {"Timestamp", "no operation of ours sends times"},
    {"Blob", "no operation of ours sends blobs"},
    {"Float", "no operation of ours sends fractions"},
    {"Maps", "no operation of ours sends maps in a form"},
    {"MapOfLists", "no operation of ours sends maps in a form"},
    {"MapWithMember", "no operation of ours sends maps in a form"},
    {"StructWithMap", "no operation of ours sends maps in a form"},
};

static const char *
why_left_out(const char *protocol, const json_t *wanted)
{
	const char *id = jsonx_get_string(wanted, "id");

	if (strcmp(protocol, "query") == 0 && strstr(id, "List") != NULL)
		return "what we send to STS has no lists";
	if (strstr(id, "AutoFillIsSet") != NULL)
		return NULL;
	for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
		if (strstr(id, left_out[i].in_id) != NULL)
			return left_out[i].reason;
	return NULL;
}

/* --- parameters to forms, by our writer; the names are the shapes' --- */

static const json_t *
shape_of(const json_t *shapes, const json_t *member)
{
	return json_object_get(shapes, jsonx_get_string(member, "shape"));
}

/* What FACTS.md says of names on the wire: queryName, else locationName, the latter with its
 * first letter upper-cased in EC2's protocol. */
static void
wire_name(const char *protocol, const char *key, const json_t *member, char name[NAME_BYTES_MAX])
{
	const char *query_name = jsonx_get_string(member, "queryName");
	const char *location_name = jsonx_get_string(member, "locationName");
	bool is_ec2 = strcmp(protocol, "ec2") == 0;

	if (is_ec2 && query_name != NULL)
		location_name = query_name;
	snprintf(name, NAME_BYTES_MAX, "%s", location_name != NULL ? location_name : key);
	if (is_ec2 && query_name == NULL)
		name[0] = (char)toupper((unsigned char)name[0]);
}

static void write_members(struct buf *body, const char *protocol, const json_t *shapes,
    const json_t *shape, const char *prefix, const json_t *params);

static void
write_value(struct buf *body, const char *protocol, const json_t *shapes, const json_t *shape,
    const char *name, const json_t *value)
{
	const json_t *item = json_object_get(shape, "member");
	char inner[NAME_BYTES_MAX];

	if (json_is_object(value)) {
		snprintf(inner, sizeof(inner), "%s.", name);
		write_members(body, protocol, shapes, shape, inner, value);
	} else if (json_is_array(value) && json_is_string(json_array_get(value, 0))) {
		query_add_list(body, name, value);
	} else if (json_is_array(value)) {
		for (size_t i = 0; i < json_array_size(value); i++) {
			snprintf(inner, sizeof(inner), "%s.%zu.", name, i + 1);
			write_members(body, protocol, shapes, shape_of(shapes, item), inner,
			    json_array_get(value, i));
		}
	} else if (json_is_boolean(value)) {
		query_add(body, name, json_is_true(value) ? "true" : "false");
	} else if (json_is_integer(value)) {
		query_add_int(body, name, json_integer_value(value));
	} else {
		query_add(body, name, json_string_value(value));
	}
}

static void
write_members(struct buf *body, const char *protocol, const json_t *shapes, const json_t *shape,
    const char *prefix, const json_t *params)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)params, key, value) {
		const json_t *member = json_object_get(json_object_get(shape, "members"), key);
		char own[NAME_BYTES_MAX];
		char *name;

		wire_name(protocol, key, member, own);
		name = mem_printf("%s%s", prefix, own);
		write_value(body, protocol, shapes, shape_of(shapes, member), name, value);
		free(name);
	}
}

/* --- the request that comes of it --- */

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The pairs of a form, in order, joined again. The caller frees it. */
static char *
sorted_form(const char *form)
{
	char *copy = mem_strdup(form);
	char *pairs[PAIRS_MAX];
	char *rest = copy;
	char *pair;
	size_t count = 0;
	struct buf sorted = {0};

	while ((pair = strsep(&rest, "&")) != NULL) {
		ck_assert_uint_lt(count, PAIRS_MAX);
		pairs[count++] = pair;
	}
	qsort(pairs, count, sizeof(pairs[0]), by_text);
	for (size_t i = 0; i < count; i++)
		buf_printf(&sorted, "%s&", pairs[i]);
	free(copy);
	return buf_take(&sorted);
}

static void
compare_bodies(const char *protocol, const char *got, const char *wanted, const char *id)
{
	if (strcmp(protocol, "json") == 0) {
		json_t *ours = jsonx_parse(str_of(got), NULL);
		json_t *theirs = jsonx_parse(str_of(wanted), NULL);

		ck_assert_msg(ours != NULL && jsonx_same(ours, theirs), "%s: %s", id, got);
		json_decref(ours);
		json_decref(theirs);
		return;
	}
	char *ours = sorted_form(got);
	char *theirs = sorted_form(wanted);

	ck_assert_msg(strcmp(ours, theirs) == 0, "%s: %s", id, got);
	free(ours);
	free(theirs);
}

/* Ours say more (a charset) but begin the same; the target's prefix is the service's. */
static void
compare_headers(const struct scripted_request *sent, const json_t *headers, const char *id)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)headers, name, value) {
		const char *got = scripted_request_header(sent, name);
		const char *wanted = json_string_value(value);

		ck_assert_msg(got != NULL, "%s: no %s", id, name);
		if (strcasecmp(name, "X-Amz-Target") == 0)
			ck_assert_msg(
			    strcmp(strchr(got, '.'), strchr(wanted, '.')) == 0, "%s: %s", id, got);
		else
			ck_assert_msg(strncmp(got, wanted, strlen(wanted)) == 0, "%s: %s", id, got);
	}
}

/* A service of ours that speaks the protocol; of the cases' own services one asks for the Query
 * protocol's error names, as SQS does. */
static const char *
service_for(const char *protocol, const json_t *suite)
{
	if (strcmp(protocol, "json") != 0)
		return strcmp(protocol, "ec2") == 0 ? "ec2" : "sts";
	return json_object_get(json_object_get(suite, "metadata"), "awsQueryCompatible") != NULL
		   ? "sqs"
		   : "states";
}

static struct aws_client *
client_at(struct aws_fixture *f, const char *service, const char *endpoint)
{
	struct tmf_err err = {0};
	struct aws_client *client = aws_client_new(
	    &(struct aws_client_opts){
		.loop = f->loop,
		.transport = scripted_transport_http(f->scripted),
		.credentials = &f->keys.provider,
		.rng = &f->rng,
		.service = service,
		.region = "us-east-1",
		.endpoint = endpoint,
		.attempts_max = 1,
	    },
	    &err);

	ck_assert_msg(client != NULL, "%s", tmf_err_text(&err));
	return client;
}

static struct tmf_call *
start_case(
    struct aws_client *client, const char *protocol, const json_t *suite, const json_t *wanted)
{
	static const struct xml_shape none[] = {{.element = NULL}};
	const json_t *given = json_object_get(wanted, "given");
	const json_t *shapes = json_object_get(suite, "shapes");
	const json_t *params = json_object_get(wanted, "params");
	struct aws_operation operation = {.name = jsonx_get_string(given, "name"), .reply = none};

	if (strcmp(protocol, "json") == 0)
		return aws_json_call(client, &operation, json_deep_copy(params));
	query_begin(&operation.body, operation.name,
	    jsonx_get_string(json_object_get(suite, "metadata"), "apiVersion"));
	write_members(&operation.body, protocol, shapes,
	    shape_of(shapes, json_object_get(given, "input")), "", params);
	return aws_client_call(client, &operation);
}

static void
run_case(const char *protocol, const json_t *suite, const json_t *wanted)
{
	static const struct scripted_reply reply = {NULL, 400, ""};
	const char *id = jsonx_get_string(wanted, "id");
	const char *endpoint = jsonx_get_string(suite, "clientEndpoint");
	const json_t *serialized = json_object_get(wanted, "serialized");
	const struct scripted_request *sent;
	struct aws_client *client;
	struct aws_fixture f;

	aws_fixture_init(&f, &(struct scripted_opts){.replies = &reply, .replies_count = 1}, 1);
	client = client_at(&f, service_for(protocol, suite), endpoint);
	aws_fixture_run(&f, start_case(client, protocol, suite, wanted));
	sent = scripted_transport_request(f.scripted, 0);
	ck_assert_msg(strcmp(sent->method, jsonx_get_string(serialized, "method")) == 0, "%s", id);
	if (endpoint != NULL)
		ck_assert_msg(
		    strncmp(sent->url, endpoint, strlen(endpoint)) == 0, "%s: %s", id, sent->url);
	compare_bodies(protocol, sent->body, jsonx_get_string(serialized, "body"), id);
	compare_headers(sent, json_object_get(serialized, "headers"), id);
	aws_client_free(client);
	aws_fixture_fini(&f);
}

static void
run_inputs(const char *file, const char *protocol, int wanted_ran, int wanted_left)
{
	char *path = mem_printf(TEST_SHARED_DIR "/aws/%s", file);
	struct tmf_err err = {0};
	struct doc *doc = doc_read(path, &err);
	json_t *suite;
	json_t *wanted;
	size_t i;
	size_t j;
	int ran = 0;
	int left = 0;

	tmf_err_fini(&err);
	if (doc == NULL)
		printf("SKIP: %s is not there\n", path);
	free(path);
	if (doc == NULL)
		return;
	json_array_foreach (json_object_get(doc_root(doc), "input"), i, suite) {
		json_array_foreach (json_object_get(suite, "cases"), j, wanted) {
			const char *reason = why_left_out(protocol, wanted);

			if (reason != NULL) {
				printf(
				    "left out: %s: %s\n", jsonx_get_string(wanted, "id"), reason);
				left++;
				continue;
			}
			run_case(protocol, suite, wanted);
			ran++;
		}
	}
	printf("%s: %d requests written, %d left out\n", file, ran, left);
	ck_assert_int_eq(ran, wanted_ran);
	ck_assert_int_eq(left, wanted_left);
	doc_free(doc);
}

START_TEST(requests_of_ec2)
{
	run_inputs("protocol-ec2.json", "ec2", 18, 11);
}
END_TEST

START_TEST(requests_of_query)
{
	run_inputs("protocol-query.json", "query", 12, 26);
}
END_TEST

START_TEST(requests_of_json)
{
	run_inputs("protocol-json-1.0.json", "json", 13, 9);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("protocol requests");
	TCase *tests = tcase_create("protocol requests");

	tcase_add_test(tests, requests_of_ec2);
	tcase_add_test(tests, requests_of_query);
	tcase_add_test(tests, requests_of_json);
	suite_add_tcase(s, tests);
	return run_suite(s);
}
