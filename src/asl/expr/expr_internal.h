#ifndef TMFLOW_ASL_EXPR_EXPR_INTERNAL_H
#define TMFLOW_ASL_EXPR_EXPR_INTERNAL_H

#include "asl/expr/expr.h"
#include "asl/expr/intrinsic.h"
#include "asl/path/path_internal.h"

/* A parsed expression is a tree: calls, with literals and paths as their leaves. */
enum expr_kind { EXPR_LITERAL, EXPR_PATH, EXPR_CALL };

struct expr_call {
	const struct intrinsic *fn;
	size_t from; /* its place in the expression's text */
	size_t to;
	struct expr_node *args;
	size_t arg_count;
};

struct expr_node {
	enum expr_kind kind;
	union {
		json_t *literal;
		struct asl_path *path;
		struct expr_call call;
	} u;
};

struct asl_expr {
	char *text;
	struct expr_node root;
};

/* Frees what node holds, not node itself. */
void expr_node_fini(struct expr_node *node);

#endif
