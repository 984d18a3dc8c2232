#include "web/metrics/metrics_text.h"

#include <assert.h>
#include <inttypes.h>

#define MS_PER_SECOND 1000.0

void
metrics_text_begin(
    struct buf *out, const char *name, const char *type, const char *unit, const char *help)
{
	buf_printf(out, "# TYPE %s %s\n", name, type);
	if (unit != NULL)
		buf_printf(out, "# UNIT %s %s\n", name, unit);
	buf_printf(out, "# HELP %s %s\n", name, help);
}

/* Three characters are escaped; whatever else a value has is UTF-8 already. */
void
metrics_text_label(struct buf *out, const char *separator, const char *name, const char *value)
{
	buf_printf(out, "%s%s=\"", separator, name);
	for (; value != NULL && *value != '\0'; value++) {
		if (*value == '\n') {
			buf_add_cstr(out, "\\n");
			continue;
		}
		if (*value == '"' || *value == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, *value);
	}
	buf_add_char(out, '"');
}

/* "{a="b"} ", or a space where there are no labels. */
static void
text_labels(struct buf *out, const char *labels)
{
	if (labels[0] != '\0')
		buf_printf(out, "{%s} ", labels);
	else
		buf_add_char(out, ' ');
}

void
metrics_text_counter(struct buf *out, const char *name, const char *labels, uint64_t value)
{
	buf_printf(out, "%s_total", name);
	text_labels(out, labels);
	buf_printf(out, "%" PRIu64 "\n", value);
}

/* Nine digits: a number of instances and a time in seconds both keep all that counts. */
void
metrics_text_gauge(struct buf *out, const char *name, const char *labels, double value)
{
	buf_add_cstr(out, name);
	text_labels(out, labels);
	buf_printf(out, "%.13g\n", value);
}

/* Each bucket counts all that took at most so long, as the format wants it. */
void
metrics_text_histogram(
    struct buf *out, const char *name, const char *labels, const struct histogram *histogram)
{
	const char *comma = labels[0] != '\0' ? "," : "";
	uint64_t below = 0;

	for (unsigned step = 0; step < HISTOGRAM_STEPS; step++) {
		below += histogram->counts[step];
		buf_printf(out, "%s_bucket{%s%sle=\"%g\"} %" PRIu64 "\n", name, labels, comma,
		    (double)histogram_bound_ms(step) / MS_PER_SECOND, below);
	}
	assert(below + histogram->counts[HISTOGRAM_STEPS] == histogram->count);
	buf_printf(
	    out, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", name, labels, comma, histogram->count);
	buf_printf(out, "%s_count", name);
	text_labels(out, labels);
	buf_printf(out, "%" PRIu64 "\n%s_sum", histogram->count, name);
	text_labels(out, labels);
	buf_printf(out, "%.3f\n", (double)histogram->sum_ms / MS_PER_SECOND);
}

void
metrics_text_process(struct buf *out, const char *command, int64_t start_wall_ms)
{
	struct buf labels = {0};

	metrics_text_label(&labels, "", "command", command);
	metrics_text_label(&labels, ",", "version", TMFLOW_VERSION);
	metrics_text_begin(out, "tmflow_build_info", "gauge", NULL, "1; its labels say what runs.");
	metrics_text_gauge(out, "tmflow_build_info", buf_cstr(&labels), 1);
	metrics_text_begin(out, "tmflow_start_time_seconds", "gauge", "seconds",
	    "When the process began to serve.");
	metrics_text_gauge(
	    out, "tmflow_start_time_seconds", "", (double)start_wall_ms / MS_PER_SECOND);
	buf_fini(&labels);
}
