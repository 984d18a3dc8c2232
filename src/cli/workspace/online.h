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
 * The same for several places on one loop. Those that go by one file share a row; what is in none
 * of them is a warning, since it may be another place's. NULL is fine for free.
 */
struct online_checks;
struct online_checks *online_checks_new(void);
void online_checks_free(struct online_checks *checks);

/*
 * Asks in count places at the same time, and waits for all. One whose workspace has no client is
 * passed over. names: what to call each where its configuration is at fault; first: the number of
 * the first of them among all places. The workspaces may go afterwards.
 */
void online_checks_ask(struct online_checks *checks, struct workspace *const *workspaces,
    char *const *names, size_t count, size_t first);

/* Rows, and the first of the places of one. */
size_t online_checks_count(const struct online_checks *checks);
size_t online_checks_first(const struct online_checks *checks, size_t row);

/* Says what is at fault in a row's file. workspace: of its first place. Returns as
 * workspace_check_online. */
int
online_checks_judge(const struct online_checks *checks, size_t row, struct workspace *workspace);

/*
 * The same for a configuration that was read by the caller: faults are added to diags. After
 * workspace_open_client. Returns: 0, or -1 with *err where nothing can be said.
 */
int workspace_look_up(struct workspace *workspace, const struct mirror_config *config,
    struct diag_list *diags, struct tmf_err *err);

#endif
