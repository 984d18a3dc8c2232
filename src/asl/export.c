#include "tmflow/asl/export.h"

#include "tmflow/base/json.h"

#include <string.h>

#define PREFIX	   "tmflow:"
#define PREFIX_LEN (sizeof(PREFIX) - 1)

struct exporter {
	enum asl_export_kind kind;
	const char *resource;
};

static json_t *export_scope(const struct exporter *exporter, json_t *scope);

static bool
is_native(json_t *state)
{
	const char *resource = json_get_string(state, "Resource");

	return resource != NULL && strncmp(resource, PREFIX, PREFIX_LEN) == 0;
}

/* {"action", "input"}: what the worker reads. The input is worked out by the state, as before. */
static json_t *
task_parameters(json_t *state)
{
	json_t *former = json_object_get(state, "Parameters");
	json_t *parameters = json_object();

	json_put_string(parameters, "action", json_get_string(state, "Resource") + PREFIX_LEN);
	if (former != NULL)
		json_object_set(parameters, "input", former);
	else
		json_put_string(parameters, "input.$", "$");
	return parameters;
}

static void
put_seconds(json_t *state, const char *key, json_int_t seconds)
{
	json_object_set_new(state, key, json_integer(seconds));
}

/* A state that names its time-out by a path has no bound for a heartbeat, which must be the shorter one: it gets none. */
static void
put_heartbeat(json_t *task)
{
	json_int_t timeout_s = json_integer_value(json_object_get(task, "TimeoutSeconds"));
	json_int_t heartbeat_s = ASL_EXPORT_HEARTBEAT_SECONDS;

	if (json_object_get(task, "HeartbeatSeconds") != NULL ||
	    json_object_get(task, "HeartbeatSecondsPath") != NULL ||
	    json_object_get(task, "TimeoutSecondsPath") != NULL)
		return;
	if (heartbeat_s >= timeout_s)
		heartbeat_s = timeout_s - 1;
	if (heartbeat_s > 0)
		put_seconds(task, "HeartbeatSeconds", heartbeat_s);
}

static void
put_timeout(json_t *task, json_int_t timeout_s)
{
	json_int_t heartbeat_s = json_integer_value(json_object_get(task, "HeartbeatSeconds"));

	if (json_object_get(task, "TimeoutSeconds") != NULL ||
	    json_object_get(task, "TimeoutSecondsPath") != NULL)
		return;
	put_seconds(task, "TimeoutSeconds", heartbeat_s < timeout_s ? timeout_s : heartbeat_s + 1);
}

static void
put_timeouts(const struct exporter *exporter, json_t *task)
{
	if (exporter->kind == ASL_EXPORT_ACTIVITY) {
		put_timeout(task, ASL_EXPORT_TIMEOUT_SECONDS);
		put_heartbeat(task);
		return;
	}
	/* Nobody would send the heartbeats: each task longer than the interval would fail. */
	json_object_del(task, "HeartbeatSeconds");
	json_object_del(task, "HeartbeatSecondsPath");
	put_timeout(task, ASL_EXPORT_FUNCTION_TIMEOUT_SECONDS);
}

/* The members keep their order; Parameters stand behind the Resource. */
static json_t *
export_task(const struct exporter *exporter, json_t *state)
{
	json_t *task = json_object();
	const char *key;
	json_t *value;

	json_object_foreach (state, key, value) {
		if (strcmp(key, "Resource") == 0) {
			json_put_string(task, "Resource", exporter->resource);
			json_object_set_new(task, "Parameters", task_parameters(state));
		} else if (strcmp(key, "Parameters") != 0) {
			json_object_set(task, key, value);
		}
	}
	put_timeouts(exporter, task);
	return task;
}

static json_t *
export_branches(const struct exporter *exporter, json_t *branches)
{
	json_t *exported = json_array();
	json_t *branch;
	size_t i;

	json_array_foreach (branches, i, branch)
		json_array_append_new(exported, export_scope(exporter, branch));
	return exported;
}

/* A Map or Parallel: what it holds is exported. */
static json_t *
export_parent(const struct exporter *exporter, json_t *state)
{
	json_t *exported = json_object();
	const char *key;
	json_t *value;

	json_object_foreach (state, key, value) {
		if (strcmp(key, "Iterator") == 0 || strcmp(key, "ItemProcessor") == 0)
			json_object_set_new(exported, key, export_scope(exporter, value));
		else if (strcmp(key, "Branches") == 0)
			json_object_set_new(exported, key, export_branches(exporter, value));
		else
			json_object_set(exported, key, value);
	}
	return exported;
}

static json_t *
export_state(const struct exporter *exporter, json_t *state)
{
	const char *type = json_get_string(state, "Type");

	if (strcmp(type, "Task") == 0 && is_native(state))
		return export_task(exporter, state);
	if (strcmp(type, "Map") == 0 || strcmp(type, "Parallel") == 0)
		return export_parent(exporter, state);
	return json_incref(state);
}

/* The machine, a branch or a processor. */
static json_t *
export_scope(const struct exporter *exporter, json_t *scope)
{
	json_t *exported = json_object();
	json_t *states = json_object();
	const char *key;
	json_t *value;

	json_object_foreach (json_object_get(scope, "States"), key, value)
		json_object_set_new(states, key, export_state(exporter, value));
	json_object_foreach (scope, key, value)
		json_object_set(exported, key, strcmp(key, "States") == 0 ? states : value);
	json_decref(states);
	return exported;
}

json_t *
asl_export(const struct asl_machine *machine, enum asl_export_kind kind, const char *resource)
{
	const struct exporter exporter = {.kind = kind, .resource = resource};

	return export_scope(&exporter, asl_machine_json(machine));
}
