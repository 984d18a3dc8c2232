#include "web/graph/graph.h"

#include "base/jsonx.h"
#include "base/mem.h"
#include "engine/engine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_BYTES 24 /* a 64 bit number */

/* How often each thing happened in a state. */
struct tally {
	int64_t entered;
	int64_t left;
	int64_t caught; /* left after a failure */
	int64_t aborted;
};

/*
 * The history, read from its beginning. An event says which one it follows in its branch, so the
 * state of those that name none (TaskFailed, MapStateFailed, ...) is that of the event before:
 * `at` holds the newest event of each branch, {id: [state, failed]}.
 */
struct reader {
	const struct asl_machine *machine;
	struct tally *tallies; /* by state index */
	json_t *at;
	bool any;
	bool stranger; /* a state that the workflow does not have */
};

static bool
marks_ends_with(const char *text, const char *end)
{
	size_t text_len = strlen(text);
	size_t end_len = strlen(end);

	return text_len >= end_len && strcmp(text + text_len - end_len, end) == 0;
}

static const char *
id_key(int64_t id, char key[KEY_BYTES])
{
	snprintf(key, KEY_BYTES, "%" PRId64, id);
	return key;
}

/* Several branches may begin at one of these. */
static bool
has_branches(const char *type)
{
	return marks_ends_with(type, "StateStarted");
}

/*
 * A place is deleted once an event follows it, so that a long history needs little memory. That of
 * a StateStarted stays, since several branches may follow it.
 */
static void
note_place(struct reader *reader, const struct store_event *event, unsigned state, bool failed)
{
	char key[KEY_BYTES];
	json_t *place = json_array();

	json_array_append_new(place, json_integer(state));
	json_array_append_new(place, json_boolean(failed));
	json_array_append_new(place, json_boolean(has_branches(event->type)));
	json_object_set_new(reader->at, id_key(event->id, key), place);
}

/* The place that the event goes on from; *ret_failed says whether the branch had failed there. */
static bool
take_place(
    struct reader *reader, const struct store_event *event, unsigned *ret_state, bool *ret_failed)
{
	char key[KEY_BYTES];
	const json_t *place = json_object_get(reader->at, id_key(event->previous_id, key));

	if (place == NULL)
		return false;
	*ret_state = (unsigned)json_integer_value(json_array_get(place, 0));
	*ret_failed = json_is_true(json_array_get(place, 1));
	if (!json_is_true(json_array_get(place, 2)))
		json_object_del(reader->at, key);
	return true;
}

/* The state that the event's details name; NULL where they name none. */
static const struct asl_state *
named_state(struct reader *reader, const struct store_event *event)
{
	json_t *details = event->details != NULL ? jsonx_parse(str_of(event->details), NULL) : NULL;
	const struct asl_state *state = NULL;
	const char *key;
	json_t *value;

	json_object_foreach (details, key, value) {
		const char *name = jsonx_get_string(value, "name");

		if (name == NULL)
			continue;
		state = asl_machine_find(reader->machine, name);
		if (state == NULL)
			reader->stranger = true;
	}
	json_decref(details);
	return state;
}

/*
 * A nonzero return ends the iteration: after a state that the workflow does not have, the rest has
 * no meaning. An event whose place is not known, such as ExecutionStarted, is passed over.
 */
static int
marks_read_event(void *arg, const struct store_event *event)
{
	struct reader *reader = arg;
	const struct asl_state *named = named_state(reader, event);
	unsigned state = 0;
	bool failed = false;
	bool known = take_place(reader, event, &state, &failed);
	bool fails =
	    marks_ends_with(event->type, "Failed") || marks_ends_with(event->type, "TimedOut");

	reader->any = true;
	if (named != NULL)
		state = named->index;
	if (reader->stranger || (named == NULL && !known))
		return reader->stranger;
	if (execution_event_enters(event->type)) {
		reader->tallies[state].entered++;
		failed = false;
	} else if (execution_event_leaves(event->type)) {
		reader->tallies[state].left++;
		reader->tallies[state].caught += failed;
	} else if (marks_ends_with(event->type, "StateAborted")) {
		reader->tallies[state].aborted++;
	} else {
		/* A retry schedules the task, or starts the children, once more. */
		failed = fails;
	}
	note_place(reader, event, state, failed);
	return 0;
}

/*
 * A state that was entered and never left is where the run is, or where it ended. For a state of a
 * Map, one caught failure counts more than many successes.
 */
static enum graph_mark
mark_of(const struct tally *tally, bool over)
{
	int64_t inside = tally->entered - tally->left - tally->aborted;

	if (tally->entered == 0)
		return GRAPH_UNTOUCHED;
	if (inside > 0)
		return over ? GRAPH_FAILED : GRAPH_RUNNING;
	if (tally->caught > 0)
		return GRAPH_CAUGHT;
	return tally->left > 0 ? GRAPH_DONE : GRAPH_ABORTED;
}

static int
mark_running(void *arg, const struct asl_state *state)
{
	struct graph_state *states = arg;

	states[state->index].mark = GRAPH_RUNNING;
	return 0;
}

/*
 * A run without a history still has its current states, which execution_peek reads from the store.
 */
static int
read_all(struct reader *reader, struct store *store, const struct store_run *run,
    struct graph_state *states, struct tmf_err *err)
{
	bool over = run->status != RUN_RUNNING && run->status != RUN_INTERRUPTED;

	if (store_events_each(store, run->id, 0, marks_read_event, reader, err) < 0)
		return -1;
	if (reader->stranger)
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "run %s is one of %s, which has other states than this workflow", run->id,
		    run->workflow_name != NULL ? run->workflow_name : "another workflow");
	for (size_t i = 0; i < asl_machine_state_count(reader->machine); i++) {
		states[i].mark = mark_of(&reader->tallies[i], over);
		states[i].entered = reader->tallies[i].entered;
	}
	return execution_peek(store, reader->machine, run->id, mark_running, states, err);
}

struct graph_state *
graph_marks(struct store *store, const struct store_run *run, const struct asl_machine *machine,
    bool *ret_history, struct tmf_err *err)
{
	size_t count = asl_machine_state_count(machine);
	struct graph_state *states = mem_zalloc(count, sizeof(*states));
	struct reader reader = {
	    .machine = machine,
	    .tallies = mem_zalloc(count, sizeof(struct tally)),
	    .at = json_object(),
	};
	int ret = read_all(&reader, store, run, states, err);

	free(reader.tallies);
	json_decref(reader.at);
	*ret_history = reader.any;
	if (ret == 0)
		return states;
	free(states);
	return NULL;
}
