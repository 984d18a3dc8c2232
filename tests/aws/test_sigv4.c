/* SigV4: AWS's own suite where it is at hand, and vectors that everybody can recompute. */
#include "aws/wire/sigv4.h"
#include "base/doc/doc.h"
#include "base/file.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "base/timestamp.h"

#include "run_suite.h"

#include <check.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#define SUITE_DIR      TEST_SHARED_DIR "/aws/sigv4-suite"
#define GOLDEN_FILE    TEST_SHARED_DIR "/aws/golden-requests.json"
#define SUITE_CASES    38
#define FILE_BYTES_MAX (1u << 20)

/* --- one request in the suite's form --- */

struct suite_case {
	struct buf text; /* request.txt; its parts below point into it */
	char *method;
	char *path;
	char *query;
	struct http_header headers[HTTP_HEADERS_MAX];
	char *values[HTTP_HEADERS_MAX]; /* with continued lines joined */
	size_t headers_count;
	struct str body;
};

static void
read_text(const char *directory, const char *name, struct buf *text)
{
	char *path = mem_printf(SUITE_DIR "/%s/%s", directory, name);
	struct tmf_err err = {0};

	ck_assert_msg(
	    file_read(path, FILE_BYTES_MAX, text, NULL, &err) == 0, "%s", tmf_err_text(&err));
	free(path);
}

/* "METHOD target HTTP/1.1"; the target may hold blanks. */
static char *
parse_request_line(struct suite_case *c)
{
	char *line = c->text.p;
	char *end = strchr(line, '\n');
	char *version = strstr(line, " HTTP/1.1");

	*version = '\0';
	c->method = line;
	c->path = strchr(line, ' ') + 1;
	c->path[-1] = '\0';
	c->query = strchr(c->path, '?');
	if (c->query != NULL)
		*c->query++ = '\0';
	return end != NULL ? end + 1 : version + strlen(version + 1) + 1;
}

static void
parse_header(struct suite_case *c, char *line)
{
	size_t i = c->headers_count;

	if ((line[0] == ' ' || line[0] == '\t') && i > 0) {
		char *joined = mem_printf("%s %s", c->values[i - 1], line);

		free(c->values[i - 1]);
		c->values[i - 1] = joined;
		c->headers[i - 1].value = joined;
		return;
	}
	char *colon = strchr(line, ':');
	*colon = '\0';
	c->values[i] = mem_strdup(colon + 1);
	c->headers[i] = (struct http_header){line, c->values[i]};
	c->headers_count++;
}

static void
parse_request(const char *directory, struct suite_case *c)
{
	char *p;

	*c = (struct suite_case){0};
	read_text(directory, "request.txt", &c->text);
	p = parse_request_line(c);
	while (*p != '\0' && *p != '\n') {
		char *end = strchr(p, '\n');

		if (end != NULL)
			*end = '\0';
		parse_header(c, p);
		p = end != NULL ? end + 1 : p + strlen(p);
	}
	if (*p == '\n')
		c->body = str_of(p + 1);
}

static void
free_request(struct suite_case *c)
{
	for (size_t i = 0; i < c->headers_count; i++)
		free(c->values[i]);
	buf_fini(&c->text);
}

/* --- the suite --- */

static void
expect_file(const char *directory, const char *name, const char *got)
{
	struct buf wanted = {0};

	read_text(directory, name, &wanted);
	ck_assert_msg(strcmp(buf_cstr(&wanted), got) == 0, "%s/%s:\nwanted %s\ngot %s", directory,
	    name, buf_cstr(&wanted), got);
	buf_fini(&wanted);
}

static void
set_credentials(struct credentials *credentials, const json_t *from, const char *id,
    const char *secret, const char *token)
{
	*credentials = (struct credentials){0};
	snprintf(credentials->access_key_id, sizeof(credentials->access_key_id), "%s",
	    jsonx_get_string(from, id));
	secret_set(&credentials->secret_access_key, jsonx_get_string(from, secret));
	secret_set(&credentials->session_token, jsonx_get_string(from, token));
}

