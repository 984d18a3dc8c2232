/* The pacer against buckets that it does not know, on a fake clock: how near it comes to what
 * the bucket can give, and how often it is refused. */
#include "aws/pace/pacer.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"

#include "run_suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define ACTION	    "CreateTrafficMirrorSession"
#define WORKERS_MAX 64

/* A bucket as AWS has it. */
struct bucket {
	double size;
	double rate_per_s;
	double tokens;
	int64_t mono_ms;
};

static void
bucket_refill(struct bucket *bucket, int64_t mono_ms)
{
	bucket->tokens = fmin(bucket->size,
	    bucket->tokens + (double)(mono_ms - bucket->mono_ms) / 1000 * bucket->rate_per_s);
	bucket->mono_ms = mono_ms;
}

static bool
bucket_take(struct bucket *bucket, int64_t mono_ms)
{
	bucket_refill(bucket, mono_ms);
	if (bucket->tokens < 1)
		return false;
	bucket->tokens -= 1;
	return true;
}

struct world;

/* One of the branches that call at once: asks, sends, hears after the latency, goes on. */
struct worker {
	struct pacer_ticket ticket; /* first */
	struct tmf_timer arrival;
	struct tmf_timer reply;
	struct world *world;
	bool refused;
	bool again;
};

/* Something that happens to the bucket at a time. */
struct change {
	int64_t at_ms;
	double size; /* 0: as it was */
	double rate_per_s;
	double taken; /* by another user, at once */
};

struct scenario {
	struct bucket bucket;
	int workers;
	int64_t latency_ms; /* there and back, jitter up to as much again */
	uint64_t calls;
	double chance; /* refused whatever the bucket holds */
	bool no_bucket;
	const struct change *changes;
	size_t changes_count;
	int64_t wall_ms; /* at the start; 0: any */
	uint64_t seed;	 /* 0: the one that the bounds here were found with */
};

struct world {
	const struct scenario *scenario;
	struct fake_clock clock;
	struct tmf_loop *loop;
	struct pacer *pacer;
	struct rng rng;
	struct bucket bucket;
	struct worker workers[WORKERS_MAX];
	size_t changes_done;
	uint64_t accepted;
	uint64_t refused;
	int64_t end_ms;
	/* As of the time of interest. */
	int64_t mark_ms;
	uint64_t mark_accepted;
	uint64_t mark_refused;
};

static void ask(struct worker *worker);

static void
apply_changes(struct world *world)
{
	const struct scenario *s = world->scenario;

	while (world->changes_done < s->changes_count &&
	       s->changes[world->changes_done].at_ms <= world->clock.now_mono_ms) {
		const struct change *change = &s->changes[world->changes_done++];

		bucket_refill(&world->bucket, world->clock.now_mono_ms);
		world->bucket.tokens = fmax(0, world->bucket.tokens - change->taken);
		if (change->size > 0)
			world->bucket.size = change->size;
		if (change->rate_per_s > 0)
			world->bucket.rate_per_s = change->rate_per_s;
	}
}

static int64_t
half_latency(struct world *world)
{
	int64_t half = world->scenario->latency_ms / 2;

	return half > 0 ? half + (int64_t)rng_below(&world->rng, (uint64_t)half + 1) : 0;
}

static void
arrived(struct tmf_timer *timer)
{
	struct worker *worker = (struct worker *)((char *)timer - offsetof(struct worker, arrival));
	struct world *world = worker->world;

	apply_changes(world);
	worker->refused = rng_unit(&world->rng) < world->scenario->chance;
	if (!worker->refused && !world->scenario->no_bucket)
		worker->refused = !bucket_take(&world->bucket, world->clock.now_mono_ms);
	tmf_loop_timer_arm(
	    world->loop, &worker->reply, world->clock.now_mono_ms + half_latency(world));
}

