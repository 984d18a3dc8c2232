#ifndef TMFLOW_ASL_JSONATA_JSONATA_H
#define TMFLOW_ASL_JSONATA_JSONATA_H

#include "base/buf.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * JSONata: the language of jsonata 2.2 without $eval. An expression is parsed once and may be
 * evaluated any number of times. It has no clock and no chance of its own: both come in by the
 * options, so that a step that is run again gives the same.
 * See: https://docs.jsonata.org/
 */

#define JSONATA_TEXT_BYTES_MAX 262144u /* as much as AWS lets a whole definition have */

struct jsonata;
struct rng;

#define JSONATA_CODE_BYTES    6
#define JSONATA_MESSAGE_BYTES 400

/* Why an expression cannot be parsed, or evaluated. */
struct jsonata_error {
	char code[JSONATA_CODE_BYTES]; /* of jsonata: "T2001"; U1001 where a bound is passed */
	char message[JSONATA_MESSAGE_BYTES];
	char token[64];	   /* what it is about; "" if nothing */
	uint32_t position; /* UTF-16 code units up to the end of the token, as jsonata counts */
};

/* What of $states an expression may read, where it stands; $states.input and $states.context may
 * be read everywhere. */
enum jsonata_states {
	JSONATA_STATES_RESULT = 1u << 0, /* $states.result */
	JSONATA_STATES_ERROR = 1u << 1,	 /* $states.errorOutput */
};

/* Parses text, which is copied. Returns NULL with *ret_error set where it is not valid.
 * Limits: JSONATA_TEXT_BYTES_MAX, and the nesting of expressions. */
struct jsonata *jsonata_compile(struct str text, struct jsonata_error *ret_error);
void jsonata_free(struct jsonata *jsonata);

/* What it takes, all of it. Units: bytes. */
size_t jsonata_bytes(const struct jsonata *jsonata);

/*
 * Whether Step Functions takes the expression: it has no document, so that no $, no $$ and no name
 * may stand where these would refer to that, it has no $eval, and of $states only what `allowed`,
 * of enum jsonata_states, names.
 * Returns: true, or false with *ret_error, whose code is "" and whose token is what is refused.
 * See: https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
 */
bool jsonata_fits_states(
    const struct jsonata *jsonata, unsigned allowed, struct jsonata_error *ret_error);

/* The names of the variables that it reads from outside, without $states: an object whose members
 * are true. New reference. */
json_t *jsonata_variables(const struct jsonata *jsonata);

/* Whether it may read $states.context, which then has to be made. */
bool jsonata_reads_context(const struct jsonata *jsonata);

struct jsonata_opts {
	json_t *input;	   /* borrowed; NULL: undefined */
	json_t *variables; /* an object, by name without $; borrowed; NULL: none */
	json_t *states;	   /* the variable $states; borrowed; NULL: none */
	int64_t now_wall_ms;
	struct rng *rng;    /* $random, $shuffle, $uuid */
	uint64_t steps_max; /* 0: HEAP_STEPS_MAX */
	/* A function as the result: an error whose code is "". Else it is "", as in jsonata. */
	bool refuses_functions;
};

/* Evaluates. *ret_result is a new reference, NULL for undefined.
 * Returns: 0, or -1 with *ret_error set.
 * Limits: HEAP_STEPS_MAX and its kin (heap.h), VALUE_RESULT_DEPTH_MAX; past them: U1001. */
int jsonata_evaluate(const struct jsonata *jsonata, const struct jsonata_opts *opts,
    json_t **ret_result, struct jsonata_error *ret_error);

#endif
