#ifndef TMFLOW_WEB_METRICS_METRICS_TEXT_H
#define TMFLOW_WEB_METRICS_METRICS_TEXT_H

#include "base/buf.h"
#include "loop/histogram.h"

/* OpenMetrics text, piece by piece. labels are whole: "a=\"b\",c=\"d\"", or "" for none. */

/* What stands before the samples of a metric. unit: NULL where its name ends in none. */
void metrics_text_begin(
    struct buf *out, const char *name, const char *type, const char *unit, const char *help);

/* What every process says of itself: tmflow_build_info and tmflow_start_time_seconds. */
void metrics_text_process(struct buf *out, const char *command, int64_t start_wall_ms);

/* A label after a separator ("" or ","), its value in quotes and escaped. NULL is "". */
void
metrics_text_label(struct buf *out, const char *separator, const char *name, const char *value);

/* A counter's sample: NAME_total. */
void metrics_text_counter(struct buf *out, const char *name, const char *labels, uint64_t value);

/* A gauge's sample. */
void metrics_text_gauge(struct buf *out, const char *name, const char *labels, double value);

/* A histogram's samples, in seconds: NAME_bucket, NAME_count, NAME_sum. */
void metrics_text_histogram(
    struct buf *out, const char *name, const char *labels, const struct histogram *histogram);

#endif
