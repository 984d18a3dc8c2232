#ifndef TMFLOW_CLI_RUN_ROUNDS_H
#define TMFLOW_CLI_RUN_ROUNDS_H

#include "base/rng.h"
#include "tmflow/loop.h"
#include "web/metrics/reconcile_metrics.h"

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

struct rounds_next {
	int64_t start_mono_ms; /* of the round before: the period counts from start to start */
	int64_t every_ms;
	struct rng *rng;
};

/* Arms timer for the next round, at least a second from now, where the one before took longer than
 * its period. Notes in metrics when that is. */
void rounds_arm(struct tmf_loop *loop, struct tmf_timer *timer, const struct rounds_next *next,
    struct reconcile_metrics *metrics);

#endif
