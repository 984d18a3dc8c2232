#include "aws/wire/sigv4.h"

#include "aws/wire/query.h"
#include "base/mem.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define ALGORITHM	   "AWS4-HMAC-SHA256"
#define TERMINATOR	   "aws4_request"
#define DAY_BYTES	   8 /* of a date */
#define SIGNED_HEADERS_MAX (HTTP_HEADERS_MAX + 3)

/* The derived key signs too, and so it is wiped like the secret itself. */
void
sigv4_key_fini(struct sigv4_key *key)
{
	secret_fini(&key->secret);
	mem_wipe(key, sizeof(*key));
}

void
sigv4_result_fini(struct sigv4_result *result)
{
	/* The session token stands in it. */
	mem_wipe(result->canonical_request.p, result->canonical_request.len);
	buf_fini(&result->canonical_request);
	buf_fini(&result->string_to_sign);
	buf_fini(&result->authorization);
}

/* Not by localtime: AWS reads the time as UTC. The day of the scope is the beginning of this
 * text, so that both always agree. */
static void
sigv4_date(int64_t wall_ms, char out[SIGV4_DATE_BYTES])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(out, SIGV4_DATE_BYTES, "%Y%m%dT%H%M%SZ", &tm);
}

/* --- the canonical path --- */

/* Percent-encodes what is not unreserved; a slash stays. The path is encoded twice, once by who
 * sends it and once here, as AWS does for all services but S3. Example: a blank that was sent as
 * %20 becomes %2520 here. */
static void
sigv4_encode_path(struct buf *out, struct str path)
{
	while (path.len > 0) {
		size_t len = 0;

		while (len < path.len && path.p[len] != '/')
			len++;
		query_encode(out, (struct str){path.p, len});
		if (len < path.len) {
			buf_add_char(out, '/');
			len++;
		}
		path.p += len;
		path.len -= len;
	}
}

/* Resolves . and .. and folds slashes; a slash at the end stays. Example: /a/./b//../c/ becomes
 * /a/c/. */
static void
sigv4_normalize_path(struct buf *out, struct str path)
{
	struct str segments[SIGV4_PATH_SEGMENTS_MAX];
	size_t count = 0;
	bool slash_at_end = path.len > 0 && path.p[path.len - 1] == '/';

	while (path.len > 0) {
		struct str segment = {path.p, 0};

		while (segment.len < path.len && segment.p[segment.len] != '/')
			segment.len++;
		path.p += segment.len + (segment.len < path.len);
		path.len -= segment.len + (segment.len < path.len);
		slash_at_end |= path.len == 0 && (str_is(segment, ".") || str_is(segment, ".."));
		if (segment.len == 0 || str_is(segment, "."))
			continue;
		if (str_is(segment, "..")) {
			count -= count > 0;
			continue;
		}
		assert(count < SIGV4_PATH_SEGMENTS_MAX);
		segments[count++] = segment;
	}
	for (size_t i = 0; i < count; i++) {
		buf_add_char(out, '/');
		buf_add_str(out, segments[i]);
	}
	if (slash_at_end || count == 0)
		buf_add_char(out, '/');
}

/* An empty path is signed as a slash. A key of S3 may hold "a//b" and "..", and is encoded once. */
static void
sigv4_add_path(struct buf *out, const struct sigv4_request *request)
{
	struct buf normal = {0};

	if (request->path.len == 0 || str_is(request->path, "/")) {
		buf_add_char(out, '/');
		return;
	}
	assert(!request->normalize_path || !request->path_as_sent);
	if (request->path_as_sent) {
		buf_add_str(out, request->path);
		return;
	}
	if (request->normalize_path)
		sigv4_normalize_path(&normal, request->path);
	else
		buf_add_str(&normal, request->path);
	sigv4_encode_path(out, buf_str(&normal));
	buf_fini(&normal);
}

/* --- the canonical query --- */

struct param {
	struct str name;
	struct str value;
};

/* By bytes, as AWS sorts: a locale would sort differently. */
static int
sigv4_compare_str(struct str a, struct str b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len > 0 ? memcmp(a.p, b.p, len) : 0;

	if (order != 0)
		return order;
	return a.len < b.len ? -1 : a.len > b.len;
}

