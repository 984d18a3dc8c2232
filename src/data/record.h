#ifndef TMFLOW_DATA_RECORD_H
#define TMFLOW_DATA_RECORD_H

#include "tmflow/error.h"

#include <jansson.h>
#include <stdint.h>

/* What became of a child of a distributed Map, in the words in which AWS writes it to a bucket. */

#define RECORD_ID_BYTES 37 /* a UUID and its NUL */

/* What names the run of a Map. Borrowed. */
struct record_map {
	const char *region; /* of the ARNs */
	const char *machine;
	const char *label; /* of the Map, else its name */
	const char *id;	   /* record_id */
};

struct record_child {
	int64_t index;
	json_t *input;
	json_t *output;		   /* NULL: it has none */
	const struct tmf_err *err; /* NULL: it did not fail */
	int64_t start_wall_ms;
	int64_t stop_wall_ms;
};

/* An id in the form of a UUID, the same for the same parts: as often as a run is taken up again its
 * results are in one folder. */
void record_id(const char *run_id, int64_t branch, int64_t number, char out[RECORD_ID_BYTES]);

/* The ARN of the Map's run, malloc'ed. */
char *record_map_arn(const struct record_map *map);

/*
 * {"ExecutionArn", "Input", "InputDetails", "Name", "Output", "OutputDetails", "StartDate",
 * "StateMachineArn", "Status", "StopDate"}: SUCCEEDED with an output, FAILED with "Error" and
 * "Cause", ABORTED with neither. Input and Output are JSON texts. New reference.
 */
json_t *record_of(const struct record_map *map, const struct record_child *child);

#endif
