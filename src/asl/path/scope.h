#ifndef TMFLOW_ASL_PATH_SCOPE_H
#define TMFLOW_ASL_PATH_SCOPE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct rng;

/* What paths and templates can see while they are evaluated. All borrowed. */
struct asl_scope {
	json_t *input; /* $ */
	/*
	 * $name: an object, or NULL without any. Flat: a branch starts with its parent's variables
	 * and adds its own.
	 */
	json_t *variables;
	/*
	 * $$: built when first asked for, since most states never look. Returns a borrowed object.
	 */
	json_t *(*context)(void *arg);
	void *context_arg;
	/* JSONata: $states.result and $states.errorOutput; NULL where absent. */
	json_t *result;
	json_t *error_output;
	int64_t now_wall_ms; /* JSONata: $now, $millis */
	/* For States.MathRandom without a seed, States.UUID: not NULL where these may be called. */
	struct rng *rng;
};

#endif
