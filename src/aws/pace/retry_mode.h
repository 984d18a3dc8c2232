#ifndef TMFLOW_AWS_PACE_RETRY_MODE_H
#define TMFLOW_AWS_PACE_RETRY_MODE_H

#include "tmflow/error.h"

#include <stdbool.h>

/* Attempts in all where neither AWS_RETRY_MODE nor AWS_MAX_ATTEMPTS is set. */
#define RETRY_ATTEMPTS_DEFAULT 10

/* A retry mode of the AWS tools. See:
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html */
struct retry_mode {
	const char *name;
	int attempts_max; /* in all, unless AWS_MAX_ATTEMPTS says otherwise */
	double delay_max_ms;
	bool legacy;	   /* retries what the oldest tools retried, and nothing else */
	bool has_quota;	   /* a retry costs tokens of the client's */
	bool limits_rate;  /* without a pacer that learns, attempts wait for an adaptive one */
	bool trusts_pacer; /* a refusal that the pacer slows down after costs the quota nothing */
};

/* "legacy", "standard" or "adaptive", in any case; NULL for any other name. */
const struct retry_mode *retry_mode_find(const char *name);

/* What holds where nobody chose a mode: standard, with more attempts, since every call counts in a
 * run of thousands. */
extern const struct retry_mode retry_mode_default;

/* Whether a failed attempt of a service's call ("ec2") is worth another one. Expired keys are not
 * the mode's matter. */
bool
retry_mode_retries(const struct retry_mode *mode, const char *service, const struct tmf_err *err);

#endif
