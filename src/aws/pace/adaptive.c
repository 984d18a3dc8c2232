#include "aws/pace/adaptive.h"

#include <assert.h>
#include <math.h>

/* botocore's constants (retries/throttling.py, retries/adaptive.py, retries/bucket.py): other tools
 * on the same account back off by them, so that these are not ours to improve. */
#define CURVE_SCALE	    0.4 /* of the cubic */
#define CURVE_BETA	    0.7 /* what is left of the rate after a throttled reply */
#define MEASURED_FACTOR_MAX 2.0 /* the refill is at most this times what is measured */
#define MEASURED_SMOOTHING  0.8 /* weight of the newest measurement */
#define INTERVALS_PER_S	    2.0
#define FILL_MIN_PER_S	    0.5
#define FILL_START_PER_S    1.0
#define CAPACITY_MIN	    1.0

/* botocore counts in seconds, and its constants with it. */
static double
seconds_of(int64_t mono_ms)
{
	return (double)mono_ms / 1000;
}

/* Slow around the rate that failed last, and fast again when that has proved safe. */
double
adaptive_curve_grown(const struct adaptive_curve *curve, double now_s)
{
	double after_flat_s = now_s - curve->failed_at_s - curve->flat_at_s;

	return CURVE_SCALE * after_flat_s * after_flat_s * after_flat_s + curve->most_per_s;
}

/* The curve starts at BETA times the old rate and is flat where it reaches that rate again: after
 * the cube root of what was lost. From 10 a second it falls to 7, and is back at 10 after cbrt(3 /
 * 0.4) = 2 seconds. */
double
adaptive_curve_throttled(struct adaptive_curve *curve, double rate_per_s, double now_s)
{
	assert(rate_per_s >= 0);
	curve->most_per_s = rate_per_s;
	curve->flat_at_s = cbrt(rate_per_s * (1 - CURVE_BETA) / CURVE_SCALE);
	curve->failed_at_s = now_s;
	return rate_per_s * CURVE_BETA;
}

static void
adaptive_refill(struct adaptive *adaptive, int64_t mono_ms)
{
	double grown =
	    adaptive->tokens + seconds_of(mono_ms - adaptive->mono_ms) * adaptive->fill_per_s;

	adaptive->tokens = fmin(grown, adaptive->capacity);
	adaptive->mono_ms = mono_ms;
}

/* Counts a reply. The rate changes only when an interval is over, with all replies that came in
 * it. Intervals begin on a half or a whole second, whenever the replies come. */
static void
adaptive_measure(struct adaptive *adaptive, int64_t mono_ms)
{
	double interval_s = floor(seconds_of(mono_ms) * INTERVALS_PER_S) / INTERVALS_PER_S;
	double passed_s = interval_s - adaptive->interval_start_s;

	adaptive->count++;
	if (passed_s <= 0)
		return;
	adaptive->measured_per_s = MEASURED_SMOOTHING * adaptive->count / passed_s +
				   (1 - MEASURED_SMOOTHING) * adaptive->measured_per_s;
	adaptive->count = 0;
	adaptive->interval_start_s = interval_s;
}

void
adaptive_init(struct adaptive *adaptive, int64_t mono_ms)
{
	*adaptive = (struct adaptive){
	    .curve = {.failed_at_s = seconds_of(mono_ms)},
	    .fill_per_s = FILL_START_PER_S,
	    .capacity = CAPACITY_MIN,
	    .mono_ms = mono_ms,
	    .interval_start_s = floor(seconds_of(mono_ms)),
	};
}

/* Rounded up: a millisecond too early the token would not be there yet. */
int64_t
adaptive_wait_ms(struct adaptive *adaptive, int64_t mono_ms)
{
	if (!adaptive->enabled)
		return 0;
	adaptive_refill(adaptive, mono_ms);
	if (adaptive->tokens >= 1)
		return 0;
	return (int64_t)ceil((1 - adaptive->tokens) / adaptive->fill_per_s * 1000);
}

/* Before the first throttled reply nothing is held back, and nothing counted. */
void
adaptive_sent(struct adaptive *adaptive, int64_t mono_ms)
{
	if (!adaptive->enabled)
		return;
	adaptive_refill(adaptive, mono_ms);
	adaptive->tokens -= 1;
}

void
adaptive_answered(struct adaptive *adaptive, bool throttled, int64_t mono_ms)
{
	double per_s;

	adaptive_measure(adaptive, mono_ms);
	if (throttled) {
		per_s = adaptive->measured_per_s;
		if (adaptive->enabled)
			per_s = fmin(per_s, adaptive->fill_per_s);
		per_s = adaptive_curve_throttled(&adaptive->curve, per_s, seconds_of(mono_ms));
		adaptive->enabled = true;
	} else {
		per_s = adaptive_curve_grown(&adaptive->curve, seconds_of(mono_ms));
	}
	per_s = fmin(per_s, MEASURED_FACTOR_MAX * adaptive->measured_per_s);
	/* What came in until now came in at the old rate. */
	adaptive_refill(adaptive, mono_ms);
	adaptive->fill_per_s = fmax(per_s, FILL_MIN_PER_S);
	adaptive->capacity = fmax(per_s, CAPACITY_MIN);
	adaptive->tokens = fmin(adaptive->tokens, adaptive->capacity);
}
