#include "asl/expr/expr.h"
#include "asl/expr/intrinsic.h"

#include "base/digest.h"
#include "base/jsonx.h"
#include "base/utf8.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

/* The bytes are those of the string in UTF-8. */
json_t *
intrinsic_base64_encode(const struct intrinsic_call *call)
{
	struct buf out = {0};

	digest_base64_encode(call->args[0].text, &out);
	return intrinsic_string(call, &out);
}

/*
 * Each byte that is not UTF-8 becomes U+FFFD, as Java reads bytes. NULs are characters like others.
 */
static void
text_repair(const struct buf *bytes, struct buf *out)
{
	const char *at = buf_cstr(bytes);
	const char *end = at + bytes->len;

	for (;;) {
		utf8_repair(out, at);
		at += strlen(at);
		if (at == end)
			return;
		buf_add_char(out, *at++);
	}
}

/*
 * Recorded from AWS: what is not Base64 does not fail. As its decoder does, characters outside of
 * the alphabet are passed over, - and _ stand for + and /, the first = ends the text, and a last
 * character that makes no byte is dropped.
 */
static void
text_keep_base64(struct str text, struct buf *kept)
{
	for (; text.len > 0 && *text.p != '='; text.p++, text.len--) {
		if (*text.p == '-' || *text.p == '_')
			buf_add_char(kept, *text.p == '-' ? '+' : '/');
		else if (isalnum((unsigned char)*text.p) || *text.p == '+' || *text.p == '/')
			buf_add_char(kept, *text.p);
	}
	if (kept->len % 4 == 1)
		kept->len--;
}

/* The argument has a limit, so the decoded text needs none. */
json_t *
intrinsic_base64_decode(const struct intrinsic_call *call)
{
	struct buf kept = {0};
	struct buf bytes = {0};
	struct buf out = {0};
	int decoded;

	text_keep_base64(call->args[0].text, &kept);
	decoded = digest_base64_decode(buf_str(&kept), &bytes, NULL);
	assert(decoded == 0);
	buf_fini(&kept);
	text_repair(&bytes, &out);
	buf_fini(&bytes);
	return intrinsic_string(call, &out);
}

/* A string is hashed as it is, other data as Format writes it: an object's text is {foo=bar}, as a
 * peer has recorded it. The limit on the text comes before it is written, since an object may be
 * very large. */
json_t *
intrinsic_hash(const struct intrinsic_call *call)
{
	const json_t *input = call->args[0].json;
	const char *algorithm = call->args[1].text.p;
	struct buf data = {0};
	struct buf hex = {0};
	json_t *hash = NULL;

	if (json_is_string(input))
		buf_add(&data, json_string_value(input), json_string_length(input));
	else if (jsonx_text_fits(input, INTRINSIC_TEXT_BYTES_MAX))
		intrinsic_write_value(call, call->args[0].json, &data);
	if (data.len == 0 && !json_is_string(input))
		intrinsic_fail(call, "argument 1 is too large");
	else if (intrinsic_char_count(buf_str(&data)) > ASL_HASH_BYTES_MAX)
		intrinsic_fail(call, "argument 1 has more than %u characters", ASL_HASH_BYTES_MAX);
	else if (digest_named_hex(algorithm, buf_str(&data), &hex, NULL) < 0)
		intrinsic_fail(call,
		    "unknown algorithm, not MD5, SHA-1, SHA-256, SHA-384 or SHA-512: '%s'",
		    algorithm);
	else
		hash = intrinsic_string(call, &hex);
	buf_fini(&hex);
	buf_fini(&data);
	return hash;
}

/* Recorded from AWS: an object under the same key is replaced, not merged, and the text 'false' is
 * taken for false. */
json_t *
intrinsic_json_merge(const struct intrinsic_call *call)
{
	const json_t *deep = call->args[2].json;
	json_t *merged;

	if (!json_is_false(deep) &&
	    (!json_is_string(deep) || strcmp(json_string_value(deep), "false") != 0))
		return intrinsic_fail(
		    call, "argument 3 must be false: deep merging is not supported");
	merged = json_copy(call->args[0].json);
	json_object_update(merged, call->args[1].json);
	return merged;
}

/* Recorded from AWS: the text is compact, without a blank. */
json_t *
intrinsic_json_to_string(const struct intrinsic_call *call)
{
	struct buf out = {0};

	if (!jsonx_text_fits(call->args[0].json, INTRINSIC_TEXT_BYTES_MAX))
		return intrinsic_fail(
		    call, "the text has more than %u bytes", INTRINSIC_TEXT_BYTES_MAX);
	jsonx_write(call->args[0].json, &out);
	return intrinsic_string(call, &out);
}

/* Recorded from AWS: a blank string is null. Of a key that stands twice the last value counts. */
json_t *
intrinsic_string_to_json(const struct intrinsic_call *call)
{
	struct str text = call->args[0].text;
	struct tmf_err fault = {0};
	json_t *value;

	if (str_trim(text).len == 0)
		return json_null();
	value = jsonx_parse_last_wins(text, &fault);
	if (value == NULL)
		intrinsic_fail(call, "argument 1 is not JSON: %s", tmf_err_text(&fault));
	tmf_err_fini(&fault);
	return value;
}

/* Two separators in a row have an empty piece between them, which is not kept. */
static void
text_append_piece(json_t *pieces, const char *from, const char *to)
{
	if (to > from)
		json_array_append_new(pieces, json_stringn(from, (size_t)(to - from)));
}

/*
 * Recorded from AWS: the second argument is a set of characters, each of which separates; empty
 * pieces are dropped. "a, b" by ", " is ["a","b"], and so is "a,,b".
 */
json_t *
intrinsic_string_split(const struct intrinsic_call *call)
{
	struct str text = call->args[0].text;
	struct str set = call->args[1].text;
	const char *piece = text.p;
	json_t *pieces = json_array();

	while (text.len > 0) {
		size_t bytes = 1; /* of the character at the head */

		while (bytes < text.len && ((unsigned char)text.p[bytes] & 0xc0) == 0x80)
			bytes++;
		if (memmem(set.p, set.len, text.p, bytes) != NULL) {
			text_append_piece(pieces, piece, text.p);
			piece = text.p + bytes;
		}
		text.p += bytes;
		text.len -= bytes;
	}
	text_append_piece(pieces, piece, text.p);
	return pieces;
}
