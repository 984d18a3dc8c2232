#include "web/metrics/run_metrics.h"

#include "base/file.h"
#include "base/jsonx.h"
#include "store/run_state.h"
#include "web/metrics/metrics_text.h"
#include "web/run_json.h"
#include "web/timeline.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define RULE_OTHER "other"
#define NAME_BYTES 96

static const struct {
	const char *name;
	const char *unit;
	const char *help;
} run_metric_rows[] = {
#define X(id, name, unit, help) {name, unit, help},
    RUN_METRICS(X)
#undef X
};

_Static_assert(
    sizeof(run_metric_rows) / sizeof(run_metric_rows[0]) == RUN_METRIC_COUNT, "a row each");

void
run_metrics_labels(const struct store_run *run, struct buf *out)
{
	char *workflow = file_stem(run->workflow_name);
	json_t *settings = jsonx_parse(str_of(run->settings), NULL);

	metrics_text_label(out, "", "workflow", workflow);
	metrics_text_label(out, ",", "account", jsonx_get_string(settings, "account"));
	metrics_text_label(out, ",", "region", jsonx_get_string(settings, "region"));
	json_decref(settings);
	free(workflow);
}

/* One run while it is added. */
struct run_adding {
	struct run_metrics *metrics;
	const char *labels; /* of the run */
};

/* Values are doubles here: a count of rows is exact up to 2^53, and times have milliseconds. A
 * sample with up to three labels more; name NULL ends them. */
static void
run_metrics_sample(const struct run_adding *adding, enum run_metric metric, double value,
    const char *const more[][2])
{
	struct buf *out = &adding->metrics->samples[metric];
	struct buf labels = {0};
	char name[NAME_BYTES];

	assert(metric < RUN_METRIC_COUNT);
	snprintf(name, sizeof(name), "%s%s", adding->metrics->prefix, run_metric_rows[metric].name);
	buf_add_cstr(&labels, adding->labels);
	for (; more != NULL && (*more)[0] != NULL; more++)
		metrics_text_label(&labels, ",", (*more)[0], (*more)[1]);
	metrics_text_gauge(out, name, buf_cstr(&labels), value);
	buf_fini(&labels);
}

/* One sample a state, 1 for the one that the run is in. A gauge, not a stateset: node_exporter and
 * promtool know no such type. */
static int
run_metrics_add_status(
    const struct run_adding *adding, const struct store_run *run, struct tmf_err *err)
{
	struct run_state state;

	if (run_state_read(adding->metrics->store, run, &state, err) < 0)
		return -1;
	for (int kind = 0; kind < RUN_STATE_COUNT; kind++)
		run_metrics_sample(adding, RUN_METRIC_STATUS, (int)state.kind == kind ? 1 : 0,
		    (const char *const[][2]){
			{"status", run_state_name((enum run_state_kind)kind)}, {NULL, NULL}});
	run_metrics_sample(adding, RUN_METRIC_START, (double)run->start_wall_ms / 1000.0, NULL);
	if (run->stop_wall_ms != 0)
		run_metrics_sample(
		    adding, RUN_METRIC_STOP, (double)run->stop_wall_ms / 1000.0, NULL);
	return 0;
}

/* --- outcomes --- */

/* A dry run's reason is that of all its rows, and no reason. */
static int
run_metrics_reason(void *arg, const struct outcome_reason *reason)
{
	const char *word = run_json_reason_is_shown(reason) ? reason->reason : "";

	run_metrics_sample(arg, RUN_METRIC_OUTCOMES, (double)reason->count,
	    (const char *const[][2]){{"outcome", outcome_name(reason->kind)}, {"reason", word},
		{"detail", reason->detail}, {NULL, NULL}});
	return 0;
}

/* {RULE: {OUTCOME: n}}. A configuration may have thousands of rules, and each would be a series of
 * its own for every outcome: those that come first have one, the rest is counted together. */
static int
run_metrics_rule(void *arg, const char *rule, enum outcome_kind kind)
{
	json_t *rules = arg;
	json_t *of_rule = json_object_get(rules, rule);
	const char *name = outcome_name(kind);

	if (of_rule == NULL) {
		if (json_object_size(rules) >= RUN_METRICS_RULES_MAX)
			rule = RULE_OTHER;
		of_rule = json_object_get(rules, rule);
	}
	if (of_rule == NULL) {
		of_rule = json_object();
		json_object_set_new(rules, rule, of_rule);
	}
	json_object_set_new(
	    of_rule, name, json_integer(json_integer_value(json_object_get(of_rule, name)) + 1));
	return 0;
}

