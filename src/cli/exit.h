#ifndef TMFLOW_CLI_EXIT_H
#define TMFLOW_CLI_EXIT_H

/* How the process ends. Scripts rely on these: the man page and README list them. */
enum cli_exit {
	EXIT_OK = 0,
	EXIT_RUN_FAILED = 1,
	EXIT_INVALID = 2, /* wrong usage or invalid files: nothing was started */
	EXIT_INTERRUPTED = 3,
	EXIT_HELD = 4, /* by another process */
	EXIT_SOME_FAILED = 5,
	EXIT_CHANGES = 6,  /* a dry run found something to change */
	EXIT_FINDINGS = 7, /* audit --fail-on: findings of that severity */
	EXIT_BELOW = 7,	   /* coverage --min: the coverage is below */
};

#endif
