#ifndef TMFLOW_ASL_EXPR_TEMPLATE_H
#define TMFLOW_ASL_EXPR_TEMPLATE_H

#include "asl/expr/expr.h"
#include "asl/expr/jsonata_expr.h"
#include "base/diag.h"

/*
 * A payload template (Parameters, Arguments, ResultSelector, ItemSelector, Assign, Output): JSON
 * with expressions in it, in either query language. In JSONPath each `key.$` is replaced by `key`
 * with the value of its expression; in JSONata each string `{% ... %}` by the value of its own, and
 * a string alone is a template, too.
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

/* The same in JSONata. field: the place in the state as causes name it ("Catch[0]/Output").
 * allowed: of enum jsonata_states, what the expressions may read. */
struct asl_template *asl_template_compile_jsonata(json_t *json, const char *field, unsigned allowed,
    const char *pointer, struct diag_list *diags);

/* The expression that is all of the template; else NULL. Borrowed. */
const struct asl_jsonata *asl_template_jsonata(const struct asl_template *tmpl);

/* NULL is fine. */
void asl_template_free(struct asl_template *tmpl);

/* Puts a new reference into *ret_value. Errors: as asl_expr_eval and asl_jsonata_eval. */
int asl_template_eval(const struct asl_template *tmpl, const struct asl_scope *scope,
    json_t **ret_value, struct tmf_err *err);

/*
 * The template's members with the values that these have in object: for an Assign, the variables
 * that it set. Takes: a template that is an object.
 * Returns: a new object; members that object lacks are left out.
 */
json_t *asl_template_pick(const struct asl_template *tmpl, const json_t *object);

#endif
