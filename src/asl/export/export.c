#include "asl/export/export.h"

#include "base/jsonx.h"

#include <assert.h>
#include <string.h>

#define PREFIX	   "tmflow:"
#define PREFIX_LEN (sizeof(PREFIX) - 1)

/* The failures of Lambda itself, before a function runs: AWS recommends to retry them always. */
static const char *const lambda_errors[] = {
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
};

/* One export; not changed by it. */
struct exporter {
	const struct asl_export_opts *opts;
	bool is_jsonata; /* QueryLanguage of the machine */
};

static json_t *export_scope(const struct exporter *exporter, json_t *scope);

/* Of a state or of the machine; otherwise: where it says nothing. */
static bool
export_is_jsonata(const json_t *object, bool otherwise)
{
	const char *language = jsonx_get_string(object, "QueryLanguage");

	return language != NULL ? strcmp(language, "JSONata") == 0 : otherwise;
}

/*
 * {"action", "input"}: what the worker reads. The state works out the input as before, since its
 * Parameters stand one level deeper: {"a.$": "$.b"} becomes {"action": ..., "input": {"a.$":
 * "$.b"}}.
 */
static json_t *
export_task_parameters(json_t *state, bool is_jsonata)
{
	json_t *former = json_object_get(state, is_jsonata ? "Arguments" : "Parameters");
	json_t *parameters = json_object();

	jsonx_put_string(parameters, "action", jsonx_get_string(state, "Resource") + PREFIX_LEN);
	if (former != NULL)
		json_object_set(parameters, "input", former);
	else if (is_jsonata)
		jsonx_put_string(parameters, "input", "{% $states.input %}");
	else
		jsonx_put_string(parameters, "input.$", "$");
	return parameters;
}

static void
export_put_seconds(json_t *state, const char *key, json_int_t seconds)
{
	json_object_set_new(state, key, json_integer(seconds));
}

static bool
export_has(json_t *task, const char *key, const char *path_key)
{
	return json_object_get(task, key) != NULL || json_object_get(task, path_key) != NULL;
}

/*
 * Bounds for a task that has none of its own: see ASL_EXPORT_TIMEOUT_SECONDS. A heartbeat must be
 * shorter than the timeout, so each is chosen by the other. Where a path gives the timeout, which
 * is known only when the state runs, no heartbeat is sure to be shorter: such a task gets none.
 */
static void
export_put_timeouts(const struct exporter *exporter, json_t *task)
{
	bool is_function = exporter->opts->kind == ASL_EXPORT_FUNCTION;
	json_int_t timeout_s =
	    is_function ? ASL_EXPORT_FUNCTION_TIMEOUT_SECONDS : ASL_EXPORT_TIMEOUT_SECONDS;
	json_int_t heartbeat_s;

	/* A function sends no heartbeats: each task longer than the interval would fail. */
	if (is_function) {
		json_object_del(task, "HeartbeatSeconds");
		json_object_del(task, "HeartbeatSecondsPath");
	}
	heartbeat_s = json_integer_value(json_object_get(task, "HeartbeatSeconds"));
	if (!export_has(task, "TimeoutSeconds", "TimeoutSecondsPath"))
		export_put_seconds(
		    task, "TimeoutSeconds", heartbeat_s < timeout_s ? timeout_s : heartbeat_s + 1);
	timeout_s = json_integer_value(json_object_get(task, "TimeoutSeconds"));
	if (is_function || timeout_s <= 1 ||
	    export_has(task, "HeartbeatSeconds", "HeartbeatSecondsPath"))
		return;
	heartbeat_s = ASL_EXPORT_HEARTBEAT_SECONDS;
	export_put_seconds(
	    task, "HeartbeatSeconds", heartbeat_s < timeout_s ? heartbeat_s : timeout_s - 1);
}

/* True if an entry of the Task's own Retry names the error. */
static bool
export_retries(json_t *retry, const char *error)
{
	json_t *retrier;
	json_t *name;
	size_t i;
	size_t j;

	json_array_foreach (retry, i, retrier)
		json_array_foreach (json_object_get(retrier, "ErrorEquals"), j, name)
			if (strcmp(json_string_value(name), error) == 0)
				return true;
	return false;
}

