#include "cli/run/rounds.h"

#include "base/clock.h"
#include "base/log.h"
#include "cli/ages.h"

#include <assert.h>

#define EVERY_MIN_MS   INT64_C(1000)
#define PAUSE_MAX_MS   (INT64_C(24) * 60 * 60 * 1000) /* after failures */
#define DOUBLINGS_MAX  10 /* PAUSE_MAX_MS comes before that for most periods */
#define PAUSE_MIN_MS   INT64_C(1000)
#define JITTER_PERCENT 10 /* of the pause, to both sides */

/* Shorter periods would never let a round of a large account end. */
int
rounds_parse(const char *option, const char *text, int64_t *ret_every_ms, struct tmf_err *err)
{
	int64_t every_ms;

	if (cli_age_parse(option, text, &every_ms, err) < 0)
		return -1;
	if (every_ms < EVERY_MIN_MS)
		return tmf_err_set(err, TMF_ERR_INVALID, "%s: less than a second", option);
	*ret_every_ms = every_ms;
	return 0;
}

int64_t
rounds_pause_ms(int64_t every_ms, unsigned failures, struct rng *rng)
{
	int64_t longest = every_ms > PAUSE_MAX_MS ? every_ms : PAUSE_MAX_MS;
	int64_t pause = every_ms;
	int64_t jitter;

	assert(every_ms >= EVERY_MIN_MS);
	for (unsigned i = 0; i < failures && i < DOUBLINGS_MAX && pause < longest; i++)
		pause *= 2;
	/* A period of more than a day stays as it is: failures do not make rounds more frequent. */
	if (pause > longest)
		pause = longest;
	jitter = pause * JITTER_PERCENT / 100;
	return pause - jitter + (int64_t)rng_below(rng, (uint64_t)(2 * jitter) + 1);
}

/* Long rounds do not put the next ones off, but for the pause. */
void
rounds_arm(struct tmf_loop *loop, struct tmf_timer *timer, const struct rounds_next *next,
    struct reconcile_metrics *metrics)
{
	int64_t now_ms = tmf_loop_mono_ms(loop);
	int64_t due_ms =
	    next->start_mono_ms + rounds_pause_ms(next->every_ms, metrics->failures, next->rng);

	if (due_ms < now_ms + PAUSE_MIN_MS)
		due_ms = now_ms + PAUSE_MIN_MS;
	log_event(LOG_INFO, "reconcile.next", LOG_INT("in_ms", due_ms - now_ms),
	    LOG_INT("failures", metrics->failures));
	metrics->next_wall_ms = clock_system()->wall_ms(clock_system()) + due_ms - now_ms;
	tmf_loop_timer_arm(loop, timer, due_ms);
}
