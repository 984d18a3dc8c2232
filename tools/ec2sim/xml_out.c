#include "xml_out.h"

#include <string.h>

/* Most of a reply's bytes are names: each tag is written once, where it stays. */
static char *
put(char *at, const char *text, size_t len)
{
	memcpy(at, text, len);
	return at + len;
}

static void
end_at(struct buf *out, char *at)
{
	*at = '\0';
	out->len = (size_t)(at - out->p);
}

void
xml_tag(struct buf *out, struct str before, struct str name, struct str after)
{
	char *at;

	buf_reserve(out, before.len + name.len + after.len);
	at = put(out->p + out->len, before.p, before.len);
	at = put(at, name.p, name.len);
	end_at(out, put(at, after.p, after.len));
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

/* How many bytes at the start stand for themselves. */
static size_t
plain_bytes(struct str text)
{
	static const char special[256] = {['&'] = 1, ['<'] = 1, ['>'] = 1, ['"'] = 1};
	size_t i = 0;

	while (
	    i < text.len && (unsigned char)text.p[i] >= 0x20 && !special[(unsigned char)text.p[i]])
		i++;
	return i;
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
xml_element(struct buf *out, struct str name, struct str text)
{
	char *at;

	if (text.len == 0) {
		xml_tag(out, STR("<"), name, STR("/>"));
		return;
	}
	if (plain_bytes(text) < text.len) {
		xml_tag(out, STR("<"), name, STR(">"));
		xml_escape(out, text);
		xml_tag(out, STR("</"), name, STR(">"));
		return;
	}
	buf_reserve(out, 2 * name.len + text.len + sizeof("<></>"));
	at = out->p + out->len;
	*at++ = '<';
	at = put(at, name.p, name.len);
	*at++ = '>';
	at = put(at, text.p, text.len);
	*at++ = '<';
	*at++ = '/';
	at = put(at, name.p, name.len);
	*at++ = '>';
	end_at(out, at);
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
