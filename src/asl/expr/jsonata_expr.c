#include "asl/expr/jsonata_expr.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPENS "{%"
#define ENDS  "%}"
#define MARK  2u /* bytes of either */

#define ERROR_QUERY "States.QueryEvaluationError"

struct asl_jsonata {
	struct jsonata *jsonata;
	char *text;
	char *field;
	bool reads_context; /* which is made only where an expression asks for it */
};

/* No blank may stand before {% or behind %}: recorded from AWS, " {% x %} " is a constant. */
enum asl_jsonata_form
asl_jsonata_form(struct str text)
{
	bool opens = text.len >= MARK && memcmp(text.p, OPENS, MARK) == 0;
	bool ends = text.len >= MARK && memcmp(text.p + text.len - MARK, ENDS, MARK) == 0;

	if (opens && ends && text.len >= 2 * (size_t)MARK)
		return ASL_JSONATA_EXPRESSION;
	return opens || ends ? ASL_JSONATA_HALF : ASL_JSONATA_TEXT;
}

static void
jsonata_expr_fill_fault(struct asl_jsonata_fault *fault, const struct jsonata_error *error)
{
	bool refers = error->code[0] == '\0';

	assert(!refers || error->token[0] != '\0');
	*fault = (struct asl_jsonata_fault){
	    .code = refers ? "UNSUPPORTED_JSONATA_EXPRESSION" : "INVALID_JSONATA_EXPRESSION"};
	if (!refers) {
		snprintf(fault->message, sizeof(fault->message), "%s at character %u (%s)",
		    error->message, error->position, error->code);
		return;
	}
	if (strcmp(error->token, "$eval") == 0) {
		snprintf(
		    fault->message, sizeof(fault->message), "The function $eval is not supported");
		snprintf(fault->hint, sizeof(fault->hint), "$parse reads JSON");
	} else if (strncmp(error->token, "$states.", 8) == 0) {
		snprintf(fault->message, sizeof(fault->message),
		    "Reference to '%s' is not supported here", error->token);
		snprintf(fault->hint, sizeof(fault->hint),
		    strcmp(error->token, "$states.result") == 0
			? "it is there in the Output and Assign of a Task, Parallel or Map"
			: "it is there in the Output and Assign of a Catch");
	} else {
		snprintf(fault->message, sizeof(fault->message),
		    "Reference to '%s' at the top level is not supported.", error->token);
		snprintf(fault->hint, sizeof(fault->hint), "$states.input%s%s",
		    error->token[0] == '$' ? "" : ".", error->token[0] == '$' ? "" : error->token);
	}
}

struct asl_jsonata *
asl_jsonata_parse(
    struct str text, const char *field, unsigned allowed, struct asl_jsonata_fault *ret_fault)
{
	struct jsonata_error error = {.position = 0};
	struct str inner = {text.p + MARK, text.len - 2 * (size_t)MARK};
	struct jsonata *jsonata;
	struct asl_jsonata *expr;

	assert(asl_jsonata_form(text) == ASL_JSONATA_EXPRESSION);
	jsonata = jsonata_compile(inner, &error);
	if (jsonata == NULL || !jsonata_fits_states(jsonata, allowed, &error)) {
		jsonata_expr_fill_fault(ret_fault, &error);
		jsonata_free(jsonata);
		return NULL;
	}
	inner = str_trim(inner);
	expr = mem_zalloc(1, sizeof(*expr));
	expr->jsonata = jsonata;
	expr->text = mem_strndup(inner.p, inner.len);
	expr->field = mem_strdup(field);
	expr->reads_context = jsonata_reads_context(jsonata);
	return expr;
}

void
asl_jsonata_free(struct asl_jsonata *expr)
{
	if (expr == NULL)
		return;
	jsonata_free(expr->jsonata);
	free(expr->text);
	free(expr->field);
	free(expr);
}

const char *
asl_jsonata_text(const struct asl_jsonata *expr)
{
	return expr->text;
}

const char *
asl_jsonata_field(const struct asl_jsonata *expr)
{
	return expr->field;
}

/* What $states is for this evaluation. */
static json_t *
jsonata_expr_states(const struct asl_jsonata *expr, const struct asl_scope *scope)
{
	json_t *states = json_object();

	assert(scope->input != NULL && scope->rng != NULL);
	json_object_set(states, "input", scope->input);
	if (expr->reads_context)
		json_object_set(states, "context", scope->context(scope->context_arg));
	if (scope->result != NULL)
		json_object_set(states, "result", scope->result);
	if (scope->error_output != NULL)
		json_object_set(states, "errorOutput", scope->error_output);
	return states;
}

/* Recorded from AWS, each of the three. A function has no value in JSON, and no code of jsonata's.
 */
static int
jsonata_expr_fail(
    const struct asl_jsonata *expr, int ret, const struct jsonata_error *error, struct tmf_err *err)
{
	struct buf cause = {0};

	assert(expr->text != NULL && expr->field != NULL);
	buf_printf(&cause, "The JSONata expression '%s' specified for the field '%s' ", expr->text,
	    expr->field);
	if (ret == 0)
		buf_add_cstr(&cause, "returned nothing (undefined).");
	else if (error->code[0] == '\0')
		buf_add_cstr(&cause, "returned an unsupported result type.");
	else
		buf_printf(&cause, "threw an error during evaluation. %s: %s", error->code,
		    error->message);
	tmf_err_set_name(err, TMF_ERR_ASL, ERROR_QUERY, "%s", buf_cstr(&cause));
	buf_fini(&cause);
	return -1;
}

/* $states is one of the variables, as AWS has it; a workflow cannot assign one of that name. */
int
asl_jsonata_eval(const struct asl_jsonata *expr, const struct asl_scope *scope, json_t **ret_value,
    struct tmf_err *err)
{
	struct jsonata_error error;
	json_t *value = NULL;
	json_t *states = jsonata_expr_states(expr, scope);
	const struct jsonata_opts opts = {
	    .variables = scope->variables,
	    .states = states,
	    .now_wall_ms = scope->now_wall_ms,
	    .rng = scope->rng,
	    .refuses_functions = true,
	};
	int ret = jsonata_evaluate(expr->jsonata, &opts, &value, &error);

	json_decref(states);
	if (ret < 0 || value == NULL)
		return jsonata_expr_fail(expr, ret, &error, err);
	*ret_value = value;
	return 0;
}

int
asl_jsonata_wrong_type(
    const struct asl_jsonata *expr, const char *type, const json_t *value, struct tmf_err *err)
{
	char *text = jsonx_text(value);

	tmf_err_set_name(err, TMF_ERR_ASL, ERROR_QUERY,
	    "The JSONata expression '%s' specified for the field '%s' returned an unexpected "
	    "result type. Expected '%s', but was '%s' for value: %s",
	    expr->text, expr->field, type, jsonx_kind(value), text);
	free(text);
	return -1;
}
