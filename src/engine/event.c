#include "engine/event.h"

#include <assert.h>
#include <stdio.h>

#define EVENT_NAME_BYTES_MAX 64

/* The loop's clock, which tests replace. */
int64_t
event_now_wall_ms(const struct execution *x)
{
	struct tmf_clock *clock = tmf_loop_clock(x->engine->loop);

	return clock->wall_ms(clock);
}

/* Events are counted even where no one listens: their ids are stored, and a resumed run
 * with a listener must not begin at 1 again. */
static int64_t
event_count(struct execution *x, struct branch *branch)
{
	int64_t id = ++x->event_id;

	x->record_dirty = true;
	if (branch != NULL)
		branch->last_event = id;
	return id;
}

/* previousEventId of AWS: events of a branch follow each other, whatever its siblings do
 * meanwhile. */
int64_t
event_note(struct execution *x, struct branch *branch, const struct execution_event *event)
{
	const struct branch *after = branch != NULL ? branch : x->root;
	struct execution_event noted = *event;

	assert(event->type != NULL);
	if (x->on_event == NULL)
		return event_count(x, branch);
	noted.previous_id = after != NULL ? after->last_event : 0;
	noted.wall_ms = event_now_wall_ms(x);
	noted.top_level = branch != NULL && branch->parent == NULL;
	if (noted.state == NULL && branch != NULL)
		noted.state = branch->state;
	noted.id = event_count(x, branch);
	x->on_event(x->arg, &noted);
	return noted.id;
}

/* *event with the type "Pass" + suffix, say. */
static int64_t
event_note_typed(struct branch *branch, const char *suffix, const struct execution_event *event)
{
	char type[EVENT_NAME_BYTES_MAX];
	struct execution_event noted = *event;

	snprintf(type, sizeof(type), "%s%s", asl_state_type_name(branch->state->type), suffix);
	noted.type = type;
	return event_note(branch->x, branch, &noted);
}

/* The name is made only for a listener: most runs have none, and a state is entered in a few
 * hundred nanoseconds. */
int64_t
event_note_state(struct branch *branch, const char *suffix, json_t *data)
{
	if (branch->x->on_event == NULL)
		return event_count(branch->x, branch);
	return event_note_typed(branch, suffix, &(struct execution_event){.data = data});
}

/* The values are picked from the variables after the assignment, by the names that Assign
 * has. */
void
event_note_exit(struct branch *branch, const struct step_exit *exit)
{
	json_t *assigned;

	if (branch->x->on_event == NULL) {
		event_count(branch->x, branch);
		return;
	}
	assigned = exit->assign != NULL ? asl_template_pick(exit->assign, branch->variables) : NULL;
	event_note_typed(branch, "StateExited",
	    &(struct execution_event){.data = exit->output, .assigned = assigned});
	json_decref(assigned);
}

/* Of the state that the branch stands in; NULL where nobody counts. */
struct execution_tally *
event_tally(const struct branch *branch)
{
	struct execution_tally *tallies = branch->x->tallies;

	return tallies != NULL ? &tallies[branch->state->index] : NULL;
}

/* The state is over for this branch, whichever way. A clock that was set back counts as no time. */
void
event_tally_end(const struct branch *branch, bool failed)
{
	struct execution_tally *tally = event_tally(branch);
	int64_t spent_ms;

	if (tally == NULL)
		return;
	spent_ms = event_now_wall_ms(branch->x) - branch->entered_wall_ms;
	tally->spent_ms += spent_ms > 0 ? spent_ms : 0;
	tally->left += !failed;
	tally->failed += failed;
}
