#ifndef TMFLOW_CLI_RUN_ROUNDS_H
#define TMFLOW_CLI_RUN_ROUNDS_H

#include "base/rng.h"
#include "tmflow/error.h"

#include <stdint.h>

/* When the rounds of a reconcile begin. */

/* --every, --reconcile: 15m, 1h, 1d. Errors: TMF_ERR_INVALID, also for less than a second. */
int rounds_parse(const char *option, const char *text, int64_t *ret_every_ms, struct tmf_err *err);

/*
 * From the start of a round to the start of the next, after failures in a row. Many processes that
 * were started together must not ask AWS together for ever: that is what the jitter is for. What
 * fails is likely to fail again at once, so that each failure doubles the pause.
 */
int64_t rounds_pause_ms(int64_t every_ms, unsigned failures, struct rng *rng);

#endif
