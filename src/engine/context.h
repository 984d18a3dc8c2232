#ifndef TMFLOW_ENGINE_CONTEXT_H
#define TMFLOW_ENGINE_CONTEXT_H

#include "engine/tree.h"

/* The $$ object of a branch in its state, made when first asked for. Borrowed. */
json_t *context_of(void *branch);

/* The branch enters another state, retries, or another item is selected: what was made holds no
 * more. */
void context_forget(struct branch *branch);

#endif
