#ifndef TMFLOW_ASL_PATH_PATH_H
#define TMFLOW_ASL_PATH_PATH_H

#include "asl/path/scope.h"
#include "base/buf.h"
#include "tmflow/error.h"

#include <stdbool.h>

/*
 * JSONPath as Step Functions has it: the roots $, $$ and $variable; .name ['name'] [n] [-n] [*] .*
 * [a:b:c] [a,b] ['a','b'] ..name [?(filter)] and, as the last step, .length() and its kin.
 * Filters have == != === !== < <= > >= =~ in nin contains size empty subsetof anyof noneof, && || !
 * and parentheses.
 * Parsed once, then evaluated any number of times; immutable.
 * See: https://docs.aws.amazon.com/step-functions/latest/dg/amazon-states-language-paths.html
 */
struct asl_path;

#define ASL_PATH_BYTES_MAX   4096u
#define ASL_PATH_STEPS_MAX   128u
#define ASL_PATH_RESULTS_MAX 1000000u /* nodes that one evaluation may yield or visit by .. */

/*
 * Parses a path of at most ASL_PATH_BYTES_MAX bytes.
 * Returns: a new path, NULL after an error.
 * Errors: TMF_ERR_INVALID with what is wrong and at which character.
 */
struct asl_path *asl_path_parse(struct str text, struct tmf_err *err);

/*
 * A reference path: single node only ($.a.b[0]), for ResultPath. `$` alone is one. Errors:
 * TMF_ERR_INVALID.
 */
struct asl_path *asl_reference_path_parse(struct str text, struct tmf_err *err);

/* The same for a value that is read: it may begin with a variable, too, but not with $$. Errors:
 * TMF_ERR_INVALID. */
struct asl_path *asl_value_path_parse(struct str text, struct tmf_err *err);

/* NULL is fine. */
void asl_path_free(struct asl_path *path);

/* The text it was parsed from. */
const char *asl_path_text(const struct asl_path *path);

/*
 * False when wildcards, slices, unions, filters or .. make it yield a list. (A union of names at
 * the end, $['a','b'], yields one object, as in Jayway.)
 */
bool asl_path_is_definite(const struct asl_path *path);

/* Bracket form, as AWS's messages echo it: $['a']['b'][0] */
void asl_path_bracket_text(const struct asl_path *path, struct buf *out);

/* The name of the variable that it starts from, or NULL. Borrowed. */
const char *asl_path_variable(const struct asl_path *path);

/*
 * Appends why a definite path leads nowhere in scope, as AWS words it after "Invalid path '$.a.b'
 * : ". That is "No results for path: $['a']['b']" or, where a step before the last fails, "Missing
 * property in path $['a']".
 */
void asl_path_explain(const struct asl_path *path, const struct asl_scope *scope, struct buf *out);

enum asl_found { ASL_FOUND_ERROR = -1, ASL_FOUND_NOTHING = 0, ASL_FOUND = 1 };

/*
 * Evaluates the path.
 * Returns: ASL_FOUND with a new reference (a list for indefinite paths, [] when nothing matches);
 * ASL_FOUND_NOTHING where a definite path leads nowhere; ASL_FOUND_ERROR with *err.
 * Errors: TMF_ERR_ASL for an undefined variable, TMF_ERR_LIMIT; both are named States.Runtime.
 */
enum asl_found asl_path_eval(const struct asl_path *path, const struct asl_scope *scope,
    json_t **ret_value, struct tmf_err *err);

/*
 * Puts value at a reference path in a copy of target, which is shared where it is unchanged.
 * Objects are made on the way.
 * Returns: 0 with a new reference in *ret_value, -1.
 * Errors: States.ResultPathMatchFailure in AWS's words.
 */
int asl_path_put(const struct asl_path *path, json_t *target, json_t *value, json_t **ret_value,
    struct tmf_err *err);

#endif
