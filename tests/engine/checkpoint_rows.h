#ifndef TMFLOW_TESTS_ENGINE_CHECKPOINT_ROWS_H
#define TMFLOW_TESTS_ENGINE_CHECKPOINT_ROWS_H

#include "asl/state/machine.h"
#include "store/store.h"

/* Checkpoints that no engine wrote. */

/* A state of each kind that a row can stand in. */
#define ROWS_DEFINITION                                                                            \
	"{\"StartAt\": \"W\", \"States\": {"                                                       \
	" \"W\": {\"Type\": \"Wait\", \"Seconds\": 5, \"Next\": \"T\"},"                           \
	" \"T\": {\"Type\": \"Task\", \"Resource\": \"tmflow:echo\", \"TimeoutSeconds\": 60,"      \
	"   \"Retry\": [{\"ErrorEquals\": [\"Busy\"], \"MaxAttempts\": 2}], \"Next\": \"M\"},"     \
	" \"M\": {\"Type\": \"Map\", \"ItemsPath\": \"$.items\", \"MaxConcurrency\": 2,"           \
	"   \"ToleratedFailureCount\": 1, \"ItemProcessor\": {\"StartAt\": \"I\", \"States\": {"   \
	"     \"I\": {\"Type\": \"Wait\", \"Seconds\": 1, \"Assign\": {\"v.$\": \"$\"},"           \
	"       \"End\": true}}}, \"Next\": \"P\"},"                                               \
	" \"P\": {\"Type\": \"Parallel\", \"Branches\": ["                                         \
	"   {\"StartAt\": \"A\", \"States\": {\"A\": {\"Type\": \"Pass\", \"End\": true}}},"       \
	"   {\"StartAt\": \"B\", \"States\": {\"B\": {\"Type\": \"Succeed\"}}}], \"End\": true}}}"

#define ROWS_RUN_ID "run"

struct asl_machine *rows_machine(void);

/* A private store with a run and the rows of text, one a line: "ID JSON" for a branch, "ID/INDEX
 * JSON" for the result of a child. @W stands for the index of the state W. Lines that are not
 * such, or that the store refuses, are left out. */
struct store *rows_store(const struct asl_machine *machine, struct str text);

#endif
