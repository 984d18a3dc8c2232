#ifndef TMFLOW_ENGINE_CONTEXT_H
#define TMFLOW_ENGINE_CONTEXT_H

#include "engine/tree.h"

/* The $$ object of a branch in its state, made when first asked for. Borrowed. */
json_t *context_of(void *branch);

/* The branch enters another state, retries, or another item is selected: what was made holds no
 * more. */
void context_forget(struct branch *branch);

/* --- chance and time, as expressions see them: the same again after a restart --- */

/* What is being worked out: each has a series of chance of its own. */
enum context_stage {
	CONTEXT_ENTERS,
	CONTEXT_SELECTS, /* the input of a child */
	CONTEXT_LEAVES,
	CONTEXT_FAILS,
	CONTEXT_STAGES
};

/* The series for a stage of the state in which the branch stands. Borrows: valid until it is called
 * again, for whichever branch of the engine. */
struct rng *context_chance(struct branch *branch, enum context_stage stage);

/* Wall-clock ms. */
int64_t context_time(const struct branch *branch, enum context_stage stage);

#endif
