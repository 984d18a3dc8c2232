#include "asl/expr/expr_internal.h"

#include "base/mem.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static int expr_parse_call(struct path_parser *parser, struct expr_node *node, unsigned depth);

/*
 * '...' from pos on. Escapes are \' \{ \} and \\, nothing else; in a template all but \' stay for
 * the function to read.
 */
static int
expr_parse_quoted(struct path_parser *parser, bool is_template, struct buf *out)
{
	parser->pos++;
	while (parser->pos < parser->text.len) {
		char c = parser->text.p[parser->pos++];

		if (c == '\'')
			return 0;
		if (c == '\\') {
			c = path_scan_peek(parser);
			if (c == '\0' || strchr("'{}\\", c) == NULL)
				return path_scan_fail(parser,
				    "invalid escape: only \\' \\{ \\} and \\\\ are allowed");
			parser->pos++;
			if (is_template && c != '\'')
				buf_add_char(out, '\\');
		}
		buf_add_char(out, c);
	}
	return path_scan_fail(parser, "unclosed quote");
}

/* The node is a literal before anything can fail, so a half parsed one can be freed. */
static int
expr_parse_string(struct path_parser *parser, bool is_template, struct expr_node *node)
{
	struct buf text = {0};

	node->kind = EXPR_LITERAL;
	if (expr_parse_quoted(parser, is_template, &text) == 0)
		return path_scan_string(parser, &text, &node->u.literal);
	buf_fini(&text);
	return -1;
}

/* The parser of paths stops where the path ends, at a comma or a parenthesis. */
static int
expr_parse_path(struct path_parser *parser, struct expr_node *node)
{
	struct asl_path *path = path_parse_at(parser);

	if (path == NULL)
		return -1;
	*node = (struct expr_node){.kind = EXPR_PATH, .u.path = path};
	return 0;
}

/* The first character decides: AWS takes strings in single quotes only, and no lists or
 * objects. A bare word that is neither is left to the scalars: numbers, true, false, null. */
static int
expr_parse_arg(struct path_parser *parser, bool is_template, struct expr_node *node, unsigned depth)
{
	switch (path_scan_peek(parser)) {
	case '\'':
		return expr_parse_string(parser, is_template, node);
	case '$':
		return expr_parse_path(parser, node);
	case 'S':
		return expr_parse_call(parser, node, depth + 1);
	default:
		node->kind = EXPR_LITERAL;
		return path_scan_scalar(parser, &node->u.literal);
	}
}

/* Behind `(`, to behind `)`. The count grows only when an argument is complete, so that a
 * fault frees exactly what there is. */
static int
expr_parse_args(struct path_parser *parser, struct expr_call *call, unsigned depth)
{
	path_scan_blanks(parser);
	if (path_scan_accept(parser, ")"))
		return 0;
	do {
		struct expr_node *arg;
		bool is_template = call->fn->takes_template && call->arg_count == 0;

		path_scan_blanks(parser);
		if (call->arg_count == ASL_EXPR_ARGS_MAX)
			return path_scan_fail(parser, "too many arguments");
		call->args = mem_resize(call->args, call->arg_count + 1, sizeof(*call->args));
		arg = &call->args[call->arg_count];
		if (expr_parse_arg(parser, is_template, arg, depth) < 0)
			return -1;
		call->arg_count++;
		path_scan_blanks(parser);
	} while (path_scan_accept(parser, ","));
	if (!path_scan_accept(parser, ")"))
		return path_scan_fail(parser, "expected , or )");
	return 0;
}

/* Names are compared with case, as on AWS: States.uuid() is unknown. The hint compares
 * without the prefix "States.", which all functions share. */
static int
expr_fail_unknown(struct path_parser *parser, struct str name)
{
	const char *nearest = intrinsic_nearest(name);
	struct buf message = {0};

	buf_printf(&message, "unknown function States.%.*s", (int)name.len, name.p);
	if (nearest != NULL)
		buf_printf(&message, "; did you mean States.%s?", nearest);
	path_scan_fail(parser, buf_cstr(&message));
	buf_fini(&message);
	return -1;
}