/* Eight attempts over some two minutes: longer than Lambda is usually out of capacity. */
static json_t *
export_lambda_retrier(json_t *errors)
{
	json_t *retrier = json_object();

	json_object_set(retrier, "ErrorEquals", errors);
	export_put_seconds(retrier, "IntervalSeconds", ASL_EXPORT_LAMBDA_INTERVAL_SECONDS);
	export_put_seconds(retrier, "MaxDelaySeconds", ASL_EXPORT_LAMBDA_MAX_DELAY_SECONDS);
	json_object_set_new(retrier, "MaxAttempts", json_integer(ASL_EXPORT_LAMBDA_ATTEMPTS));
	json_object_set_new(retrier, "BackoffRate", json_integer(ASL_EXPORT_LAMBDA_BACKOFF));
	jsonx_put_string(retrier, "JitterStrategy", "FULL");
	return retrier;
}

/*
 * In front of the workflow's own, since an entry for States.ALL must be the last; what those name
 * is theirs.
 */
static void
export_put_lambda_retry(json_t *task)
{
	json_t *own = json_object_get(task, "Retry");
	json_t *retry = json_array();
	json_t *errors = json_array();

	for (size_t i = 0; i < sizeof(lambda_errors) / sizeof(lambda_errors[0]); i++)
		if (!export_retries(own, lambda_errors[i]))
			json_array_append_new(errors, json_string(lambda_errors[i]));
	if (json_array_size(errors) > 0)
		json_array_append_new(retry, export_lambda_retrier(errors));
	if (own != NULL)
		json_array_extend(retry, own);
	json_object_set_new(task, "Retry", retry);
	json_decref(errors);
}

/* The members keep their order; Parameters stand behind the Resource. */
static json_t *
export_task(const struct exporter *exporter, json_t *state)
{
	bool is_jsonata = export_is_jsonata(state, exporter->is_jsonata);
	const char *parameters = is_jsonata ? "Arguments" : "Parameters";
	json_t *task = json_object();
	const char *key;
	json_t *value;

	json_object_foreach (state, key, value) {
		if (strcmp(key, "Resource") == 0) {
			jsonx_put_string(task, "Resource", exporter->opts->resource);
			json_object_set_new(
			    task, parameters, export_task_parameters(state, is_jsonata));
		} else if (strcmp(key, parameters) != 0) {
			json_object_set(task, key, value);
		}
	}
	export_put_timeouts(exporter, task);
	if (exporter->opts->kind == ASL_EXPORT_FUNCTION)
		export_put_lambda_retry(task);
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
	const char *type = jsonx_get_string(state, "Type");

	const char *resource = jsonx_get_string(state, "Resource");

	assert(type != NULL);
	/* Other resources are ARNs, which mean on Step Functions what they say. */
	if (strcmp(type, "Task") == 0 && strncmp(resource, PREFIX, PREFIX_LEN) == 0)
		return export_task(exporter, state);
	if (strcmp(type, "Map") == 0 || strcmp(type, "Parallel") == 0)
		return export_parent(exporter, state);
	return json_incref(state);
}

/* Only an ItemProcessor can be distributed, not an Iterator. */
static void
export_distribute(json_t *map)
{
	json_t *iterator = json_object_get(map, "Iterator");
	json_t *config = json_object();
	json_t *processor;

	if (iterator != NULL) {
		json_object_set(map, "ItemProcessor", iterator);
		json_object_del(map, "Iterator");
	}
	processor = json_object_get(map, "ItemProcessor");
	jsonx_put_string(config, "Mode", "DISTRIBUTED");
	jsonx_put_string(config, "ExecutionType", "STANDARD");
	json_object_set_new(processor, "ProcessorConfig", config);
}

/* Maps within Maps stay as they are: they are in an execution of their own already. */
static void
export_distribute_top(json_t *exported)
{
	const char *name;
	json_t *state;

	json_object_foreach (json_object_get(exported, "States"), name, state)
		if (strcmp(jsonx_get_string(state, "Type"), "Map") == 0)
			export_distribute(state);
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
asl_export(const struct asl_machine *machine, const struct asl_export_opts *opts)
{
	json_t *definition = asl_machine_json(machine);
	const struct exporter exporter = {
	    .opts = opts, .is_jsonata = export_is_jsonata(definition, false)};
	json_t *exported;

	assert(opts->resource != NULL);
	exported = export_scope(&exporter, definition);
	if (opts->distributed)
		export_distribute_top(exported);
	return exported;
}
