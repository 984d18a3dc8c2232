#include "world_internal.h"

#include "base/digest.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/*
 * Signature Version 4, the verifying side, written from its description and not from tmflow's
 * signer. See: docs.aws.amazon.com/IAM/latest/UserGuide, "Signature Version 4 signing process"
 */

#define SIGNED_HEADERS_MAX 64u
#define QUERY_PAIRS_MAX	   1000u
#define SKEW_MS_MAX	   (INT64_C(15) * 60 * 1000)

/* What the Authorization header says. */
struct signature {
	struct str access_key;
	struct str scope; /* date/region/service/aws4_request */
	struct str date;
	struct str region;
	struct str service;
	struct str signed_headers;
	struct str signature;
};

const char *
request_header(const struct sim_request *request, const char *name)
{
	for (size_t i = 0; i < request->headers_count; i++) {
		if (strcasecmp(request->headers[i].name, name) == 0)
			return request->headers[i].value;
	}
	return NULL;
}

/* What stands up to the separator; text moves behind it. */
static struct str
cut(struct str *text, char separator)
{
	const char *end = memchr(text->p, separator, text->len);
	size_t len = end != NULL ? (size_t)(end - text->p) : text->len;
	struct str word = {text->p, len};

	*text = (struct str){text->p + len + (end != NULL), text->len - len - (end != NULL)};
	return word;
}

static struct str
field(struct str list, const char *name)
{
	size_t len = strlen(name);

	while (list.len > 0) {
		struct str part = str_trim(cut(&list, ','));

		if (str_starts(part, name))
			return (struct str){part.p + len, part.len - len};
	}
	return (struct str){"", 0};
}

static bool
parse_authorization(const char *header, struct signature *ret)
{
	struct str text = str_of(header), credential, rest;

	if (!str_is(cut(&text, ' '), "AWS4-HMAC-SHA256"))
		return false;
	credential = field(text, "Credential=");
	ret->signed_headers = field(text, "SignedHeaders=");
	ret->signature = field(text, "Signature=");
	ret->access_key = cut(&credential, '/');
	ret->scope = rest = credential;
	ret->date = cut(&rest, '/');
	ret->region = cut(&rest, '/');
	ret->service = cut(&rest, '/');
	return str_is(rest, "aws4_request") && ret->date.len == 8 && ret->signed_headers.len > 0 &&
	       ret->signature.len == 64;
}

/* ---- the canonical request ---- */

static bool
unreserved(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("-_.~", c) != NULL);
}

static void
add_encoded(struct buf *out, struct str text, bool keep_slash)
{
	for (size_t i = 0; i < text.len; i++) {
		if (unreserved(text.p[i]) || (keep_slash && text.p[i] == '/'))
			buf_add_char(out, text.p[i]);
		else
			buf_printf(out, "%%%02X", (unsigned char)text.p[i]);
	}
}

/* The path without "." and ".." and double slashes, encoded once more. */
static void
add_path(struct buf *out, struct str path)
{
	struct buf clean = {0};
	bool slash = path.len > 0 && path.p[path.len - 1] == '/';

	while (path.len > 0) {
		struct str part = cut(&path, '/');

		if (part.len == 0 || str_is(part, "."))
			continue;
		if (!str_is(part, "..")) {
			buf_add_char(&clean, '/');
			buf_add_str(&clean, part);
			continue;
		}
		while (clean.len > 0 && clean.p[--clean.len] != '/')
			continue;
	}
	if (slash || clean.len == 0)
		buf_add_char(&clean, '/');
	add_encoded(out, buf_str(&clean), true);
	buf_fini(&clean);
}

struct pair {
	struct str name;
	struct str value;
};

static int
str_compare(struct str a, struct str b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len > 0 ? memcmp(a.p, b.p, len) : 0;

	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int
pair_compare(const void *left, const void *right)
{
	const struct pair *a = left, *b = right;
	int order = str_compare(a->name, b->name);

	return order != 0 ? order : str_compare(a->value, b->value);
}

/* The query as it stands on the line, sorted; the sender has encoded it. */
static void
add_query(struct buf *out, struct str query)
{
	struct pair *pairs = mem_zalloc(QUERY_PAIRS_MAX, sizeof(pairs[0]));
	size_t count = 0;

	while (query.len > 0 && count < QUERY_PAIRS_MAX) {
		struct str part = cut(&query, '&');

		pairs[count].name = cut(&part, '=');
		pairs[count++].value = part;
	}
	qsort(pairs, count, sizeof(pairs[0]), pair_compare);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_add_char(out, '&');
		buf_add_str(out, pairs[i].name);
		buf_add_char(out, '=');
		buf_add_str(out, pairs[i].value);
	}
	free(pairs);
}

