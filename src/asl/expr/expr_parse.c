#include "asl/expr/expr_internal.h"

#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static int parse_call(struct path_parser *parser, struct expr_node *node, unsigned depth);

/* '...' from pos on. Escapes are \' \{ \} and \\, nothing else; in a template all but \' stay for the function to read. */
static int
parse_quoted(struct path_parser *parser, bool is_template, struct buf *out)
{
	parser->pos++;
	while (parser->pos < parser->text.len) {
		char c = parser->text.p[parser->pos++];

		if (c == '\'')
			return 0;
		if (c == '\\') {
			c = path_scan_peek(parser);
			if (c == '\0' || strchr("'{}\\", c) == NULL)
				return path_scan_fail(parser, "after \\ only ' { } and \\ may stand");
			parser->pos++;
			if (is_template && c != '\'')
				buf_add_char(out, '\\');
		}
		buf_add_char(out, c);
	}
	return path_scan_fail(parser, "a quote that is not closed");
}

static int
parse_string(struct path_parser *parser, bool is_template, struct expr_node *node)
{
	struct buf text = {0};
	int rc = parse_quoted(parser, is_template, &text);

	if (rc == 0) {
		json_t *string = json_stringn(text.p != NULL ? text.p : "", text.len);

		rc = string != NULL ? 0 : path_scan_fail(parser, "a string that is not UTF-8");
		if (rc == 0)
			*node = (struct expr_node){.kind = EXPR_LITERAL, .u.literal = string};
	}
	buf_fini(&text);
	return rc;
}

static int
parse_path(struct path_parser *parser, struct expr_node *node)
{
	struct asl_path *path = path_parse_at(parser);

	if (path == NULL)
		return -1;
	*node = (struct expr_node){.kind = EXPR_PATH, .u.path = path};
	return 0;
}

static int
parse_scalar(struct path_parser *parser, struct expr_node *node)
{
	json_t *value;

	if (path_scan_scalar(parser, &value) < 0)
		return -1;
	*node = (struct expr_node){.kind = EXPR_LITERAL, .u.literal = value};
	return 0;
}

static int
parse_arg(struct path_parser *parser, bool is_template, struct expr_node *node, unsigned depth)
{
	switch (path_scan_peek(parser)) {
	case '\'':
		return parse_string(parser, is_template, node);
	case '$':
		return parse_path(parser, node);
	case 'S':
		return parse_call(parser, node, depth + 1);
	default:
		return parse_scalar(parser, node);
	}
}

/* Behind `(`, to behind `)`. */
static int
parse_args(struct path_parser *parser, struct expr_call *call, unsigned depth)
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
		if (parse_arg(parser, is_template, arg, depth) < 0)
			return -1;
		call->arg_count++;
		path_scan_blanks(parser);
	} while (path_scan_accept(parser, ","));
	if (!path_scan_accept(parser, ")"))
		return path_scan_fail(parser, "expected , or )");
	return 0;
}

static int
fail_unknown(struct path_parser *parser, struct str name)
{
	const char *nearest = intrinsic_nearest(name);
	char *message =
	    nearest != NULL
		? mem_printf("there is no function States.%.*s; did you mean States.%s?",
		      (int)name.len, name.p, nearest)
		: mem_printf("there is no function States.%.*s", (int)name.len, name.p);

	path_scan_fail(parser, message);
	free(message);
	return -1;
}

static int
parse_function_name(struct path_parser *parser, const struct intrinsic **ret_fn)
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
		return fail_unknown(parser, name);
	if (!path_scan_accept(parser, "("))
		return path_scan_fail(parser, "expected (");
	return 0;
}

static int
check_arg_count(struct path_parser *parser, const struct expr_call *call)
{
	const struct intrinsic *fn = call->fn;

	if (call->arg_count >= fn->args_min && call->arg_count <= fn->args_max)
		return 0;
	return tmf_err_set(parser->err, TMF_ERR_INVALID,
	    "at character %zu: States.%s takes %s%u argument%s, not %zu", parser->pos, fn->name,
	    fn->args_min == fn->args_max ? "" : "at least ", fn->args_min,
	    fn->args_min == 1 ? "" : "s", call->arg_count);
}

static int
parse_call(struct path_parser *parser, struct expr_node *node, unsigned depth)
{
	struct expr_node call = {.kind = EXPR_CALL, .u.call = {.fn = NULL}};

	if (depth > ASL_EXPR_DEPTH_MAX)
		return path_scan_fail(parser, "functions are nested too deeply");
	if (parse_function_name(parser, &call.u.call.fn) < 0)
		return -1;
	if (parse_args(parser, &call.u.call, depth) < 0 ||
	    check_arg_count(parser, &call.u.call) < 0) {
		expr_node_fini(&call);
		return -1;
	}
	*node = call;
	return 0;
}

static int
parse_root(struct path_parser *parser, struct expr_node *node)
{
	int rc = path_scan_peek(parser) == '$' ? parse_path(parser, node) : parse_call(parser, node, 1);

	if (rc == 0 && parser->pos < parser->text.len) {
		expr_node_fini(node);
		return path_scan_fail(parser, "unexpected text after the expression");
	}
	return rc;
}

struct asl_expr *
asl_expr_parse(struct str text, struct tmf_err *err)
{
	struct path_parser parser = {.text = text, .err = err};
	struct expr_node root;
	struct asl_expr *expr;

	if (text.len > ASL_EXPR_BYTES_MAX) {
		tmf_err_set(err, TMF_ERR_INVALID, "an expression of more than %u bytes",
		    ASL_EXPR_BYTES_MAX);
		return NULL;
	}
	if (memchr(text.p, '\0', text.len) != NULL) {
		tmf_err_set(err, TMF_ERR_INVALID, "an expression with a NUL character");
		return NULL;
	}
	if (parse_root(&parser, &root) < 0)
		return NULL;
	expr = mem_zalloc(1, sizeof(*expr));
	expr->text = mem_strndup(text.p, text.len);
	expr->root = root;
	return expr;
}
