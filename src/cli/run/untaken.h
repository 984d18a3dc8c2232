#ifndef TMFLOW_CLI_RUN_UNTAKEN_H
#define TMFLOW_CLI_RUN_UNTAKEN_H

#include "cli/run/session.h"

/*
 * After a run that has gone through all instances: a warning to stderr for each rule that took
 * none, and for each of which all that it took is excluded, with its line in the configuration. A
 * rule that cannot take anything was warned of at the start and is left out. Nothing is said after
 * a run that has not succeeded, or of a workflow that does not list: an event has a few instances.
 * Errors: TMF_ERR_STORE.
 */
int untaken_warn(const struct session *session, struct tmf_err *err);

#endif
