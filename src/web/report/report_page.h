#ifndef TMFLOW_WEB_REPORT_REPORT_PAGE_H
#define TMFLOW_WEB_REPORT_REPORT_PAGE_H

#include "store/store.h"
#include "tmflow/error.h"

#include <stdio.h>

/*
 * Writes the page of a run, or of a run with parts and all of theirs: headline, outcomes and
 * reasons, failures in groups, the workflow's graph, a timeline, calls, the instances, and the
 * files as they were. Memory does not grow with the instances.
 * Errors: TMF_ERR_STORE. Write errors: see ferror(out).
 */
int
report_page_write(struct store *store, const struct store_run *run, FILE *out, struct tmf_err *err);

#endif
