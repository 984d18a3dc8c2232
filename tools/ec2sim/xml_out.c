#include "xml_out.h"

#include <assert.h>
#include <string.h>

#define NAME_BYTES_MAX 120 /* every element name of this program is shorter */

void
xml_open(struct buf *out, const char *name)
{
	char tag[NAME_BYTES_MAX + 2];
	size_t len = strlen(name);

	tag[0] = '<';
	assert(len <= NAME_BYTES_MAX);
	memcpy(tag + 1, name, len + 1); /* its NUL is overwritten */
	tag[len + 1] = '>';
	buf_add(out, tag, len + 2);
}

void
xml_close(struct buf *out, const char *name)
{
	char tag[NAME_BYTES_MAX + 3];
	size_t len = strlen(name);

	tag[0] = '<';
	tag[1] = '/';
	assert(len <= NAME_BYTES_MAX);
	memcpy(tag + 2, name, len + 1);
	tag[len + 2] = '>';
	buf_add(out, tag, len + 3);
}

void
xml_empty(struct buf *out, const char *name)
{
	char tag[NAME_BYTES_MAX + 3];
	size_t len = strlen(name);

	tag[0] = '<';
	assert(len <= NAME_BYTES_MAX);
	memcpy(tag + 1, name, len + 1); /* its NUL is overwritten */
	tag[len + 1] = '/';
	tag[len + 2] = '>';
	buf_add(out, tag, len + 3);
}

static const char *
entity_of(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\r':
		return "&#13;";
	default:
		return (unsigned char)c < 0x20 && c != '\t' && c != '\n' ? "?" : NULL;
	}
}

void
xml_escape(struct buf *out, struct str text)
{
	size_t done = 0;

	for (size_t i = 0; i < text.len; i++) {
		const char *entity = entity_of(text.p[i]);

		if (entity == NULL)
			continue;
		buf_add(out, text.p + done, i - done);
		buf_add_cstr(out, entity);
		done = i + 1;
	}
	if (text.len > done)
		buf_add(out, text.p + done, text.len - done);
}

void
xml_str(struct buf *out, const char *name, struct str text)
{
	if (text.len == 0) {
		xml_empty(out, name);
		return;
	}
	xml_open(out, name);
	xml_escape(out, text);
	xml_close(out, name);
}

void
xml_text(struct buf *out, const char *name, const char *text)
{
	xml_str(out, name, text != NULL ? str_of(text) : (struct str){"", 0});
}

void
xml_int(struct buf *out, const char *name, int64_t value)
{
	char digits[24];
	char *p = digits + sizeof(digits);
	uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

	do {
		*--p = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest != 0);
	if (value < 0)
		*--p = '-';
	xml_str(out, name, (struct str){p, (size_t)(digits + sizeof(digits) - p)});
}
