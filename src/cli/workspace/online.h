#ifndef TMFLOW_CLI_WORKSPACE_ONLINE_H
#define TMFLOW_CLI_WORKSPACE_ONLINE_H

#include "cli/workspace/workspace.h"

/* Looking before starting: whether AWS has what the configuration names. See
 * mirror/online_check.h. */

/*
 * Before a run or a service, after workspace_connect: what is missing is an error with its place in
 * the configuration, and nothing is started. Nothing is looked up with --no-online-check, or
 * without a configuration. Where nothing can be said (AWS does not answer, keys have expired) a
 * line says so, and what follows meets the same fault by itself.
 * Returns: EXIT_OK, or EXIT_INVALID.
 */
int workspace_check_online(struct workspace *workspace);

/*
 * The same for several workspaces on one loop, all at the same time. Where some go by one file,
 * what is in none of them is a warning: it may be another place's. One without a client is passed
 * over. names: what to call each where its configuration is at fault.
 */
int workspaces_check_online(struct workspace *const *workspaces, char *const *names, size_t count);

/*
 * The same for a configuration that was read by the caller: faults are added to diags. After
 * workspace_open_client. Returns: 0, or -1 with *err where nothing can be said.
 */
int workspace_look_up(struct workspace *workspace, const struct mirror_config *config,
    struct diag_list *diags, struct tmf_err *err);

#endif
