#ifndef TMFLOW_CLI_WORKSPACE_WORKSPACE_INTERNAL_H
#define TMFLOW_CLI_WORKSPACE_WORKSPACE_INTERNAL_H

#include "cli/workspace/workspace.h"

#define WORKSPACE_ELB "elasticloadbalancing"

/* How the workspace looks for keys, after its settings are loaded. Borrows the workspace. */
struct credentials_opts workspace_credentials_opts(struct workspace *workspace);

/* Frees what workspace_objects made, before the clients' keys. */
void workspace_free_objects(struct workspace *workspace);

/* Frees the clients of all accounts. */
void workspace_free_clients(struct workspace *workspace);

#endif
