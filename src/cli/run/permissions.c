#include "cli/run/permissions.h"

#include "base/mem.h"
#include "mirror/online_check.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Only for targets that are created: launched, tagged as full, taken back. */
static const char *const launch_actions[] = {"ec2:CreateTrafficMirrorTarget", "ec2:DeleteTags",
    "ec2:DeleteTrafficMirrorTarget", "ec2:RunInstances", "ec2:TerminateInstances", NULL};
static const char *const prune_actions[] = {"ec2:DeleteTrafficMirrorSession", NULL};

static bool
permission_is_in(const char *const *list, const char *iam_action)
{
	for (; *list != NULL; list++)
		if (strcmp(*list, iam_action) == 0)
			return true;
	return false;
}

static bool
permissions_launch(const struct mirror_config *config)
{
	for (size_t i = 0; i < mirror_config_rule_count(config); i++)
		if (mirror_config_rule(config, i)->target_id == NULL)
			return true;
	return false;
}

bool
permission_is_spare(const struct mirror_config *config, const char *iam_action)
{
	if (config == NULL)
		return false;
	return (permission_is_in(launch_actions, iam_action) && !permissions_launch(config)) ||
	       (permission_is_in(prune_actions, iam_action) && !mirror_config_prune(config));
}

/* As the keys of an object: each once. */
static void
permissions_add(json_t *set, const struct tmf_action *action)
{
	for (const char *const *iam = action->iam_actions; iam != NULL && *iam != NULL; iam++)
		json_object_set_new(set, *iam, json_true());
	for (const char *const *iam = online_check_iam_actions; action->needs_aws && *iam != NULL;
	     iam++)
		json_object_set_new(set, *iam, json_true());
}

/* Also where the bucket is not known yet: a policy that lacks it would fail the run. */
static void
permissions_of_map(json_t *set, const struct asl_state *map)
{
	if (map->u.map.reads_s3 != ASL_S3_NEVER)
		json_object_set_new(
		    set, map->u.map.reader.lists ? "s3:ListBucket" : "s3:GetObject", json_true());
	if (map->u.map.writes_s3 != ASL_S3_NEVER)
		json_object_set_new(set, "s3:PutObject", json_true());
}

static void
permissions_of_machine(
    json_t *set, const struct tmf_registry *registry, const struct asl_machine *machine)
{
	for (size_t i = 0; i < asl_machine_state_count(machine); i++) {
		const struct asl_state *state = asl_machine_state(machine, (unsigned)i);
		const struct tmf_action *action = NULL;

		if (state->type == ASL_TASK && state->u.task.action != NULL)
			action = tmf_registry_find(registry, state->u.task.action);
		if (action != NULL)
			permissions_add(set, action);
		if (state->type == ASL_MAP)
			permissions_of_map(set, state);
	}
}

static int
permission_compare(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static json_t *
permissions_sorted(json_t *set, const struct mirror_config *config)
{
	const char **names = mem_zalloc(json_object_size(set) + 1, sizeof(*names));
	json_t *sorted = json_array();
	size_t count = 0;
	const char *name;
	json_t *ignored;

	json_object_foreach (set, name, ignored)
		if (!permission_is_spare(config, name))
			names[count++] = name;
	assert(count <= json_object_size(set));
	qsort(names, count, sizeof(*names), permission_compare);
	for (size_t i = 0; i < count; i++)
		json_array_append_new(sorted, json_string(names[i]));
	free(names);
	return sorted;
}

json_t *
permissions_needed(struct tmf_registry *registry, const struct asl_machine *machine,
    const struct mirror_config *config)
{
	json_t *set = json_object();
	const struct tmf_action *action;
	json_t *sorted;

	if (machine != NULL)
		permissions_of_machine(set, registry, machine);
	for (size_t i = 0; machine == NULL && (action = tmf_registry_at(registry, i)) != NULL; i++)
		permissions_add(set, action);
	sorted = permissions_sorted(set, config);
	json_decref(set);
	return sorted;
}
