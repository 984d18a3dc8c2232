#ifndef TMFLOW_ASL_EXPR_TEMPLATE_H
#define TMFLOW_ASL_EXPR_TEMPLATE_H

#include "asl/expr/expr.h"
#include "base/diag.h"

/*
 * A payload template (Parameters, ResultSelector, ItemSelector, Assign): JSON in which each `key.$`
 * is replaced by `key` with the value of its expression.
 * Compiled once; constant subtrees are shared by reference with every result.
 */
struct asl_template;

/*
 * Compiles json, which stands at pointer in the definition.
 * Returns: a new template, NULL when there was a fault.
 * Effects: every fault goes to diags, with its place.
 */
struct asl_template *
asl_template_compile(json_t *json, const char *pointer, struct diag_list *diags);

/* NULL is fine. */
void asl_template_free(struct asl_template *tmpl);

/* Puts a new reference into *ret_value. Errors: as asl_expr_eval. */
int asl_template_eval(const struct asl_template *tmpl, const struct asl_scope *scope,
    json_t **ret_value, struct tmf_err *err);

/*
 * The template's members with the values that these have in object: for an Assign, the variables
 * that it set. Takes: a template that is an object.
 * Returns: a new object; members that object lacks are left out.
 */
json_t *asl_template_pick(const struct asl_template *tmpl, const json_t *object);

#endif
