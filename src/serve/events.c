#include "serve/events.h"

#include "base/jsonx.h"

#include <stddef.h>
#include <string.h>

#define SNS_TYPE	"Notification"
#define ERROR_INSTANCES "TMFlow.InstancesFailed"

static const struct {
	const char *detail_type;
	size_t path; /* offset in struct event_routes */
} table[] = {
    {"EC2 Instance State-change Notification", offsetof(struct event_routes, on_launch)},
    {"GuardDuty Finding", offsetof(struct event_routes, on_guardduty)},
};

/*
 * Every EventBridge event has both members. A task of ours has neither, so that the two are
 * never confused.
 */
bool
event_is(const json_t *value)
{
	return jsonx_get_string(value, "detail-type") != NULL &&
	       jsonx_get_object(value, "detail") != NULL;
}

/*
 * An SNS topic between rule and queue wraps the event's text, unless its delivery is raw. Takes
 * body, gives a new reference.
 */
static json_t *
event_out_of_sns(json_t *body, struct tmf_err *err)
{
	const char *type = jsonx_get_string(body, "Type");
	const char *message = jsonx_get_string(body, "Message");
	json_t *inner;

	if (type == NULL || strcmp(type, SNS_TYPE) != 0 || message == NULL)
		return body;
	inner = jsonx_parse(str_of(message), err);
	json_decref(body);
	if (inner == NULL)
		tmf_err_prefix(err, "the notification's message");
	return inner;
}

json_t *
event_of_body(struct str body, struct tmf_err *err)
{
	json_t *event = jsonx_parse(body, err);

	if (event == NULL) {
		tmf_err_prefix(err, "the message's body");
		return NULL;
	}
	event = event_out_of_sns(event, err);
	if (event == NULL || event_is(event))
		return event;
	json_decref(event);
	tmf_err_set(err, TMF_ERR_INVALID, "the message is not an EventBridge event");
	return NULL;
}

/*
 * An event without a route is ignored, not refused: a rule may match more than the operator
 * wants mirrored, and a retry would not change that.
 */
int
event_workflow(struct jobs *jobs, const struct event_routes *routes, const json_t *event,
    const struct workflow **ret_workflow, struct tmf_err *err)
{
	const char *type = jsonx_get_string(event, "detail-type");
	const char *path = NULL;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (type != NULL && strcmp(type, table[i].detail_type) == 0)
			path = *(const char *const *)((const char *)routes + table[i].path);
	*ret_workflow = path != NULL ? jobs_read_workflow(jobs, path, err) : NULL;
	return path != NULL && *ret_workflow == NULL ? -1 : 0;
}

/*
 * Example: a backfill over 500 instances, of which 3 fail, is a successful run by its own Catch.
 * The event is still not done: its message must come again for those 3.
 */
void
event_judge(struct job_end *end)
{
	if (end->output == NULL || end->instances_failed == 0)
		return;
	json_decref(end->output);
	end->output = NULL;
	tmf_err_set_name(&end->err, TMF_ERR_SERVICE, ERROR_INSTANCES,
	    "the run succeeded, but %llu of its instances failed",
	    (unsigned long long)end->instances_failed);
}
