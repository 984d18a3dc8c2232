#ifndef TMFLOW_STORE_OUTCOME_TALLY_H
#define TMFLOW_STORE_OUTCOME_TALLY_H

#include "store/store.h"

#include <jansson.h>

/*
 * How many outcomes a process has recorded in an account, by what they are, why, and the rule that
 * took them. It only grows, whatever becomes of the rows: an interface that failed and was then
 * mirrored counts twice.
 */

/* Sets of kind, reason and rule that are counted apart. A hook may have a reason of its own for
 * each instance: those beyond count as OUTCOME_REASON_OTHER. */
#define OUTCOME_TALLY_MAX 500

struct outcome_tally {
	json_t *counts; /* {KIND: {REASON: {RULE: n}}}; NULL: none */
	size_t sets;
};

/* Frees what was counted. */
void outcome_tally_fini(struct outcome_tally *tally);

/* Counts one more. */
void outcome_tally_add(struct outcome_tally *tally, const struct outcome *outcome);

/* All strings borrowed; reason (of a failed one its error) and rule may be "". */
struct outcome_count {
	const char *account; /* its id, or "" */
	const char *kind;
	const char *reason;
	const char *rule;
	uint64_t count;
};

/* fn for each set. account: borrowed, handed on. */
void outcome_tally_each(const struct outcome_tally *tally, const char *account,
    void (*fn)(void *arg, const struct outcome_count *count), void *arg);

#endif
