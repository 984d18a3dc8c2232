#ifndef TMFLOW_LOOP_PROCESS_H
#define TMFLOW_LOOP_PROCESS_H

#include "tmflow/call.h"

/* Another program, run without a shell and without blocking the loop. */

#define PROCESS_REASON_BYTES_MAX 400

struct process_opts {
	/* Ends with NULL; argv[0] is looked for in PATH. Borrowed until the function returns. */
	const char *const *argv;
	int64_t timeout_ms;	 /* then the program and what it started are killed */
	size_t output_bytes_max; /* of its standard output; more ends it too */
};

/*
 * Runs a program with the environment of ours and nothing to read. Of its standard error only the
 * last line is kept, for the error.
 * Returns: a call whose result is {"Output": string} once the program ended with 0 and its output
 * is UTF-8. What was put out is wiped from memory but for that string.
 * Errors: TMF_ERR_SYSTEM when it cannot be started, is killed, or ends with another status;
 * TMF_ERR_LIMIT when it takes too long or puts out too much. The last line of its standard
 * error stands at the end of the text, at most PROCESS_REASON_BYTES_MAX of it: it may hold what a
 * reader should not see. Nothing of its output does.
 */
struct tmf_call *process_run(struct tmf_loop *loop, const struct process_opts *opts);

#endif