/* The value decides where a name occurs twice. */
static int
sigv4_compare_params(const void *a, const void *b)
{
	const struct param *x = a;
	const struct param *y = b;
	int order = sigv4_compare_str(x->name, y->name);

	return order != 0 ? order : sigv4_compare_str(x->value, y->value);
}

/* Encodes part again into scratch and gives where it stands there; percent signs of an encoded
 * query stay. Encoding them again would sign %2520 where %20 is sent. */
static void
sigv4_add_encoded(struct buf *scratch, struct str part)
{
	for (size_t i = 0; i < part.len; i++) {
		if (part.p[i] == '%' && i + 2 < part.len &&
		    isxdigit((unsigned char)part.p[i + 1]) &&
		    isxdigit((unsigned char)part.p[i + 2])) {
			buf_add(scratch, part.p + i, 3);
			i += 2;
		} else {
			query_encode(scratch, (struct str){part.p + i, 1});
		}
	}
}

/* Sorted by name and value after they are encoded: an encoded name may sort differently. The
 * parameters borrow from scratch. A parameter without an equals sign is signed with one.
 * Example: "b=2&a" becomes "a=&b=2". */
static void
sigv4_add_query(struct buf *out, struct str query)
{
	struct param params[SIGV4_QUERY_PARAMS_MAX];
	struct buf scratch = {0};
	size_t count = 0;

	buf_reserve(&scratch, 3 * query.len + SIGV4_QUERY_PARAMS_MAX); /* so that it never moves */
	while (query.len > 0) {
		const char *end = memchr(query.p, '&', query.len);
		struct str pair = {query.p, end != NULL ? (size_t)(end - query.p) : query.len};
		const char *equals = memchr(pair.p, '=', pair.len);
		size_t name_len = equals != NULL ? (size_t)(equals - pair.p) : pair.len;
		size_t start = scratch.len;

		assert(count < SIGV4_QUERY_PARAMS_MAX);
		sigv4_add_encoded(&scratch, (struct str){pair.p, name_len});
		params[count].name = (struct str){scratch.p + start, scratch.len - start};
		start = scratch.len;
		if (equals != NULL)
			sigv4_add_encoded(
			    &scratch, (struct str){equals + 1, pair.len - name_len - 1});
		params[count++].value = (struct str){scratch.p + start, scratch.len - start};
		query.p += pair.len + (end != NULL);
		query.len -= pair.len + (end != NULL);
	}
	if (count > 1)
		qsort(params, count, sizeof(params[0]), sigv4_compare_params);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_add_char(out, '&');
		buf_add_str(out, params[i].name);
		buf_add_char(out, '=');
		buf_add_str(out, params[i].value);
	}
	buf_fini(&scratch);
}

/* --- the canonical headers --- */

/* Sorted at all times: the lines and the list of names must come in the same order. */
struct signed_headers {
	struct http_header at[SIGNED_HEADERS_MAX];
	size_t count;
};

static void
sigv4_add_header(struct signed_headers *headers, const char *name, const char *value)
{
	size_t i = headers->count++;

	assert(headers->count <= SIGNED_HEADERS_MAX);
	/* Insertion sort by name; equal names stay in order. */
	while (i > 0 && strcasecmp(headers->at[i - 1].name, name) > 0) {
		headers->at[i] = headers->at[i - 1];
		i--;
	}
	headers->at[i] = (struct http_header){name, value};
}

/* Outer blanks go, runs of inner ones become one. A proxy may fold blanks on the way, and the
 * signature must survive that. */
static void
sigv4_add_trimmed(struct buf *out, const char *value)
{
	struct str rest = str_trim(str_of(value));

	while (rest.len > 0) {
		size_t word = 0;
		size_t blanks = 0;

		while (word < rest.len && !isspace((unsigned char)rest.p[word]))
			word++;
		while (word + blanks < rest.len && isspace((unsigned char)rest.p[word + blanks]))
			blanks++;
		buf_add(out, rest.p, word);
		if (blanks > 0)
			buf_add_char(out, ' ');
		rest.p += word + blanks;
		rest.len -= word + blanks;
	}
}

