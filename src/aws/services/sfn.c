#include "aws/services/sfn.h"

#include "aws/services/operation.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <assert.h>
#include <stdlib.h>

static json_t *
sfn_params_of_task(const char *token)
{
	json_t *params = json_object();

	assert(token != NULL);
	jsonx_put_string(params, "taskToken", token);
	return params;
}

/* A member without null values: the service sends both, absent and null. */
static json_t *
sfn_without_nulls(json_t *reply)
{
	static const char *const members[] = {"taskToken", "input"};
	json_t *task = json_object();

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		jsonx_put_string(task, members[i], jsonx_get_string(reply, members[i]));
	json_decref(reply);
	return task;
}

/* A long poll: the service holds it for 60 seconds and then sends a null token. A reply that is
 * lost takes its task with it until TimeoutSeconds. See:
 * https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetActivityTask.html */
struct tmf_call *
sfn_get_activity_task(struct aws_client *sfn, const char *activity_arn, const char *worker_name)
{
	static const struct aws_operation operation = {
	    .name = "GetActivityTask",
	    .convert = sfn_without_nulls,
	    .total_timeout_ms = SFN_POLL_TIMEOUT_MS,
	};
	json_t *params = json_object();

	jsonx_put_string(params, "activityArn", activity_arn);
	jsonx_put_string(params, "workerName", worker_name);
	return aws_json_call(sfn, &operation, params);
}

struct tmf_call *
sfn_send_task_success(struct aws_client *sfn, const char *token, const char *output)
{
	static const struct aws_operation operation = {.name = "SendTaskSuccess"};
	json_t *params = sfn_params_of_task(token);

	jsonx_put_string(params, "output", output);
	return aws_json_call(sfn, &operation, params);
}

/* Sets key to text, cut to a number of bytes (there are at least as many as characters) where a
 * character begins. */
static void
sfn_put_cut(json_t *params, const char *key, const char *text, size_t max)
{
	char *cut;

	if (text == NULL || text[0] == '\0')
		return;
	cut = mem_strndup(text, utf8_cut(text, max));
	jsonx_put_string(params, key, cut);
	free(cut);
}

/* A failure that is refused for its length would leave the task to its timeout: better a cut cause.
 * See: https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskFailure.html */
struct tmf_call *
sfn_send_task_failure(
    struct aws_client *sfn, const char *token, const char *error, const char *cause)
{
	static const struct aws_operation operation = {.name = "SendTaskFailure"};
	json_t *params = sfn_params_of_task(token);

	sfn_put_cut(params, "error", error, SFN_ERROR_CHARS_MAX);
	sfn_put_cut(params, "cause", cause, SFN_CAUSE_CHARS_MAX);
	return aws_json_call(sfn, &operation, params);
}

struct tmf_call *
sfn_send_task_heartbeat(struct aws_client *sfn, const char *token)
{
	static const struct aws_operation operation = {.name = "SendTaskHeartbeat"};

	return aws_json_call(sfn, &operation, sfn_params_of_task(token));
}

/* The same name and input again is the same execution and succeeds, so that a retry starts nothing
 * twice. See:
 * https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html */
struct tmf_call *
sfn_start_execution(
    struct aws_client *sfn, const char *state_machine_arn, const char *name, const char *input)
{
	static const struct aws_operation operation = {.name = "StartExecution"};
	json_t *params = json_object();

	jsonx_put_string(params, "stateMachineArn", state_machine_arn);
	jsonx_put_string(params, "name", name);
	jsonx_put_string(params, "input", input);
	return aws_json_call(sfn, &operation, params);
}

/* The token is good for nothing any more: the execution went on without this answer. */
bool
sfn_task_is_over(const struct tmf_err *err)
{
	static const char *const codes[] = {"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (tmf_err_is(err, codes[i]))
			return true;
	return false;
}