static int64_t
wall_ms_of(const char *text)
{
	struct timestamp at;

	ck_assert(timestamp_parse(str_of(text), &at));
	return at.seconds * 1000;
}

static void
sign_case(const char *directory)
{
	char *path = mem_printf(SUITE_DIR "/%s/context.json", directory);
	struct tmf_err err = {0};
	struct doc *doc = doc_read(path, &err);
	struct credentials credentials;
	struct sigv4_result result = {0};
	struct sigv4_key key = {0};
	struct suite_case c;

	ck_assert_msg(doc != NULL, "%s", tmf_err_text(&err));
	const json_t *context = doc_root(doc);
	parse_request(directory, &c);
	set_credentials(&credentials, json_object_get(context, "credentials"), "access_key_id",
	    "secret_access_key", "token");
	const struct sigv4_request request = {
	    .method = c.method,
	    .path = str_of(c.path),
	    .query = str_of(c.query),
	    .headers = c.headers,
	    .headers_count = c.headers_count,
	    .body = c.body,
	    .normalize_path = json_is_true(json_object_get(context, "normalize")),
	    .sign_body = json_is_true(json_object_get(context, "sign_body")),
	    .token_unsigned = json_is_true(json_object_get(context, "omit_session_token")),
	};
	const struct sigv4_scope scope = {
	    .region = jsonx_get_string(context, "region"),
	    .service = jsonx_get_string(context, "service"),
	    .wall_ms = wall_ms_of(jsonx_get_string(context, "timestamp")),
	};
	sigv4_sign(&request, &scope, &credentials, &key, &result);
	expect_file(directory, "header-canonical-request.txt", buf_cstr(&result.canonical_request));
	expect_file(directory, "header-string-to-sign.txt", buf_cstr(&result.string_to_sign));
	expect_file(directory, "header-signature.txt", result.signature);
	sigv4_result_fini(&result);
	sigv4_key_fini(&key);
	credentials_fini(&credentials);
	free_request(&c);
	doc_free(doc);
	free(path);
}

START_TEST(suite)
{
	DIR *directory = opendir(SUITE_DIR);
	const struct dirent *entry;
	int cases = 0;

	if (directory == NULL) {
		puts("SKIP: " SUITE_DIR " is not there");
		return;
	}
	while ((entry = readdir(directory)) != NULL) {
		if (strncmp(entry->d_name, "get-", 4) != 0 &&
		    strncmp(entry->d_name, "post-", 5) != 0)
			continue;
		sign_case(entry->d_name);
		cases++;
	}
	closedir(directory);
	printf("%d cases of the suite\n", cases);
	ck_assert_int_eq(cases, SUITE_CASES);
}
END_TEST

/* --- requests that botocore signed --- */

