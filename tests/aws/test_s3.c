/* The typed calls of S3: what is sent and where to, how it is signed, and what replies mean. */
#include "aws/services/s3.h"
#include "aws_fixture.h"
#include "base/digest.h"
#include "base/jsonx.h"

#include "run_suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define KEY "a b/../c+\xc3\xa4//d.csv"

static const struct http_header object_headers[] = {{"ETag", "\"e-1\""},
    {"Content-Range", "bytes 10-14/1000"}, {"Content-Encoding", "gzip"}, {NULL, NULL}};
static const struct scripted_reply object_reply = {NULL, 206, "bytes"};

static struct tmf_call *
get(struct aws_client *client, const char *bucket)
{
	return s3_get_object(client, &(struct s3_range){.bucket = bucket,
					 .key = KEY,
					 .version_id = "v=1",
					 .etag = "\"e-1\"",
					 .offset = 10,
					 .bytes = 5});
}

static void
open_fixture(struct aws_fixture *f, const struct scripted_reply *reply,
    const struct http_header *headers, const char *endpoint)
{
	aws_fixture_init(f,
	    &(struct scripted_opts){.replies = reply, .replies_count = 1, .headers = headers}, 1);
	f->endpoint = endpoint;
	aws_fixture_service(f, "s3");
}

/* The key is encoded once, with its slashes and dots as they are; where the bucket stands depends
 * on the endpoint and on its name. */
