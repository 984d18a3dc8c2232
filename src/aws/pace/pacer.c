#include "aws/pace/adaptive.h"
#include "aws/pace/pacer_internal.h"
#include "base/clock.h"
#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* One action's bucket and who waits for it. EC2 throttles per action, account and region: one
 * client asks one account and region, so that the action alone is the key. */
struct pacer_bucket {
	struct tmf_timer timer; /* first: armed while somebody waits */
	struct pacer *pacer;
	struct pacer_bucket *next;
	char *action;
	struct pacer_model model; /* of a pacer that learns */
	struct adaptive adaptive; /* of one that does not */
	struct waitline line;	  /* of tickets */
};

struct pacer {
	struct tmf_loop *loop;
	bool learns;		    /* what each action's bucket is; else all share one */
	struct pacer_bucket *first; /* as many as actions are called: fewer than twenty */
};

static int64_t
pacer_wall_ms(const struct pacer *pacer)
{
	struct tmf_clock *clock = tmf_loop_clock(pacer->loop);

	return clock->wall_ms(clock);
}

/* --- buckets --- */

/* 0 means that a call may go now. The adaptive mode has one rate for all actions, as botocore
 * keeps one for a client. */
static int64_t
bucket_wait_ms(struct pacer_bucket *bucket)
{
	int64_t now_ms = tmf_loop_mono_ms(bucket->pacer->loop);

	return bucket->pacer->learns ? pacer_model_wait_ms(&bucket->model, now_ms)
				     : adaptive_wait_ms(&bucket->adaptive, now_ms);
}

/* Armed again after everything that changes a wait: an answer may shorten it. Only one timer per
 * bucket, for its first waiter: the others follow when that one is gone. */
static void
bucket_arm(struct pacer_bucket *bucket)
{
	tmf_loop_timer_disarm(bucket->pacer->loop, &bucket->timer);
	if (bucket->line.first != NULL)
		tmf_loop_timer_arm(bucket->pacer->loop, &bucket->timer,
		    tmf_loop_mono_ms(bucket->pacer->loop) + bucket_wait_ms(bucket));
}

/* The count of reactions goes with the call: a refusal of a call that was sent before the pace was
 * corrected says nothing new. */
static void
bucket_sent(struct pacer_bucket *bucket, struct pacer_ticket *ticket)
{
	assert(!ticket->waiter.waiting && ticket->bucket == bucket);
	ticket->reactions = bucket->model.reactions;
	if (bucket->pacer->learns)
		pacer_model_sent(&bucket->model, tmf_loop_mono_ms(bucket->pacer->loop));
	else
		adaptive_sent(&bucket->adaptive, tmf_loop_mono_ms(bucket->pacer->loop));
}

/* The time is read for each ticket: go may take long, and the next may go sooner. go may also
 * withdraw or ask, so that the line is read again from its start each time. */
static void
bucket_let_go(struct tmf_timer *timer)
{
	struct pacer_bucket *bucket = (struct pacer_bucket *)timer;

	while (bucket->line.first != NULL && bucket_wait_ms(bucket) == 0) {
		struct pacer_ticket *ticket = (struct pacer_ticket *)bucket->line.first;

		assert(ticket->bucket == bucket);
		waitline_leave(&bucket->line, &ticket->waiter);
		bucket_sent(bucket, ticket);
		ticket->go(ticket);
	}
	bucket_arm(bucket);
}

/* A list is enough for the number of actions that one run calls. */
static struct pacer_bucket *
bucket_find(const struct pacer *pacer, const char *action)
{
	struct pacer_bucket *bucket = pacer->first;

	while (bucket != NULL && strcmp(bucket->action, action) != 0)
		bucket = bucket->next;
	return bucket;
}

/* Names come from the typed calls, so that their number is bounded. A bucket that learns starts
 * from the shape that AWS publishes for the action, see pacer_prior. */
static struct pacer_bucket *
bucket_get(struct pacer *pacer, const char *action)
{
	const char *name = pacer->learns ? action : "";
	struct pacer_bucket *bucket = bucket_find(pacer, name);

	if (bucket != NULL)
		return bucket;
	bucket = mem_zalloc(1, sizeof(*bucket));
	bucket->timer.fire = bucket_let_go;
	bucket->pacer = pacer;
	bucket->action = mem_strdup(name);
	bucket->next = pacer->first;
	pacer->first = bucket;
	pacer_model_init(&bucket->model, pacer_prior(name), tmf_loop_mono_ms(pacer->loop));
	adaptive_init(&bucket->adaptive, tmf_loop_mono_ms(pacer->loop));
	return bucket;
}

struct pacer *
pacer_new(struct tmf_loop *loop)
{
	struct pacer *pacer = mem_zalloc(1, sizeof(*pacer));

	pacer->loop = loop;
	pacer->learns = true;
	return pacer;
}

/* The bucket is there from the start: its curve counts from when the client was made. */
struct pacer *
pacer_new_adaptive(struct tmf_loop *loop)
{
	struct pacer *pacer = pacer_new(loop);

	pacer->learns = false;
	bucket_get(pacer, "");
	return pacer;
}

/* Nobody may still wait: a ticket would call back into freed memory. */
void
pacer_free(struct pacer *pacer)
{
	struct pacer_bucket *next;

	if (pacer == NULL)
		return;
	for (struct pacer_bucket *bucket = pacer->first; bucket != NULL; bucket = next) {
		next = bucket->next;
		assert(bucket->line.first == NULL);
		tmf_loop_timer_disarm(pacer->loop, &bucket->timer);
		free(bucket->action);
		free(bucket);
	}
	free(pacer);
}

