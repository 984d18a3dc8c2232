#include "aws/pace/limiter.h"

#include "base/clock.h"
#include "base/mem.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

struct limiter {
	struct tmf_timer timer; /* first: armed while somebody waits */
	struct tmf_loop *loop;
	struct limiter_model model;
	struct waitline line; /* of tickets */
};

static int64_t
now_mono_ms(const struct limiter *limiter)
{
	struct tmf_clock *clock = tmf_loop_clock(limiter->loop);

	return clock->mono_ms(clock);
}

static void
arm(struct limiter *limiter)
{
	int64_t now_ms = now_mono_ms(limiter);

	tmf_loop_timer_disarm(limiter->loop, &limiter->timer);
	if (limiter->line.first != NULL)
		tmf_loop_timer_arm(limiter->loop, &limiter->timer,
		    now_ms + limiter_model_wait_ms(&limiter->model, now_ms));
}

static void
let_go(struct tmf_timer *timer)
{
	struct limiter *limiter = (struct limiter *)timer;

	while (limiter->line.first != NULL &&
	       limiter_model_wait_ms(&limiter->model, now_mono_ms(limiter)) == 0) {
		struct limiter_ticket *ticket = (struct limiter_ticket *)limiter->line.first;

		waitline_leave(&limiter->line, &ticket->waiter);
		limiter_model_sent(&limiter->model, now_mono_ms(limiter));
		ticket->go(ticket);
	}
	arm(limiter);
}

struct limiter *
limiter_new(struct tmf_loop *loop)
{
	struct limiter *limiter = mem_zalloc(1, sizeof(*limiter));

	limiter->loop = loop;
	limiter->timer.fire = let_go;
	limiter_model_init(&limiter->model, now_mono_ms(limiter));
	return limiter;
}

void
limiter_free(struct limiter *limiter)
{
	if (limiter == NULL)
		return;
	assert(limiter->line.first == NULL);
	tmf_loop_timer_disarm(limiter->loop, &limiter->timer);
	free(limiter);
}

bool
limiter_ask(struct limiter *limiter, struct limiter_ticket *ticket)
{
	if (limiter->line.first == NULL &&
	    limiter_model_wait_ms(&limiter->model, now_mono_ms(limiter)) == 0) {
		limiter_model_sent(&limiter->model, now_mono_ms(limiter));
		return true;
	}
	waitline_join(&limiter->line, &ticket->waiter, false);
	arm(limiter);
	return false;
}

void
limiter_withdraw(struct limiter *limiter, struct limiter_ticket *ticket)
{
	if (!ticket->waiter.waiting)
		return;
	waitline_leave(&limiter->line, &ticket->waiter);
	arm(limiter);
}

void
limiter_answer(struct limiter *limiter, bool throttled)
{
	limiter_model_answered(&limiter->model, throttled, now_mono_ms(limiter));
	arm(limiter);
}
