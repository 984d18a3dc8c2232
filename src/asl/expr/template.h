#ifndef TMFLOW_ASL_EXPR_TEMPLATE_H
#define TMFLOW_ASL_EXPR_TEMPLATE_H

#include "asl/expr/expr.h"
#include "base/diag.h"

/* A payload template (Parameters, ResultSelector, ItemSelector, Assign): JSON in which each `key.$` is replaced by `key` with the value of its expression.
 * Compiled once; constant subtrees are shared by reference with every result. */
struct asl_template;

/* Compiles json, which stands at pointer in the definition; every fault goes to diags (with its place). NULL when there was one. */
struct asl_template *
asl_template_compile(json_t *json, const char *pointer, struct diag_list *diags);
void asl_template_free(struct asl_template *tmpl);

/* New reference. Errors: as asl_expr_eval. */
int asl_template_eval(const struct asl_template *tmpl, const struct asl_scope *scope,
    json_t **ret_value, struct tmf_err *err);

/*
 * What the template's members are called in its result, with the values that these have in object: which variables an Assign set, for instance.
 * Takes: a template that is an object. Returns: a new object; members that object lacks are left out.
 */
json_t *asl_template_pick(const struct asl_template *tmpl, const json_t *object);

#endif
