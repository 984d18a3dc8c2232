#ifndef TMFLOW_CLI_HARDEN_H
#define TMFLOW_CLI_HARDEN_H

/* What the process gives up by itself. */

/* No core file of this process or its children: it would hold keys. */
void cli_forbid_core(void);

/* No set-user-id program gives this process or its children other rights. For what serves others:
 * a person's credential_process may be such a program. */
void cli_forbid_privileges(void);

#endif
