#include "web/timeline.h"

#include "base/jsonx.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#define TIMELINE_KEY_BYTES 24

/* The totals are subtracted from the next ones, so that a process's first sample holds only what it
 * did itself. */
void
timeline_begin(struct timeline *timeline, int64_t wall_ms, json_t *totals)
{
	*timeline = (struct timeline){
	    .samples = json_array(),
	    .totals = totals,
	    .interval_ms = TIMELINE_FIRST_MS,
	    .begin_ms = wall_ms,
	    .sampled_ms = wall_ms,
	    .saved_ms = wall_ms,
	};
}

void
timeline_fini(struct timeline *timeline)
{
	json_decref(timeline->samples);
	json_decref(timeline->totals);
	*timeline = (struct timeline){0};
}

/* b follows a: the counts and the seconds of both, until b's end. */
static json_t *
sample_merge(json_t *a, json_t *b)
{
	json_t *both = json_copy(a);
	const char *key;
	json_t *value;

	json_object_foreach (b, key, value) {
		json_t *other = json_object_get(a, key);

		if (json_is_real(value) || json_is_real(other))
			json_object_set_new(both, key,
			    json_real(json_number_value(value) + json_number_value(other)));
		else
			json_object_set_new(both, key,
			    json_integer(json_integer_value(value) + json_integer_value(other)));
	}
	json_object_set(both, "at", json_object_get(b, "at"));
	return both;
}

/* Half as many samples, each twice as long: a run of days has as many as one of minutes. */
static void
timeline_thin(struct timeline *timeline)
{
	json_t *thinned = json_array();
	size_t count = json_array_size(timeline->samples);

	assert(count % 2 == 0);
	for (size_t i = 0; i + 1 < count; i += 2)
		json_array_append_new(thinned, sample_merge(json_array_get(timeline->samples, i),
						   json_array_get(timeline->samples, i + 1)));
	json_decref(timeline->samples);
	timeline->samples = thinned;
	timeline->interval_ms *= 2;
}

/* A sample has differences, and leaves out a counter that stood still: most do, most of the time.
 * At the end of the run one is taken early, so that the last seconds are drawn, too. */
void
timeline_note(struct timeline *timeline, int64_t wall_ms, json_t *totals, bool last)
{
	int64_t passed_ms = wall_ms - timeline->sampled_ms;
	json_t *sample;
	const char *key;
	json_t *total;

	if (passed_ms <= 0 || (passed_ms < timeline->interval_ms && !last)) {
		json_decref(totals);
		return;
	}
	sample = json_object();
	json_object_set_new(sample, "at", json_integer((json_int_t)wall_ms));
	json_object_set_new(sample, "seconds", json_real((double)passed_ms / 1000.0));
	json_object_foreach (totals, key, total) {
		json_int_t more = json_integer_value(total) -
				  json_integer_value(json_object_get(timeline->totals, key));

		if (more > 0)
			json_object_set_new(sample, key, json_integer(more));
	}
	if (json_array_size(timeline->samples) == TIMELINE_SAMPLES_MAX)
		timeline_thin(timeline);
	json_array_append_new(timeline->samples, sample);
	json_decref(timeline->totals);
	timeline->totals = totals;
	timeline->sampled_ms = wall_ms;
}

/* The key sorts by the time at which the process began. */
int
timeline_save(struct timeline *timeline, struct store *store, const char *run_id, int64_t wall_ms,
    bool last, struct tmf_err *err)
{
	char key[TIMELINE_KEY_BYTES];
	char *text;
	int ret;

	if (json_array_size(timeline->samples) == 0 ||
	    (wall_ms - timeline->saved_ms < TIMELINE_SAVE_MS && !last))
		return 0;
	snprintf(key, sizeof(key), "%015" PRId64, timeline->begin_ms);
	text = jsonx_text(timeline->samples);
	ret = store_fact_put(store, run_id, TIMELINE_FACT, key, str_of(text), err);
	free(text);
	text = jsonx_text(timeline->totals);
	if (ret == 0)
		ret = store_fact_put(store, run_id, TIMELINE_TOTALS_FACT, "", str_of(text), err);
	free(text);
	timeline->saved_ms = wall_ms;
	return ret;
}

static int
timeline_take_totals(void *arg, const char *key, struct str value)
{
	json_t **ret_totals = arg;
	json_t *totals = jsonx_parse(value, NULL);

	(void)key;
	if (!json_is_object(totals)) {
		json_decref(totals);
		return 0;
	}
	json_decref(*ret_totals);
	*ret_totals = totals;
	return 1;
}

json_t *
timeline_totals(struct store *store, const char *run_id, struct tmf_err *err)
{
	json_t *totals = json_object();

	if (store_facts_each(
		store, run_id, TIMELINE_TOTALS_FACT, timeline_take_totals, &totals, err) == 0)
		return totals;
	json_decref(totals);
	return NULL;
}

static int
timeline_add_process(void *arg, const char *key, struct str value)
{
	json_t *samples = jsonx_parse(value, NULL);
	json_t *first = json_array_get(samples, 0);

	(void)key;
	if (json_array_size(arg) > 0 && json_is_object(first))
		json_object_set_new(first, "gap", json_true());
	if (json_is_array(samples))
		json_array_extend(arg, samples);
	json_decref(samples);
	return 0;
}

int
timeline_read(struct store *store, const char *run_id, json_t *samples, struct tmf_err *err)
{
	return store_facts_each(store, run_id, TIMELINE_FACT, timeline_add_process, samples, err);
}
