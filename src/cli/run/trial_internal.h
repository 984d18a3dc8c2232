#ifndef TMFLOW_CLI_RUN_TRIAL_INTERNAL_H
#define TMFLOW_CLI_RUN_TRIAL_INTERNAL_H

#include "cli/run/trial.h"

/* The $$ object. Borrowed. */
json_t *trial_context(struct trial *trial);

/* What an expression of the state sees with input as $. */
struct asl_scope trial_scope(struct trial *trial, json_t *input);

/* Notes what a stage gave, as AWS does: JSON as text. NULL: nothing. */
void trial_inspect(struct trial *trial, const char *key, const json_t *value);

/* A Map's items, the inputs of its iterations and its limits. Returns -1 with trial->err. */
int trial_begin_map(struct trial *trial);

#endif
