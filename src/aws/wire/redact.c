#include "aws/wire/redact.h"

#include "base/log.h"
#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define KEY_ID_SHOWN 4 /* "ASIA": what kind of key it is */

/* Members whose value is secret, or good for anybody who holds it. In any spelling of upper and
 * lower case. */
static const struct secret_member {
	const char *name;
	size_t shown; /* this many bytes of the value stay */
} secret_members[] = {
    {"AccessKeyId", KEY_ID_SHOWN},
    {"SecretAccessKey", 0},
    {"SecretKey", 0},
    {"SessionToken", 0},
    {"SecurityToken", 0},
    {"WebIdentityToken", 0},
    {"SAMLAssertion", 0},
    {"TokenCode", 0},
    {"Token", 0},
    {"TaskToken", 0},
    {"ReceiptHandle", 0},
    {"Password", 0},
    {"PasswordData", 0},
    {"UserData", 0},
    {"X-Amz-Security-Token", 0},
    {"X-Amz-Signature", 0},
    {"Signature", 0},
    {"AWSAccessKeyId", KEY_ID_SHOWN},
    {"ResponseURL", 0}, /* signed: who holds it answers CloudFormation */
    {"X-Amz-Credential", KEY_ID_SHOWN},
    {"Authorization", 0},
};

/* Headers that say nothing about their owner's keys. A list of what is shown, not of what is
 * hidden: a new header of AWS's is hidden until somebody has judged it. */
static const char *const harmless_headers[] = {"Content-Type", "Host", "X-Amz-Date", "X-Amz-Target",
    "x-amzn-query-mode", "Content-Length", "Date", "Retry-After", "Server", "x-amz-retry-after",
    "x-amzn-errortype", "x-amzn-query-error", "x-amzn-requestid"};

/* A reply may hold anything, also sequences that a terminal obeys. log_escape takes a C string,
 * so that a NUL byte in the text is written here. */
static void
redact_escaped(struct buf *out, const char *p, size_t len)
{
	while (len > 0) {
		size_t plain = strnlen(p, len);
		char *text = mem_strndup(p, plain);

		log_escape(out, text);
		free(text);
		if (plain < len) {
			buf_add_cstr(out, "\\x00");
			plain++;
		}
		p += plain;
		len -= plain;
	}
}

/* The same, but line ends stay. A body of several lines can then still be read. */
static void
redact_lines(struct buf *out, const char *p, size_t len)
{
	while (len > 0) {
		const char *newline = memchr(p, '\n', len);
		size_t line = newline != NULL ? (size_t)(newline - p) : len;

		redact_escaped(out, p, line);
		if (newline != NULL) {
			buf_add_char(out, '\n');
			line++;
		}
		p += line;
		len -= line;
	}
}

/* strchr finds the NUL byte in any set, hence the second condition. */
static const char *
redact_skip(const char *p, const char *end, const char *set)
{
	while (p < end && strchr(set, *p) != NULL && *p != '\0')
		p++;
	return p;
}

/* Where p leads, or end. */
static const char *
redact_find(const char *p, const char *end, const char *what)
{
	const char *found = memmem(p, (size_t)(end - p), what, strlen(what));

	return found != NULL ? found : end;
}

/* A secret's place in a text. Both ends lie in the text that is redacted: nothing is copied to
 * find a secret. */
struct span {
	const char *begin;
	const char *end;
};

/* NAME=value& of a form, NAME:value of a header (canonical requests stand in some errors).
 * Example: &SecretAccessKey=abc&Version=1 and x-amz-security-token:abc. The value of a header
 * ends at a blank, that of a form at the next &. */
static bool
redact_form_value(const char *after, const char *end, struct span *ret_value)
{
	const char *blank = after;

	if (after < end && *after == ':') {
		while (blank < end && !isspace((unsigned char)*blank))
			blank++;
		*ret_value = (struct span){after + 1, blank};
		return true;
	}
	if (after >= end || *after != '=')
		return false;
	*ret_value = (struct span){after + 1, redact_find(after + 1, end, "&")};
	return true;
}

/* NAME>value</, perhaps with attributes. Example: <SecretAccessKey>abc</SecretAccessKey>. Without
 * an end tag the text is cut off there, and the rest is the secret. */
static bool
redact_xml_value(const char *after, const char *end, struct span *ret_value)
{
	const char *begin;

	if (after >= end || strchr("> \t\r\n", *after) == NULL)
		return false;
	begin = redact_find(after, end, ">");
	if (begin < end)
		begin++;
	*ret_value = (struct span){begin, redact_find(begin, end, "</")};
	return true;
}

/* NAME": "value", where each quote may be escaped because all of it stands in a string. Example:
 * {\"SecretAccessKey\": \"abc\"} within a string of Step Functions: the value ends at a quote with
 * no more backslashes than the one it began with. */
static bool
redact_json_value(const char *after, const char *end, struct span *ret_value)
{
	const char *colon = redact_skip(redact_skip(after, end, "\\"), end, "\"");
	const char *slashes;
	const char *p;
	size_t escapes;

	colon = redact_skip(colon, end, " \t\r\n");
	if (colon >= end || *colon != ':')
		return false;
	slashes = redact_skip(colon + 1, end, " \t\r\n");
	p = redact_skip(slashes, end, "\\");
	escapes = (size_t)(p - slashes);
	if (p < end && *p != '"')
		return false;
	p = p < end ? p + 1 : end;
	*ret_value = (struct span){p, end};
	for (size_t run = 0; p < end; p++) {
		if (*p == '"' && run <= escapes) {
			ret_value->end = p - run;
			return true;
		}
		run = *p == '\\' ? run + 1 : 0;
	}
	return true;
}

