#include "aws/pace/limiter.h"

#include <math.h>

/* The SDKs' constants. */
#define SCALE		    0.4 /* of the cubic */
#define BETA		    0.7 /* what is left of the rate after a throttled reply */
#define MEASURED_FACTOR_MAX 2.0 /* the refill is at most this times what is measured */
#define SMOOTHING	    0.8 /* weight of the newest measurement */
#define BUCKETS_PER_S	    2.0
#define FILL_MIN_PER_S	    0.5
#define CAPACITY_MIN	    1.0
#define FILL_START_PER_S    1.0

static double
seconds(int64_t mono_ms)
{
	return (double)mono_ms / 1000;
}

double
limiter_cubic_grown(const struct limiter_cubic *cubic, double now_s)
{
	double after_flat_s = now_s - cubic->failed_at_s - cubic->flat_at_s;

	return SCALE * after_flat_s * after_flat_s * after_flat_s + cubic->most_per_s;
}

double
limiter_cubic_throttled(struct limiter_cubic *cubic, double rate_per_s, double now_s)
{
	cubic->most_per_s = rate_per_s;
	cubic->flat_at_s = cbrt(rate_per_s * (1 - BETA) / SCALE);
	cubic->failed_at_s = now_s;
	return rate_per_s * BETA;
}

static void
refill(struct limiter_model *model, int64_t mono_ms)
{
	double grown = model->tokens + seconds(mono_ms - model->mono_ms) * model->fill_per_s;

	model->tokens = fmin(grown, model->capacity);
	model->mono_ms = mono_ms;
}

static void
set_fill(struct limiter_model *model, double per_s, int64_t mono_ms)
{
	refill(model, mono_ms);
	model->fill_per_s = fmax(per_s, FILL_MIN_PER_S);
	model->capacity = fmax(per_s, CAPACITY_MIN);
	model->tokens = fmin(model->tokens, model->capacity);
}

static void
measure(struct limiter_model *model, int64_t mono_ms)
{
	double bucket_s = floor(seconds(mono_ms) * BUCKETS_PER_S) / BUCKETS_PER_S;

	model->count++;
	if (bucket_s <= model->last_bucket_s)
		return;
	model->measured_per_s = SMOOTHING * model->count / (bucket_s - model->last_bucket_s) +
				(1 - SMOOTHING) * model->measured_per_s;
	model->count = 0;
	model->last_bucket_s = bucket_s;
}

void
limiter_model_init(struct limiter_model *model, int64_t mono_ms)
{
	*model = (struct limiter_model){
	    .cubic = {.failed_at_s = seconds(mono_ms)},
	    .fill_per_s = FILL_START_PER_S,
	    .capacity = CAPACITY_MIN,
	    .mono_ms = mono_ms,
	    .last_bucket_s = floor(seconds(mono_ms)),
	};
}

int64_t
limiter_model_wait_ms(struct limiter_model *model, int64_t mono_ms)
{
	if (!model->enabled)
		return 0;
	refill(model, mono_ms);
	if (model->tokens >= 1)
		return 0;
	return (int64_t)ceil((1 - model->tokens) / model->fill_per_s * 1000);
}

void
limiter_model_sent(struct limiter_model *model, int64_t mono_ms)
{
	if (!model->enabled)
		return;
	refill(model, mono_ms);
	model->tokens -= 1;
}

void
limiter_model_answered(struct limiter_model *model, bool throttled, int64_t mono_ms)
{
	double now_s = seconds(mono_ms);
	double rate_per_s;

	measure(model, mono_ms);
	if (throttled) {
		rate_per_s = model->measured_per_s;
		if (model->enabled)
			rate_per_s = fmin(rate_per_s, model->fill_per_s);
		rate_per_s = limiter_cubic_throttled(&model->cubic, rate_per_s, now_s);
		model->enabled = true;
	} else {
		rate_per_s = limiter_cubic_grown(&model->cubic, now_s);
	}
	set_fill(model, fmin(rate_per_s, MEASURED_FACTOR_MAX * model->measured_per_s), mono_ms);
}