/* Names of headers have no case in HTTP, and HTTP/2 sends them in lower case. */
static void
sigv4_add_lower(struct buf *out, const char *name)
{
	for (; *name != '\0'; name++)
		buf_add_char(out, (char)tolower((unsigned char)*name));
}

static bool
sigv4_same_name(const struct http_header *before, const struct http_header *header)
{
	return before != NULL && strcasecmp(before->name, header->name) == 0;
}

/* Headers of one name become one line, their values in the order in which they are sent. */
static void
sigv4_add_headers(struct buf *out, const struct signed_headers *headers)
{
	const struct http_header *before = NULL;

	for (size_t i = 0; i < headers->count; i++) {
		const struct http_header *header = &headers->at[i];

		if (sigv4_same_name(before, header)) {
			buf_add_char(out, ',');
		} else {
			if (before != NULL)
				buf_add_char(out, '\n');
			sigv4_add_lower(out, header->name);
			buf_add_char(out, ':');
		}
		sigv4_add_trimmed(out, header->value);
		before = header;
	}
	buf_add_char(out, '\n');
}

/* Example: host;x-amz-date. The service then knows which headers the signature covers. */
static void
sigv4_add_header_names(struct buf *out, const struct signed_headers *headers)
{
	const struct http_header *before = NULL;

	for (size_t i = 0; i < headers->count; i++) {
		const struct http_header *header = &headers->at[i];

		if (sigv4_same_name(before, header))
			continue;
		if (before != NULL)
			buf_add_char(out, ';');
		sigv4_add_lower(out, header->name);
		before = header;
	}
}

/* --- putting it together --- The request in the one form that both sides can compute: METHOD,
 * path, query, headers, their names, the hash of the body, a line each. */
static void
sigv4_canonical_request(const struct sigv4_request *request, const struct signed_headers *headers,
    struct sigv4_result *result)
{
	struct buf *out = &result->canonical_request;

	buf_add_cstr(out, request->method);
	buf_add_char(out, '\n');
	sigv4_add_path(out, request);
	buf_add_char(out, '\n');
	sigv4_add_query(out, request->query);
	buf_add_char(out, '\n');
	sigv4_add_headers(out, headers);
	buf_add_char(out, '\n');
	sigv4_add_header_names(out, headers);
	buf_add_char(out, '\n');
	buf_add_cstr(out, result->content_sha256);
}

static struct str
sigv4_bytes(const uint8_t *data)
{
	return (struct str){(const char *)data, DIGEST_SHA256_BYTES};
}

/* The secret is compared too: a refresh of the keys replaces it within the day. */
static bool
sigv4_key_is_for(const struct sigv4_key *key, const char *date, const struct sigv4_scope *scope,
    const char *secret)
{
	return strncmp(key->day, date, DAY_BYTES) == 0 && strcmp(key->region, scope->region) == 0 &&
	       strcmp(key->service, scope->service) == 0 &&
	       strcmp(secret_reveal(&key->secret), secret) == 0;
}

/* Notes what the key is for. Where the names are too long it is for nothing, and derived each
 * time. An empty day never equals a date. */
static void
sigv4_keep_purpose(
    struct sigv4_key *key, const char *date, const struct sigv4_scope *scope, const char *secret)
{
	int region = snprintf(key->region, sizeof(key->region), "%s", scope->region);
	int service = snprintf(key->service, sizeof(key->service), "%s", scope->service);
	bool fits = region < (int)sizeof(key->region) && service < (int)sizeof(key->service);

	snprintf(key->day, sizeof(key->day), "%.*s", fits ? DAY_BYTES : 0, date);
	secret_set(&key->secret, secret);
}

/* Derives the day's key unless it is the one that is kept. Each step takes the key before as its
 * key: AWS can hand a key for one day, region and service to that service, and no more. Kept, since
 * four HMACs a call cost more than the rest of a signature. */
static void
sigv4_derive_key(
    struct sigv4_key *key, const char *date, const struct sigv4_scope *scope, const char *secret)
{
	struct buf start = {0};

