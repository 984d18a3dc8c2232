#ifndef TMFLOW_ASL_JSONATA_STATES_H
#define TMFLOW_ASL_JSONATA_STATES_H

#include "asl/jsonata/fault.h"
#include "asl/jsonata/jsonata.h"

#include <stdbool.h>

struct node;

/* What Step Functions asks of an expression, found by looking at its nodes: see
 * jsonata_fits_states. Returns: true, or false with the token and position of *ret_fault. */
bool states_check(const struct node *root, unsigned allowed, struct fault *ret_fault);

/* See jsonata_variables. */
json_t *states_variables(const struct node *root);

/* Whether the expression may read $states.context. */
bool states_reads_context(const struct node *root);

#endif
