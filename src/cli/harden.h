#ifndef TMFLOW_CLI_HARDEN_H
#define TMFLOW_CLI_HARDEN_H

/* What the process gives up by itself. */

/* No core file of this process or its children: it would hold keys. */
void cli_forbid_core(void);

/* Opens standard input, output and error on /dev/null where the caller has closed them: a file that
 * is opened later, such as the store, must not become one of them. */
void cli_open_standard_files(void);

/* No set-user-id program gives this process or its children other rights. For what serves others:
 * a person's credential_process may be such a program. */
void cli_forbid_privileges(void);

/*
 * 1: GnuTLS does not set itself up when it is loaded. libcurl brings it in for RTMP, which tmflow
 * refuses; TLS is OpenSSL's here. GnuTLS looks for this name. A library that needs it calls
 * gnutls_global_init, as libmicrohttpd does.
 * See: gnutls/gnutls.h (GNUTLS_SKIP_GLOBAL_INIT), src/decisions/080-what-one-command-needs.md
 */
int _gnutls_global_init_skip(void);

#endif
