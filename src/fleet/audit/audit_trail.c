#include "fleet/audit/audit_internal.h"

#include "aws/services/cloudtrail.h"
#include "aws/services/pager.h"
#include "base/clock.h"
#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/*
 * Who made, changed and deleted what, by CloudTrail. tmflow's own actions are known by their user
 * agent, which names the run as well ("tmflow/VERSION run/ID"). A user agent proves nothing: it is
 * what the caller says. So an event is evidence beside a finding; only the lack of the user agent
 * makes one.
 */

#define AGENT_OURS "tmflow/"
#define AGENT_RUN  " run/"

/* Of one name, newest first, 50 events each: a name with more makes the audit incomplete. AWS takes
 * two of these calls a second. */
#define TRAIL_PAGES_MAX 200

static const struct {
	const char *name;
	bool changes; /* what is there already */
} trail_names[] = {
    {"CreateTrafficMirrorSession", false},
    {"ModifyTrafficMirrorSession", true},
    {"DeleteTrafficMirrorSession", true},
    {"CreateTrafficMirrorTarget", false},
    {"DeleteTrafficMirrorTarget", true},
    {"CreateTrafficMirrorFilter", false},
    {"CreateTrafficMirrorFilterRule", true},
    {"ModifyTrafficMirrorFilterRule", true},
    {"DeleteTrafficMirrorFilterRule", true},
    {"DeleteTrafficMirrorFilter", true},
};
#define TRAIL_NAMES (sizeof(trail_names) / sizeof(trail_names[0]))

/* The id in "tmflow/1.0 run/ID": NULL without one. malloc'ed. */
static char *
trail_run_of(const char *agent)
{
	const char *run = agent != NULL && strncmp(agent, AGENT_OURS, strlen(AGENT_OURS)) == 0
			      ? strstr(agent, AGENT_RUN)
			      : NULL;

	if (run == NULL)
		return NULL;
	run += strlen(AGENT_RUN);
	return mem_strndup(run, strcspn(run, " "));
}

static json_t *
trail_event_of(const json_t *listed)
{
	const char *text = jsonx_get_string(listed, "CloudTrailEvent");
	json_t *whole = text != NULL ? jsonx_parse(str_of(text), NULL) : NULL;
	const char *arn = jsonx_get_string(json_object_get(whole, "userIdentity"), "arn");
	const char *agent = jsonx_get_string(whole, "userAgent");
	char *run = trail_run_of(agent);
	char when[CLOCK_ISO_BYTES];
	json_t *event = json_object();

	clock_iso((int64_t)(json_number_value(json_object_get(listed, "EventTime")) * 1000), when);
	jsonx_put_string(event, "time", when);
	jsonx_put_string(event, "name", jsonx_get_string(listed, "EventName"));
	jsonx_put_string(event, "user", arn != NULL ? arn : jsonx_get_string(listed, "Username"));
	jsonx_put_string(event, "userAgent", agent);
	jsonx_put_string(event, "run", run);
	json_decref(whole);
	free(run);
	return event;
}

/* An event stands with each of its resources that is of the mirroring. */
static void
trail_keep(struct audit *audit, const json_t *listed)
{
	json_t *event = trail_event_of(listed);
	json_t *resource;
	size_t i;

	json_array_foreach (jsonx_get_array(listed, "Resources"), i, resource) {
		const char *id = jsonx_get_string(resource, "ResourceName");
		json_t *events;

		if (id == NULL || strncmp(id, "tm", 2) != 0)
			continue;
		events = json_object_get(audit->events, id);
		if (events == NULL)
			json_object_set_new(audit->events, id, events = json_array());
		json_array_append(events, event);
	}
	json_decref(event);
}

static enum ec2_page_next
trail_page(void *arg, json_t *reply, struct tmf_err *err)
{
	json_t *listed;
	size_t i;

	(void)err;
	json_array_foreach (jsonx_get_array(reply, "Events"), i, listed)
		trail_keep(arg, listed);
	return EC2_PAGE_MORE;
}

struct tmf_call *
audit_trail_ask(struct audit *audit)
{
	if (audit->opts.trail == NULL || audit->event_name == TRAIL_NAMES)
		return NULL;
	return token_pages(audit->opts.trail, &(struct token_pages){
						  .list = &cloudtrail_events,
						  .of = trail_names[audit->event_name++].name,
						  .pages_max = TRAIL_PAGES_MAX,
						  .on_page = trail_page,
						  .arg = audit,
					      });
}

static bool
trail_changes(const json_t *event)
{
	const char *name = jsonx_get_string(event, "name");

	for (size_t i = 0; name != NULL && i < TRAIL_NAMES; i++)
		if (strcmp(trail_names[i].name, name) == 0)
			return trail_names[i].changes;
	return false;
}

static bool
trail_is_ours(const json_t *event)
{
	const char *agent = jsonx_get_string(event, "userAgent");

	return agent != NULL && strncmp(agent, AGENT_OURS, strlen(AGENT_OURS)) == 0;
}

/* True if tmflow made the resource: by its tag while it is there, else by the trail. */
static bool
trail_made_by_us(const struct audit *audit, const char *id, const json_t *events)
{
	const json_t *resource = json_object_get(audit->sessions, id);
	json_t *event;
	size_t i;

	if (resource == NULL)
		resource = json_object_get(audit->targets, id);
	if (resource != NULL)
		return tag_value(resource, TAG_TOOL) != NULL;
	json_array_foreach (events, i, event)
		if (!trail_changes(event) && trail_is_ours(event))
			return true;
	return false;
}

static const char *
trail_text(const json_t *event, const char *key)
{
	const char *text = jsonx_get_string(event, key);

	return text != NULL ? text : "unknown";
}

void
audit_trail_judge(struct audit *audit)
{
	const char *id;
	json_t *events;

	json_object_foreach (audit->events, id, events) {
		json_t *event;
		size_t i;

		if (!trail_made_by_us(audit, id, events))
			continue;
		json_array_foreach (events, i, event)
			if (trail_changes(event) && !trail_is_ours(event))
				audit_find(audit, FINDING_FOREIGN_CHANGE, SEVERITY_COUNT, id,
				    "%s by %s at %s with %s", trail_text(event, "name"),
				    trail_text(event, "user"), trail_text(event, "time"),
				    trail_text(event, "userAgent"));
	}
}

void
audit_trail_attach(struct audit *audit)
{
	json_t *finding;
	size_t i;

	json_array_foreach (audit->findings, i, finding) {
		json_t *events =
		    json_object_get(audit->events, jsonx_get_string(finding, "resource"));

		if (events != NULL)
			json_object_set(finding, "events", events);
	}
}
