#include "asl/path/filter.h"

#include "base/mem.h"

#include <assert.h>

static struct filter *parse_or(struct path_parser *parser);
static int parse_value(struct path_parser *parser, json_t **ret_value);

static struct filter *
filter_new(enum filter_kind kind, struct filter *left, struct filter *right)
{
	struct filter *filter = mem_zalloc(1, sizeof(*filter));

	filter->kind = kind;
	filter->left = left;
	filter->right = right;
	return filter;
}

static struct filter *
filter_fail(struct path_parser *parser, struct filter *half, const char *message)
{
	path_scan_fail(parser, message);
	filter_free(half);
	return NULL;
}

/* ['a', 1] */
static int
parse_array(struct path_parser *parser, json_t **ret_value)
{
	json_t *array = json_array();
	json_t *element = NULL;

	path_scan_blanks(parser);
	if (path_scan_accept(parser, "]")) {
		*ret_value = array;
		return 0;
	}
	do {
		path_scan_blanks(parser);
		if (parse_value(parser, &element) < 0) {
			json_decref(array);
			return -1;
		}
		json_array_append_new(array, element);
		path_scan_blanks(parser);
	} while (path_scan_accept(parser, ","));
	if (!path_scan_accept(parser, "]")) {
		json_decref(array);
		return path_scan_fail(parser, "expected , or ]");
	}
	*ret_value = array;
	return 0;
}

static int
parse_string(struct path_parser *parser, json_t **ret_value)
{
	struct buf text = {0};
	int rc = path_scan_quoted(parser, &text);

	if (rc == 0) {
		json_t *string = json_stringn(text.p != NULL ? text.p : "", text.len);

		rc = string != NULL ? 0 : path_scan_fail(parser, "a string that is not UTF-8");
		if (rc == 0)
			*ret_value = string;
	}
	buf_fini(&text);
	return rc;
}

static int
parse_value(struct path_parser *parser, json_t **ret_value)
{
	int rc;

	if (path_scan_peek(parser) == '\'' || path_scan_peek(parser) == '"')
		return parse_string(parser, ret_value);
	if (!path_scan_accept(parser, "["))
		return path_scan_scalar(parser, ret_value);
	if (++parser->depth > PATH_FILTER_DEPTH_MAX)
		return path_scan_fail(parser, "lists are nested too deeply");
	rc = parse_array(parser, ret_value);
	parser->depth--;
	return rc;
}

static int
parse_operand(struct path_parser *parser, struct filter_operand *operand)
{
	path_scan_blanks(parser);
	if (path_scan_peek(parser) != '@' && path_scan_peek(parser) != '$')
		return parse_value(parser, &operand->literal);
	operand->path = path_parse_at(parser);
	return operand->path != NULL ? 0 : -1;
}

/* /pattern/ or /pattern/i */
static int
parse_regex(struct path_parser *parser, struct filter_operand *operand)
{
	struct buf pattern = {0};
	bool closed = false;

	path_scan_blanks(parser);
	if (!path_scan_accept(parser, "/"))
		return path_scan_fail(parser, "expected a pattern as /.../");
	while (!closed && parser->pos < parser->text.len) {
		if (path_scan_accept(parser, "\\/"))
			buf_add_char(&pattern, '/');
		else if (path_scan_accept(parser, "\\\\"))
			buf_add_cstr(&pattern, "\\\\");
		else if (path_scan_accept(parser, "/"))
			closed = true;
		else
			buf_add_char(&pattern, parser->text.p[parser->pos++]);
	}
	if (!closed)
		path_scan_fail(parser, "a pattern that is not closed by /");
	else
		operand->regex =
		    regex_new(buf_str(&pattern), path_scan_accept(parser, "i"), parser->err);
	buf_fini(&pattern);
	return operand->regex != NULL ? 0 : -1;
}

/* A path alone, or two operands with an operator between. */
static struct filter *
parse_comparison(struct path_parser *parser)
{
	struct filter *filter = filter_new(FILTER_EXISTS, NULL, NULL);
	int rc;

	if (parse_operand(parser, &filter->a) < 0) {
		filter_free(filter);
		return NULL;
	}
	path_scan_blanks(parser);
	filter->op = filter_op_accept(parser);
	if (filter->op == NULL) {
		if (filter->a.path == NULL)
			return filter_fail(parser, filter, "expected an operator");
		return filter;
	}
	filter->kind = FILTER_COMPARE;
	rc = filter_op_takes_regex(filter->op) ? parse_regex(parser, &filter->b)
					       : parse_operand(parser, &filter->b);
	if (rc < 0) {
		filter_free(filter);
		return NULL;
	}
	return filter;
}

/* Behind `(`. */
static struct filter *
parse_group(struct path_parser *parser)
{
	struct filter *filter;

	if (++parser->depth > PATH_FILTER_DEPTH_MAX)
		return filter_fail(parser, NULL, "parentheses are nested too deeply");
	filter = parse_or(parser);
	if (filter == NULL)
		return NULL;
	path_scan_blanks(parser);
	if (!path_scan_accept(parser, ")"))
		return filter_fail(parser, filter, "expected )");
	parser->depth--;
	return filter;
}

static struct filter *
parse_unary(struct path_parser *parser)
{
	unsigned negations = 0;
	struct filter *filter;

	path_scan_blanks(parser);
	while (path_scan_accept(parser, "!")) {
		negations++;
		path_scan_blanks(parser);
	}
	filter = path_scan_accept(parser, "(") ? parse_group(parser) : parse_comparison(parser);
	if (filter != NULL && negations % 2 == 1)
		filter = filter_new(FILTER_NOT, filter, NULL);
	return filter;
}

static struct filter *
parse_and(struct path_parser *parser)
{
	struct filter *left = parse_unary(parser);

	while (left != NULL) {
		struct filter *right;

		path_scan_blanks(parser);
		if (!path_scan_accept(parser, "&&"))
			break;
		right = parse_unary(parser);
		if (right == NULL) {
			filter_free(left);
			return NULL;
		}
		left = filter_new(FILTER_AND, left, right);
	}
	return left;
}

static struct filter *
parse_or(struct path_parser *parser)
{
	struct filter *left = parse_and(parser);

	while (left != NULL) {
		struct filter *right;

		path_scan_blanks(parser);
		if (!path_scan_accept(parser, "||"))
			break;
		right = parse_and(parser);
		if (right == NULL) {
			filter_free(left);
			return NULL;
		}
		left = filter_new(FILTER_OR, left, right);
	}
	return left;
}

struct filter *
filter_parse(struct path_parser *parser)
{
	assert(parser->depth > 0);
	path_scan_blanks(parser);
	if (!path_scan_accept(parser, "("))
		return filter_fail(parser, NULL, "expected ( after ?");
	return parse_group(parser);
}