/* What comes before a name decides what its value looks like. A colon may stand before an
 * element's name or before a member of a form, so that both are tried. */
static bool
redact_value_after(char before, const char *after, const char *end, struct span *ret_value)
{
	switch (before) {
	case '<':
	case ':': /* of a name space */
		return redact_xml_value(after, end, ret_value) ||
		       redact_form_value(after, end, ret_value);
	case '"':
		return redact_json_value(after, end, ret_value);
	default:
		return redact_form_value(after, end, ret_value);
	}
}

static bool
redact_is_part_of_name(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_';
}

/* A secret member whose name begins at p. Whole names only: NextToken does not contain a secret
 * Token. The beginning of the text counts as the beginning of a form. */
static const struct secret_member *
redact_member_at(struct str text, const char *p, struct span *ret_value)
{
	const char *end = text.p + text.len;
	char before = p > text.p ? p[-1] : '&';

	if (redact_is_part_of_name(before))
		return NULL;
	for (size_t i = 0; i < sizeof(secret_members) / sizeof(secret_members[0]); i++) {
		const struct secret_member *member = &secret_members[i];
		size_t len = strlen(member->name);

		if ((size_t)(end - p) >= len && strncasecmp(p, member->name, len) == 0 &&
		    (p + len == end || !redact_is_part_of_name(p[len])) &&
		    redact_value_after(before, p + len, end, ret_value))
			return member;
	}
	return NULL;
}

/* One of values at p. That finds a secret that stands somewhere without its name, such as in a
 * sentence. */
static bool
redact_value_at(
    struct str text, const char *p, const struct redact_values *values, struct span *ret_value)
{
	size_t left = (size_t)(text.p + text.len - p);

	for (size_t i = 0; values != NULL && i < values->count; i++) {
		struct str value = values->at[i];

		if (value.len > 0 && left >= value.len && memcmp(p, value.p, value.len) == 0) {
			*ret_value = (struct span){p, p + value.len};
			return true;
		}
	}
	return false;
}

/* The shown part of a key's id says of what kind the key is, such as ASIA for a temporary one. */
static void
redact_removed(struct buf *out, const struct span *value, size_t shown)
{
	size_t len = (size_t)(value->end - value->begin);

	/* Of what is no longer than that, nothing. */
	if (shown > 0 && len > shown) {
		redact_escaped(out, value->begin, shown);
		buf_add_cstr(out, "...");
	}
	buf_add_cstr(out, REDACT_REMOVED);
}

/* The text may be longer than what is shown, so that a secret that begins before that end is
 * seen whole. */
void
redact_body(
    struct buf *out, struct str text, size_t text_bytes_max, const struct redact_values *values)
{
	const char *end = text.p + (text.len < text_bytes_max ? text.len : text_bytes_max);
	const char *kept = text.p;

	for (const char *p = text.p; p < end;) {
		struct span value;
		const struct secret_member *member = redact_member_at(text, p, &value);

		if (member == NULL && !redact_value_at(text, p, values, &value)) {
			p++;
			continue;
		}
		if (value.begin > end)
			value.begin = end;
		redact_lines(out, kept, (size_t)(value.begin - kept));
		if (value.end > value.begin)
			redact_removed(out, &value, member != NULL ? member->shown : 0);
		p = kept = value.end;
	}
	if (kept < end)
		redact_lines(out, kept, (size_t)(end - kept));
}

/* "AWS4-HMAC-SHA256 Credential=KEY/scope, SignedHeaders=a;b, Signature=hex"; of another scheme
 * nothing is shown. */
static void
redact_authorization(struct buf *out, const char *value)
{
	static const char scheme[] = "AWS4-HMAC-SHA256 Credential=";
	const char *key = value + strlen(scheme);
	const char *scope;
	const char *names;

	if (strncmp(value, scheme, strlen(scheme)) != 0 || (scope = strchr(key, '/')) == NULL ||
	    (names = strstr(scope, ", SignedHeaders=")) == NULL) {
		buf_add_cstr(out, REDACT_REMOVED);
		return;
	}
	buf_add_cstr(out, "AWS4-HMAC-SHA256 with ");
	redact_removed(out, &(struct span){key, scope}, KEY_ID_SHOWN);
	redact_escaped(out, scope, strcspn(scope, ","));
	redact_escaped(out, names, 2 + strcspn(names + 2, ","));
	buf_add_cstr(out, ", signature " REDACT_REMOVED);
}

/* Values of unknown headers are removed, and only their names stay. */
void
redact_header(struct buf *out, const char *name, const char *value)
{
	if (strcasecmp(name, "Authorization") == 0) {
		redact_authorization(out, value);
		return;
	}
	for (size_t i = 0; i < sizeof(harmless_headers) / sizeof(harmless_headers[0]); i++)
		if (strcasecmp(name, harmless_headers[i]) == 0) {
			redact_escaped(out, value, strlen(value));
			return;
		}
	buf_add_cstr(out, REDACT_REMOVED);
}
