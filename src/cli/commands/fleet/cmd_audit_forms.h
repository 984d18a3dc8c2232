#ifndef TMFLOW_CLI_COMMANDS_FLEET_CMD_AUDIT_FORMS_H
#define TMFLOW_CLI_COMMANDS_FLEET_CMD_AUDIT_FORMS_H

#include <jansson.h>

/* The forms in which an audit is written to standard output. document: {"findings", "counts",
 * "suppressed"?, "incomplete"?, "failed"?, "cost"?}; borrowed. */

/* A block a finding, the worst first, then the counts and the cost. */
void audit_print_text(const json_t *document);

/* RFC 4180, with a head line: a finding a row. */
void audit_print_csv(const json_t *document);

/* SARIF 2.1.0, for code scanning and the like; suppressed findings are results with a
 * suppression. See: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html */
void audit_print_sarif(const json_t *document);

#endif
