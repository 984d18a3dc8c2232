#ifndef TMFLOW_CLI_PROGRESS_H
#define TMFLOW_CLI_PROGRESS_H

#include "tmflow/aws/client.h"
#include "tmflow/loop/loop.h"
#include "tmflow/mirror/mirror.h"
#include "tmflow/store/store.h"

#include <stdbool.h>

#define PROGRESS_TERMINAL_MS 200   /* between redraws of the line on a terminal */
#define PROGRESS_LINES_MS    10000 /* between lines elsewhere */

/* How far a run is, on standard error: one line that is redrawn on a terminal, else a line per interval. */
struct progress {
	struct timer timer; /* first: the timer leads back here */
	struct loop *loop;
	struct store *store;
	const char *run_id;
	const struct mirror *mirror;  /* NULL where the workflow mirrors nothing */
	const struct aws_client *ec2; /* NULL likewise */
	const struct pacer *pacer;    /* NULL likewise */
	bool terminal;
	bool drawn; /* the line stands on the terminal now */
	int64_t start_mono_ms;
};

/* Fills in what the caller has set (loop, store, run_id, mirror, ec2) and arms the timer. */
void progress_start(struct progress *progress);
void progress_stop(struct progress *progress);

#endif
