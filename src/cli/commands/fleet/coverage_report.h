#ifndef TMFLOW_CLI_COMMANDS_FLEET_COVERAGE_REPORT_H
#define TMFLOW_CLI_COMMANDS_FLEET_COVERAGE_REPORT_H

#include "cli/options.h"
#include "fleet/coverage/coverage.h"

#include <stdio.h>

/* A coverage for people and programs. */

/* document: coverage_json of the coverage with "failed": [{account, region, error, cause}]. */
void coverage_report_text(const struct coverage *coverage, const json_t *document, FILE *out);

/* by: what it is grouped by. */
void coverage_report_groups_csv(
    const struct coverage *coverage, const struct coverage_by *by, FILE *out);

/* The first line of a list of interfaces as CSV, and one of them. */
void coverage_report_csv_heading(FILE *out);
void coverage_report_csv_item(const json_t *item, FILE *out);

#endif
