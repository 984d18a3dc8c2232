#include "aws/wire/query.h"

#include "base/jsonx.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>

#define NAME_BYTES_MAX 128

/* What RFC 3986 calls unreserved; not by isalnum, which asks the locale. In another locale an
 * accented letter would pass. */
static bool
query_is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_' || c == '.' || c == '~';
}

/* As sent and as signed must be the same bytes: a plus for a blank would be a plus to AWS. Runs
 * that need no encoding are copied as one. Upper-case digits, as SigV4 prescribes.
 * Example: "a b" becomes a%20b. */
void
query_encode(struct buf *out, struct str text)
{
	static const char digits[] = "0123456789ABCDEF";

	buf_reserve(out, text.len);
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.p[i];
		size_t plain = 0;

		while (i + plain < text.len && query_is_unreserved(text.p[i + plain]))
			plain++;
		if (plain > 0) {
			buf_add(out, text.p + i, plain);
			i += plain - 1;
		} else {
			buf_add(out, (const char[]){'%', digits[c >> 4], digits[c & 15]}, 3);
		}
	}
}

/* Action comes first: proxies and the simulator look for it there. */
void
query_begin(struct buf *body, const char *action, const char *version)
{
	assert(action[0] != '\0' && version[0] != '\0');
	buf_reset(body);
	buf_printf(body, "Action=%s&Version=%s", action, version);
}

/* "&NAME", where a name may be prefix.NUMBER and prefix.NUMBER.part; number 0: the prefix alone. */
static void
query_add_name(struct buf *body, const char *prefix, size_t number, const char *part)
{
	buf_add_char(body, '&');
	buf_add_cstr(body, prefix);
	if (number > 0) {
		buf_add_char(body, '.');
		buf_add_int(body, (int64_t)number);
	}
	if (part != NULL) {
		buf_add_char(body, '.');
		buf_add_cstr(body, part);
	}
	buf_add_char(body, '=');
}

/* NULL adds nothing. Callers then need no condition for a member that may be absent. */
static void
query_add_member(
    struct buf *body, const char *prefix, size_t number, const char *part, const char *value)
{
	if (value == NULL)
		return;
	query_add_name(body, prefix, number, part);
	query_encode(body, str_of(value));
}

void
query_add(struct buf *body, const char *name, const char *value)
{
	query_add_member(body, name, 0, NULL, value);
}

void
query_add_int(struct buf *body, const char *name, int64_t value)
{
	query_add_name(body, name, 0, NULL);
	buf_add_int(body, value);
}

/* Numbers begin with 1. An empty list is not sent, as EC2 reads an empty member as a value. */
void
query_add_list(struct buf *body, const char *name, const json_t *values)
{
	size_t count = json_array_size(values);

	for (size_t i = 0; i < count; i++)
		query_add_member(
		    body, name, i + 1, NULL, json_string_value(json_array_get(values, i)));
}

/* See: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Filter.html. Values of one
 * filter are alternatives, filters all hold. Example:
 * Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-1. */
void
query_add_filters(struct buf *body, const json_t *filters)
{
	size_t count = json_array_size(filters);

	for (size_t i = 0; i < count; i++) {
		const json_t *filter = json_array_get(filters, i);
		char values[NAME_BYTES_MAX];

		query_add_member(body, "Filter", i + 1, "Name", jsonx_get_string(filter, "Name"));
		snprintf(values, sizeof(values), "Filter.%zu.Value", i + 1);
		query_add_list(body, values, json_object_get(filter, "Values"));
	}
}

/* A DeleteTags with a value deletes only that value, without one the tag whatever it is.
 * Example: Tag.1.Key=Name&Tag.1.Value=mirror. */
void
query_add_tags(struct buf *body, const char *prefix, const json_t *tags)
{
	size_t count = json_array_size(tags);

	for (size_t i = 0; i < count; i++) {
		const json_t *tag = json_array_get(tags, i);

		query_add_member(body, prefix, i + 1, "Key", jsonx_get_string(tag, "Key"));
		query_add_member(body, prefix, i + 1, "Value", jsonx_get_string(tag, "Value"));
	}
}
