#include "tmflow/aws/query.h"

#include "tmflow/base/json.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

#define NAME_BYTES_MAX 128

void
query_encode(struct buf *out, struct str text)
{
	static const char digits[] = "0123456789ABCDEF";

	buf_reserve(out, text.len);
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if ((c < 0x80 && isalnum(c)) || c == '-' || c == '_' || c == '.' || c == '~')
			buf_add_char(out, (char)c);
		else
			buf_add(out, (const char[]){'%', digits[c >> 4], digits[c & 15]}, 3);
	}
}

void
query_begin(struct buf *body, const char *action, const char *version)
{
	buf_reset(body);
	buf_printf(body, "Action=%s&Version=%s", action, version);
}

void
query_add(struct buf *body, const char *name, const char *value)
{
	if (value == NULL)
		return;
	buf_add_char(body, '&');
	buf_add_cstr(body, name);
	buf_add_char(body, '=');
	query_encode(body, str_of(value));
}

void
query_add_int(struct buf *body, const char *name, int64_t value)
{
	buf_printf(body, "&%s=%" PRId64, name, value);
}

void
query_add_list(struct buf *body, const char *name, const json_t *values)
{
	size_t count = json_array_size(values);

	for (size_t i = 0; i < count; i++) {
		char numbered[NAME_BYTES_MAX];

		snprintf(numbered, sizeof(numbered), "%s.%zu", name, i + 1);
		query_add(body, numbered, json_string_value(json_array_get(values, i)));
	}
}

void
query_add_filters(struct buf *body, const json_t *filters)
{
	size_t count = json_array_size(filters);

	for (size_t i = 0; i < count; i++) {
		const json_t *filter = json_array_get(filters, i);
		char name[NAME_BYTES_MAX];

		snprintf(name, sizeof(name), "Filter.%zu.Name", i + 1);
		query_add(body, name, json_get_string(filter, "Name"));
		snprintf(name, sizeof(name), "Filter.%zu.Value", i + 1);
		query_add_list(body, name, json_object_get(filter, "Values"));
	}
}

void
query_add_tags(struct buf *body, const char *prefix, const json_t *tags)
{
	size_t count = json_array_size(tags);

	for (size_t i = 0; i < count; i++) {
		const json_t *tag = json_array_get(tags, i);
		char name[NAME_BYTES_MAX];

		snprintf(name, sizeof(name), "%s.%zu.Key", prefix, i + 1);
		query_add(body, name, json_get_string(tag, "Key"));
		snprintf(name, sizeof(name), "%s.%zu.Value", prefix, i + 1);
		query_add(body, name, json_get_string(tag, "Value"));
	}
}