static void
replied(struct tmf_timer *timer)
{
	struct worker *worker = (struct worker *)((char *)timer - offsetof(struct worker, reply));
	struct world *world = worker->world;

	pacer_answer(&worker->ticket, worker->refused ? PACER_REFUSED : PACER_ACCEPTED);
	world->accepted += !worker->refused;
	world->refused += worker->refused;
	world->end_ms = world->clock.now_mono_ms;
	if (world->mark_ms > 0 && world->clock.now_mono_ms >= world->mark_ms) {
		world->mark_ms = 0;
		world->mark_accepted = world->accepted;
		world->mark_refused = world->refused;
	}
	worker->again = worker->refused;
	ask(worker);
}

static void
go(struct pacer_ticket *ticket)
{
	struct worker *worker = (struct worker *)ticket;
	struct world *world = worker->world;

	tmf_loop_timer_arm(
	    world->loop, &worker->arrival, world->clock.now_mono_ms + half_latency(world));
}

static void
ask(struct worker *worker)
{
	struct world *world = worker->world;

	if (world->accepted >= world->scenario->calls)
		return;
	if (pacer_ask(world->pacer, ACTION, &worker->ticket, worker->again))
		go(&worker->ticket);
}

static void
world_run(struct world *world, const struct scenario *scenario, const json_t *state)
{
	struct tmf_err err = {0};

	world->scenario = scenario;
	world->bucket = scenario->bucket;
	fake_clock_init(&world->clock, scenario->wall_ms > 0 ? scenario->wall_ms : 1768478400000);
	world->loop = tmf_loop_new(&world->clock.clock);
	world->pacer = pacer_new(world->loop);
	rng_seed(&world->rng, 1 + scenario->seed);
	if (state != NULL)
		pacer_import(world->pacer, state);
	for (int i = 0; i < scenario->workers; i++) {
		struct worker *worker = &world->workers[i];

		worker->world = world;
		worker->ticket.go = go;
		worker->arrival.fire = arrived;
		worker->reply.fire = replied;
		ask(worker);
	}
	ck_assert_int_eq(tmf_loop_run(world->loop, &err), 0);
}

static void
world_fini(struct world *world)
{
	for (int i = 0; i < WORKERS_MAX; i++)
		pacer_withdraw(&world->workers[i].ticket);
	pacer_free(world->pacer);
	tmf_loop_free(world->loop);
}

/* The shortest time in which the bucket gives so many calls. */
static double
ideal_ms(const struct scenario *s)
{
	return ((double)s->calls - s->bucket.size) / s->bucket.rate_per_s * 1000;
}

static double
refused_share(const struct world *world)
{
	return (double)world->refused / (double)(world->refused + world->accepted);
}

static struct world *
world_of(const struct scenario *scenario, int64_t mark_ms, const json_t *state)
{
	struct world *world = mem_zalloc(1, sizeof(*world));

	world->mark_ms = mark_ms;
	world_run(world, scenario, state);
	return world;
}

static void
world_free(struct world *world)
{
	world_fini(world);
	free(world);
}

#define BUCKET(size, rate)                                                                         \
	{                                                                                          \
		size, rate, size, 0                                                                \
	}

/* Near the ideal, and hardly ever refused, without knowing a thing: AWS's published buckets, the
 * same 50 times as fast, raised ones. */