START_TEST(places)
{
	static const struct {
		const char *endpoint, *bucket, *url;
	} cases[] = {
	    {NULL, "data-1", "https://data-1.s3.us-east-1.amazonaws.com/"},
	    {NULL, "data.one", "https://s3.us-east-1.amazonaws.com/data.one/"},
	    {"http://127.0.0.1:9000", "data-1", "http://127.0.0.1:9000/data-1/"},
	    {"http://127.0.0.1:9000/", "data-1", "http://127.0.0.1:9000/data-1/"},
	    {"https://proxy.example/s3", "data-1", "https://proxy.example/s3/data-1/"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct scripted_request *request;
		struct aws_fixture f;
		char url[256];

		open_fixture(&f, &object_reply, object_headers, cases[i].endpoint);
		aws_fixture_run(&f, get(f.client, cases[i].bucket));
		request = scripted_transport_request(f.scripted, 0);
		snprintf(url, sizeof(url), "%sa%%20b/../c%%2B%%C3%%A4//d.csv?versionId=v%%3D1",
		    cases[i].url);
		ck_assert_str_eq(request->url, url);
		ck_assert_str_eq(request->method, "GET");
		ck_assert_str_eq(scripted_request_header(request, "Range"), "bytes=10-14");
		ck_assert_str_eq(scripted_request_header(request, "If-Match"), "\"e-1\"");
		ck_assert_ptr_null(scripted_request_header(request, "Content-Type"));
		aws_fixture_fini(&f);
	}
}
END_TEST

START_TEST(object)
{
	struct aws_fixture f;

	open_fixture(&f, &object_reply, object_headers, NULL);
	aws_fixture_run(&f, get(f.client, "data-1"));
	ck_assert_str_eq(jsonx_get_string(f.result, "Body"), "bytes");
	ck_assert_str_eq(jsonx_get_string(f.result, "ETag"), "\"e-1\"");
	ck_assert_str_eq(jsonx_get_string(f.result, "ContentRange"), "bytes 10-14/1000");
	ck_assert_str_eq(jsonx_get_string(f.result, "ContentEncoding"), "gzip");
	aws_fixture_fini(&f);
}
END_TEST

/* A page of a captive portal has status 200 and no ETag. */
START_TEST(another_page)
{
	static const struct scripted_reply reply = {NULL, 200, "<html>sign in</html>"};
	struct aws_fixture f;

	open_fixture(&f, &reply, NULL, NULL);
	aws_fixture_run(&f, get(f.client, "data-1"));
	ck_assert_int_eq(f.err.code, TMF_ERR_REPLY);
	ck_assert_ptr_nonnull(strstr(tmf_err_text(&f.err), "ETag"));
	aws_fixture_fini(&f);
}
END_TEST

/* The hash of the body is sent and signed, and the path is signed as it is sent. */
START_TEST(put)
{
	static const struct scripted_reply reply = {NULL, 200, ""};
	const struct scripted_request *request;
	char sha256[DIGEST_SHA256_HEX_BYTES];
	struct buf body = {0};
	struct aws_fixture f;

	open_fixture(&f, &reply, object_headers, NULL);
	buf_add_cstr(&body, "[1]\n");
	aws_fixture_run(
	    &f, s3_put_object(f.client, "data-1", "r/x.json", "application/json", &body));
	ck_assert_ptr_nonnull(f.result);
	request = scripted_transport_request(f.scripted, 0);
	ck_assert_str_eq(request->method, "PUT");
	ck_assert_str_eq(request->url, "https://data-1.s3.us-east-1.amazonaws.com/r/x.json");
	ck_assert_str_eq(request->body, "[1]\n");
	ck_assert_str_eq(scripted_request_header(request, "Content-Type"), "application/json");
	digest_sha256_hex(STR("[1]\n"), sha256);
	ck_assert_str_eq(scripted_request_header(request, "x-amz-content-sha256"), sha256);
	ck_assert_ptr_nonnull(strstr(scripted_request_header(request, "Authorization"),
	    "/us-east-1/s3/aws4_request, "
	    "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date"));
	aws_fixture_fini(&f);
}
END_TEST

START_TEST(list)
{
	static const struct scripted_reply reply = {NULL, 200,
	    "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/"
	    "2006-03-01/\"><Name>data-1</Name><EncodingType>url</EncodingType>"
	    "<IsTruncated>true</IsTruncated>"
	    "<Contents><Key>a+b%2Bc%C3%A4%</Key><LastModified>2026-01-15T12:00:00.000Z"
	    "</LastModified><ETag>&quot;e&quot;</ETag><Size>5368709120</Size>"
	    "<StorageClass>STANDARD</StorageClass></Contents>"
	    "<Contents><Key>z</Key><Size>0</Size></Contents>"
	    "<Contents><Size>1</Size></Contents></ListBucketResult>"};
	const struct scripted_request *request;
	struct aws_fixture f;
	char *text;

	open_fixture(&f, &reply, NULL, NULL);
	aws_fixture_run(&f, s3_list_objects(f.client, "data-1", "x/", "x/ 1"));
	request = scripted_transport_request(f.scripted, 0);
	ck_assert_str_eq(request->url,
	    "https://data-1.s3.us-east-1.amazonaws.com/"
	    "?list-type=2&encoding-type=url&prefix=x%2F&start-after=x%2F%201");
	text = jsonx_text(f.result);
	ck_assert_str_eq(text,
	    "{\"IsTruncated\":true,\"Contents\":[{\"Key\":\"a b+c\xc3\xa4%\","
	    "\"LastModified\":\"2026-01-15T12:00:00.000Z\",\"Etag\":\"\\\"e\\\"\","
	    "\"Size\":5368709120,\"StorageClass\":\"STANDARD\"},{\"Key\":\"z\",\"Size\":0},"
	    "{\"Size\":1}]}");
	free(text);
	aws_fixture_fini(&f);
}
END_TEST

START_TEST(empty_list)
{
	static const struct scripted_reply reply = {NULL, 200,
	    "<ListBucketResult><IsTruncated>false</IsTruncated>"
	    "</ListBucketResult>"};
	static const struct scripted_reply other = {NULL, 200, "<Page><a/></Page>"};
	struct aws_fixture f;

	open_fixture(&f, &reply, NULL, NULL);
	aws_fixture_run(&f, s3_list_objects(f.client, "data-1", NULL, NULL));
	ck_assert_uint_eq(json_array_size(jsonx_get_array(f.result, "Contents")), 0);
	aws_fixture_fini(&f);
	open_fixture(&f, &other, NULL, NULL);
	aws_fixture_run(&f, s3_list_objects(f.client, "data-1", NULL, NULL));
	ck_assert_ptr_nonnull(strstr(tmf_err_text(&f.err), "<Page> instead of <ListBucketResult>"));
	aws_fixture_fini(&f);
}
END_TEST

/* Errors have S3's own code, also of an operation that expects no XML. */
START_TEST(refusals)
{
	static const struct scripted_reply missing = {NULL, 404,
	    "<?xml version=\"1.0\"?>\n<Error><Code>NoSuchKey</Code><Message>The specified key does "
	    "not exist.</Message><Key>x</Key><RequestId>R1</RequestId><HostId>h</HostId></Error>"};
	static const struct scripted_reply page = {NULL, 502, "<html><body/></html>"};
	static const struct scripted_reply moved = {NULL, 301,
	    "<Error><Code>PermanentRedirect</Code><Message>The bucket you are attempting to access "
	    "must be addressed using the specified endpoint.</Message></Error>"};
	static const struct http_header elsewhere[] = {
	    {"x-amz-bucket-region", "eu-west-1"}, {NULL, NULL}};
	struct aws_fixture f;

	open_fixture(&f, &missing, NULL, NULL);
	aws_fixture_run(&f, get(f.client, "data-1"));
	aws_fixture_expect_refusal(&f, "NoSuchKey");
	ck_assert_str_eq(f.err.request_id, "R1");
	ck_assert_int_eq(f.err.http_status, 404);
	aws_fixture_fini(&f);
	open_fixture(&f, &page, NULL, NULL);
	aws_fixture_run(&f, get(f.client, "data-1"));
	aws_fixture_expect_refusal(&f, "BadGateway");
	aws_fixture_fini(&f);
	open_fixture(&f, &moved, elsewhere, NULL);
	aws_fixture_run(&f, get(f.client, "data-1"));
	aws_fixture_expect_refusal(&f, "PermanentRedirect");
	ck_assert_ptr_nonnull(strstr(tmf_err_text(&f.err), "the bucket is in eu-west-1"));
	aws_fixture_fini(&f);
}
END_TEST

/* A bucket's name may come from data, and becomes a part of the host's: without a request. */
START_TEST(names)
{
	static const char *const buckets[] = {"", "ab", "evil.example/x", "a@b", "Data", "-ab",
	    "ab-", "a..b", "a_b", "arn:aws:s3:us-east-1:1:accesspoint/x",
	    "a123456789012345678901234567890123456789012345678901234567890123"};
	struct aws_fixture f;

	open_fixture(&f, &object_reply, object_headers, NULL);
	for (size_t i = 0; i < sizeof(buckets) / sizeof(buckets[0]); i++) {
		struct buf body = {0};

		aws_fixture_run(&f, get(f.client, buckets[i]));
		ck_assert(tmf_err_is(&f.err, S3_ERROR_NAME));
		tmf_err_fini(&f.err);
		aws_fixture_run(&f, s3_list_objects(f.client, buckets[i], NULL, NULL));
		ck_assert(tmf_err_is(&f.err, S3_ERROR_NAME));
		tmf_err_fini(&f.err);
		buf_add_cstr(&body, "x");
		aws_fixture_run(&f, s3_put_object(f.client, buckets[i], "k", NULL, &body));
		ck_assert(tmf_err_is(&f.err, S3_ERROR_NAME));
		tmf_err_fini(&f.err);
	}
	aws_fixture_run(&f, s3_get_object(f.client, &(struct s3_range){"data-1", "", .bytes = 1}));
	ck_assert(tmf_err_is(&f.err, S3_ERROR_NAME));
	ck_assert_uint_eq(scripted_transport_sent(f.scripted), 0);
	aws_fixture_fini(&f);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("s3");
	TCase *tests = tcase_create("s3");

	tcase_add_test(tests, places);
	tcase_add_test(tests, object);
	tcase_add_test(tests, another_page);
	tcase_add_test(tests, put);
	tcase_add_test(tests, list);
	tcase_add_test(tests, empty_list);
	tcase_add_test(tests, refusals);
	tcase_add_test(tests, names);
	suite_add_tcase(s, tests);
	return run_suite(s);
}
