#ifndef TMFLOW_ASL_STATE_DATAFLOW_INTERNAL_H
#define TMFLOW_ASL_STATE_DATAFLOW_INTERNAL_H

#include "asl/state/dataflow.h"

/* What the files of the data flow share. */

/* States.DataLimitExceeded where data are larger than ASL_DATA_BYTES_MAX as text. */
int dataflow_check_size(const struct asl_state *state, const json_t *data, struct tmf_err *err);

/* What a path of the data flow leads to, a new reference. It must lead somewhere: only Choice rules
 * may ask for what is not there. States.Runtime else, "Invalid path '$.a' : No results for path:
 * $['a']": the explanation names the step at which the path ends, which the author needs most. */
int dataflow_eval_path(const struct asl_path *path, const struct asl_scope *scope,
    json_t **ret_value, struct tmf_err *err);

/* The values of fields that take one type. Each: 0, or -1 with States.QueryEvaluationError. */

/* A number from low to high. */
int dataflow_jsonata_real(const struct asl_jsonata *expr, double low, double high,
    const struct asl_scope *scope, double *ret_value, struct tmf_err *err);
/* A whole number from low to high. */
int dataflow_jsonata_integer(const struct asl_jsonata *expr, int64_t low, int64_t high,
    const struct asl_scope *scope, int64_t *ret_value, struct tmf_err *err);
/* A string, malloc'ed. */
int dataflow_jsonata_text(const struct asl_jsonata *expr, const struct asl_scope *scope,
    char **ret_text, struct tmf_err *err);
/* A time as a Wait takes it. */
int dataflow_jsonata_timestamp(const struct asl_jsonata *expr, const struct asl_scope *scope,
    struct timestamp *ret_timestamp, struct tmf_err *err);
/* A boolean. Returns: 1, 0, or -1. */
int dataflow_jsonata_condition(
    const struct asl_jsonata *expr, const struct asl_scope *scope, struct tmf_err *err);

#endif