/* All functions live under "States."; the name is cut out before it is searched for, so
 * "States.Format2" is not Format. */
static int
expr_parse_function_name(struct path_parser *parser, const struct intrinsic **ret_fn)
{
	struct str name;

	if (!path_scan_accept(parser, "States."))
		return path_scan_fail(parser, "expected a path or a function States.Name(...)");
	name = (struct str){parser->text.p + parser->pos, 0};
	while (isalnum((unsigned char)path_scan_peek(parser))) {
		parser->pos++;
		name.len++;
	}
	*ret_fn = intrinsic_find(name);
	if (*ret_fn == NULL)
		return expr_fail_unknown(parser, name);
	if (!path_scan_accept(parser, "("))
		return path_scan_fail(parser, "expected (");
	return 0;
}

/* A wrong count fails when the machine is created, on AWS too; a wrong type only when it runs. */
static int
expr_check_arg_count(struct path_parser *parser, const struct expr_call *call)
{
	const struct intrinsic *fn = call->fn;
	size_t max = intrinsic_args_max(fn);

	if (call->arg_count >= fn->args_min && call->arg_count <= max)
		return 0;
	return tmf_err_set(parser->err, TMF_ERR_INVALID,
	    "at character %zu: States.%s takes %s%u argument%s, not %zu", parser->pos, fn->name,
	    fn->args_min == max ? "" : "at least ", fn->args_min, fn->args_min == 1 ? "" : "s",
	    call->arg_count);
}

/* The depth counts nested calls, because each level takes a part of the C stack. */
static int
expr_parse_call(struct path_parser *parser, struct expr_node *node, unsigned depth)
{
	struct expr_node call = {.kind = EXPR_CALL, .u.call = {.from = parser->pos}};

	if (depth > ASL_EXPR_DEPTH_MAX)
		return path_scan_fail(parser, "functions are nested too deeply");
	if (expr_parse_function_name(parser, &call.u.call.fn) < 0)
		return -1;
	assert(call.u.call.fn != NULL);
	if (expr_parse_args(parser, &call.u.call, depth) < 0 ||
	    expr_check_arg_count(parser, &call.u.call) < 0) {
		expr_node_fini(&call);
		return -1;
	}
	call.u.call.to = parser->pos;
	*node = call;
	return 0;
}

/* Blanks may stand after commas, and behind the expression, as AWS's own definitions have them.
 * Before `States.` they are refused, recorded from AWS. A literal alone is not an expression:
 * "x.$": "'a'" is refused. */
static int
expr_parse_root(struct path_parser *parser, struct expr_node *node)
{
	int rc = path_scan_peek(parser) == '$' ? expr_parse_path(parser, node)
					       : expr_parse_call(parser, node, 1);

	path_scan_blanks(parser);
	if (rc == 0 && parser->pos < parser->text.len) {
		expr_node_fini(node);
		return path_scan_fail(parser, "unexpected text after the expression");
	}
	return rc;
}

/* A limit of bytes bounds the work of the parser and the size of messages. A NUL would end
 * the text for all that take it as a C string. */
struct asl_expr *
asl_expr_parse(struct str text, struct tmf_err *err)
{
	struct path_parser parser = {.text = text, .err = err};
	struct expr_node root;
	struct asl_expr *expr;

	if (text.len > ASL_EXPR_BYTES_MAX) {
		tmf_err_set(err, TMF_ERR_INVALID,
		    "the expression is too long: the limit is %u bytes", ASL_EXPR_BYTES_MAX);
		return NULL;
	}
	if (memchr(text.p, '\0', text.len) != NULL) {
		tmf_err_set(err, TMF_ERR_INVALID, "the expression contains a NUL character");
		return NULL;
	}
	if (expr_parse_root(&parser, &root) < 0)
		return NULL;
	expr = mem_zalloc(1, sizeof(*expr));
	expr->text = mem_strndup(text.p, text.len);
	expr->root = root;
	return expr;
}
