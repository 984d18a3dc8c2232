#ifndef TMFLOW_LOOP_HISTOGRAM_H
#define TMFLOW_LOOP_HISTOGRAM_H

#include <stdint.h>

/* How long things took, counted in fixed steps: small, and two of them can be added up. */

#define HISTOGRAM_STEPS 16 /* without the last, which has no upper bound */

/* Zeroed: empty. */
struct histogram {
	uint64_t counts[HISTOGRAM_STEPS + 1];
	uint64_t count;
	int64_t sum_ms;
};

/* The upper bound of a step. Units: ms. step < HISTOGRAM_STEPS: asserted. */
int64_t histogram_bound_ms(unsigned step);

/* Counts a duration; a negative one, after a clock was set back, counts as 0. */
void histogram_add(struct histogram *histogram, int64_t ms);

/* Adds what more has counted. */
void histogram_merge(struct histogram *histogram, const struct histogram *more);

#endif
