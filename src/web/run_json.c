#include "web/run_json.h"

#include "aws/tally.h"
#include "base/clock.h"
#include "base/jsonx.h"
#include "mirror/dry_run.h"

#include <assert.h>
#include <string.h>

/*
 * Kinds without an instance are left out, so that an ordinary summary has two or three members and
 * a new kind does not change the others.
 */
json_t *
run_json_summary(const int64_t counts[OUTCOME_COUNT])
{
	json_t *summary = json_object();

	for (int kind = 0; kind < OUTCOME_COUNT; kind++)
		if (counts[kind] > 0)
			json_object_set_new(summary, outcome_name((enum outcome_kind)kind),
			    json_integer(counts[kind]));
	return summary;
}

/*
 * 0 stands for a time that is not known yet, such as the end of a run that goes on. The member is
 * left out then, because 1970 would be read as a date.
 */
static void
document_put_time(json_t *object, const char *key, int64_t wall_ms)
{
	char text[CLOCK_ISO_BYTES];

	if (wall_ms == 0)
		return;
	clock_iso(wall_ms, text);
	jsonx_put_string(object, key, text);
}

/*
 * status, output, error and cause have the names of DescribeExecution of Step Functions. An output
 * in the store is JSON text: it is parsed, so that it is embedded as a value and not as a string.
 */
json_t *
run_json(const struct store_run *run, const int64_t counts[OUTCOME_COUNT])
{
	json_t *document = json_object();

	jsonx_put_string(document, "runId", run->id);
	jsonx_put_string(document, "status", run_status_name(run->status));
	if (run->output != NULL) {
		json_t *output = jsonx_parse(str_of(run->output), NULL);

		json_object_set_new(document, "output", output != NULL ? output : json_null());
	}
	jsonx_put_string(document, "error", run->error);
	jsonx_put_string(document, "cause", run->cause);
	document_put_time(document, "startTime", run->start_wall_ms);
	document_put_time(document, "stopTime", run->stop_wall_ms);
	if (run->dry_run)
		json_object_set_new(document, "dryRun", json_true());
	json_object_set_new(document, "summary", run_json_summary(counts));
	return document;
}

/* Left out where no outcome has one. Beside the counts and not in them, so that "summary" stays
 * a flat object of numbers. */
json_t *
run_json_read(struct store *store, const struct store_run *run, const int64_t counts[OUTCOME_COUNT],
    struct tmf_err *err)
{
	json_t *reasons = json_object();
	json_t *document;

	if (run_json_reasons_add(reasons, store, run->id, err) < 0) {
		json_decref(reasons);
		return NULL;
	}
	document = run_json(run, counts);
	if (json_object_size(reasons) > 0)
		json_object_set(document, "reasons", reasons);
	json_decref(reasons);
	return document;
}

void
run_json_put_state(json_t *document, const struct run_state *state)
{
	json_t *holder;

	jsonx_put_string(document, "status", run_state_name(state->kind));
	if (!state->holder.held || state->holder.pid == 0)
		return;
	holder = json_object();
	json_object_set_new(holder, "pid", json_integer(state->holder.pid));
	jsonx_put_string(holder, "host", state->holder.host);
	json_object_set_new(document, "holder", holder);
}

bool
run_json_column(
    const struct outcome *outcome, size_t index, const char **ret_key, const char **ret_value)
{
	const struct {
		const char *key;
		const char *value;
	} columns[] = {
	    {"instanceId", outcome->instance_id},
	    {"networkInterfaceId", outcome->interface_id},
	    {"outcome", outcome_name(outcome->kind)},
	    {"reason", outcome->reason},
	    {"rule", outcome->rule},
	    {"targetId", outcome->target_id},
	    {"sessionId", outcome->session_id},
	    {"operation", outcome->operation},
	    {"error", outcome->error},
	    {"cause", outcome->cause},
	    {"requestId", outcome->request_id},
	    {"instanceType", outcome->instance.type},
	    {"vpcId", outcome->instance.vpc_id},
	    {"subnetId", outcome->instance.subnet_id},
	    {"availabilityZone", outcome->instance.zone},
	    {"name", outcome->instance.name},
	};

	if (index >= sizeof(columns) / sizeof(columns[0]))
		return false;
	*ret_key = columns[index].key;
	*ret_value = columns[index].value;
	return true;
}

json_t *
run_json_outcome(const struct outcome *outcome)
{
	json_t *object = json_object();
	const char *key;
	const char *value;

	for (size_t i = 0; run_json_column(outcome, i, &key, &value); i++)
		jsonx_put_string(object, key, value);
	return object;
}

/* --- calls --- */

/* Each region of a run has a fact of its own. Their sum is what the run asked AWS for. */
static int
calls_add_kept(void *arg, const char *key, struct str value)
{
	json_t *more = jsonx_parse(value, NULL);

	assert(arg != NULL);
	(void)key;
	tally_add(arg, more);
	json_decref(more);
	return 0;
}

int
run_json_calls_add(json_t *calls, struct store *store, const char *run_id, struct tmf_err *err)
{
	return store_facts_each(store, run_id, RUN_JSON_CALLS_FACT, calls_add_kept, calls, err);
}

/* Only a fault of the store returns NULL. A run without calls has an empty object. */
json_t *
run_json_calls(struct store *store, const char *run_id, struct tmf_err *err)
{
	json_t *calls = json_object();

	if (run_json_calls_add(calls, store, run_id, err) == 0)
		return calls;
	json_decref(calls);
	return NULL;
}

/* --- reasons --- */

/* A dry run's rows all have the same reason, which its heading says. */
bool
run_json_reason_is_shown(const struct outcome_reason *reason)
{
	return reason->reason[0] != '\0' && strcmp(reason->reason, DRY_RUN_REASON) != 0;
}

/*
 * By reason alone, without the instance types of "type": a program asks for a member by name.
 */
static int
reason_add_json(void *arg, const struct outcome_reason *reason)
{
	const char *kind = outcome_name(reason->kind);
	json_t *of_kind;

	if (!run_json_reason_is_shown(reason))
		return 0;
	of_kind = json_object_get(arg, kind);
	if (of_kind == NULL) {
		of_kind = json_object();
		json_object_set_new(arg, kind, of_kind);
	}
	json_object_set_new(of_kind, reason->reason,
	    json_integer(json_integer_value(json_object_get(of_kind, reason->reason)) +
			 (json_int_t)reason->count));
	return 0;
}

int
run_json_reasons_add(json_t *reasons, struct store *store, const char *run_id, struct tmf_err *err)
{
	return store_outcome_reasons(store, run_id, reason_add_json, reasons, err);
}

/* --- events --- */

/*
 * Details are JSON text in the store. An event without them, or with a text that cannot be read, is
 * shown without them, so that the others can still be seen.
 */
json_t *
run_json_event_details(const struct store_event *event)
{
	json_t *details = event->details != NULL ? jsonx_parse(str_of(event->details), NULL) : NULL;

	return details != NULL ? details : json_object();
}

/* As GetExecutionHistory returns it. */
json_t *
run_json_event(const struct store_event *event)
{
	json_t *object = json_object();
	json_t *details = run_json_event_details(event);
	char time[CLOCK_ISO_BYTES];

	clock_iso(event->wall_ms, time);
	jsonx_put_string(object, "timestamp", time);
	jsonx_put_string(object, "type", event->type);
	json_object_set_new(object, "id", json_integer(event->id));
	json_object_set_new(object, "previousEventId", json_integer(event->previous_id));
	json_object_update(object, details);
	json_decref(details);
	return object;
}
