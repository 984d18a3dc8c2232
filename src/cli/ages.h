#ifndef TMFLOW_CLI_AGES_H
#define TMFLOW_CLI_AGES_H

#include "base/buf.h"
#include "tmflow/error.h"

#include <stdint.h>

/* Points in time and lengths of time, as people type and read them. */

/* 45s, 30m, 36h, 7d, 2w. option: for the message. Errors: TMF_ERR_INVALID. */
int cli_age_parse(const char *option, const char *text, int64_t *ret_ms, struct tmf_err *err);

/* A day (its midnight in UTC), a time with a zone, or an age before now_wall_ms. Errors:
 * TMF_ERR_INVALID. */
int cli_moment_parse(const char *option, const char *text, int64_t now_wall_ms,
    int64_t *ret_wall_ms, struct tmf_err *err);

#define CLI_DURATION_BYTES 32

/* "0.4s", "12.3s", "4m05s", "2h03m", "3d04h": short enough for a column. ms below 0 counts as 0. */
void cli_duration(int64_t ms, char out[CLI_DURATION_BYTES]);

#endif
