#ifndef TMFLOW_WEB_METRICS_EMF_H
#define TMFLOW_WEB_METRICS_EMF_H

#include "base/buf.h"

#include <jansson.h>
#include <stdint.h>

/*
 * Numbers for CloudWatch: its embedded metric format, which is a line of JSON in a log that
 * CloudWatch reads, as that of a Lambda function. Made of the OpenMetrics text of this folder, so
 * that no number is in one of them only. What CloudWatch adds up itself is given as what came since
 * the time before: counters, and the values of histograms, each as the upper bound of its step.
 * A set of labels is a document, and its labels are one set of dimensions. Empty labels are left
 * out.
 * See: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/
 * CloudWatch_Embedded_Metric_Format_Specification.html
 */

#define EMF_NAMESPACE	   "tmflow"
#define EMF_VALUES_MAX	   100	/* of a metric in a document: CloudWatch's limit */
#define EMF_METRICS_MAX	   100	/* in a document: likewise */
#define EMF_DIMENSIONS_MAX 30	/* likewise */
#define EMF_VALUE_CHARS	   1024 /* of a dimension: likewise; the rest is cut off */

/* Zeroed: nothing was written so far. */
struct emf {
	json_t *before; /* {SAMPLE: its value the last time}, of what counts */
};

/* What stands in each document beside its dimensions, to search by; NULL: nothing. */
struct emf_context {
	const char *command;
	const char *run_id;
	int64_t wall_ms;
};

/* Appends the documents of an OpenMetrics text, a line each. Borrows. */
void
emf_write(struct emf *emf, const char *metrics, const struct emf_context *context, struct buf *out);

/* Writes the documents into the log, if that is to have them (--log-format emf). */
void emf_log(struct emf *emf, const char *metrics, const char *command, const char *run_id);

/* Frees what it remembers. */
void emf_fini(struct emf *emf);

#endif
