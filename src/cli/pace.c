#include "pace.h"

#include "tmflow/base/json.h"
#include "tmflow/base/log.h"

#include <stdlib.h>
#include <string.h>

#define PACE_FACT "pacer"

static int
save(struct pace *pace, struct err *err)
{
	json_t *state = pacer_export(pace->pacer);
	int ret = 0;

	if (json_object_size(state) > 0) {
		char *text = json_text(state);

		ret = store_fact_put(
		    pace->store, pace->run_id, PACE_FACT, pace->key, str_of(text), err);
		free(text);
	}
	json_decref(state);
	return ret;
}

static void
arm(struct pace *pace)
{
	struct clock *clock = loop_clock(pace->loop);

	loop_timer_arm(pace->loop, &pace->timer, clock->mono_ms(clock) + PACE_SAVE_MS);
}

/* A store that refuses the write fails the next commit too, and that ends the run. */
static void
save_now_and_then(struct timer *timer)
{
	struct pace *pace = (struct pace *)timer;
	struct err err = {0};

	if (save(pace, &err) < 0)
		log_event(LOG_WARN, "run.pace", LOG_STR("cause", err_text(&err)));
	err_fini(&err);
	arm(pace);
}

static int
take_saved(void *arg, const char *key, struct str value)
{
	const struct pace *pace = arg;
	json_t *state;

	if (strcmp(key, pace->key) != 0)
		return 0;
	state = json_parse(value, NULL);
	pacer_import(pace->pacer, state);
	json_decref(state);
	return 1;
}

int
pace_start(struct pace *pace, struct err *err)
{
	if (pace->pacer == NULL)
		return 0;
	if (store_facts_each(pace->store, pace->run_id, PACE_FACT, take_saved, pace, err) < 0)
		return -1;
	pace->timer.fire = save_now_and_then;
	arm(pace);
	return 0;
}

int
pace_stop(struct pace *pace, bool over, struct err *err)
{
	if (pace->pacer == NULL)
		return 0;
	loop_timer_disarm(pace->loop, &pace->timer);
	if (over)
		return store_fact_delete(pace->store, pace->run_id, PACE_FACT, pace->key, err);
	return save(pace, err);
}
