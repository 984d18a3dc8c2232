#ifndef TMFLOW_WEB_TIMELINE_H
#define TMFLOW_WEB_TIMELINE_H

#include "store/store.h"
#include "tmflow/error.h"

#include <jansson.h>
#include <stdint.h>

/*
 * What a run did over time, kept with it: samples {"at": wall clock ms, "seconds": s, COUNT: n,
 * ...} with what was counted since the sample before. A process of the run has a list of its own;
 * the first sample of a later process has "gap": true.
 */

#define TIMELINE_FACT "timeline"
#define TIMELINE_TOTALS_FACT                                                                       \
	"totals"		  /* the counts at the last sample, so that nobody has to count */
#define TIMELINE_SAMPLES_MAX 240  /* of a process; beyond that two become one */
#define TIMELINE_FIRST_MS    1000 /* between samples, at first */
#define TIMELINE_SAVE_MS     5000 /* what a crash may lose */

struct timeline {
	json_t *samples;
	json_t *totals;	     /* at the last sample */
	int64_t interval_ms; /* between samples */
	int64_t begin_ms;    /* of the process */
	int64_t sampled_ms;
	int64_t saved_ms;
};

/* Begins at a time with totals {COUNT: n} of before. Takes totals. Ends with timeline_fini. */
void timeline_begin(struct timeline *timeline, int64_t wall_ms, json_t *totals);
void timeline_fini(struct timeline *timeline);

/* Adds a sample where one is due, or last is set and time has passed. Takes totals. */
void timeline_note(struct timeline *timeline, int64_t wall_ms, json_t *totals, bool last);

/* Writes the samples, where that is due or last is set. Errors: TMF_ERR_STORE. */
int timeline_save(struct timeline *timeline, struct store *store, const char *run_id,
    int64_t wall_ms, bool last, struct tmf_err *err);

/* The counts of a run as they were last noted, {} where none were. New reference; NULL with *err.
 * Errors: TMF_ERR_STORE. */
json_t *timeline_totals(struct store *store, const char *run_id, struct tmf_err *err);

/* Appends all samples of a run to samples. Errors: TMF_ERR_STORE. */
int timeline_read(struct store *store, const char *run_id, json_t *samples, struct tmf_err *err);

#endif
