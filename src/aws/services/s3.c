#include "aws/services/s3.h"

#include "aws/wire/query.h"
#include "base/jsonx.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKET_BYTES_MIN 3
#define BUCKET_BYTES_MAX 63 /* a label of a host's name */
#define KEY_BYTES_MAX	 1024
#define RANGE_TEXT_BYTES 64

static const char bucket_signs[] = "abcdefghijklmnopqrstuvwxyz0123456789.-";

/* The name becomes a part of the host's: "x.evil.example/" must not. See:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
static bool
s3_is_bucket(const char *bucket)
{
	size_t len = strlen(bucket);

	return len >= BUCKET_BYTES_MIN && len <= BUCKET_BYTES_MAX &&
	       strspn(bucket, bucket_signs) == len && isalnum((unsigned char)bucket[0]) &&
	       isalnum((unsigned char)bucket[len - 1]) && strstr(bucket, "..") == NULL;
}

/* Before a request: an invalid name could become another place of the URL. */
static bool
s3_check_names(const char *bucket, const char *key, struct tmf_err *err)
{
	if (!s3_is_bucket(bucket))
		tmf_err_set_name(err, TMF_ERR_INVALID, S3_ERROR_NAME,
		    "\"%s\" is not the name of a bucket: 3 to 63 small letters, digits, \".\" and "
		    "\"-\"",
		    bucket);
	else if (key != NULL && (key[0] == '\0' || strlen(key) > KEY_BYTES_MAX))
		tmf_err_set_name(err, TMF_ERR_INVALID, S3_ERROR_NAME,
		    "a key of bucket %s is empty or longer than %d bytes", bucket, KEY_BYTES_MAX);
	else
		return true;
	return false;
}

/* A slash of the key stays one: it is sent, and signed, as the object is called. */
static void
s3_add_key(struct buf *path, const char *key)
{
	buf_add_char(path, '/');
	for (;; key++) {
		size_t len = strcspn(key, "/");

		query_encode(path, (struct str){key, len});
		key += len;
		if (*key == '\0')
			return;
		buf_add_char(path, '/');
	}
}

/* Encoded here and signed as it is: the signature sorts the parameters by itself. */
static void
s3_add_param(struct buf *query, const char *name, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	if (query->len > 0)
		buf_add_char(query, '&');
	buf_printf(query, "%s=", name);
	query_encode(query, str_of(value));
}

/* A key may have "../" in it: the transport leaves the path as it is, since it was signed so. */
struct tmf_call *
s3_get_object(struct aws_client *s3, const struct s3_range *range)
{
	struct aws_operation operation = {
	    .name = "GetObject", .method = "GET", .bucket = range->bucket, .secret = true};
	char text[RANGE_TEXT_BYTES];
	struct tmf_err err = {0};
	struct buf path = {0};
	struct buf query = {0};
	struct tmf_call *call;

	assert(range->offset >= 0 && range->bytes > 0);
	if (!s3_check_names(range->bucket, range->key, &err))
		return tmf_call_of_err(aws_client_loop(s3), &err);
	s3_add_key(&path, range->key);
	s3_add_param(&query, "versionId", range->version_id);
	snprintf(text, sizeof(text), "bytes=%" PRId64 "-%" PRId64, range->offset,
	    range->offset + range->bytes - 1);
	operation.path = buf_cstr(&path);
	operation.query = query.len > 0 ? buf_cstr(&query) : NULL;
	operation.headers[0] = (struct http_header){"Range", text};
	operation.headers[1] = (struct http_header){"If-Match", range->etag};
	call = aws_client_call(s3, &operation);
	buf_fini(&path);
	buf_fini(&query);
	return call;
}

static int
s3_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Keys are asked for as a URL has them, since XML cannot hold some of their bytes. */
static json_t *
s3_decoded_key(const char *text)
{
	struct buf key = {0};
	json_t *value;

	for (; *text != '\0'; text++) {
		int high = *text == '%' ? s3_hex(text[1]) : -1;
		int low = high >= 0 ? s3_hex(text[2]) : -1;

		if (low >= 0) {
			buf_add_char(&key, (char)(high << 4 | low));
			text += 2;
		} else {
			buf_add_char(&key, (char)(*text == '+' ? ' ' : *text));
		}
	}
	value = jsonx_text_value(buf_cstr(&key));
	buf_fini(&key);
	return value;
}

static json_t *
s3_with_keys(json_t *reply)
{
	const char *encoding = jsonx_get_string(reply, "EncodingType");
	json_t *object;
	size_t i;

	if (encoding != NULL && strcmp(encoding, "url") == 0)
		json_array_foreach (jsonx_get_array(reply, "Contents"), i, object) {
			const char *key = jsonx_get_string(object, "Key");

			if (key != NULL)
				json_object_set_new(object, "Key", s3_decoded_key(key));
		}
	json_object_del(reply, "EncodingType");
	return reply;
}

static const struct xml_shape contents_shape[] = {
    {"Key", "Key", XML_STRING, NULL, NULL},
    {"LastModified", "LastModified", XML_STRING, NULL, NULL},
    {"ETag", "Etag", XML_STRING, NULL, NULL},
    {"Size", "Size", XML_INTEGER, NULL, NULL},
    {"StorageClass", "StorageClass", XML_STRING, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape list_shape[] = {
    {"Contents", "Contents", XML_FLAT, contents_shape, NULL},
    {"IsTruncated", "IsTruncated", XML_BOOLEAN, NULL, NULL},
    {"EncodingType", "EncodingType", XML_STRING, NULL, NULL},
    {.element = NULL},
};

/* By the last key and not by a ContinuationToken: the key can be stored, and does not expire. */
struct tmf_call *
s3_list_objects(struct aws_client *s3, const char *bucket, const char *prefix, const char *after)
{
	struct aws_operation operation = {
	    .name = "ListObjectsV2",
	    .method = "GET",
	    .path = "/",
	    .bucket = bucket,
	    .reply = list_shape,
	    .convert = s3_with_keys,
	};
	struct tmf_err err = {0};
	struct buf query = {0};
	struct tmf_call *call;

	if (!s3_check_names(bucket, NULL, &err))
		return tmf_call_of_err(aws_client_loop(s3), &err);
	s3_add_param(&query, "list-type", "2");
	s3_add_param(&query, "encoding-type", "url");
	s3_add_param(&query, "prefix", prefix);
	s3_add_param(&query, "start-after", after);
	operation.query = buf_cstr(&query);
	call = aws_client_call(s3, &operation);
	buf_fini(&query);
	return call;
}

/* S3 writes an object whole or not at all, so that one that was cut off on the way leaves what was
 * there before. Repeating it is harmless: the same bytes lie there then. */
struct tmf_call *
s3_put_object(struct aws_client *s3, const char *bucket, const char *key, const char *content_type,
    struct buf *body)
{
	struct aws_operation operation = {
	    .name = "PutObject",
	    .method = "PUT",
	    .bucket = bucket,
	    .content_type = content_type,
	    .secret = true,
	};
	struct tmf_err err = {0};
	struct buf path = {0};
	struct tmf_call *call;

	if (!s3_check_names(bucket, key, &err)) {
		buf_fini(body);
		return tmf_call_of_err(aws_client_loop(s3), &err);
	}
	s3_add_key(&path, key);
	operation.path = buf_cstr(&path);
	operation.body = *body;
	*body = (struct buf){0};
	call = aws_client_call(s3, &operation);
	buf_fini(&path);
	return call;
}
