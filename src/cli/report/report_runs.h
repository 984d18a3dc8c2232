#ifndef TMFLOW_CLI_REPORT_REPORT_RUNS_H
#define TMFLOW_CLI_REPORT_REPORT_RUNS_H

#include "cli/options.h"
#include "store/run_state.h"

/*
 * The list of runs. Text is gathered in blocks of REPORT_RUNS_BLOCK rows, whose columns are as wide
 * as their widest cell; JSON is gathered as a whole, and each document of JSONL is written at once.
 */
#define REPORT_RUNS_BLOCK   200
#define REPORT_RUNS_COLUMNS 7

struct report_runs_row {
	char *cells[REPORT_RUNS_COLUMNS];
	enum run_state_kind state;
	bool some_failed;
};

struct report_runs {
	struct store *store;
	enum cli_output output;
	int64_t now_wall_ms;
	json_t *documents; /* with OUTPUT_JSON */
	size_t count;
	struct report_runs_row rows[REPORT_RUNS_BLOCK]; /* not yet written */
	size_t held;
};

/* Adds a run. Errors: TMF_ERR_STORE. */
int report_runs_add(struct report_runs *list, const struct store_run *run,
    const struct run_state *state, struct tmf_err *err);

/* Writes what is still held, and frees it. Without runs: "no runs" to standard error. */
void report_runs_end(struct report_runs *list);

#endif