START_TEST(close_to_what_the_bucket_gives)
{
	static const struct scenario scenarios[] = {
	    {BUCKET(50, 250), .workers = 40, .latency_ms = 2, .calls = 10000},
	    {BUCKET(50, 250), .workers = 40, .latency_ms = 20, .calls = 10000},
	    {BUCKET(50, 5), .workers = 40, .latency_ms = 150, .calls = 10000},
	    {BUCKET(50, 5), .workers = 40, .latency_ms = 1000, .calls = 10000},
	    {BUCKET(100, 20), .workers = 40, .latency_ms = 150, .calls = 10000},
	    {BUCKET(100, 20), .workers = 1, .latency_ms = 10, .calls = 10000},
	    {BUCKET(5, 2), .workers = 40, .latency_ms = 500, .calls = 3000},
	    {BUCKET(2500, 250), .workers = 40, .latency_ms = 20, .calls = 10000},
	    {BUCKET(1000, 20), .workers = 40, .latency_ms = 100, .calls = 10000},
	};

	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		struct world *world = world_of(&scenarios[i], 0, NULL);
		double ratio = (double)world->end_ms / ideal_ms(&scenarios[i]);

		ck_assert_msg(ratio <= 1.02, "scenario %zu: %.4f times the ideal", i, ratio);
		ck_assert_msg(refused_share(world) < 0.02, "scenario %zu: %.4f refused", i,
		    refused_share(world));
		ck_assert_uint_ge(world->accepted, scenarios[i].calls);
		world_free(world);
	}
}
END_TEST

/* Where nothing is refused nothing is held back: 40 at a time, as fast as the replies come. */
START_TEST(no_bucket_no_pace)
{
	static const struct scenario scenario = {
	    .no_bucket = true, .workers = 40, .latency_ms = 2, .calls = 10000};
	struct world *world = world_of(&scenario, 0, NULL);

	ck_assert_int_lt(world->end_ms, 10000 / 40 * 4);
	ck_assert_uint_eq(world->refused, 0);
	world_free(world);
}
END_TEST

/* Five seconds after the change the pace is within 3 % of the new refill. */
START_TEST(adapts_in_mid_run)
{
	static const struct {
		struct change change;
		uint64_t calls;
	} cases[] = {
	    {{.at_ms = 10000, .size = 100, .rate_per_s = 500}, 10000},
	    {{.at_ms = 10000, .size = 20, .rate_per_s = 100}, 10000},
	    {{.at_ms = 10000, .rate_per_s = 350}, 10000},
	    {{.at_ms = 10000, .size = 30, .rate_per_s = 200}, 10000},
	    {{.at_ms = 10000, .rate_per_s = 25}, 6000},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct scenario scenario = {BUCKET(50, 250), .workers = 40, .latency_ms = 2,
		    .calls = cases[i].calls, .changes = &cases[i].change, .changes_count = 1};
		struct world *world = world_of(&scenario, 15000, NULL);
		double pace = (double)(world->accepted - world->mark_accepted) /
			      (double)(world->end_ms - 15000) * 1000;

		ck_assert_msg(
		    pace >= 0.97 * cases[i].change.rate_per_s, "case %zu: %.1f/s", i, pace);
		ck_assert_msg(
		    refused_share(world) < 0.02, "case %zu: %.4f refused", i, refused_share(world));
		world_free(world);
	}
}
END_TEST

/* Another user empties the bucket now and then: what he takes is lost, and nothing else. */
START_TEST(others_take_bursts)
{
	static const struct change bursts[] = {{.at_ms = 5000, .taken = 50},
	    {.at_ms = 9000, .taken = 50}, {.at_ms = 9500, .taken = 30},
	    {.at_ms = 15000, .taken = 50}};
	static const struct scenario scenario = {BUCKET(50, 250), .workers = 40, .latency_ms = 2,
	    .calls = 10000, .changes = bursts, .changes_count = 4};
	struct world *world = world_of(&scenario, 0, NULL);

	ck_assert_msg((double)world->end_ms <= 1.02 * (ideal_ms(&scenario) + 180.0 / 250 * 1000),
	    "%.4f", (double)world->end_ms / ideal_ms(&scenario));
	ck_assert(refused_share(world) < 0.02);
	world_free(world);
}
END_TEST

