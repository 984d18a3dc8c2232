#ifndef TMFLOW_CLI_SIGNALS_H
#define TMFLOW_CLI_SIGNALS_H

#include "tmflow/error.h"
#include "tmflow/loop.h"

/* A write to a pipe without a reader, or beyond `ulimit -f`, fails and does not end the process. */
void cli_signals_ignore_writes(void);

/* Calls caught for each SIGINT, SIGTERM and SIGHUP, from the loop. Errors: TMF_ERR_SYSTEM. */
int cli_signals_watch(
    struct tmf_loop *loop, void (*caught)(void *arg, int signo), void *arg, struct tmf_err *err);

/*
 * Calls asked for each SIGUSR1, from the loop: somebody asks what the process is doing. Errors:
 * TMF_ERR_SYSTEM.
 */
int cli_signals_watch_live(
    struct tmf_loop *loop, void (*asked)(void *arg, int signo), void *arg, struct tmf_err *err);

#endif
