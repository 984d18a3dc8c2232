#include "cli/signals.h"

#include <signal.h>

/*
 * The reader of a pipe may leave: `tmflow run ... 2>&1 >/dev/null | head -1`. By default SIGPIPE
 * would end the process and leave the run RUNNING. Ignored, the write fails with EPIPE instead:
 * nobody asks for that of progress and log, and main() does for standard output.
 * A limit of the shell's on the size of files (ulimit -f) would end it in the same way by SIGXFSZ;
 * ignored, the write fails with EFBIG, as on a full disk.
 * Programs that tmflow starts get the defaults back, see loop/process.c.
 */
void
cli_signals_ignore_writes(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
}

int
cli_signals_watch(
    struct tmf_loop *loop, void (*caught)(void *arg, int signo), void *arg, struct tmf_err *err)
{
	/*
	 * SIGHUP as well: a run in a terminal that is closed is to end so that it can be resumed.
	 */
	static const int watched[] = {SIGINT, SIGTERM, SIGHUP};

	for (size_t i = 0; i < sizeof(watched) / sizeof(watched[0]); i++)
		if (tmf_loop_watch_signal(loop, watched[i], caught, arg, err) < 0)
			return -1;
	return 0;
}

int
cli_signals_watch_live(
    struct tmf_loop *loop, void (*asked)(void *arg, int signo), void *arg, struct tmf_err *err)
{
	return tmf_loop_watch_signal(loop, SIGUSR1, asked, arg, err);
}
