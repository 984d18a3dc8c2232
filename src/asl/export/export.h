#ifndef TMFLOW_ASL_EXPORT_EXPORT_H
#define TMFLOW_ASL_EXPORT_EXPORT_H

#include "asl/state/machine.h"

#include <stdbool.h>

/*
 * A workflow for Step Functions: each Task of a native action calls one resource, an activity or a
 * Lambda function, which gets the action and its input. Everything else stays as it is, so
 * states, data flow, Retry and Catch mean there what they mean here.
 */

/*
 * Bounds of an activity's task where the workflow names none of its own: Step Functions would wait
 * a year for one that says nothing. A task without a sign of life for the first of these is lost
 * (a worker's heartbeats come several times as often); one that lives but does not end is given up
 * after the second. The longest that an action takes is to launch a target: minutes, with pacing.
 */
#define ASL_EXPORT_HEARTBEAT_SECONDS 60
#define ASL_EXPORT_TIMEOUT_SECONDS   3600

/* A Lambda function is ended after 15 minutes, and sends no heartbeats. */
#define ASL_EXPORT_FUNCTION_TIMEOUT_SECONDS 900

#define ASL_EXPORT_BYTES_MAX 1048576u /* of a definition, Step Functions API */

/*
 * Lambda itself may fail before the function runs, or be out of breath: such tasks are tried again
 * for some two minutes.
 */
#define ASL_EXPORT_LAMBDA_INTERVAL_SECONDS  1
#define ASL_EXPORT_LAMBDA_MAX_DELAY_SECONDS 30
#define ASL_EXPORT_LAMBDA_ATTEMPTS	    8
#define ASL_EXPORT_LAMBDA_BACKOFF	    2

enum asl_export_kind { ASL_EXPORT_ACTIVITY, ASL_EXPORT_FUNCTION };

struct asl_export_opts {
	enum asl_export_kind kind;
	const char *resource; /* ARN of the activity or function */
	/*
	 * Each Map of the top level runs its items as executions of their own: an execution's
	 * history holds 25,000 events.
	 */
	bool distributed;
};

/*
 * The machine's definition with every `tmflow:NAME` Task turned into a call of the resource with
 * Parameters {"action": "NAME", "input": ...}. For a function, the errors of Lambda itself that
 * the Task's own Retry does not name are retried by an entry in front of its own.
 * Returns: a new reference.
 * See:
 * docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html#bp-lambda-serviceexception
 *      docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
 */
json_t *asl_export(const struct asl_machine *machine, const struct asl_export_opts *opts);

/*
 * Whether the Maps of the top level can be distributed: their items read no variables from outside.
 * Errors: TMF_ERR_INVALID, naming the Map and the variable.
 */
int asl_export_check_distributed(const struct asl_machine *machine, struct tmf_err *err);

#endif