/* A header's value without outer blanks and with single inner ones. */
static void
add_header_value(struct buf *out, const char *value)
{
	struct str text = str_trim(str_of(value));
	bool blank = false;

	for (size_t i = 0; i < text.len; i++) {
		bool now = text.p[i] == ' ' || text.p[i] == '\t';

		if (!now)
			buf_add_char(out, text.p[i]);
		else if (!blank)
			buf_add_char(out, ' ');
		blank = now;
	}
}

/* Appends the header lines. Returns false where one that is said to be signed did not come. */
static bool
add_headers(struct buf *out, const struct sim_request *request, struct str names)
{
	while (names.len > 0) {
		struct str name = cut(&names, ';');
		size_t found = 0;

		buf_add_str(out, name);
		buf_add_char(out, ':');
		for (size_t i = 0; i < request->headers_count; i++) {
			const struct sim_header *h = &request->headers[i];

			if (strlen(h->name) != name.len ||
			    strncasecmp(h->name, name.p, name.len) != 0)
				continue;
			if (found++ > 0)
				buf_add_char(out, ',');
			add_header_value(out, h->value);
		}
		buf_add_char(out, '\n');
		if (found == 0)
			return false;
	}
	return true;
}

static bool
canonical_request(const struct sim_request *request, const struct signature *s, struct buf *out)
{
	struct str path = str_of(request->path), query;
	char hash[DIGEST_SHA256_HEX_BYTES];

	query = path;
	path = cut(&query, '?');
	buf_add_cstr(out, request->method);
	buf_add_char(out, '\n');
	add_path(out, path);
	buf_add_char(out, '\n');
	add_query(out, query);
	buf_add_char(out, '\n');
	if (!add_headers(out, request, s->signed_headers))
		return false;
	buf_add_char(out, '\n');
	buf_add_str(out, s->signed_headers);
	buf_add_char(out, '\n');
	digest_sha256_hex(request->body, hash);
	buf_add_cstr(out, hash);
	return true;
}

/* ---- the signature ---- */

static void
signing_key(struct sim_world *w, const char *secret_key, const struct signature *s,
    uint8_t ret_key[DIGEST_SHA256_BYTES])
{
	struct signing_cache *cache = &w->signing;
	char *first;
	uint8_t step[DIGEST_SHA256_BYTES];

	if (cache->valid && str_is(s->access_key, cache->access_key) &&
	    str_is(s->scope, cache->scope)) {
		memcpy(ret_key, cache->key, DIGEST_SHA256_BYTES);
		return;
	}
	first = mem_printf("AWS4%s", secret_key);
	digest_hmac_sha256(str_of(first), s->date, step);
	digest_hmac_sha256((struct str){(const char *)step, sizeof(step)}, s->region, ret_key);
	digest_hmac_sha256(
	    (struct str){(const char *)ret_key, DIGEST_SHA256_BYTES}, s->service, step);
	digest_hmac_sha256(
	    (struct str){(const char *)step, sizeof(step)}, STR("aws4_request"), ret_key);
	free(first);
	cache->valid =
	    s->scope.len < sizeof(cache->scope) && s->access_key.len < sizeof(cache->access_key);
	if (!cache->valid)
		return;
	memcpy(cache->scope, s->scope.p, s->scope.len);
	cache->scope[s->scope.len] = '\0';
	memcpy(cache->access_key, s->access_key.p, s->access_key.len);
	cache->access_key[s->access_key.len] = '\0';
	memcpy(cache->key, ret_key, DIGEST_SHA256_BYTES);
}

static bool
signature_good(
    struct sim_call *c, const char *secret_key, const struct signature *s, const char *date)
{
	struct buf canonical = {0}, text = {0};
	char hash[DIGEST_SHA256_HEX_BYTES];
	uint8_t key[DIGEST_SHA256_BYTES], mac[DIGEST_SHA256_BYTES];
	bool good = canonical_request(c->request, s, &canonical);

	if (good) {
		digest_sha256_hex(buf_str(&canonical), hash);
		buf_printf(&text, "AWS4-HMAC-SHA256\n%s\n", date);
		buf_add_str(&text, s->scope);
		buf_add_char(&text, '\n');
		buf_add_cstr(&text, hash);
		signing_key(c->w, secret_key, s, key);
		digest_hmac_sha256(
		    (struct str){(const char *)key, sizeof(key)}, buf_str(&text), mac);
		digest_hex(mac, sizeof(mac), hash);
		good = str_is(s->signature, hash);
	}
	buf_fini(&canonical);
	buf_fini(&text);
	return good;
}

/* 20260115T120000Z as ms since 1970. */
static bool
parse_date(const char *text, int64_t *ret_ms)
{
	struct tm tm = {0};
	const char *end =
	    text != NULL && strlen(text) == 16 ? strptime(text, "%Y%m%dT%H%M%SZ", &tm) : NULL;

	if (end == NULL || *end != '\0')
		return false;
	*ret_ms = (int64_t)timegm(&tm) * 1000;
	return true;
}

