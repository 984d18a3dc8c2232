#ifndef TMFLOW_AWS_PACE_RETRY_H
#define TMFLOW_AWS_PACE_RETRY_H

#include "base/rng.h"
#include "tmflow/error.h"

#include <stdbool.h>
#include <stdint.h>

/* The SDKs' standard mode: the first delay, and the longest one. */
#define RETRY_DELAY_BASE_MS 1000.0
#define RETRY_DELAY_MAX_MS  20000.0

/* What an error means for a retry: a column of the error table. See:
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html */
enum retry_class {
	RETRY_NEVER,
	RETRY_TRANSIENT,   /* the service or the way to it hiccuped */
	RETRY_THROTTLING,  /* we ask too often */
	RETRY_CREDENTIALS, /* the keys expired or were revoked: once more with fresh ones */
};

/* Classifies by the code first, then by status: RequestLimitExceeded comes with 503 and is
 * throttling even so. */
enum retry_class retry_classify(const struct tmf_err *err);
bool aws_error_is_throttling(const char *code);

/* The matching "not there" codes in all their spellings. */
bool aws_error_is_not_found(const char *code);

/* Full jitter: random[0,1) * min(base * 2^(attempt - 1), max_ms). attempt 1 is the delay after the
 * first attempt. */
int64_t retry_delay_ms(struct rng *rng, int attempt, double max_ms);

/* delay_ms, or what the reply asks for: x-amz-retry-after in milliseconds, at most
 * RETRY_AFTER_MORE_MS longer; else Retry-After in seconds, at most the longest delay. Either
 * header may be NULL; one that is malformed is ignored. */
int64_t retry_after_ms(int64_t delay_ms, const char *x_amz_retry_after, const char *retry_after);
#define RETRY_AFTER_MORE_MS 5000

/* --- the quota: when most calls fail, they are not all repeated ten times. Numbers of the SDKs'
 * standard mode --- */

#define RETRY_QUOTA_MAX	   500
#define RETRY_COST	   5
#define RETRY_COST_TIMEOUT 10
#define RETRY_REFUND	   1 /* of a call that needed no retry; else what its last retry cost */

struct retry_quota {
	int tokens;
};
/* False, and nothing is taken: fail at once. */
bool retry_quota_take(struct retry_quota *quota, int cost);
void retry_quota_give(struct retry_quota *quota, int tokens);

/* --- this machine's clock --- */

/* Codes that a wrong clock may be behind. */
bool retry_may_be_skew(const char *code);

/* How far a Date header is ahead of wall_ms. False when it is not a date, or so near that it does
 * not matter. */
bool retry_skew_of(const char *date, int64_t wall_ms, int64_t *ret_skew_ms);
#define RETRY_SKEW_LEAST_MS (4LL * 60 * 1000) /* AWS bears five minutes */

#endif
