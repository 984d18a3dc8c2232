#ifndef TMFLOW_CLI_RUN_NEW_RUN_H
#define TMFLOW_CLI_RUN_NEW_RUN_H

#include "cli/run/session.h"

/*
 * A run of one account and region, from the options to its record: what comes between session_init
 * and session_execute. Both return EXIT_OK, or say why and return the exit code.
 */

/* Reads and checks workflow, configuration and hook, and looks for credentials. The store is left
 * alone: a run that cannot start leaves nothing in it. */
int new_run_load(struct session *session);

/* Opens the store, looks up in AWS what the configuration names, and writes the record. */
int new_run_begin(struct session *session);

#endif
