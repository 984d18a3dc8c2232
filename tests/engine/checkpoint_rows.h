#ifndef TMFLOW_TESTS_ENGINE_CHECKPOINT_ROWS_H
#define TMFLOW_TESTS_ENGINE_CHECKPOINT_ROWS_H

#include "asl/state/machine.h"
#include "store/store.h"

/* Checkpoints that no engine wrote. */

/* Parts of Maps that stream. */
#define ROWS_BATCHES "\"ItemBatcher\": {\"MaxItemsPerBatch\": 2}"
#define ROWS_CHILD(state)                                                                          \
	"\"ItemProcessor\": {\"ProcessorConfig\": {\"Mode\": \"DISTRIBUTED\","                     \
	"   \"ExecutionType\": \"EXPRESS\"}, \"StartAt\": \"" state "\", \"States\": {\"" state    \
	"\": {\"Type\": \"Pass\", \"End\": true}}}"
#define ROWS_READER(operation, type)                                                               \
	"{\"Resource\": \"arn:aws:states:::s3:" operation                                          \
	"\", \"Parameters\": {\"Bucket\": \"bucket\","                                             \
	"   \"Key\": \"" type "\"}, \"ReaderConfig\": {\"InputType\": \"" type "\"}}"

/* A state of each kind that a row can stand in. */
#define ROWS_DEFINITION                                                                            \
	"{\"StartAt\": \"W\", \"States\": {"                                                       \
	" \"W\": {\"Type\": \"Wait\", \"Seconds\": 5, \"Next\": \"T\"},"                           \
	" \"T\": {\"Type\": \"Task\", \"Resource\": \"tmflow:echo\", \"TimeoutSeconds\": 60,"      \
	"   \"Retry\": [{\"ErrorEquals\": [\"Busy\"], \"MaxAttempts\": 2}], \"Next\": \"M\","      \
	"   \"Catch\": [{\"ErrorEquals\": [\"Never\"], \"Next\": \"S\"}]},"                        \
	" \"M\": {\"Type\": \"Map\", \"ItemsPath\": \"$.items\", \"MaxConcurrency\": 2,"           \
	"   \"ToleratedFailureCount\": 1, \"ItemProcessor\": {\"StartAt\": \"I\", \"States\": {"   \
	"     \"I\": {\"Type\": \"Wait\", \"Seconds\": 1, \"Assign\": {\"v.$\": \"$\"},"           \
	"       \"End\": true}}}, \"Next\": \"P\"},"                                               \
	" \"S\": {\"Type\": \"Map\", \"ItemsPath\": \"$.items\", " ROWS_BATCHES ", " ROWS_CHILD(   \
	    "C") "   , \"Next\": \"L\"},"                                                          \
		 " \"L\": {\"Type\": \"Map\", \"ItemReader\": " ROWS_READER("listObjectsV2",       \
		     "JSON") "   , " ROWS_BATCHES                                                  \
			     ", " ROWS_CHILD(                                                      \
				 "D") ", \"Next\": \"O\"},"                                        \
				      " \"O\": {\"Type\": \"Map\", "                               \
				      "\"ItemReader\": " ROWS_READER("getObject",                  \
					  "JS"                                                     \
					  "ON"                                                     \
					  "L") "   , \"ResultPath\": "                             \
					       "null, " ROWS_CHILD(                                \
						   "E") ", \"Next\": "                             \
							"\"N\"},"                                  \
							" \"N\": "                                 \
							"{\"Type\": "                              \
							"\"Map\", "                                \
							"\"ItemReader"                             \
							"\":"                                      \
							" " ROWS_READER("getObject",               \
							    "MANIFEST") "   , " ROWS_BATCHES       \
									", " ROWS_CHILD("F") ", "  \
											     "\"E" \
											     "nd"  \
											     "\":" \
											     " "   \
											     "tru" \
											     "e}," \
											     " \"" \
											     "P\"" \
											     ": "  \
											     "{\"" \
											     "Typ" \
											     "e\"" \
											     ": "  \
											     "\"P" \
											     "ara" \
											     "lle" \
											     "l\"" \
											     ", "  \
											     "\"B" \
											     "ran" \
											     "che" \
											     "s\"" \
											     ": [" \
											     "   " \
											     "{\"" \
											     "Sta" \
											     "rtA" \
											     "t\"" \
											     ": "  \
											     "\"A" \
											     "\"," \
											     " "   \
											     "\"S" \
											     "tat" \
											     "es"  \
											     "\":" \
											     " "   \
											     "{\"" \
											     "A\"" \
											     ": "  \
											     "{\"" \
											     "Typ" \
											     "e\"" \
											     ": "  \
											     "\"P" \
											     "ass" \
											     "\"," \
											     " "   \
											     "\"E" \
											     "nd"  \
											     "\":" \
											     " "   \
											     "tru" \
											     "e}}" \
											     "},"  \
											     "   " \
											     "{\"" \
											     "Sta" \
											     "rtA" \
											     "t\"" \
											     ": "  \
											     "\"B" \
											     "\"," \
											     " "   \
											     "\"S" \
											     "tat" \
											     "es"  \
											     "\":" \
											     " "   \
											     "{\"" \
											     "B\"" \
											     ": "  \
											     "{\"" \
											     "Typ" \
											     "e\"" \
											     ": "  \
											     "\"S" \
											     "ucc" \
											     "eed" \
											     "\"}" \
											     "}}]" \
											     ", "  \
											     "\"E" \
											     "nd"  \
											     "\":" \
											     " "   \
											     "tru" \
											     "e}}" \
											     "}"

#define ROWS_RUN_ID "run"

struct asl_machine *rows_machine(void);

/* A private store with a run and the rows of text, one a line: "ID JSON" for a branch, "ID/INDEX
 * JSON" for the result of a child. @W stands for the index of the state W. Lines that are not
 * such, or that the store refuses, are left out. */
struct store *rows_store(const struct asl_machine *machine, struct str text);

#endif
