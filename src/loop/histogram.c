#include "loop/histogram.h"

#include <assert.h>

/* From a reply of AWS's to a backfill of an hour; a message may be older still. */
static const int64_t histogram_bounds_ms[] = {
    5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000, 900000, 3600000};

_Static_assert(sizeof(histogram_bounds_ms) / sizeof(histogram_bounds_ms[0]) == HISTOGRAM_STEPS,
    "a bound for each step");

int64_t
histogram_bound_ms(unsigned step)
{
	assert(step < HISTOGRAM_STEPS);
	return histogram_bounds_ms[step];
}

/* Sixteen comparisons at most: a request of AWS's costs far more than a search that is halved. */
void
histogram_add(struct histogram *histogram, int64_t ms)
{
	unsigned step = 0;

	if (ms < 0)
		ms = 0;
	while (step < HISTOGRAM_STEPS && ms > histogram_bounds_ms[step])
		step++;
	histogram->counts[step]++;
	histogram->count++;
	histogram->sum_ms += ms;
}

void
histogram_merge(struct histogram *histogram, const struct histogram *more)
{
	for (unsigned step = 0; step <= HISTOGRAM_STEPS; step++)
		histogram->counts[step] += more->counts[step];
	histogram->count += more->count;
	histogram->sum_ms += more->sum_ms;
}