/* Refusals by chance, whatever the pace: slowing down does not help and is not kept up. */
START_TEST(refusals_by_chance)
{
	static const struct scenario scenarios[] = {
	    {BUCKET(50, 250), .workers = 40, .latency_ms = 2, .calls = 10000, .chance = 0.3},
	    {BUCKET(50, 250), .workers = 40, .latency_ms = 2, .calls = 10000, .chance = 0.02},
	    {.no_bucket = true, .workers = 40, .latency_ms = 100, .calls = 10000, .chance = 0.3},
	};

	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		struct world *world = world_of(&scenarios[i], 0, NULL);

		ck_assert_msg(
		    world->end_ms < 120000, "scenario %zu: %ld ms", i, (long)world->end_ms);
		ck_assert_msg(refused_share(world) < scenarios[i].chance + 0.02,
		    "scenario %zu: %.4f", i, refused_share(world));
		world_free(world);
	}
}
END_TEST

/* Also a run that is short: it must not crawl until its calls are done. */
START_TEST(few_calls_and_refusals_by_chance)
{
	for (uint64_t seed = 0; seed < 50; seed++) {
		const struct scenario scenario = {BUCKET(50, 250), .workers = 40, .latency_ms = 2,
		    .calls = 500, .chance = 0.3, .seed = seed};
		struct world *world = world_of(&scenario, 0, NULL);

		ck_assert_msg(
		    world->end_ms < 30000, "seed %d: %ld ms", (int)seed, (long)world->end_ms);
		world_free(world);
	}
}
END_TEST

enum known { KNOWN_SIZE, KNOWN_GUESS, KNOWN_REFILL };

/* What the exported state says of the bucket. */
static enum known
known_of(const json_t *state)
{
	const json_t *row = json_object_get(state, ACTION);

	if (row == NULL || json_is_false(json_object_get(row, "learnt")))
		return KNOWN_SIZE;
	return json_is_true(json_object_get(row, "searching")) ? KNOWN_GUESS : KNOWN_REFILL;
}

/* How many of the next 100 calls are refused when a run of calls is resumed away_ms later. */
static uint64_t
refused_when_resumed(
    const struct bucket *bucket, uint64_t calls, int64_t away_ms, enum known *ret_known)
{
	const struct scenario first = {
	    .bucket = *bucket, .workers = 40, .latency_ms = 3, .calls = calls};
	struct scenario then = first;
	struct world *world = world_of(&first, 0, NULL);
	json_t *state = pacer_export(world->pacer);
	struct world *resumed;
	uint64_t refused;

	bucket_refill(&world->bucket, world->clock.now_mono_ms + away_ms);
	then.calls = 100;
	then.bucket = world->bucket;
	then.bucket.mono_ms = 0;
	then.wall_ms = world->clock.now_wall_ms + away_ms;
	resumed = world_of(&then, 0, state);
	refused = resumed->refused;
	*ret_known = known_of(state);
	json_decref(state);
	world_free(world);
	world_free(resumed);
	return refused;
}

/* Interrupted at any time and resumed at once or an hour later: a run that had learnt the refill is
 * refused twice at most in its next 100 calls, one that was searching for it not more often than
 * the search takes, and one that had been refused nothing as often as there are calls in flight. */
START_TEST(resumed_at_any_time)
{
	static const struct bucket buckets[] = {BUCKET(50, 5), BUCKET(50, 20), BUCKET(50, 250)};
	static const int64_t away_ms[] = {0, 300, 2000, 30000, 3600000};
	static const uint64_t most[] = {[KNOWN_SIZE] = 46, [KNOWN_GUESS] = 9, [KNOWN_REFILL] = 2};
	unsigned seen[sizeof(most) / sizeof(most[0])] = {0};
	enum known known;

	for (size_t i = 0; i < sizeof(buckets) / sizeof(buckets[0]); i++)
		for (uint64_t calls = 5; calls < 400; calls += 1 + calls / 20)
			for (size_t j = 0; j < sizeof(away_ms) / sizeof(away_ms[0]); j++) {
				uint64_t refused =
				    refused_when_resumed(&buckets[i], calls, away_ms[j], &known);

				ck_assert_msg(refused <= most[known],
				    "bucket %zu, %lu calls, away %ld: %lu refused, knowing %d", i,
				    (unsigned long)calls, (long)away_ms[j], (unsigned long)refused,
				    known);
				seen[known]++;
			}
	for (size_t i = 0; i < sizeof(most) / sizeof(most[0]); i++)
		ck_assert_uint_gt(seen[i], 0);
}
END_TEST

