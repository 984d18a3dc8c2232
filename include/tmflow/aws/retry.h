#ifndef TMFLOW_AWS_RETRY_H
#define TMFLOW_AWS_RETRY_H

#include "tmflow/base/err.h"
#include "tmflow/base/rng.h"

#include <stdbool.h>
#include <stdint.h>

/* What an error means for a retry: a column of the error table. See: https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html */
enum retry_class {
	RETRY_NEVER,
	RETRY_TRANSIENT,  /* the service or the way to it hiccuped */
	RETRY_THROTTLING, /* we ask too often */
	RETRY_CREDENTIALS, /* the keys have expired: once more with fresh ones, where there are any */
};

/* Classifies by the code first, then by status: RequestLimitExceeded comes with 503 and is throttling all the same. */
enum retry_class retry_classify(const struct err *err);
bool aws_error_is_throttling(const char *code);

/* The matching "not there" codes in all their spellings. */
bool aws_error_is_not_found(const char *code);

/* Full jitter: random[0,1) * min(base * 2^(attempt - 1), max). attempt 1 is the delay after the first attempt. */
int64_t retry_delay_ms(struct rng *rng, int attempt);

#endif
