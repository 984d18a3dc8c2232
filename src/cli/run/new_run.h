#ifndef TMFLOW_CLI_RUN_NEW_RUN_H
#define TMFLOW_CLI_RUN_NEW_RUN_H

#include "cli/run/session.h"

/*
 * A run of one account and region, from the options to its end, in a session that is initialised.
 * Reads and checks workflow, configuration and hook, and looks for credentials; a run that cannot
 * start leaves nothing in the store. Then looks up in AWS what the configuration names, writes the
 * record, and executes. Says what went wrong.
 * Returns: the exit code.
 */
int new_run(struct session *session);

#endif
