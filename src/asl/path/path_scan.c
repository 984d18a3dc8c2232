#include "asl/path/path_scan.h"

#include "base/jsonx.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

/*
 * The words of paths, filters and intrinsic functions. All three are read by the same parser state,
 * since they hold one another: a function takes paths, a path holds filters, a filter holds paths.
 */

char
path_scan_peek(const struct path_parser *parser)
{
	return parser->pos < parser->text.len ? parser->text.p[parser->pos] : '\0';
}

void
path_scan_blanks(struct path_parser *parser)
{
	while (parser->pos < parser->text.len && strchr(" \t\r\n", path_scan_peek(parser)) != NULL)
		parser->pos++;
}

/* Moves only when the whole token is there, so alternatives can be tried in turn. */
bool
path_scan_accept(struct path_parser *parser, const char *token)
{
	size_t len = strlen(token);

	assert(parser->pos <= parser->text.len);
	if (parser->text.len - parser->pos < len ||
	    memcmp(parser->text.p + parser->pos, token, len) != 0)
		return false;
	parser->pos += len;
	return true;
}

/* Characters are counted from 1, as editors do; in bytes, since that is what they mostly are. */
int
path_scan_fail(struct path_parser *parser, const char *message)
{
	return tmf_err_set(
	    parser->err, TMF_ERR_INVALID, "at character %zu: %s", parser->pos + 1, message);
}

/* Only the quote and the backslash can be escaped; before others a backslash is itself. */
int
path_scan_quoted(struct path_parser *parser, struct buf *out)
{
	char quote = path_scan_peek(parser);

	assert(quote == '\'' || quote == '"');
	parser->pos++;
	while (parser->pos < parser->text.len) {
		char c = parser->text.p[parser->pos++];

		if (c == quote)
			return 0;
		if (c == '\\' &&
		    (path_scan_peek(parser) == quote || path_scan_peek(parser) == '\\'))
			c = parser->text.p[parser->pos++];
		buf_add_char(out, c);
	}
	return path_scan_fail(parser, "unclosed quote");
}

/* Checked with each digit, so that the value cannot overflow. */
int
path_scan_integer(struct path_parser *parser, int64_t *ret_value)
{
	bool negative = path_scan_accept(parser, "-");
	int64_t value = 0;

	if (!isdigit((unsigned char)path_scan_peek(parser)))
		return path_scan_fail(parser, "expected an integer");
	while (isdigit((unsigned char)path_scan_peek(parser))) {
		value = value * 10 + (parser->text.p[parser->pos++] - '0');
		if (value > PATH_INDEX_MAX)
			return path_scan_fail(parser, "number out of range");
	}
	*ret_value = negative ? -value : value;
	return 0;
}

/*
 * What may belong to a number is cut out, and jansson says whether it is one. So "1.e5" or "01" are
 * refused here as JSON refuses them.
 */
static int
scan_number(struct path_parser *parser, json_t **ret_value)
{
	struct str text = {.p = parser->text.p + parser->pos, .len = 0};
	json_t *value;

	while (parser->pos + text.len < parser->text.len && text.p[text.len] != '\0' &&
	       strchr("+-.0123456789eE", text.p[text.len]) != NULL)
		text.len++;
	value = text.len > 0 ? jsonx_parse(text, NULL) : NULL;
	if (value == NULL)
		return path_scan_fail(parser, "expected a value");
	parser->pos += text.len;
	*ret_value = value;
	return 0;
}

int
path_scan_scalar(struct path_parser *parser, json_t **ret_value)
{
	if (path_scan_accept(parser, "true"))
		*ret_value = json_true();
	else if (path_scan_accept(parser, "false"))
		*ret_value = json_false();
	else if (path_scan_accept(parser, "null"))
		*ret_value = json_null();
	else
		return scan_number(parser, ret_value);
	/* "nulls" is a mistake, not null with text behind it. */
	if (isalnum((unsigned char)path_scan_peek(parser)))
		return path_scan_fail(parser, "expected a value");
	return 0;
}

int
path_scan_string(struct path_parser *parser, struct buf *text, json_t **ret_value)
{
	json_t *string = json_stringn(text->p != NULL ? text->p : "", text->len);

	buf_fini(text);
	if (string == NULL)
		return path_scan_fail(parser, "invalid UTF-8 in a string");
	*ret_value = string;
	return 0;
}
