#ifndef TMFLOW_TESTS_ENGINE_LIVES_H
#define TMFLOW_TESTS_ENGINE_LIVES_H

#include "engine_harness.h"

#include <check.h>

/* The lives of the run "run": processes that are cut off, each of which goes on from the store of
 * the one before. What fails here fails the test. */

/* The main of a suite: runs it with a folder of its own for the store. Returns: the exit code. */
int lives_main(Suite *suite);

/* The store, as the next process opens it; new_run: with the run in it. */
struct store *lives_open(bool new_run);

/* The same with a clock, where the run is there. */
struct store *lives_open_with(struct tmf_clock *clock);

/* Empties the folder. */
void lives_forget(void);

/* The rows of the run's checkpoint. */
int lives_rows(struct store *store);

/* Compiles a definition, which is YAML. */
struct asl_machine *lives_compile(struct harness *h, const char *definition);

/* Turns the loop until it stops or has turned so often, which is as a crash would end it. */
void lives_turn(struct harness *h, int turns);

/* Expects that the execution is over and gave that output, as JSON text. */
void lives_expect(const struct harness *h, const char *output);

#endif
