#include "engine/tree.h"

#include "base/jsonx.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* AWS names the service here, "lambda" for example; a local action has no service. */
#define RESOURCE_TYPE	  "tmflow"
#define MEMBER_BYTES_MAX  64
#define TRUNCATED_DETAILS "truncated"

/* Nothing is ever cut short here. AWS has this member beside all data, and tools that read
 * a history may ask for it. */
static void
history_put_truncated(json_t *details, const char *key)
{
	json_t *more = json_object();

	json_object_set_new(more, TRUNCATED_DETAILS, json_false());
	json_object_set_new(details, key, more);
}

/* An event has JSON data as text. */
static void
history_put_data(json_t *details, const char *key, const char *details_key, json_t *data)
{
	char *text;

	if (data == NULL)
		return;
	text = jsonx_text(data);
	jsonx_put_string(details, key, text);
	free(text);
	history_put_truncated(details, details_key);
}

static void
history_put_input(json_t *details, const struct execution_event *event)
{
	history_put_data(details, "input", "inputDetails", event->data);
}

static void
history_put_output(json_t *details, const struct execution_event *event)
{
	history_put_data(details, "output", "outputDetails", event->data);
}

/* Either may be missing: a Fail state need not have an Error or a Cause. */
static void
history_put_failure(json_t *details, const struct execution_event *event)
{
	jsonx_put_string(details, "error", event->error);
	jsonx_put_string(details, "cause", event->cause);
}

/* AWS always gives a role, so a placeholder stands here. */
static void
history_fill_started(json_t *details, const struct execution_event *event)
{
	history_put_input(details, event);
	jsonx_put_string(details, "roleArn", ARN_ROLE);
}

static void
history_fill_entered(json_t *details, const struct execution_event *event)
{
	jsonx_put_string(details, "name", event->state->name);
	history_put_input(details, event);
}

/* The values as JSON text, like all data of events. Only the variables that the state
 * itself set, not all that are visible. */
static void
history_put_assigned(json_t *details, json_t *assigned)
{
	json_t *texts = json_object();
	json_t *value;
	const char *name;

	json_object_foreach (assigned, name, value) {
		char *text = jsonx_text(value);

		jsonx_put_string(texts, name, text);
		free(text);
	}
	json_object_set_new(details, "assignedVariables", texts);
	history_put_truncated(details, "assignedVariablesDetails");
}

static void
history_fill_exited(json_t *details, const struct execution_event *event)
{
	jsonx_put_string(details, "name", event->state->name);
	history_put_output(details, event);
	if (event->assigned != NULL)
		history_put_assigned(details, event->assigned);
}

/* A resource that does not run here is shown as the definition has it. */
static void
history_put_resource(json_t *details, const struct execution_event *event)
{
	const char *action = event->state->u.task.action;

	jsonx_put_string(details, "resourceType", RESOURCE_TYPE);
	jsonx_put_string(
	    details, "resource", action != NULL ? action : event->state->u.task.resource);
}

/* The limits are given only where the state has them: 0 stands for none, as in the
 * definition. */
static void
history_fill_scheduled(json_t *details, const struct execution_event *event)
{
	char *text = jsonx_text(event->data);

	history_put_resource(details, event);
	jsonx_put_string(details, "region", REGION_LOCAL);
	jsonx_put_string(details, "parameters", text);
	free(text);
	if (event->timeout_s > 0)
		json_object_set_new(details, "timeoutInSeconds", json_integer(event->timeout_s));
	if (event->heartbeat_s > 0)
		json_object_set_new(
		    details, "heartbeatInSeconds", json_integer(event->heartbeat_s));
}

static void
history_fill_task_succeeded(json_t *details, const struct execution_event *event)
{
	history_put_resource(details, event);
	history_put_output(details, event);
}

/* The same members for a failure and for a timeout; only the name of the event differs. */
static void
history_fill_task_failed(json_t *details, const struct execution_event *event)
{
	history_put_resource(details, event);
	history_put_failure(details, event);
}

/* With the length a reader of the history knows how many iterations will follow. */
static void
history_fill_map_started(json_t *details, const struct execution_event *event)
{
	json_object_set_new(details, "length", json_integer(event->number));
}

