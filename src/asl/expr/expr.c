#include "asl/expr/expr_internal.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

/* One evaluation of an expression. */
struct expr_eval {
	const struct asl_expr *expr;
	const char *field;
	const struct asl_scope *scope;
	struct tmf_err *err;
};

static int
eval_node(const struct expr_eval *eval, const struct expr_node *node, json_t **ret_value);

void
expr_node_fini(struct expr_node *node)
{
	switch (node->kind) {
	case EXPR_LITERAL:
		json_decref(node->u.literal);
		break;
	case EXPR_PATH:
		asl_path_free(node->u.path);
		break;
	case EXPR_CALL:
		for (size_t i = 0; i < node->u.call.arg_count; i++)
			expr_node_fini(&node->u.call.args[i]);
		free(node->u.call.args);
		break;
	}
}

void
asl_expr_free(struct asl_expr *expr)
{
	if (expr == NULL)
		return;
	expr_node_fini(&expr->root);
	free(expr->text);
	free(expr);
}

const char *
asl_expr_text(const struct asl_expr *expr)
{
	return expr->text;
}

const struct asl_path *
asl_expr_path(const struct asl_expr *expr)
{
	return expr->root.kind == EXPR_PATH ? expr->root.u.path : NULL;
}

/* AWS words it in two ways: for a path that is the whole expression, and for one that is an argument. */
static int
fail_not_found(const struct expr_eval *eval, const struct asl_path *path)
{
	json_t *searched = path_root_get(path, eval->scope, NULL);
	char *input = jsonx_text(searched);

	if (asl_expr_path(eval->expr) == path)
		tmf_err_set_name(eval->err, TMF_ERR_ASL, "States.Runtime",
		    "The JSONPath '%s' specified for the field '%s' could not be found in the "
		    "input '%s'",
		    path->text, eval->field, input);
	else
		tmf_err_set_name(eval->err, TMF_ERR_ASL, "States.Runtime",
		    "The function '%s' had the following error: The JsonPath argument for the "
		    "field '%s' could not be found in the input '%s'",
		    eval->expr->text, path->text, input);
	free(input);
	return -1;
}

static int
eval_path(const struct expr_eval *eval, const struct asl_path *path, json_t **ret_value)
{
	switch (asl_path_eval(path, eval->scope, ret_value, eval->err)) {
	case ASL_FOUND:
		return 0;
	case ASL_FOUND_NOTHING:
		return fail_not_found(eval, path);
	case ASL_FOUND_ERROR:
		break;
	}
	return -1;
}

/* Evaluates the arguments into args; *ret_count says how many there are to release, after a failure too. */
static int
eval_args(
    const struct expr_eval *eval, const struct expr_call *call, json_t **args, size_t *ret_count)
{
	for (*ret_count = 0; *ret_count < call->arg_count; ++*ret_count) {
		if (eval_node(eval, &call->args[*ret_count], &args[*ret_count]) < 0)
			return -1;
	}
	return 0;
}

static int
eval_call(const struct expr_eval *eval, const struct expr_call *call, json_t **ret_value)
{
	json_t **args = mem_zalloc(call->arg_count + 1, sizeof(json_t *));
	struct intrinsic_call run = {.fn = call->fn, .args = args, .rng = eval->scope->rng};
	int rc = eval_args(eval, call, args, &run.arg_count);

	if (rc == 0)
		rc = call->fn->run(&run, ret_value, eval->err);
	for (size_t i = 0; i < run.arg_count; i++)
		json_decref(args[i]);
	free(args);
	return rc;
}

static int
eval_node(const struct expr_eval *eval, const struct expr_node *node, json_t **ret_value)
{
	switch (node->kind) {
	case EXPR_LITERAL:
		*ret_value = json_incref(node->u.literal);
		return 0;
	case EXPR_PATH:
		return eval_path(eval, node->u.path, ret_value);
	case EXPR_CALL:
		return eval_call(eval, &node->u.call, ret_value);
	}
	assert(!"an expression of unknown kind");
	return -1;
}

int
asl_expr_eval(const struct asl_expr *expr, const char *field, const struct asl_scope *scope,
    json_t **ret_value, struct tmf_err *err)
{
	struct expr_eval eval = {.expr = expr, .field = field, .scope = scope, .err = err};

	return eval_node(&eval, &expr->root, ret_value);
}
