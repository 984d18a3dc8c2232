#include "fleet/doctor/doctor_internal.h"

#include "base/jsonx.h"
#include "base/mem.h"
#include "mirror/config/instance.h"
#include "mirror/targets/targets.h"

#include <stdlib.h>

/* Which instances rules take, and from where to where their packets go: in sums, so that a fleet of
 * a million takes no more memory than its subnets. */

static void
survey_count(struct doctor *doctor, const struct config_rule *rule, const json_t *interface)
{
	const char *subnet = jsonx_get_string(interface, "SubnetId");
	char *made = NULL;
	const char *key = rule->target_id;
	json_t *sum;

	if (subnet == NULL)
		return;
	if (key == NULL)
		key = made = mem_printf(DOCTOR_NEW "%s", target_subnet(rule, subnet));
	sum = json_object_get(doctor->wanted, key);
	if (sum == NULL) {
		sum = json_pack("{s:i, s:s, s:{}}", "count", 0, "rule", rule->name, "subnets");
		json_object_set_new(doctor->wanted, key, sum);
	}
	json_object_set_new(
	    sum, "count", json_integer(1 + json_integer_value(json_object_get(sum, "count"))));
	json_object_set_new(json_object_get(sum, "subnets"), subnet, json_true());
	doctor->wanted_count++;
	free(made);
}

/* As a run asks; a hook that fails takes nothing, and has a check of its own. */
static void
survey_instance(struct doctor *doctor, json_t *instance)
{
	const struct mirror *mirror = doctor->opts.mirror;
	const char *type = jsonx_get_string(instance, "InstanceType");
	const struct config_rule *rule = NULL;
	json_t *reason = NULL;
	struct tmf_err fault = {0};
	bool eligible = false, takes;
	json_t *interface;
	size_t i;

	if (mirror_config_refused_state(mirror->config, instance) != NULL ||
	    instance_is_marked_target(instance) ||
	    mirror_config_excludes(mirror->config, instance) ||
	    (type != NULL && !mirror_config_type_is_source(mirror->config, type)))
		return;
	if (rules_eligible(mirror->rules, instance, &eligible, &reason, &fault) < 0)
		eligible = false;
	while (eligible && !tmf_err_isset(&fault) &&
	       rules_find(mirror->rules, instance, rule, &rule, &fault) == 0 && rule != NULL)
		json_array_foreach (jsonx_get_array(instance, "NetworkInterfaces"), i, interface)
			if (!tmf_err_isset(&fault) &&
			    rules_take_interface(
				mirror->rules, instance, rule, interface, &takes, &fault) == 0 &&
			    takes)
				survey_count(doctor, rule, interface);
	json_decref(reason);
	tmf_err_fini(&fault);
}

void
doctor_survey_page(struct doctor *doctor, const json_t *reply)
{
	json_t *instance;
	size_t i;

	json_array_foreach (jsonx_get_array(reply, "Instances"), i, instance)
		survey_instance(doctor, instance);
}
