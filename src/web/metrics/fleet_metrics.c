#include "web/metrics/fleet_metrics.h"

#include "base/jsonx.h"
#include "fleet/audit/finding.h"
#include "web/metrics/metrics.h"
#include "web/metrics/metrics_text.h"

#include <assert.h>
#include <string.h>

static void
fleet_metrics_one(
    const char *name, const char *unit, const char *help, double value, struct buf *out)
{
	metrics_text_begin(out, name, "gauge", unit, help);
	metrics_text_gauge(out, name, "", value);
}

static double
fleet_metrics_length(const json_t *document, const char *key)
{
	return (double)json_array_size(json_object_get(document, key));
}

/* --- coverage --- */

/* A key of the grouping as the name of a label: "tag:team" is tag_team. */
static void
coverage_metrics_label_name(struct buf *out, const char *key)
{
	static const char allowed[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

	buf_reset(out);
	for (; *key != '\0'; key++)
		buf_add_char(out, strchr(allowed, *key) != NULL ? *key : '_');
}

/* Two tags may differ in what no label can hold: the second one gets its place in the
 * grouping. other: the values are those of all groups beyond the limit. */
static void
coverage_metrics_labels(const json_t *by, bool other, struct buf *out)
{
	json_t *names = json_object(); /* that are taken */
	struct buf name = {0};
	const char *key;
	json_t *value;
	int place = 0;

	buf_reset(out);
	json_object_foreach ((json_t *)by, key, value) {
		coverage_metrics_label_name(&name, key);
		place++;
		if (json_object_get(names, buf_cstr(&name)) != NULL)
			buf_printf(&name, "_%d", place);
		json_object_set_new(names, buf_cstr(&name), json_true());
		metrics_text_label(out, out->len > 0 ? "," : "", buf_cstr(&name),
		    other ? COVERAGE_OTHER : json_string_value(value));
	}
	buf_fini(&name);
	json_decref(names);
}

/* Every class has a sample, 0 where nothing is in it: a sum over classes has no holes. */
static void
coverage_metrics_classes(
    const char *name, const char *labels, const json_t *classes, struct buf *out)
{
	for (int class = 0; class < COVERAGE_CLASS_COUNT; class ++) {
		const char *word = coverage_class_name((enum coverage_class) class);
		struct buf all = {0};

		buf_add_cstr(&all, labels);
		metrics_text_label(&all, labels[0] != '\0' ? "," : "", "class", word);
		metrics_text_gauge(
		    out, name, buf_cstr(&all), json_number_value(json_object_get(classes, word)));
		buf_fini(&all);
	}
}

/* Adds the classes of a group to those of all beyond the limit. */
static void
coverage_metrics_add(json_t *sum, const json_t *classes)
{
	const char *class;
	json_t *count;

	json_object_foreach ((json_t *)classes, class, count)
		json_object_set_new(sum, class,
		    json_integer(json_integer_value(json_object_get(sum, class)) +
				 json_integer_value(count)));
}

/* Groups while they are written. */
struct coverage_metrics {
	struct buf *out;
	size_t count;
	struct buf labels;
	json_t *sum; /* classes of those beyond the limit */
};

static const char coverage_metrics_groups_name[] = "tmflow_coverage_group_interfaces";

/* A VPC or a value of a tag may be anyone's to make, so the number of groups has a limit. */
static void
coverage_metrics_group(void *arg, const json_t *group)
{
	struct coverage_metrics *metrics = arg;
	const json_t *classes = json_object_get(group, "classes");
	bool other = metrics->count++ >= FLEET_METRICS_GROUPS_MAX;

	coverage_metrics_labels(json_object_get(group, "by"), other, &metrics->labels);
	if (other)
		coverage_metrics_add(metrics->sum, classes);
	else
		coverage_metrics_classes(coverage_metrics_groups_name, buf_cstr(&metrics->labels),
		    classes, metrics->out);
}

static void
coverage_metrics_groups(const struct coverage *coverage, struct buf *out)
{
	struct coverage_metrics metrics = {.out = out, .sum = json_object()};

	metrics_text_begin(out, coverage_metrics_groups_name, "gauge", NULL,
	    "Interfaces by class, in each group of what the coverage was grouped by.");
	coverage_groups_each(coverage, coverage_metrics_group, &metrics);
	if (json_object_size(metrics.sum) > 0)
		coverage_metrics_classes(
		    coverage_metrics_groups_name, buf_cstr(&metrics.labels), metrics.sum, out);
	buf_fini(&metrics.labels);
	json_decref(metrics.sum);
}

/* The same reasons as the report's table, whose number is bounded already. */
static void
coverage_metrics_gaps(const json_t *gaps, struct buf *out)
{
	json_t *gap;
	size_t i;

	metrics_text_begin(out, "tmflow_coverage_gap_interfaces", "gauge", NULL,
	    "Interfaces that are not mirrored, by class and reason.");
	json_array_foreach ((json_t *)gaps, i, gap) {
		struct buf labels = {0};

		metrics_text_label(&labels, "", "class", jsonx_get_string(gap, "class"));
		metrics_text_label(&labels, ",", "reason", jsonx_get_string(gap, "reason"));
		metrics_text_gauge(out, "tmflow_coverage_gap_interfaces", buf_cstr(&labels),
		    json_number_value(json_object_get(gap, "interfaces")));
		buf_fini(&labels);
	}
}

/* Where no rule wants any interface the share is missing, as in the document. */
void
metrics_of_coverage(
    const struct coverage *coverage, const json_t *document, int64_t wall_ms, struct buf *out)
{
	const json_t *share = json_object_get(document, "coverage");

	assert(json_is_object(json_object_get(document, "classes")));
	fleet_metrics_one("tmflow_coverage_timestamp_seconds", "seconds",
	    "When the coverage was looked at.", (double)wall_ms / 1000.0, out);
	metrics_text_begin(out, "tmflow_coverage_ratio", "gauge", "ratio",
	    "Share of the interfaces that rules want which is mirrored, from 0 to 1.");
	if (json_is_number(share))
		metrics_text_gauge(out, "tmflow_coverage_ratio", "", json_number_value(share));
	metrics_text_begin(
	    out, "tmflow_coverage_interfaces", "gauge", NULL, "Interfaces by class.");
	coverage_metrics_classes(
	    "tmflow_coverage_interfaces", "", json_object_get(document, "classes"), out);
	coverage_metrics_groups(coverage, out);
	coverage_metrics_gaps(json_object_get(document, "gaps"), out);
	fleet_metrics_one("tmflow_coverage_failed_places", NULL,
	    "Accounts and regions that could not be read, and are not counted.",
	    fleet_metrics_length(document, "failed"), out);
	buf_add_cstr(out, METRICS_END);
}

/* --- audit --- */

/* {KIND or PLACE: {SEVERITY: n}}, of all findings. */
struct audit_counts {
	json_t *kinds;
	json_t *places; /* by their labels */
};

/* JSON objects as counters: there are some twenty kinds, and as many places as were visited. */
static void
audit_metrics_count(json_t *counts, const char *key, const char *severity)
{
	json_t *of_key = json_object_get(counts, key);

	if (of_key == NULL) {
		of_key = json_object();
		json_object_set_new(counts, key, of_key);
	}
	json_object_set_new(of_key, severity,
	    json_integer(json_integer_value(json_object_get(of_key, severity)) + 1));
}

static void
audit_metrics_count_all(const json_t *findings, struct audit_counts *counts)
{
	json_t *finding;
	size_t i;

	json_array_foreach ((json_t *)findings, i, finding) {
		const char *severity = jsonx_get_string(finding, "severity");
		struct buf place = {0};

		metrics_text_label(&place, "", "account", jsonx_get_string(finding, "account"));
		metrics_text_label(&place, ",", "region", jsonx_get_string(finding, "region"));
		audit_metrics_count(counts->kinds, jsonx_get_string(finding, "kind"), severity);
		audit_metrics_count(counts->places, buf_cstr(&place), severity);
		buf_fini(&place);
	}
}

/* A kind that was not found is 0, so that an alarm on it resolves. */
static void
audit_metrics_kinds(const json_t *kinds, struct buf *out)
{
	metrics_text_begin(out, "tmflow_audit_findings", "gauge", NULL,
	    "Findings by kind and severity, without those that are suppressed.");
	for (size_t kind = 0; kind < FINDING_KIND_COUNT; kind++) {
		const struct finding_row *row = &finding_rows[kind];
		const json_t *of_kind = json_object_get(kinds, row->kind);

		for (int i = 0; i < SEVERITY_COUNT; i++) {
			const char *severity = severity_name((enum severity)i);
			const json_t *count = json_object_get(of_kind, severity);
			struct buf labels = {0};

			if (count == NULL && (enum severity)i != row->severity)
				continue;
			metrics_text_label(&labels, "", "kind", row->kind);
			metrics_text_label(&labels, ",", "severity", severity);
			metrics_text_gauge(out, "tmflow_audit_findings", buf_cstr(&labels),
			    json_number_value(count));
			buf_fini(&labels);
		}
	}
}

/* Only places with findings: an alarm is about a kind, and this says where to look. */
static void
audit_metrics_places(const json_t *places, struct buf *out)
{
	const char *place, *severity;
	json_t *of_place, *count;

	metrics_text_begin(out, "tmflow_audit_place_findings", "gauge", NULL,
	    "Findings by account, region and severity.");
	json_object_foreach ((json_t *)places, place, of_place) {
		json_object_foreach (of_place, severity, count) {
			struct buf labels = {0};

			buf_add_cstr(&labels, place);
			metrics_text_label(&labels, ",", "severity", severity);
			metrics_text_gauge(out, "tmflow_audit_place_findings", buf_cstr(&labels),
			    json_number_value(count));
			buf_fini(&labels);
		}
	}
}

void
metrics_of_audit(const json_t *document, int64_t wall_ms, struct buf *out)
{
	struct audit_counts counts = {.kinds = json_object(), .places = json_object()};

	assert(json_is_array(json_object_get(document, "findings")));
	audit_metrics_count_all(json_object_get(document, "findings"), &counts);
	fleet_metrics_one("tmflow_audit_timestamp_seconds", "seconds", "When the audit was made.",
	    (double)wall_ms / 1000.0, out);
	audit_metrics_kinds(counts.kinds, out);
	audit_metrics_places(counts.places, out);
	fleet_metrics_one("tmflow_audit_suppressed_findings", NULL, "Findings that are accepted.",
	    fleet_metrics_length(document, "suppressed"), out);
	fleet_metrics_one("tmflow_audit_incomplete_lookups", NULL,
	    "Lookups that AWS refused: what depends on them is left out.",
	    fleet_metrics_length(document, "incomplete"), out);
	fleet_metrics_one("tmflow_audit_failed_places", NULL,
	    "Accounts and regions that could not be audited.",
	    fleet_metrics_length(document, "failed"), out);
	buf_add_cstr(out, METRICS_END);
	json_decref(counts.kinds);
	json_decref(counts.places);
}