/* --- tickets --- Nobody overtakes: who comes while others wait goes to the end, even where a token
 * is there. */
bool
pacer_ask(struct pacer *pacer, const char *action, struct pacer_ticket *ticket, bool again)
{
	struct pacer_bucket *bucket = bucket_get(pacer, action);

	assert(ticket->bucket == NULL && ticket->go != NULL);
	ticket->bucket = bucket;
	if (bucket->line.first == NULL && bucket_wait_ms(bucket) == 0) {
		bucket_sent(bucket, ticket);
		return true;
	}
	waitline_join(&bucket->line, &ticket->waiter, again);
	bucket_arm(bucket);
	return false;
}

/* Fine for a ticket that was never sent, as when there are no keys. The ticket can be used again
 * afterwards, since its bucket is cleared. */
void
pacer_answer(struct pacer_ticket *ticket, enum pacer_answer answer)
{
	struct pacer_bucket *bucket = ticket->bucket;
	int64_t now_ms;

	if (bucket == NULL)
		return;
	assert(!ticket->waiter.waiting);
	ticket->bucket = NULL;
	now_ms = tmf_loop_mono_ms(bucket->pacer->loop);
	if (!bucket->pacer->learns)
		adaptive_answered(&bucket->adaptive, answer == PACER_REFUSED, now_ms);
	else if (answer == PACER_ACCEPTED)
		pacer_model_accepted(&bucket->model, ticket->reactions, now_ms);
	else if (answer == PACER_REFUSED)
		pacer_model_refused(&bucket->model, ticket->reactions, now_ms);
	else
		pacer_model_lost(&bucket->model);
	bucket_arm(bucket);
}

/* A call that was sent and is given up may have taken a token or not: the model counts neither. */
void
pacer_withdraw(struct pacer_ticket *ticket)
{
	struct pacer_bucket *bucket = ticket->bucket;

	if (bucket == NULL)
		return;
	ticket->bucket = NULL;
	if (ticket->waiter.waiting)
		waitline_leave(&bucket->line, &ticket->waiter);
	else if (bucket->pacer->learns)
		pacer_model_lost(&bucket->model);
	bucket_arm(bucket);
}

/* --- what is known --- */

/* Only what is known is shown: asking for an estimate makes no bucket. */
bool
pacer_estimate(const struct pacer *pacer, const char *action, struct pacer_estimate *ret_estimate)
{
	const struct pacer_bucket *bucket = bucket_find(pacer, action);

	if (bucket == NULL)
		return false;
	*ret_estimate = (struct pacer_estimate){
	    .learnt = bucket->model.learnt,
	    .guess = bucket->model.searching,
	    .size = bucket->model.size,
	    .rate_per_s = bucket->model.rate_per_s,
	    .waiting = bucket->line.count,
	    .accepted = bucket->model.accepted,
	    .refused = bucket->model.refused,
	};
	return true;
}

/* The two flags are left out where they have their usual value, so that a saved run stays short. */
static json_t *
pacer_export_record(const struct pacer_record *record, int64_t wall_ms)
{
	json_t *row = json_object();

	json_object_set_new(row, "size", json_real(record->shape.size));
	json_object_set_new(row, "rate", json_real(record->shape.rate_per_s));
	json_object_set_new(row, "tokens", json_real(record->tokens));
	json_object_set_new(row, "asOf", json_integer(wall_ms));
	if (!record->learnt)
		json_object_set_new(row, "learnt", json_false());
	else if (record->searching)
		json_object_set_new(row, "searching", json_true());
	return row;
}

/* Tokens are saved with a time, so that a resumed run knows what came in meanwhile. */
json_t *
pacer_export(struct pacer *pacer)
{
	json_t *state = json_object();

	for (struct pacer_bucket *bucket = pacer->first; bucket != NULL; bucket = bucket->next) {
		struct pacer_record record;

		pacer_model_save(&bucket->model, tmf_loop_mono_ms(pacer->loop), &record);
		/* A bucket that was hardly drawn on is as good as an unknown one. */
		if (record.learnt || record.tokens < record.shape.size / 2)
			json_object_set_new(state, bucket->action,
			    pacer_export_record(&record, pacer_wall_ms(pacer)));
	}
	return state;
}

/* A clock that was set back makes the record come from the future: then no time has passed. A
 * row that lacks a number is skipped: a pace that starts from the prior is only slower to find. */
static void
pacer_import_record(struct pacer *pacer, const char *action, const json_t *row)
{
	const json_t *size = json_object_get(row, "size");
	const json_t *rate = json_object_get(row, "rate");
	const json_t *tokens = json_object_get(row, "tokens");
	int64_t away_ms = pacer_wall_ms(pacer) - json_integer_value(json_object_get(row, "asOf"));

	if (!json_is_number(size) || !json_is_number(rate) || !json_is_number(tokens))
		return;
	const struct pacer_record record = {
	    .learnt = !json_is_false(json_object_get(row, "learnt")),
	    .searching = json_is_true(json_object_get(row, "searching")),
	    .shape = {json_number_value(size), json_number_value(rate)},
	    .tokens = json_number_value(tokens),
	};
	pacer_model_restore(&bucket_get(pacer, action)->model, &record, away_ms > 0 ? away_ms : 0,
	    tmf_loop_mono_ms(pacer->loop));
}

void
pacer_import(struct pacer *pacer, const json_t *state)
{
	const char *action;
	json_t *row;

	json_object_foreach ((json_t *)state, action, row)
		pacer_import_record(pacer, action, row);
}