/* Signs the body as given with exactly the headers that the golden request names. */
static void
sign_golden(const json_t *golden, const json_t *file)
{
	const json_t *given = json_object_get(golden, "headers");
	const char *names = jsonx_get_string(golden, "signedHeaders");
	const char *url = jsonx_get_string(golden, "url");
	const char *host = strstr(url, "://") + 3;
	size_t host_len = strcspn(host, "/");
	char *host_text = mem_strndup(host, host_len);
	struct http_header headers[HTTP_HEADERS_MAX];
	size_t count = 0;
	struct credentials credentials;
	struct sigv4_result result = {0};
	struct sigv4_key key = {0};
	const char *name;
	json_t *value;

	set_credentials(&credentials,
	    json_object_get(
		json_object_get(file, "credentials"), jsonx_get_string(golden, "credentials")),
	    "accessKeyId", "secretAccessKey", "sessionToken");
	json_object_foreach ((json_t *)(uintptr_t)given, name, value) {
		char *lower = mem_strdup(name);

		for (char *p = lower; *p != '\0'; p++)
			*p = (char)(*p >= 'A' && *p <= 'Z' ? *p - 'A' + 'a' : *p);
		if (strstr(names, lower) != NULL && strcmp(lower, "x-amz-date") != 0 &&
		    strcmp(lower, "x-amz-security-token") != 0 && strcmp(lower, "host") != 0)
			headers[count++] = (struct http_header){name, json_string_value(value)};
		free(lower);
	}
	headers[count++] = (struct http_header){"Host", host_text};
	const char *credential = strstr(jsonx_get_string(given, "Authorization"), "Credential=");
	char region[64];
	char service[64];
	ck_assert_int_eq(
	    sscanf(credential, "Credential=%*[^/]/%*[^/]/%63[^/]/%63[^/]/", region, service), 2);
	const struct sigv4_request request = {
	    .method = jsonx_get_string(golden, "method"),
	    .path = str_of(host[host_len] != '\0' ? host + host_len : "/"),
	    .headers = headers,
	    .headers_count = count,
	    .body = str_of(jsonx_get_string(golden, "body")),
	    .normalize_path = true,
	};
	const struct sigv4_scope scope = {
	    region, service, wall_ms_of(jsonx_get_string(file, "clock"))};
	sigv4_sign(&request, &scope, &credentials, &key, &result);
	ck_assert_msg(
	    strcmp(buf_cstr(&result.authorization), jsonx_get_string(given, "Authorization")) == 0,
	    "%s:\nwanted %s\ngot %s", jsonx_get_string(golden, "operation"),
	    jsonx_get_string(given, "Authorization"), buf_cstr(&result.authorization));
	sigv4_result_fini(&result);
	sigv4_key_fini(&key);
	credentials_fini(&credentials);
	free(host_text);
}

START_TEST(golden_requests)
{
	struct tmf_err err = {0};
	struct doc *doc = doc_read(GOLDEN_FILE, &err);
	json_t *golden;
	size_t i;
	int signed_ones = 0;

	if (doc == NULL) {
		puts("SKIP: " GOLDEN_FILE " is not there");
		tmf_err_fini(&err);
		return;
	}
	json_array_foreach (json_object_get(doc_root(doc), "requests"), i, golden) {
		if (jsonx_get_string(golden, "signedHeaders") == NULL)
			continue; /* sent unsigned */
		sign_golden(golden, doc_root(doc));
		signed_ones++;
	}
	printf("%d golden requests\n", signed_ones);
	ck_assert_int_gt(signed_ones, 40);
	doc_free(doc);
}
END_TEST

/* --- our own --- */

/* The worked example of AWS's documentation: ListUsers of IAM. */
START_TEST(documented_example)
{
	const struct http_header headers[] = {
	    {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"},
	    {"Host", "iam.amazonaws.com"},
	};
	const struct sigv4_request request = {
	    .method = "GET",
	    .path = STR("/"),
	    .query = STR("Action=ListUsers&Version=2010-05-08"),
	    .headers = headers,
	    .headers_count = 2,
	    .normalize_path = true,
	};
	const struct sigv4_scope scope = {"us-east-1", "iam", 1440938160000};
	struct credentials credentials = {.access_key_id = "AKIDEXAMPLE"};
	struct sigv4_result result = {0};
	struct sigv4_key key = {0};

	secret_set(&credentials.secret_access_key, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
	for (int round = 0; round < 2; round++) { /* the second time with the key kept */
		sigv4_sign(&request, &scope, &credentials, &key, &result);
		ck_assert_str_eq(result.date, "20150830T123600Z");
		ck_assert_str_eq(result.signature,
		    "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
	}
	/* Another secret must not find the kept key. */
	secret_set(&credentials.secret_access_key, "other");
	sigv4_sign(&request, &scope, &credentials, &key, &result);
	ck_assert_str_ne(
	    result.signature, "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
	sigv4_result_fini(&result);
	sigv4_key_fini(&key);
	credentials_fini(&credentials);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sigv4");
	TCase *tests = tcase_create("sigv4");

	tcase_add_test(tests, suite);
	tcase_add_test(tests, golden_requests);
	tcase_add_test(tests, documented_example);
	suite_add_tcase(s, tests);
	return run_suite(s);
}
