#ifndef TMFLOW_ASL_EXPORT_H
#define TMFLOW_ASL_EXPORT_H

#include "tmflow/asl/machine.h"

/*
 * A workflow for Step Functions: each Task of a native action calls one resource, an activity or a Lambda function, which is told the action and its input.
 * Everything else stays as it is, so states, data flow, Retry and Catch mean there what they mean here.
 */

/*
 * Step Functions waits a year for an activity task that says nothing. Where the workflow names no time-outs of its own:
 * a task that gives no sign of life for this long is taken for lost (a worker's heart beats several times as often),
 */
#define ASL_EXPORT_HEARTBEAT_SECONDS 60
/* and one that lives but does not end is given up. The longest that an action takes by itself is to launch a target: minutes, with all pacing. */
#define ASL_EXPORT_TIMEOUT_SECONDS 3600
/* A Lambda function is ended after 15 minutes, and sends no heartbeats. */
#define ASL_EXPORT_FUNCTION_TIMEOUT_SECONDS 900

#define ASL_EXPORT_BYTES_MAX 1048576u /* of a definition, Step Functions API */

enum asl_export_kind { ASL_EXPORT_ACTIVITY, ASL_EXPORT_FUNCTION };

/*
 * The machine's definition with every `tmflow:NAME` Task turned into a call of resource with Parameters {"action": "NAME", "input": ...}.
 * Returns: a new reference.
 */
json_t *
asl_export(const struct asl_machine *machine, enum asl_export_kind kind, const char *resource);

#endif
