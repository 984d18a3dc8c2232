#ifndef TMFLOW_CLI_REPORT_PROGRESS_H
#define TMFLOW_CLI_REPORT_PROGRESS_H

#include "aws/client.h"
#include "mirror/mirror.h"
#include "store/store.h"
#include "tmflow/loop.h"

#include <stdbool.h>

#define PROGRESS_TERMINAL_MS 200   /* between redraws of the line on a terminal */
#define PROGRESS_LINES_MS    10000 /* between lines elsewhere */

/* What the line says. */
struct progress_sum {
	const char *parts_noun; /* NULL: parts */
	size_t parts; /* of a run over several accounts and regions; 0: one that has none */
	size_t parts_over;
	bool mirrors; /* the rest is known */
	uint64_t pages;
	uint64_t instances;
	uint64_t instances_before; /* of them, in earlier processes of the run */
	uint64_t requests;
	uint64_t throttled;
	const char *trouble; /* why nothing comes from AWS at present; NULL: it does. Borrowed */
};
void
progress_add(struct progress_sum *sum, const struct mirror *mirror, const struct aws_client *ec2);

/*
 * How far a run is, on standard error: one line that is redrawn on a terminal, else a line per
 * interval.
 */
struct progress {
	struct tmf_timer timer; /* first: the timer leads back here */
	struct tmf_loop *loop;
	struct store *store;
	const char *run_id;
	const struct mirror *mirror;  /* NULL where the workflow mirrors nothing */
	const struct aws_client *ec2; /* NULL likewise */
	const struct pacer *pacer;    /* NULL likewise */
	void (*add_up)(void *arg, struct progress_sum *ret_sum); /* instead of these two; NULL */
	void *arg;
	bool terminal;
	bool drawn; /* the line stands on the terminal now */
	int64_t start_mono_ms;
};

/*
 * Fills in what the caller has set (loop, store, run_id, and mirror with ec2 or add_up) and arms
 * the timer.
 */
void progress_start(struct progress *progress);
void progress_stop(struct progress *progress);

/* Clears the line, so that others can be written; it comes again. */
void progress_pause(struct progress *progress);

#endif
