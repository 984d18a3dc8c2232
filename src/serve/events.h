#ifndef TMFLOW_SERVE_EVENTS_H
#define TMFLOW_SERVE_EVENTS_H

#include "serve/jobs.h"

/*
 * Which workflow runs for which EventBridge event, by its detail-type: `EC2 Instance State-change
 * Notification` and `GuardDuty Finding`.
 * See: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
 */
struct event_routes {
	/* Files of workflows, read when first needed; borrowed. NULL: such events are ignored. */
	const char *on_launch;
	const char *on_guardduty;
};

/* True if value has the envelope of an EventBridge event: a detail-type and a detail. */
bool event_is(const json_t *value);

/*
 * The event in a message's body, which is one, or an SNS notification of one.
 * Returns: a new reference.
 * Errors: TMF_ERR_INVALID saying what it is not.
 */
json_t *event_of_body(struct str body, struct tmf_err *err);

/* *ret_workflow is NULL where no workflow is for such events. Errors: as jobs_read_workflow. */
int event_workflow(struct jobs *jobs, const struct event_routes *routes, const json_t *event,
    const struct workflow **ret_workflow, struct tmf_err *err);

/*
 * A run that succeeded while an instance failed in it has not done what the event is for: end
 * becomes a failure, TMFlow.InstancesFailed.
 */
void event_judge(struct job_end *end);

#endif
