#include "asl/expr/expr_internal.h"

#include "base/digest.h"
#include "base/jsonx.h"
#include "base/utf8.h"

#include <string.h>

/* Length in characters of a string that is known to be UTF-8. */
static size_t
char_count(struct str text)
{
	size_t count = 0;

	for (size_t i = 0; i < text.len; i++)
		count += ((unsigned char)text.p[i] & 0xc0) != 0x80;
	return count;
}

/* A string argument of at most ASL_HASH_BYTES_MAX characters. */
static int
short_string_arg(
    const struct intrinsic_call *call, size_t at, struct str *ret_text, struct tmf_err *err)
{
	if (intrinsic_string_arg(call, at, ret_text, err) < 0)
		return -1;
	if (char_count(*ret_text) > ASL_HASH_BYTES_MAX)
		return intrinsic_fail(call, err, "argument %zu has more than %u characters", at + 1,
		    ASL_HASH_BYTES_MAX);
	return 0;
}

int
intrinsic_base64_encode(const struct intrinsic_call *call, json_t **ret_value, struct tmf_err *err)
{
	struct str text;
	struct buf out = {0};

	if (short_string_arg(call, 0, &text, err) < 0)
		return -1;
	digest_base64_encode(text, &out);
	return intrinsic_return_text(call, &out, ret_value, err);
}

/* Text in which each byte that is no UTF-8 became U+FFFD, as Java reads bytes. NULs are characters. */
static void
repair(const struct buf *bytes, struct buf *out)
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

int
intrinsic_base64_decode(const struct intrinsic_call *call, json_t **ret_value, struct tmf_err *err)
{
	struct str text;
	struct buf bytes = {0};
	struct buf out = {0};

	if (short_string_arg(call, 0, &text, err) < 0)
		return -1;
	if (digest_base64_decode(text, &bytes, NULL) < 0) {
		buf_fini(&bytes);
		return intrinsic_fail(call, err, "argument 1 is not Base64");
	}
	repair(&bytes, &out);
	buf_fini(&bytes);
	return intrinsic_return_text(call, &out, ret_value, err);
}

/* Data that is no string is hashed as its JSON text. */
int
intrinsic_hash(const struct intrinsic_call *call, json_t **ret_value, struct tmf_err *err)
{
	struct buf data = {0};
	struct buf hex = {0};
	struct str text;
	int rc;

	if (intrinsic_string_arg(call, 1, &text, err) < 0)
		return -1;
	if (json_is_string(call->args[0]))
		buf_add(&data, json_string_value(call->args[0]), json_string_length(call->args[0]));
	else if (jsonx_text_bytes(call->args[0], INTRINSIC_TEXT_BYTES_MAX) <=
		 INTRINSIC_TEXT_BYTES_MAX)
		jsonx_write(call->args[0], &data);
	if (char_count(buf_str(&data)) > ASL_HASH_BYTES_MAX)
		rc = intrinsic_fail(
		    call, err, "argument 1 has more than %u characters", ASL_HASH_BYTES_MAX);
	else if (digest_named_hex(text.p, buf_str(&data), &hex, NULL) < 0)
		rc = intrinsic_fail(call, err,
		    "the algorithm '%s' is none of MD5, SHA-1, "
		    "SHA-256, SHA-384 and SHA-512",
		    text.p);
	else
		rc = intrinsic_return_text(call, &hex, ret_value, err);
	buf_fini(&hex);
	buf_fini(&data);
	return rc;
}

int
intrinsic_json_merge(const struct intrinsic_call *call, json_t **ret_value, struct tmf_err *err)
{
	json_t *merged;

	for (size_t i = 0; i < 2; i++) {
		if (!json_is_object(call->args[i]))
			return intrinsic_fail(call, err,
			    "argument %zu must be of type object, not %s", i + 1,
			    jsonx_kind(call->args[i]));
	}
	if (!json_is_false(call->args[2]))
		return intrinsic_fail(
		    call, err, "argument 3 must be false: deep merging is not supported");
	merged = json_copy(call->args[0]);
	json_object_update(merged, call->args[1]);
	*ret_value = merged;
	return 0;
}

int
intrinsic_json_to_string(const struct intrinsic_call *call, json_t **ret_value, struct tmf_err *err)
{
	struct buf out = {0};

	if (!jsonx_text_fits(call->args[0], INTRINSIC_TEXT_BYTES_MAX))
		return intrinsic_fail(
		    call, err, "the text has more than %u bytes", INTRINSIC_TEXT_BYTES_MAX);
	jsonx_write(call->args[0], &out);
	return intrinsic_return_text(call, &out, ret_value, err);
}

int
intrinsic_string_to_json(const struct intrinsic_call *call, json_t **ret_value, struct tmf_err *err)
{
	struct str text;
	struct tmf_err fault = {0};
	json_t *value;

	if (intrinsic_string_arg(call, 0, &text, err) < 0)
		return -1;
	if (str_trim(text).len == 0) {
		*ret_value = json_null();
		return 0;
	}
	value = jsonx_parse_last_wins(text, &fault);
	if (value == NULL)
		intrinsic_fail(call, err, "argument 1 is not JSON: %s", tmf_err_text(&fault));
	else
		*ret_value = value;
	tmf_err_fini(&fault);
	return value != NULL ? 0 : -1;
}

/* Bytes of the character at the head of UTF-8 text. */
static size_t
char_bytes(struct str text)
{
	size_t bytes = 1;

	while (bytes < text.len && ((unsigned char)text.p[bytes] & 0xc0) == 0x80)
		bytes++;
	return bytes;
}

static void
append_piece(json_t *pieces, const char *from, const char *to)
{
	if (to > from)
		json_array_append_new(pieces, json_stringn(from, (size_t)(to - from)));
}

/* The second argument is a set of characters, each of which separates; empty pieces are dropped. */
int
intrinsic_string_split(const struct intrinsic_call *call, json_t **ret_value, struct tmf_err *err)
{
	struct str text;
	struct str set;
	json_t *pieces;
	const char *piece;

	if (intrinsic_string_arg(call, 0, &text, err) < 0 ||
	    short_string_arg(call, 1, &set, err) < 0)
		return -1;
	pieces = json_array();
	piece = text.p;
	while (text.len > 0) {
		size_t bytes = char_bytes(text);

		if (memmem(set.p, set.len, text.p, bytes) != NULL) {
			append_piece(pieces, piece, text.p);
			piece = text.p + bytes;
		}
		text.p += bytes;
		text.len -= bytes;
	}
	append_piece(pieces, piece, text.p);
	*ret_value = pieces;
	return 0;
}
