#include "asl/path/filter.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

static struct filter *filter_parse_chain(struct path_parser *parser, enum filter_kind kind);
static int filter_parse_value(struct path_parser *parser, json_t **ret_value);

/* Takes both sides, so that one call of filter_free frees a tree. */
static struct filter *
filter_node_new(enum filter_kind kind, struct filter *left, struct filter *right)
{
	struct filter *filter = mem_zalloc(1, sizeof(*filter));

	filter->kind = kind;
	filter->left = left;
	filter->right = right;
	return filter;
}

/* half is what has been parsed so far, and is freed. Returns NULL, so that a parser can end
 * with it in one line. */
static struct filter *
filter_fail(struct path_parser *parser, struct filter *half, const char *message)
{
	path_scan_fail(parser, message);
	filter_free(half);
	return NULL;
}

/* ['a', 1]. A trailing comma is refused, since a value must follow it. Its elements are
 * literals only, never paths. */
static int
filter_parse_array(struct path_parser *parser, json_t **ret_value)
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
		if (filter_parse_value(parser, &element) < 0) {
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

/*
 * A text without quotes, as AWS's documentation writes it: [?(@.kind==fruit)]. A number, true,
 * false and null are themselves. It ends at a blank and before whatever has a meaning in a filter.
 * A slash at its head is left to be refused, since a pattern behind == is a mistake for =~.
 */
static int
filter_parse_word(struct path_parser *parser, json_t **ret_value)
{
	static const char word_ends[] = " \t\r\n()[]{}'\",=!<>&|~";
	struct path_parser scalar = {.text = {parser->text.p + parser->pos, 0}};
	struct buf text = {0};
	json_t *value;

	while (parser->pos + scalar.text.len < parser->text.len &&
	       strchr(word_ends, scalar.text.p[scalar.text.len]) == NULL)
		scalar.text.len++;
	if (scalar.text.len == 0 || path_scan_peek(parser) == '/')
		return path_scan_fail(parser, "expected a value");
	parser->pos += scalar.text.len;
	if (path_scan_scalar(&scalar, &value) == 0) {
		if (scalar.pos == scalar.text.len) {
			*ret_value = value;
			return 0;
		}
		json_decref(value);
	}
	buf_add(&text, scalar.text.p, scalar.text.len);
	return path_scan_string(parser, &text, ret_value);
}

/* Either quote may stand; a list nests within the same limit as parentheses. */
static int
filter_parse_value(struct path_parser *parser, json_t **ret_value)
{
	struct buf text = {0};
	int rc;

	if (path_scan_peek(parser) == '\'' || path_scan_peek(parser) == '"') {
		if (path_scan_quoted(parser, &text) == 0)
			return path_scan_string(parser, &text, ret_value);
		buf_fini(&text);
		return -1;
	}
	if (!path_scan_accept(parser, "["))
		return filter_parse_word(parser, ret_value);
	if (++parser->depth > PATH_FILTER_DEPTH_MAX)
		return path_scan_fail(parser, "lists are nested too deeply");
	rc = filter_parse_array(parser, ret_value);
	parser->depth--;
	return rc;
}

/* Literals are read once, here, and not for every node that is tried. */
static int
filter_parse_operand(struct path_parser *parser, struct filter_operand *operand)
{
	path_scan_blanks(parser);
	/* A path in a filter may begin at the node or at any root: [?(@.price < $max)]. */
	if (path_scan_peek(parser) != '@' && path_scan_peek(parser) != '$')
		return filter_parse_value(parser, &operand->literal);
	operand->path = path_parse_at(parser);
	return operand->path != NULL ? 0 : -1;
}

/* /pattern/ or /pattern/i. Only \/ and \\ are for this parser; all other escapes are the
 * pattern's. /. Java's flags other than i are left unread, and so refused by what follows. */
static int
filter_parse_regex(struct path_parser *parser, struct filter_operand *operand)
{
	struct buf pattern = {0};
	bool closed = false;

	path_scan_blanks(parser);
	if (!path_scan_accept(parser, "/"))
		return path_scan_fail(parser, "expected a pattern: /.../");
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
		path_scan_fail(parser, "unclosed pattern: missing /");
	else
		operand->regex =
		    regex_new(buf_str(&pattern), path_scan_accept(parser, "i"), parser->err);
	buf_fini(&pattern);
	return operand->regex != NULL ? 0 : -1;
}

/* A path alone, or two operands with an operator between. Begins as a test for existence,
 * and becomes a comparison when an operator follows. A literal alone says nothing and is
 * refused. The blanks before an operator belong to nothing. */
static struct filter *
filter_parse_comparison(struct path_parser *parser)
{
	struct filter *filter = filter_node_new(FILTER_EXISTS, NULL, NULL);
	int rc;

	if (filter_parse_operand(parser, &filter->a) < 0) {
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
	rc = filter_op_takes_regex(filter->op) ? filter_parse_regex(parser, &filter->b)
					       : filter_parse_operand(parser, &filter->b);
	if (rc < 0) {
		filter_free(filter);
		return NULL;
	}
	return filter;
}

/* Behind `(`. Parentheses are the only way to nest, so their depth bounds the C stack. The
 * depth is not taken back after a fault, which ends the whole parse. */
static struct filter *
filter_parse_group(struct path_parser *parser)
{
	struct filter *filter;

	if (++parser->depth > PATH_FILTER_DEPTH_MAX)
		return filter_fail(parser, NULL, "parentheses are nested too deeply");
	filter = filter_parse_chain(parser, FILTER_OR);
	if (filter == NULL)
		return NULL;
	path_scan_blanks(parser);
	if (!path_scan_accept(parser, ")"))
		return filter_fail(parser, filter, "expected )");
	parser->depth--;
	return filter;
}

/* ! binds more than && and ||: !@.a && @.b is (!@.a) && @.b. Two negations cancel out, so
 * only an odd number of them makes a node. */
static struct filter *
filter_parse_unary(struct path_parser *parser)
{
	unsigned negations = 0; /* counted, so that a thousand of them cost no depth */
	struct filter *filter;

	path_scan_blanks(parser);
	while (path_scan_accept(parser, "!")) {
		negations++;
		path_scan_blanks(parser);
	}
	filter = path_scan_accept(parser, "(") ? filter_parse_group(parser)
					       : filter_parse_comparison(parser);
	if (filter != NULL && negations % 2 == 1)
		filter = filter_node_new(FILTER_NOT, filter, NULL);
	return filter;
}

/* a && b && c, or with ||, which binds less: a || b && c is a || (b && c). Chains hang to
 * the left, so their length costs no depth. /. Each level reads the next tighter one, which
 * gives && its precedence. */
static struct filter *
filter_parse_chain(struct path_parser *parser, enum filter_kind kind)
{
	bool is_or = kind == FILTER_OR;
	struct filter *left =
	    is_or ? filter_parse_chain(parser, FILTER_AND) : filter_parse_unary(parser);

	while (left != NULL) {
		struct filter *right;

		path_scan_blanks(parser);
		if (!path_scan_accept(parser, is_or ? "||" : "&&"))
			break;
		right = is_or ? filter_parse_chain(parser, FILTER_AND) : filter_parse_unary(parser);
		if (right == NULL) {
			filter_free(left);
			return NULL;
		}
		left = filter_node_new(kind, left, right);
	}
	return left;
}

/* Jayway's form is [?(...)], with parentheses. */
struct filter *
filter_parse(struct path_parser *parser)
{
	assert(parser->depth > 0);
	path_scan_blanks(parser);
	if (!path_scan_accept(parser, "("))
		return filter_fail(parser, NULL, "expected ( after ?");
	return filter_parse_group(parser);
}