/* A resumed run knows the bucket from its first call on. */
START_TEST(goes_on_where_it_was)
{
	static const struct scenario first = {
	    BUCKET(50, 5), .workers = 40, .latency_ms = 100, .calls = 1000};
	static const struct scenario then = {
	    {50, 5, 0, 0}, .workers = 40, .latency_ms = 100, .calls = 130};
	static const char *const rubbish[] = {"[]", "{\"CreateTags\": 3}",
	    "{\"CreateTrafficMirrorSession\": {\"size\": \"x\", \"rate\": null}}"};
	struct world *world = world_of(&first, 0, NULL);
	json_t *state = pacer_export(world->pacer);
	struct world *resumed = world_of(&then, 0, state);
	struct pacer_estimate estimate;

	ck_assert(refused_share(resumed) < 0.02);
	ck_assert(pacer_estimate(resumed->pacer, ACTION, &estimate));
	ck_assert(estimate.learnt);
	ck_assert(fabs(estimate.rate_per_s - 5) < 0.25);
	ck_assert(!pacer_estimate(resumed->pacer, "CreateTags", &estimate));
	for (size_t i = 0; i < sizeof(rubbish) / sizeof(rubbish[0]); i++) {
		json_t *none = json_loads(rubbish[i], 0, NULL);

		pacer_import(world->pacer, none);
		json_decref(none);
	}
	json_decref(state);
	world_free(world);
	world_free(resumed);
}
END_TEST

static void
count_go(struct pacer_ticket *ticket)
{
	(void)ticket;
	ck_abort_msg("a withdrawn call was let go");
}

/* Calls given up: waiting ones leave the queue, sent ones do not count. */
START_TEST(withdrawn)
{
	struct pacer_ticket tickets[80] = {{.go = NULL}};
	struct pacer_estimate estimate;
	struct fake_clock clock;
	struct tmf_err err = {0};
	int sent = 0;

	fake_clock_init(&clock, 1768478400000);
	struct tmf_loop *loop = tmf_loop_new(&clock.clock);
	struct pacer *pacer = pacer_new(loop);
	for (size_t i = 0; i < 80; i++) {
		tickets[i].go = count_go;
		sent += pacer_ask(pacer, ACTION, &tickets[i], false);
	}
	ck_assert_int_eq(sent, 50);
	ck_assert(pacer_estimate(pacer, ACTION, &estimate));
	ck_assert_uint_eq(estimate.waiting, 30);
	for (size_t i = 79; i >= 50; i--)
		pacer_withdraw(&tickets[i]);
	for (size_t i = 0; i < 50; i++)
		pacer_withdraw(&tickets[i]);
	pacer_withdraw(&tickets[0]);
	ck_assert_int_eq(tmf_loop_run(loop, &err), 0);
	ck_assert(pacer_estimate(pacer, ACTION, &estimate));
	ck_assert_uint_eq(estimate.waiting, 0);
	ck_assert_uint_eq(estimate.accepted, 0);
	pacer_free(pacer);
	tmf_loop_free(loop);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("pacer");
	TCase *tests = tcase_create("pacer");

	tcase_add_test(tests, close_to_what_the_bucket_gives);
	tcase_add_test(tests, no_bucket_no_pace);
	tcase_add_test(tests, adapts_in_mid_run);
	tcase_add_test(tests, others_take_bursts);
	tcase_add_test(tests, refusals_by_chance);
	tcase_add_test(tests, few_calls_and_refusals_by_chance);
	tcase_add_test(tests, resumed_at_any_time);
	tcase_add_test(tests, goes_on_where_it_was);
	tcase_add_test(tests, withdrawn);
	suite_add_tcase(s, tests);
	return run_suite(s);
}
