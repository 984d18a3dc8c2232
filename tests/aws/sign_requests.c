/* Signs requests for test_botocore.py: a JSON object a line on standard input, {"authorization",
 * "date", "canonical"} a line on standard output. */
#include "aws/wire/sigv4.h"
#include "base/jsonx.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static size_t
headers_of(const json_t *list, struct http_header headers[HTTP_HEADERS_MAX])
{
	size_t count = json_array_size(list);

	assert(count <= HTTP_HEADERS_MAX);
	for (size_t i = 0; i < count; i++) {
		const json_t *pair = json_array_get(list, i);

		headers[i] = (struct http_header){json_string_value(json_array_get(pair, 0)),
		    json_string_value(json_array_get(pair, 1))};
	}
	return count;
}

static void
answer(const struct sigv4_result *result)
{
	json_t *reply = json_object();
	char *text;

	jsonx_put_string(reply, "authorization", buf_cstr(&result->authorization));
	jsonx_put_string(reply, "date", result->date);
	jsonx_put_string(reply, "canonical", buf_cstr(&result->canonical_request));
	text = jsonx_text(reply);
	puts(text);
	free(text);
	json_decref(reply);
}

static void
sign(const json_t *asked, struct sigv4_key *key)
{
	struct http_header headers[HTTP_HEADERS_MAX];
	struct credentials credentials = {.expires_wall_ms = INT64_MAX};
	struct sigv4_result result = {0};
	bool is_s3 = json_is_true(json_object_get(asked, "s3"));
	const struct sigv4_request request = {
	    .method = jsonx_get_string(asked, "method"),
	    .path = str_of(jsonx_get_string(asked, "path")),
	    .query = str_of(jsonx_get_string(asked, "query")),
	    .headers = headers,
	    .headers_count = headers_of(jsonx_get_array(asked, "headers"), headers),
	    .body = str_of(jsonx_get_string(asked, "body")),
	    .normalize_path = !is_s3,
	    .path_as_sent = is_s3,
	    .sign_body = is_s3,
	};
	const struct sigv4_scope scope = {
	    .region = jsonx_get_string(asked, "region"),
	    .service = jsonx_get_string(asked, "service"),
	    .wall_ms = json_integer_value(json_object_get(asked, "wallMs")),
	};

	snprintf(credentials.access_key_id, sizeof(credentials.access_key_id), "%s",
	    jsonx_get_string(asked, "accessKeyId"));
	secret_set(&credentials.secret_access_key, jsonx_get_string(asked, "secret"));
	secret_set(&credentials.session_token, jsonx_get_string(asked, "token"));
	sigv4_sign(&request, &scope, &credentials, key, &result);
	answer(&result);
	sigv4_result_fini(&result);
	credentials_fini(&credentials);
}

int
main(void)
{
	struct sigv4_key key = {0};
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	while ((len = getline(&line, &size, stdin)) > 0) {
		json_t *asked = jsonx_parse((struct str){line, (size_t)len}, NULL);

		assert(asked != NULL);
		sign(asked, &key);
		json_decref(asked);
	}
	free(line);
	sigv4_key_fini(&key);
	return 0;
}