static int
run_metrics_add_rows(struct run_adding *adding, const struct store_run *run, struct tmf_err *err)
{
	struct store *store = adding->metrics->store;
	json_t *rules = json_object();
	const char *rule, *outcome;
	json_t *of_rule, *count;
	int ret = store_outcome_reasons(store, run->id, run_metrics_reason, adding, err);

	if (ret == 0)
		ret = store_outcome_rules(store, run->id, run_metrics_rule, rules, err);
	json_object_foreach (rules, rule, of_rule)
		json_object_foreach (of_rule, outcome, count)
			run_metrics_sample(adding, RUN_METRIC_RULES,
			    (double)json_integer_value(count),
			    (const char *const[][2]){
				{"rule", rule}, {"outcome", outcome}, {NULL, NULL}});
	json_decref(rules);
	return ret;
}

/* What the run noted of itself: a million rows need not be read for it. */
static int
run_metrics_add_totals(
    const struct run_adding *adding, const struct store_run *run, struct tmf_err *err)
{
	json_t *totals = timeline_totals(adding->metrics->store, run->id, err);

	if (totals == NULL)
		return tmf_err_isset(err) ? -1 : 0;
	for (int kind = 0; kind < OUTCOME_COUNT; kind++) {
		const char *name = outcome_name((enum outcome_kind)kind);

		run_metrics_sample(adding, RUN_METRIC_OUTCOMES,
		    (double)json_integer_value(json_object_get(totals, name)),
		    (const char *const[][2]){{"outcome", name}, {NULL, NULL}});
	}
	json_decref(totals);
	return 0;
}

/* --- AWS --- */

/* As the run keeps them, over all of its processes: a resumed run has counted before. */
static int
run_metrics_add_calls(
    const struct run_adding *adding, const struct store_run *run, struct tmf_err *err)
{
	static const struct {
		enum run_metric metric;
		const char *kind; /* a member of the tally */
	} kinds[] = {
	    {RUN_METRIC_REQUESTS, "requests"},
	    {RUN_METRIC_RETRIES, "retries"},
	    {RUN_METRIC_THROTTLED, "throttled"},
	    {RUN_METRIC_FAILED, "failed"},
	};
	json_t *calls = run_json_calls(adding->metrics->store, run->id, err);
	const char *operation;
	json_t *counts;

	if (calls == NULL)
		return -1;
	json_object_foreach (calls, operation, counts)
		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
			run_metrics_sample(adding, kinds[i].metric,
			    (double)json_integer_value(json_object_get(counts, kinds[i].kind)),
			    (const char *const[][2]){{"operation", operation}, {NULL, NULL}});
	json_decref(calls);
	return 0;
}

/* A bucket that nothing was refused from is not known, and not shown. */
static int
run_metrics_bucket(void *arg, const char *key, struct str value)
{
	static const struct {
		enum run_metric metric;
		const char *member;
	} members[] = {
	    {RUN_METRIC_TOKENS, "tokens"},
	    {RUN_METRIC_SIZE, "size"},
	    {RUN_METRIC_REFILL, "rate"},
	};
	json_t *buckets = jsonx_parse(value, NULL); /* NULL: not ours; there are no samples then */
	const char *operation;
	json_t *bucket;

	(void)key;
	json_object_foreach (buckets, operation, bucket)
		for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
			run_metrics_sample(arg, members[i].metric,
			    json_number_value(json_object_get(bucket, members[i].member)),
			    (const char *const[][2]){{"operation", operation}, {NULL, NULL}});
	json_decref(buckets);
	return 0;
}

int
run_metrics_add(struct run_metrics *metrics, const struct store_run *run, struct tmf_err *err)
{
	struct buf labels = {0};
	int ret;

	assert(metrics->store != NULL && metrics->prefix != NULL);
	run_metrics_labels(run, &labels);
	struct run_adding adding = {.metrics = metrics, .labels = buf_cstr(&labels)};
	ret = run_metrics_add_status(&adding, run, err);
	if (ret == 0)
		ret = metrics->by_row ? run_metrics_add_rows(&adding, run, err)
				      : run_metrics_add_totals(&adding, run, err);
	if (ret == 0)
		ret = run_metrics_add_calls(&adding, run, err);
	if (ret == 0)
		ret = store_facts_each(
		    metrics->store, run->id, RUN_JSON_PACER_FACT, run_metrics_bucket, &adding, err);
	buf_fini(&labels);
	return ret;
}

/* A metric without a sample is left out, but for its heading: who reads it sees that it exists. */
void
run_metrics_write(struct run_metrics *metrics, struct buf *out)
{
	char name[NAME_BYTES];

	assert(metrics->prefix != NULL);
	for (size_t i = 0; i < RUN_METRIC_COUNT; i++) {
		snprintf(name, sizeof(name), "%s%s", metrics->prefix, run_metric_rows[i].name);
		metrics_text_begin(
		    out, name, "gauge", run_metric_rows[i].unit, run_metric_rows[i].help);
		buf_add(out, metrics->samples[i].p, metrics->samples[i].len);
	}
	run_metrics_fini(metrics);
}

void
run_metrics_fini(struct run_metrics *metrics)
{
	for (size_t i = 0; i < RUN_METRIC_COUNT; i++)
		buf_fini(&metrics->samples[i]);
}