	if (sigv4_key_is_for(key, date, scope, secret))
		return;
	sigv4_keep_purpose(key, date, scope, secret);
	buf_printf(&start, "AWS4%s", secret);
	digest_hmac_sha256(buf_str(&start), (struct str){date, DAY_BYTES}, key->key);
	digest_hmac_sha256(sigv4_bytes(key->key), str_of(scope->region), key->key);
	digest_hmac_sha256(sigv4_bytes(key->key), str_of(scope->service), key->key);
	digest_hmac_sha256(sigv4_bytes(key->key), STR(TERMINATOR), key->key);
	mem_wipe(start.p, start.len);
	buf_fini(&start);
}

/* "20260115/us-east-1/ec2/aws4_request" */
static void
sigv4_add_scope(struct buf *out, const char *date, const struct sigv4_scope *scope)
{
	buf_add(out, date, DAY_BYTES);
	buf_add_char(out, '/');
	buf_add_cstr(out, scope->region);
	buf_add_char(out, '/');
	buf_add_cstr(out, scope->service);
	buf_add_str(out, STR("/" TERMINATOR));
}

/* What is signed is the hash of the canonical request, with the time and the scope that the key is
 * for. */
static void
sigv4_string_to_sign(const struct sigv4_scope *scope, struct sigv4_result *result)
{
	struct buf *out = &result->string_to_sign;
	char request_digest[DIGEST_SHA256_HEX_BYTES];

	digest_sha256_hex(buf_str(&result->canonical_request), request_digest);
	buf_add_str(out, STR(ALGORITHM "\n"));
	buf_add_cstr(out, result->date);
	buf_add_char(out, '\n');
	sigv4_add_scope(out, result->date, scope);
	buf_add_char(out, '\n');
	buf_add_cstr(out, request_digest);
}

/* The scope is in clear text there, since the service derives its own copy of the key by it. */
static void
sigv4_authorization(const struct sigv4_scope *scope, const char *access_key_id,
    const struct signed_headers *headers, struct sigv4_result *result)
{
	struct buf *out = &result->authorization;

	buf_add_str(out, STR(ALGORITHM " Credential="));
	buf_add_cstr(out, access_key_id);
	buf_add_char(out, '/');
	sigv4_add_scope(out, result->date, scope);
	buf_add_str(out, STR(", SignedHeaders="));
	sigv4_add_header_names(out, headers);
	buf_add_str(out, STR(", Signature="));
	buf_add_cstr(out, result->signature);
}

/* The buffers are kept between requests, so that a signature allocates little. */
static void
sigv4_reset(struct sigv4_result *result)
{
	buf_reset(&result->canonical_request);
	buf_reset(&result->string_to_sign);
	buf_reset(&result->authorization);
}

/* The date, the token and the hash of the body are signed whether the caller thinks of them or
 * not. */
void
sigv4_sign(const struct sigv4_request *request, const struct sigv4_scope *scope,
    const struct credentials *credentials, struct sigv4_key *key, struct sigv4_result *result)
{
	const char *token = secret_reveal(&credentials->session_token);
	struct signed_headers headers = {.count = 0};
	uint8_t signature[DIGEST_SHA256_BYTES];

	assert(request->headers_count <= HTTP_HEADERS_MAX);
	assert(credentials->access_key_id[0] != '\0' && scope->region[0] != '\0');
	sigv4_reset(result);
	sigv4_date(scope->wall_ms, result->date);
	digest_sha256_hex(request->body, result->content_sha256);
	for (size_t i = 0; i < request->headers_count; i++)
		sigv4_add_header(&headers, request->headers[i].name, request->headers[i].value);
	sigv4_add_header(&headers, "x-amz-date", result->date);
	if (request->sign_body)
		sigv4_add_header(&headers, "x-amz-content-sha256", result->content_sha256);
	if (token[0] != '\0' && !request->token_unsigned)
		sigv4_add_header(&headers, "x-amz-security-token", token);
	sigv4_canonical_request(request, &headers, result);
	sigv4_string_to_sign(scope, result);
	sigv4_derive_key(key, result->date, scope, secret_reveal(&credentials->secret_access_key));
	digest_hmac_sha256(sigv4_bytes(key->key), buf_str(&result->string_to_sign), signature);
	digest_hex(signature, sizeof(signature), result->signature);
	sigv4_authorization(scope, credentials->access_key_id, &headers, result);
}
