#ifndef TMFLOW_AWS_SERVICES_SFN_H
#define TMFLOW_AWS_SERVICES_SFN_H

#include "aws/client.h"

/*
 * Typed Step Functions calls for activity workers (JSON 1.0), over a client of "states".
 * See: https://docs.aws.amazon.com/step-functions/latest/apireference/
 * Every pointer given is borrowed until the function returns.
 */

#define SFN_OUTPUT_BYTES_MAX 262144u /* of SendTaskSuccess's output, in UTF-8 */
#define SFN_ERROR_CHARS_MAX  256u
#define SFN_CAUSE_CHARS_MAX  32768u
#define SFN_WORKER_CHARS_MAX 80u

/* GetActivityTask is held for 60 s while there is nothing to do; AWS wants clients to wait 65 s at
 * least. */
#define SFN_POLL_TIMEOUT_MS 70000

/* {"taskToken": .., "input": JSON text}, or {} when nothing came for a minute. A token is handed
 * out once: a poll that is cut off may have lost its task. */
struct tmf_call *
sfn_get_activity_task(struct aws_client *sfn, const char *activity_arn, const char *worker_name);

/* {}. output is JSON text of at most SFN_OUTPUT_BYTES_MAX bytes. */
struct tmf_call *
sfn_send_task_success(struct aws_client *sfn, const char *token, const char *output);

/* {}. What is over AWS's limits is cut off. error and cause may be NULL: not sent. */
struct tmf_call *sfn_send_task_failure(
    struct aws_client *sfn, const char *token, const char *error, const char *cause);

/* {} */
struct tmf_call *sfn_send_task_heartbeat(struct aws_client *sfn, const char *token);

/* {"executionArn": ..}. Idempotent by name and input while the execution runs;
 * ExecutionAlreadyExists once it is over. name: at most 80 characters. */
struct tmf_call *sfn_start_execution(
    struct aws_client *sfn, const char *state_machine_arn, const char *name, const char *input);

/* True if the task that a token stands for is over for its worker, whatever that does: it timed
 * out, is closed, or never was. */
bool sfn_task_is_over(const struct tmf_err *err);

#endif
