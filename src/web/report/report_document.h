#ifndef TMFLOW_WEB_REPORT_REPORT_DOCUMENT_H
#define TMFLOW_WEB_REPORT_REPORT_DOCUMENT_H

#include "store/store.h"
#include "tmflow/error.h"

#include <jansson.h>
#include <stdbool.h>

/* True for a run over accounts and regions: its outcomes are those of its parts. */
bool report_has_parts(const struct store_run *run);

/* How much of a run is read. */
enum report_part {
	REPORT_SOON = 1, /* what a look costs the same for, however many instances there are */
	REPORT_WHY = 2,	 /* reasons and failures: reads every outcome */
	REPORT_ALL = 3,
};

/*
 * The document behind the page, without its rows: {"run", "workflow", "configName", "region",
 * "redrives", "calls", "parts", "timeline", "graph", "files", "columns"} with REPORT_SOON,
 * {"reasons", "failures"} with REPORT_WHY. The counts of a run that goes on may be
 * TIMELINE_SAVE_MS old with REPORT_SOON alone. New reference, or NULL with *err.
 * Errors: TMF_ERR_STORE.
 */
json_t *report_document(
    struct store *store, const struct store_run *run, enum report_part part, struct tmf_err *err);

#endif
