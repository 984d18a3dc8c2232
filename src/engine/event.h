#ifndef TMFLOW_ENGINE_EVENT_H
#define TMFLOW_ENGINE_EVENT_H

#include "engine/tree.h"

/* Counts what happens in an execution, and reports it to the listener. */

/* The wall clock of the execution's loop. */
int64_t event_now_wall_ms(const struct execution *x);

/*
 * Notes an event of branch (NULL: of the execution), whose type and details are filled in; its
 * state is branch's where the event names none. It is counted also when nobody listens: causes name
 * the number.
 * Returns: its id.
 */
int64_t event_note(struct execution *x, struct branch *branch, const struct execution_event *event);

/* The same for an event of a state, named after its type: "Pass" + suffix. */
int64_t event_note_state(struct branch *branch, const char *suffix, json_t *data);

/* The branch leaves its state as exit says; its variables have been set. */
void event_note_exit(struct branch *branch, const struct step_exit *exit);

/* The counts of the state that the branch stands in; NULL where nobody counts. Borrowed. */
struct execution_tally *event_tally(const struct branch *branch);

/* Counts that the branch is done with its state, left or failed, and the time that it took. */
void event_tally_end(const struct branch *branch, bool failed);

#endif
