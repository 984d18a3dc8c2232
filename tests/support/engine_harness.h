#ifndef TMFLOW_TESTS_ENGINE_HARNESS_H
#define TMFLOW_TESTS_ENGINE_HARNESS_H

#include "base/clock.h"
#include "engine/engine.h"

/* One execution on a fake clock, with some actions to try things with:
 *   tmflow:echo  gives its input
 *   tmflow:fail  fails with its input's Error and Cause
 *   tmflow:flaky fails with Error as often as Times says (counted over the whole run), then gives
 *   its input
 *   tmflow:sleep waits Ms, then gives its input
 *   tmflow:crowd with Open waits Ms and opens the gate; without it waits for that without a place,
 *   then Ms. At most Max of them may be past the gate at once. Gives its input */
struct harness {
	struct fake_clock clock;
	struct tmf_loop *loop;
	struct tmf_registry *registry;
	struct rng rng;
	struct engine *engine;
	struct store *store; /* NULL: no checkpoints; borrowed */
	int64_t start_wall_ms;
	int64_t redrives; /* a resume is a redrive when > 0 */
	int64_t redrive_wall_ms;
	int failures;	 /* what flaky has counted; for crowd: the gate is open */
	int inside;	 /* of crowd: past the gate */
	json_t *gate;	 /* [address] of the calls that wait at it */
	int starts;	 /* of actions, in all */
	int gave_up;	 /* calls of gave_up */
	json_t *path;	 /* names of the top-level states entered */
	json_t *events;	 /* types of all events */
	json_t *after;	 /* and the ids of what they follow */
	json_t *details; /* and what GetExecutionHistory would tell of them */
	bool quiet;	 /* tells no events, as a run without a history */
	bool over;
	enum run_status status;
	json_t *output;
	char *error;
	char *cause;
};

void harness_init(struct harness *h, struct store *store);
void harness_fini(struct harness *h);

/* Compiles a definition; the test fails with the faults if it has any. */
struct asl_machine *harness_compile(struct harness *h, json_t *definition);

/* Runs to the end (or, with resume, goes on from the store). input is borrowed. */
void harness_run(struct harness *h, struct asl_machine *machine, json_t *input, bool resume);

/* Starts an execution and leaves it to the caller to turn the loop. */
struct execution *
harness_start(struct harness *h, struct asl_machine *machine, json_t *input, bool resume);

#endif