/* The name is that of the Map, not of the state within it. The index separates iterations
 * that run at the same time. */
static void
history_fill_iteration(json_t *details, const struct execution_event *event)
{
	jsonx_put_string(details, "name", event->state->name);
	json_object_set_new(details, "index", json_integer(event->number));
}

/* The place stands in the cause, behind the expression: only there do the words of AWS have it. */
static void
history_fill_evaluation_failed(json_t *details, const struct execution_event *event)
{
	static const char words[] = "' specified for the field '";
	const char *place = NULL;

	for (const char *at = event->cause; at != NULL && (at = strstr(at, words)) != NULL;)
		place = at += sizeof(words) - 1;
	history_put_failure(details, event);
	if (place != NULL)
		json_object_set_new(details, "location", json_stringn(place, strcspn(place, "'")));
	jsonx_put_string(details, "state", event->state->name);
}

static void
history_fill_redriven(json_t *details, const struct execution_event *event)
{
	json_object_set_new(details, "redriveCount", json_integer(event->number));
}

/* The types that have details. Those of states' entering and leaving share a member, all others
 * have one of their own. */
static const struct {
	const char *type;
	const char *member; /* NULL: as the type, with a small first letter */
	void (*fill)(json_t *details, const struct execution_event *event);
} shapes[] = {
    {"StateEntered", "stateEnteredEventDetails", history_fill_entered},
    {"StateExited", "stateExitedEventDetails", history_fill_exited},
    {"ExecutionStarted", NULL, history_fill_started},
    {"ExecutionSucceeded", NULL, history_put_output},
    {"ExecutionFailed", NULL, history_put_failure},
    {"ExecutionTimedOut", NULL, history_put_failure},
    {"ExecutionRedriven", NULL, history_fill_redriven},
    {"TaskScheduled", NULL, history_fill_scheduled},
    {"TaskStarted", NULL, history_put_resource},
    {"TaskSucceeded", NULL, history_fill_task_succeeded},
    {"TaskFailed", NULL, history_fill_task_failed},
    {"TaskTimedOut", NULL, history_fill_task_failed},
    {"EvaluationFailed", NULL, history_fill_evaluation_failed},
    {"MapStateStarted", NULL, history_fill_map_started},
    {"MapIterationStarted", NULL, history_fill_iteration},
    {"MapIterationSucceeded", NULL, history_fill_iteration},
    {"MapIterationFailed", NULL, history_fill_iteration},
    {"MapIterationAborted", NULL, history_fill_iteration},
};

/* All types of states share these ends: "PassStateEntered", "MapStateEntered". */
static bool
history_ends_with(const char *text, const char *end)
{
	size_t text_len = strlen(text);
	size_t end_len = strlen(end);

	return text_len >= end_len && strcmp(text + text_len - end_len, end) == 0;
}

/* By its end, because AWS has one type of this event for each type of state. */
bool
execution_event_enters(const char *type)
{
	return history_ends_with(type, "StateEntered");
}

bool
execution_event_leaves(const char *type)
{
	return history_ends_with(type, "StateExited");
}

/* "TaskScheduled" has "taskScheduledEventDetails". */
static void
history_put_details(json_t *object, const char *type, const char *member, json_t *details)
{
	char name[MEMBER_BYTES_MAX];

	snprintf(name, sizeof(name), "%sEventDetails", type);
	name[0] = (char)tolower((unsigned char)name[0]);
	json_object_set_new(object, member != NULL ? member : name, details);
}

/* Types that are missing in the table, "TaskStateAborted" for example, have no details on
 * AWS either. */
json_t *
execution_event_details(const struct execution_event *event)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		bool same = shapes[i].member != NULL
				? history_ends_with(event->type, shapes[i].type)
				: strcmp(event->type, shapes[i].type) == 0;
		json_t *object;
		json_t *details;

		if (!same)
			continue;
		object = json_object();
		details = json_object();
		shapes[i].fill(details, event);
		history_put_details(object, event->type, shapes[i].member, details);
		return object;
	}
	return NULL;
}
