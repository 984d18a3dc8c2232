#ifndef TMFLOW_ASL_PATH_SCOPE_H
#define TMFLOW_ASL_PATH_SCOPE_H

#include <jansson.h>
#include <stddef.h>

struct rng;

/* What paths and templates can see while they are evaluated. All borrowed. */
struct asl_scope {
	json_t *input; /* $ */
	json_t *
	    variables; /* $name: an object, or NULL for none. Flat: a branch starts with its parent's and adds its own */
	/* $$: built when first asked for, since most states never look. Returns a borrowed object. */
	json_t *(*context)(void *arg);
	void *context_arg;
	struct rng *
	    rng; /* States.MathRandom without a seed, States.UUID: not NULL where these may be called */
};

#endif
