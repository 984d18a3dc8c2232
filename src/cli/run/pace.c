#include "cli/run/pace.h"

#include "aws/tally.h"
#include "base/clock.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "web/run_json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define PROGRESS_FACT "progress" /* {"pages", "instances"}, one for each region */

/* Takes value. */
static int
pace_put(struct pace *pace, const char *kind, json_t *value, struct tmf_err *err)
{
	int ret = 0;

	if (json_object_size(value) > 0) {
		char *text = jsonx_text(value);

		ret = store_fact_put(pace->store, pace->run_id, kind, pace->key, str_of(text), err);
		free(text);
	}
	json_decref(value);
	return ret;
}

static void
pace_add_number(json_t *totals, const char *key, const json_t *more)
{
	json_int_t sum =
	    json_integer_value(json_object_get(totals, key)) + json_integer_value(more);

	json_object_set_new(totals, key, json_integer(sum));
}

/*
 * Earlier processes of the run are added each time. The tally of the client counts only since
 * this process began.
 */
static int
pace_save_calls(struct pace *pace, struct tmf_err *err)
{
	json_t *calls = json_deep_copy(pace->earlier);

	assert(pace->earlier != NULL);
	tally_add(calls, aws_client_tally(pace->ec2));
	if (pace->elb != NULL)
		tally_add(calls, aws_client_tally(pace->elb));
	return pace_put(pace, RUN_JSON_CALLS_FACT, calls, err);
}

/* For the eye alone: a kill may lose the count of its last second, or count a page twice. */
static int
pace_save_progress(struct pace *pace, struct tmf_err *err)
{
	json_t *counts = json_object();

	json_object_set_new(counts, "pages", json_integer((json_int_t)pace->progress->pages));
	json_object_set_new(
	    counts, "instances", json_integer((json_int_t)pace->progress->instances));
	return pace_put(pace, PROGRESS_FACT, counts, err);
}

/* The requests of all operations together, and one member more for the pages of instances. */
static void
pace_add_calls(json_t *totals, const json_t *tally)
{
	static const char *const kinds[] = {"requests", "retries", "throttled"};
	const char *operation;
	json_t *calls;

	json_object_foreach ((json_t *)tally, operation, calls) {
		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
			pace_add_number(totals, kinds[i], json_object_get(calls, kinds[i]));
		if (strcmp(operation, "DescribeInstances") == 0)
			pace_add_number(totals, "pages", json_object_get(calls, "requests"));
	}
}

/* What is counted so far, by kind. New reference. */
static json_t *
pace_totals(struct pace *pace)
{
	int64_t counts[OUTCOME_COUNT] = {0};
	json_t *totals = json_object();

	if (store_outcomes_count(pace->store, pace->run_id, counts, NULL) == 0)
		for (int kind = 0; kind < OUTCOME_COUNT; kind++)
			json_object_set_new(totals, outcome_name((enum outcome_kind)kind),
			    json_integer((json_int_t)counts[kind]));
	pace_add_calls(totals, aws_client_tally(pace->ec2));
	if (pace->elb != NULL)
		pace_add_calls(totals, aws_client_tally(pace->elb));
	return totals;
}

static int
pace_save_timeline(struct pace *pace, bool last, struct tmf_err *err)
{
	struct tmf_clock *clock = tmf_loop_clock(pace->loop);
	int64_t now = clock->wall_ms(clock);

	timeline_note(&pace->timeline, now, pace_totals(pace), last);
	return timeline_save(&pace->timeline, pace->store, pace->run_id, now, last, err);
}

static int
pace_save(struct pace *pace, struct tmf_err *err)
{
	return pace_put(pace, RUN_JSON_PACER_FACT, pacer_export(pace->pacer), err) < 0 ||
		       pace_save_progress(pace, err) < 0
		   ? -1
		   : pace_save_calls(pace, err);
}

/* The loop's clock, which a test can replace. */
static void
pace_arm(struct pace *pace)
{
	struct tmf_clock *clock = tmf_loop_clock(pace->loop);

	tmf_loop_timer_arm(pace->loop, &pace->timer, clock->mono_ms(clock) + PACE_SAVE_MS);
}

/* A store that refuses the write fails the next commit too, and that ends the run. */
static void
pace_save_due(struct tmf_timer *timer)
{
	struct pace *pace = (struct pace *)timer;
	struct tmf_err err = {0};

	if (pace_save(pace, &err) < 0 || pace_save_timeline(pace, false, &err) < 0)
		log_event(LOG_WARN, "run.pace", LOG_STR("cause", tmf_err_text(&err)));
	tmf_err_fini(&err);
	pace_arm(pace);
}

/*
 * A run that was throttled and interrupted begins again at the pace that EC2 allowed last,
 * instead of running into the throttle once more.
 */
static int
pace_take_saved(void *arg, const char *key, struct str value)
{
	const struct pace *pace = arg;
	json_t *state;

	if (strcmp(key, pace->key) != 0)
		return 0;
	state = jsonx_parse(value, NULL);
	pacer_import(pace->pacer, state);
	json_decref(state);
	return 1;
}

static int
pace_take_calls(void *arg, const char *key, struct str value)
{
	struct pace *pace = arg;
	json_t *calls;

	if (strcmp(key, pace->key) != 0)
		return 0;
	calls = jsonx_parse(value, NULL);
	tally_add(pace->earlier, calls);
	json_decref(calls);
	return 1;
}

static int
pace_take_progress(void *arg, const char *key, struct str value)
{
	struct pace *pace = arg;
	json_t *progress;

	if (strcmp(key, pace->key) != 0)
		return 0;
	progress = jsonx_parse(value, NULL);
	pace->progress->pages = (uint64_t)json_integer_value(json_object_get(progress, "pages"));
	pace->progress->instances =
	    (uint64_t)json_integer_value(json_object_get(progress, "instances"));
	pace->progress->instances_before = pace->progress->instances;
	json_decref(progress);
	return 1;
}

/* A run without AWS has no pacer, and then there is nothing to save. */
int
pace_start(struct pace *pace, struct tmf_err *err)
{
	struct tmf_clock *clock = tmf_loop_clock(pace->loop);

	if (pace->pacer == NULL)
		return 0;
	assert(pace->progress != NULL); /* who asks AWS mirrors */
	pace->earlier = json_object();
	if (store_facts_each(
		pace->store, pace->run_id, RUN_JSON_PACER_FACT, pace_take_saved, pace, err) < 0 ||
	    store_facts_each(
		pace->store, pace->run_id, RUN_JSON_CALLS_FACT, pace_take_calls, pace, err) < 0 ||
	    store_facts_each(
		pace->store, pace->run_id, PROGRESS_FACT, pace_take_progress, pace, err) < 0)
		return -1;
	timeline_begin(&pace->timeline, clock->wall_ms(clock), pace_totals(pace));
	pace->timer.fire = pace_save_due;
	pace_arm(pace);
	return 0;
}

/* The calls belong to the report, and the pace to the numbers; a later --retry-failed begins with
 * it. */
int
pace_stop(struct pace *pace, struct tmf_err *err)
{
	if (pace->pacer == NULL)
		return 0;
	tmf_loop_timer_disarm(pace->loop, &pace->timer);
	return pace_save_timeline(pace, true, err) < 0 ? -1 : pace_save(pace, err);
}
