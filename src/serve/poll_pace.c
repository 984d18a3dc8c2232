#include "serve/poll_pace.h"

#include "aws/pace/retry.h"
#include "base/log.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>

static void
poll_pause_over(struct tmf_timer *timer)
{
	struct poll_pace *pace =
	    (struct poll_pace *)((char *)timer - offsetof(struct poll_pace, pause));

	pace->opts.resume(pace->opts.arg);
}

void
poll_pace_init(struct poll_pace *pace, const struct poll_pace_opts *opts)
{
	*pace = (struct poll_pace){
	    .opts = *opts,
	    .pause.fire = poll_pause_over,
	    .warnings.loop = opts->loop,
	};
}

void
poll_pace_fini(struct poll_pace *pace)
{
	tmf_loop_timer_disarm(pace->opts.loop, &pace->pause);
	warnings_end(&pace->warnings);
}

bool
poll_pace_allows(const struct poll_pace *pace, unsigned open)
{
	return pace->pause.heap_index == 0 && (pace->failures == 0 || open == 0);
}

struct poll_ticket
poll_pace_start(const struct poll_pace *pace)
{
	return (struct poll_ticket){
	    .start_mono_ms = tmf_loop_mono_ms(pace->opts.loop),
	    .round = pace->round,
	};
}

/* Half of it is certain and half by chance: workers that a service has thrown off together do not
 * come back together. */
static int64_t
poll_pause_ms(struct poll_pace *pace)
{
	double most_ms =
	    fmin(POLL_PAUSE_MIN_MS * exp2((double)pace->failures - 1), POLL_PAUSE_MAX_MS);

	assert(pace->failures > 0);
	return (int64_t)(most_ms / 2 + most_ms / 2 * rng_unit(pace->opts.rng));
}

static void
poll_warn(struct poll_pace *pace, const struct tmf_err *err, int64_t pause_ms)
{
	unsigned repeated;

	if (warnings_due(&pace->warnings, pace->opts.event, err, &repeated))
		log_event(LOG_WARN, pace->opts.event, LOG_STR(pace->opts.kind, pace->opts.name),
		    LOG_ERR(err), LOG_INT("repeated", repeated), LOG_INT("pause_ms", pause_ms));
}

/* The next failure of the same round is logged (or counted), and changes nothing else. */
static void
poll_fail(struct poll_pace *pace, const struct poll_ticket *ticket, const struct tmf_err *err)
{
	int64_t pause_ms = 0;

	if (ticket->round == pace->round) {
		pace->round++;
		pace->failures++;
		pause_ms = poll_pause_ms(pace);
		tmf_loop_timer_arm(
		    pace->opts.loop, &pace->pause, tmf_loop_mono_ms(pace->opts.loop) + pause_ms);
	}
	poll_warn(pace, err, pause_ms);
}

void
poll_pace_answered(struct poll_pace *pace, const struct poll_ticket *ticket, bool brought)
{
	int64_t held_ms = tmf_loop_mono_ms(pace->opts.loop) - ticket->start_mono_ms;
	struct tmf_err err = {0};

	pace->refusals = 0;
	if (brought || held_ms >= POLL_HELD_LEAST_MS) {
		pace->failures = 0;
		tmf_loop_timer_disarm(pace->opts.loop, &pace->pause);
		return;
	}
	tmf_err_set(&err, TMF_ERR_REPLY,
	    "an empty answer after %lld ms: the service does not hold the poll",
	    (long long)held_ms);
	poll_fail(pace, ticket, &err);
	tmf_err_fini(&err);
}

/* What says that the request itself is wrong, or its keys. Throttling comes with 400 as well. */
static bool
poll_is_refusal(const struct tmf_err *err)
{
	enum retry_class class = retry_classify(err);

	return err->http_status >= 400 && err->http_status < 500 && err->http_status != 408 &&
	       err->http_status != 429 && (class == RETRY_NEVER || class == RETRY_CREDENTIALS);
}

bool
poll_pace_failed(struct poll_pace *pace, const struct poll_ticket *ticket, struct tmf_err *err)
{
	bool final = pace->opts.is_final(err);

	if (!poll_is_refusal(err))
		pace->refusals = 0;
	else if (ticket->round == pace->round)
		pace->refusals++;
	poll_fail(pace, ticket, err);
	if (!final && pace->refusals < POLL_REFUSALS_MAX)
		return true;
	tmf_err_prefix(err, "%s", pace->opts.name);
	if (final)
		err->code = TMF_ERR_CONFIG;
	return false;
}
