#ifndef TMFLOW_AWS_PACE_ADAPTIVE_H
#define TMFLOW_AWS_PACE_ADAPTIVE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The rates of the SDKs' retry mode "adaptive", as botocore has them: a token for every attempt,
 * from a bucket whose refill falls when an attempt is throttled and grows along a cubic curve while
 * none is. It holds nothing back before the first throttled reply. The pacer uses it for services
 * whose buckets it does not learn. Pure: the time comes in with each call.
 * See: https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
 */

/* The curve: flat around the rate at which the last attempt was throttled, steep before and after.
 * Units: a second. */
struct adaptive_curve {
	double most_per_s; /* when it was throttled */
	double flat_at_s;  /* after that */
	double failed_at_s;
};

/* The rate that the curve allows at now_s. */
double adaptive_curve_grown(const struct adaptive_curve *curve, double now_s);

/* Starts the curve again at a throttled reply. Returns the new rate. */
double adaptive_curve_throttled(struct adaptive_curve *curve, double rate_per_s, double now_s);

struct adaptive {
	bool enabled; /* an attempt was throttled */
	struct adaptive_curve curve;

	/* The bucket. */
	double fill_per_s;
	double capacity;
	double tokens; /* as of mono_ms */
	int64_t mono_ms;

	/* How often there were replies, measured in intervals of half a second. */
	double measured_per_s;
	double interval_start_s;
	double count; /* since then */
};

/* As a new client has it: nothing is held back. */
void adaptive_init(struct adaptive *adaptive, int64_t mono_ms);

/* How long until an attempt may go; 0: now. */
int64_t adaptive_wait_ms(struct adaptive *adaptive, int64_t mono_ms);

/* An attempt goes: takes its token. */
void adaptive_sent(struct adaptive *adaptive, int64_t mono_ms);

/* An attempt ended, with a reply or without one. */
void adaptive_answered(struct adaptive *adaptive, bool throttled, int64_t mono_ms);

#endif
