#ifndef TMFLOW_CLI_RUN_PACE_H
#define TMFLOW_CLI_RUN_PACE_H

#include "aws/client.h"
#include "mirror/mirror.h"
#include "store/store.h"
#include "web/timeline.h"

#define PACE_SAVE_MS 1000 /* what a crash may forget is learnt again with a refusal or two */

/*
 * Keeps what a run's pacer has learnt with the run, so that a resumed one does not begin by being
 * refused; how often it asked AWS for what; what it did over time; and how far its progress line
 * had counted.
 */
struct pace {
	struct tmf_timer timer; /* first */
	struct tmf_loop *loop;
	struct store *store;
	struct pacer *pacer; /* NULL: the run asks no AWS, and nothing is kept */
	/* Where pacer is not NULL: whose calls are counted. */
	const struct aws_client *ec2;
	const struct aws_client *elb;	  /* NULL: none */
	json_t *earlier;		  /* those of the run's earlier processes */
	struct timeline timeline;	  /* of this process */
	struct mirror_progress *progress; /* likewise */
	const char *run_id;
	const char *key; /* which pacer of the run: its region */
};

/*
 * Fills the pacer with what the run's earlier process had learnt, and saves it from now on. What
 * the caller sets: all but timer, earlier and timeline.
 * Errors: TMF_ERR_STORE.
 */
int pace_start(struct pace *pace, struct tmf_err *err);

/* Both are saved once more. */
int pace_stop(struct pace *pace, struct tmf_err *err);

#endif
