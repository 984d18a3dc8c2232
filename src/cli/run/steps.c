#include "cli/run/steps.h"

#include "base/clock.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

/* A machine of a thousand states may have more to say than a fact holds: then it says nothing,
 * since the counts are for the eye alone. */
static int
steps_save(const struct steps *steps, struct tmf_err *err)
{
	json_t *states = report_states_json(steps->machine, steps->tallies);
	char *text = jsonx_text(states);
	int ret = 0;

	if (str_of(text).len <= STORE_FACT_BYTES_MAX)
		ret = store_fact_put(
		    steps->store, steps->run_id, REPORT_STATES_FACT, "", str_of(text), err);
	free(text);
	json_decref(states);
	return ret;
}

static void
steps_arm(struct steps *steps)
{
	struct tmf_clock *clock = tmf_loop_clock(steps->loop);

	tmf_loop_timer_arm(steps->loop, &steps->timer, clock->mono_ms(clock) + STEPS_SAVE_MS);
}

/* A store that refuses the write fails the next commit too, and that ends the run. */
static void
steps_save_due(struct tmf_timer *timer)
{
	struct steps *steps = (struct steps *)timer;
	struct tmf_err err = {0};

	if (steps_save(steps, &err) < 0)
		log_event(LOG_WARN, "run.states", LOG_STR("cause", tmf_err_text(&err)));
	tmf_err_fini(&err);
	steps_arm(steps);
}

int
steps_start(struct steps *steps, struct tmf_err *err)
{
	assert(steps->machine != NULL && steps->tallies == NULL);
	steps->tallies =
	    mem_zalloc(asl_machine_state_count(steps->machine), sizeof(*steps->tallies));
	if (report_states_read(steps->store, steps->run_id, steps->machine, steps->tallies, err) <
	    0)
		return -1;
	steps->timer.fire = steps_save_due;
	steps_arm(steps);
	return 0;
}

int
steps_stop(struct steps *steps, struct tmf_err *err)
{
	if (steps->tallies == NULL)
		return 0;
	tmf_loop_timer_disarm(steps->loop, &steps->timer);
	steps->timer.fire = NULL;
	return steps_save(steps, err);
}

void
steps_fini(struct steps *steps)
{
	if (steps->timer.fire != NULL)
		tmf_loop_timer_disarm(steps->loop, &steps->timer);
	free(steps->tallies);
	steps->tallies = NULL;
}
