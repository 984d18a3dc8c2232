#ifndef TMFLOW_WEB_COVERAGE_COVERAGE_PAGE_H
#define TMFLOW_WEB_COVERAGE_COVERAGE_PAGE_H

#include "fleet/coverage/coverage.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/* What the map is nested by: the keys of coverage_by_parse. */
#define COVERAGE_PAGE_BY "account,region,vpc,subnet"

/*
 * Writes a coverage as one page: the whole, a map of nested bars, the gaps with what to do, and
 * what could not be read. document: coverage_json of the coverage, by COVERAGE_PAGE_BY, with
 * "failed".
 * Units: when it was read, wall-clock ms. Write errors: see ferror(out).
 */
void coverage_page_write(
    const struct coverage *coverage, const json_t *document, int64_t read_wall_ms, FILE *out);

#endif
