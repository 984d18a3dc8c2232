#include "mirror/dry_run.h"

#include "base/jsonx.h"
#include "base/mem.h"
#include "mirror/config/instance_types.h"

#include <assert.h>
#include <stdlib.h>

struct dry_run {
	const struct mirror_config *config;
	json_t *drifts; /* {session: text} */
};

struct dry_run *
dry_run_new(const struct mirror_config *config)
{
	struct dry_run *dry_run = mem_zalloc(1, sizeof(*dry_run));

	dry_run->config = config;
	dry_run->drifts = json_object();
	return dry_run;
}

void
dry_run_free(struct dry_run *dry_run)
{
	if (dry_run == NULL)
		return;
	json_decref(dry_run->drifts);
	free(dry_run);
}

/* Kept here rather than in the workflow's data, which must be the same in a dry run and in a
 * run. */
void
dry_run_note_drift(struct dry_run *dry_run, const char *session_id, const char *differences)
{
	assert(session_id != NULL);
	json_object_set_new(dry_run->drifts, session_id, json_string(differences));
}

const char *
dry_run_drift(const struct dry_run *dry_run, const char *session_id)
{
	return jsonx_get_string(dry_run->drifts, session_id);
}

struct tmf_call *
dry_run_session(struct dry_run *dry_run, struct account *account, const struct session_order *order,
    const char *instance_type)
{
	struct tmf_err err = {0};
	json_t *session;
	json_t *reply;

	/* What a run would make is in the inventory only, and a second listing would lose it. */
	assert(account->dry_run && account->fresh_ms == 0);
	/* A session that exists proves that its interface can be mirrored, whatever the list
	 * says. */
	if (order->session_id == NULL && instance_type != NULL &&
	    !mirror_config_type_is_source(dry_run->config, instance_type)) {
		tmf_err_set_name(&err, TMF_ERR_SERVICE, ERROR_TYPE,
		    "interfaces of instances of type %s cannot be mirrored", instance_type);
		return tmf_call_of_err(account->loop, &err);
	}
	session = json_object();
	jsonx_put_string(session, "TrafficMirrorSessionId", order->session_id);
	reply = json_object();
	json_object_set_new(reply, "TrafficMirrorSession", session);
	return tmf_call_of_result(account->loop, reply);
}

/* The generation after the highest that is known, as a run would take it. */
void
dry_run_target(struct account *account, const struct target_request *request)
{
	const char *subnet = target_request_subnet(request);
	int generation = inventory_generation(targets_inventory(account->targets), subnet) + 1;
	char *id = mem_printf(DRY_RUN_TARGET_PREFIX "%s:%d", subnet, generation);

	assert(account->dry_run && request->rule->target_id == NULL);
	targets_plan(account->targets,
	    &(struct target){
		.id = id,
		.subnet_id = (char *)subnet,
		.made = true,
		.proved = true,
		.tagged = true,
		.generation = generation,
		.sources_max = instance_type_sources_max(request->rule->target_instance_type),
	    });
	free(id);
}
