#include "asl/expr/expr_internal.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* One evaluation of an expression. What is the same for all nodes of one evaluation, so
 * that the recursion passes one pointer. */
struct expr_eval {
	const struct asl_expr *expr;
	const char *field;
	const struct asl_scope *scope;
	struct tmf_err *err;
};

static int
expr_eval_node(const struct expr_eval *eval, const struct expr_node *node, json_t **ret_value);

/* Literals are shared with the results of functions: immutable, as everything that is evaluated. */
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

/* NULL is fine: a field may have had no expression. */
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

/* A path alone is treated apart by callers, which word its faults in another way. */
const struct asl_path *
asl_expr_path(const struct asl_expr *expr)
{
	return expr->root.kind == EXPR_PATH ? expr->root.u.path : NULL;
}

/* ArrayGetItem gives whatever is in the array. */
bool
asl_expr_may_give_text(const struct asl_expr *expr)
{
	static const char *const names[] = {"Format", "JsonToString", "ArrayGetItem",
	    "Base64Encode", "Base64Decode", "Hash", "UUID", NULL};
	const char *const *name = names;

	if (expr->root.kind != EXPR_CALL)
		return true;
	while (*name != NULL && strcmp(*name, expr->root.u.call.fn->name) != 0)
		name++;
	return *name != NULL;
}

/*
 * AWS words it in two ways: for a path that is the whole expression, and for one that is an
 * argument of a function. Either way States.Runtime.
 */
static int
expr_fail_not_found(const struct expr_eval *eval, const struct asl_path *path)
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

/* An error of the path itself, an undefined variable for example, keeps its own words. */
static int
expr_eval_path(const struct expr_eval *eval, const struct asl_path *path, json_t **ret_value)
{
	switch (asl_path_eval(path, eval->scope, ret_value, eval->err)) {
	case ASL_FOUND:
		return 0;
	case ASL_FOUND_NOTHING:
		return expr_fail_not_found(eval, path);
	case ASL_FOUND_ERROR:
		break;
	}
	return -1;
}

/* Arguments are evaluated from left to right, and the first that fails ends the call. The
 * values of the arguments are dropped in any case: a result that needs one has taken a
 * reference. */
static int
expr_eval_call(const struct expr_eval *eval, const struct expr_call *call, json_t **ret_value)
{
	json_t **args = mem_zalloc(call->arg_count + 1, sizeof(json_t *));
	struct intrinsic_call run = {
	    .fn = call->fn,
	    .text = {eval->expr->text + call->from, call->to - call->from},
	    .rng = eval->scope->rng,
	    .err = eval->err,
	};
	json_t *value = NULL;

	while (run.arg_count < call->arg_count &&
	       expr_eval_node(eval, &call->args[run.arg_count], &args[run.arg_count]) == 0)
		run.arg_count++;
	if (run.arg_count == call->arg_count)
		value = intrinsic_run(&run, args);
	for (size_t i = 0; i < run.arg_count; i++)
		json_decref(args[i]);
	free(args);
	if (value == NULL)
		return -1;
	*ret_value = value;
	return 0;
}

static int
expr_eval_node(const struct expr_eval *eval, const struct expr_node *node, json_t **ret_value)
{
	switch (node->kind) {
	case EXPR_LITERAL:
		*ret_value = json_incref(node->u.literal);
		return 0;
	case EXPR_PATH:
		return expr_eval_path(eval, node->u.path, ret_value);
	case EXPR_CALL:
		return expr_eval_call(eval, &node->u.call, ret_value);
	}
	assert(!"an expression of unknown kind");
	return -1;
}

/* The field is the one that holds the expression, and is named in the cause. */
int
asl_expr_eval(const struct asl_expr *expr, const char *field, const struct asl_scope *scope,
    json_t **ret_value, struct tmf_err *err)
{
	/* A scope without chance is fine here: only UUID and MathRandom assert that it has one. */
	struct expr_eval eval = {.expr = expr, .field = field, .scope = scope, .err = err};

	return expr_eval_node(&eval, &expr->root, ret_value);
}
