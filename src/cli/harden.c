#include "cli/cli.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/*
 * What the process gives up by itself. A core file would hold keys. Limit 1 and not 0: the kernel hands a core of limit 0 to a program that core_pattern names,
 * and none of limit 1. See: core(5)
 */

#define CORE_BYTES_MAX 1

void
cli_forbid_core(void)
{
	struct rlimit limit = {CORE_BYTES_MAX, CORE_BYTES_MAX};

	/* Refused where 0 is the limit already. */
	(void)setrlimit(RLIMIT_CORE, &limit);
}

void
cli_forbid_privileges(void)
{
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/*
 * A reader that goes away (`tmflow run ... 2>&1 >/dev/null | head -1`) must not end a run. Writes then fail with EPIPE: of progress and log nobody asks, of standard output
 * main() does. Programs that are started get SIGPIPE as they know it, see loop/process.c.
 */
void
cli_ignore_sigpipe(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
}
