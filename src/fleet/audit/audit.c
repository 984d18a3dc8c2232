#include "fleet/audit/audit_internal.h"

#include "base/jsonx.h"
#include "base/mem.h"
#include "mirror/config/instance.h"

#include <assert.h>
#include <stdlib.h>

/* First everything is listed, then it is judged: a finding about a session needs its target, and
 * that may be listed last. */
struct audit *
audit_new(const struct audit_opts *opts)
{
	struct audit *audit = mem_zalloc(1, sizeof(*audit));

	assert(opts->loop != NULL && opts->ec2 != NULL);
	audit->opts = *opts;
	audit->region = aws_client_region(opts->ec2);
	audit->targets = json_object();
	audit->filters = json_object();
	audit->sessions = json_object();
	audit->interfaces = json_object();
	audit->instances = json_object();
	audit->shares = json_object();
	audit->events = json_object();
	audit->refused = json_object();
	audit->by_target = json_object();
	audit->used = json_object();
	audit->wanted = json_array();
	audit->share_targets = json_object();
	audit->findings = json_array();
	return audit;
}

void
audit_free(struct audit *audit)
{
	if (audit == NULL)
		return;
	json_t *const owned[] = {audit->targets, audit->filters, audit->sessions, audit->interfaces,
	    audit->instances, audit->shares, audit->events, audit->refused, audit->by_target,
	    audit->used, audit->wanted, audit->share_targets, audit->findings};

	for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++)
		json_decref(owned[i]);
	free(audit);
}

/* What was not listed, and why: without it "no findings" would read as "all is well". */
static json_t *
audit_incomplete(const struct audit *audit)
{
	json_t *list = json_array();
	const char *operation;
	json_t *error;

	json_object_foreach (audit->refused, operation, error) {
		json_t *item = json_object();

		jsonx_put_string(item, "operation", operation);
		json_object_set(item, "error", error);
		json_array_append_new(list, item);
	}
	return list;
}

/* Instances that were launched for targets, and have not ended: they cost by the hour. */
static json_t *
audit_launched(const struct audit *audit)
{
	json_t *by_type = json_object();
	const char *id;
	json_t *instance;

	json_object_foreach (audit->instances, id, instance) {
		const char *type = jsonx_get_string(instance, "InstanceType");

		if (type != NULL && instance_is_marked_target(instance) &&
		    !instance_is_over(instance))
			json_object_set_new(by_type, type,
			    json_integer(1 + json_integer_value(json_object_get(by_type, type))));
	}
	return by_type;
}

static json_t *
audit_result(const struct audit *audit)
{
	json_t *result = json_object();

	jsonx_put_string(result, "account", audit->account);
	jsonx_put_string(result, "region", audit->region);
	json_object_set(result, "findings", audit->findings);
	json_object_set_new(
	    result, "sessions", json_integer((json_int_t)json_object_size(audit->sessions)));
	json_object_set_new(result, "launched", audit_launched(audit));
	json_object_set_new(result, "incomplete", audit_incomplete(audit));
	return result;
}

/* The trail comes last: it adds events to the findings that are there by then. */
static struct tmf_call *
audit_over(void *frame, struct tmf_call *over, json_t **ret_result, struct tmf_err *err)
{
	struct audit *audit = frame;

	if (tmf_err_isset(&over->err)) {
		tmf_err_move(err, &over->err);
		return NULL;
	}
	assert(json_array_size(audit->findings) == 0);
	audit_judge(audit);
	audit_judge_rules(audit);
	audit_trail_judge(audit);
	audit_trail_attach(audit);
	*ret_result = audit_result(audit);
	return NULL;
}

struct tmf_call *
audit_start(struct audit *audit)
{
	return tmf_call_sequence(audit_gather(audit), audit_over, audit, NULL);
}