static bool
is_signed(const struct signature *s, const char *name)
{
	struct str names = s->signed_headers;

	while (names.len > 0) {
		if (str_is(cut(&names, ';'), name))
			return true;
	}
	return false;
}

static int
check_claims(struct sim_call *c, const struct signature *s, const char *date)
{
	const char *content_hash = request_header(c->request, "X-Amz-Content-Sha256");
	char hash[DIGEST_SHA256_HEX_BYTES];
	int64_t date_ms;

	if (!parse_date(date, &date_ms) || !is_signed(s, "host") || !is_signed(s, "x-amz-date"))
		return call_fail(
		    c, 400, "IncompleteSignature", "X-Amz-Date and Host must be given and signed.");
	if (date_ms < c->request->now_wall_ms - SKEW_MS_MAX ||
	    date_ms > c->request->now_wall_ms + SKEW_MS_MAX)
		return call_fail(c, 400, "RequestExpired", "Request has expired.");
	if (strncmp(date, s->date.p, s->date.len) != 0 ||
	    !str_is(s->service, world_services[c->action->service].name) ||
	    (c->action->service != SERVICE_STS && !str_is(s->region, c->w->opts.region)))
		return call_fail(c, 403, "SignatureDoesNotMatch",
		    "Credential should be scoped to the date, a valid region and the service.");
	digest_sha256_hex(c->request->body, hash);
	if (content_hash != NULL && strcmp(content_hash, hash) != 0)
		return call_fail(c, 403, "SignatureDoesNotMatch",
		    "X-Amz-Content-Sha256 is not the hash of the body.");
	return 0;
}

bool
auth_claims(const struct sim_request *request, struct str *ret_access_key, struct str *ret_region)
{
	const char *header = request_header(request, "Authorization");
	struct signature s;

	if (header == NULL || !parse_authorization(header, &s))
		return false;
	*ret_access_key = s.access_key;
	*ret_region = s.region;
	return true;
}

/* Whose keys a request was signed with. */
struct signer {
	const char *secret_key;
	const char *session_token; /* NULL: none is asked for */
	const struct grant *grant; /* NULL: keys that last */
};

static bool
find_signer(const struct sim_world *w, struct str access_key, struct signer *ret)
{
	const struct grant *grant = realm_find_grant(w->realm, w->account, access_key);

	if (grant != NULL) {
		*ret = (struct signer){grant->secret_key, grant->session_token, grant};
		return true;
	}
	for (size_t i = 0; i < w->opts.credentials_count; i++) {
		const struct sim_credentials *known = &w->opts.credentials[i];

		if (str_is(access_key, known->access_key)) {
			*ret = (struct signer){known->secret_key, known->session_token, NULL};
			return true;
		}
	}
	return false;
}

bool
auth_key_known(const struct sim_world *w, struct str access_key)
{
	struct signer signer;

	return find_signer(w, access_key, &signer);
}

static int
check_signer(struct sim_call *c, const struct signature *s, const char *date)
{
	const char *token = request_header(c->request, "X-Amz-Security-Token");
	bool query = c->action->service != SERVICE_EC2;
	struct signer signer;

	if (!find_signer(c->w, s->access_key, &signer) ||
	    (signer.session_token != NULL &&
		(token == NULL || strcmp(token, signer.session_token) != 0)))
		return call_fail(c, query ? 403 : 401,
		    query ? "InvalidClientTokenId" : "AuthFailure",
		    "AWS was not able to validate the provided access credentials");
	if (token != NULL && !is_signed(s, "x-amz-security-token"))
		return call_fail(
		    c, 403, "SignatureDoesNotMatch", "X-Amz-Security-Token must be signed.");
	if (!signature_good(c, signer.secret_key, s, date))
		return call_fail(c, 403, "SignatureDoesNotMatch",
		    "The request signature we calculated does not match the signature you "
		    "provided. Check your AWS Secret Access Key and signing method.");
	if (signer.grant != NULL && signer.grant->expires_wall_ms <= c->request->now_wall_ms)
		return call_fail(c, query ? 403 : 400, query ? "ExpiredToken" : "RequestExpired",
		    query ? "The security token included in the request is expired"
			  : "Request has expired.");
	c->grant = signer.grant;
	return 0;
}

int
auth_check(struct sim_call *c)
{
	const char *header = request_header(c->request, "Authorization");
	const char *date = request_header(c->request, "X-Amz-Date");
	struct signature s;

	if (c->w->opts.no_auth)
		return 0;
	if (header == NULL)
		return call_fail(c, 403, "MissingAuthenticationToken",
		    "Request is missing Authentication Token");
	if (!parse_authorization(header, &s))
		return call_fail(c, 400, "IncompleteSignature",
		    "The Authorization header is not of the form that Signature Version 4 has.");
	return check_claims(c, &s, date) < 0 ? -1 : check_signer(c, &s, date);
}
