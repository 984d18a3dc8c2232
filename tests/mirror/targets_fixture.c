#include "targets_fixture.h"

#include "base/jsonx.h"
#include "mirror/config/rules.h"

#include <stdio.h>

struct fixture fixture;
struct process process;
char subnet[SIM_ID_BYTES];

void
targets_setup_world(int64_t stale_ms, double empty_pages)
{
	fixture_init_subnet(&fixture, SOURCES, stale_ms, empty_pages);
	world_subnet_id(fixture.world, 0, subnet);
}

void
targets_setup(void)
{
	targets_setup_world(0, 0);
	process_init(&process, &fixture, &(struct process_opts){0});
}

void
targets_setup_stale(void)
{
	targets_setup_world(600000, 0);
	process_init(&process, &fixture, &(struct process_opts){0});
}

void
targets_setup_empty_pages(void)
{
	targets_setup_world(0, 0.9);
	process_init(&process, &fixture, &(struct process_opts){0});
}

void
targets_teardown(void)
{
	process_fini(&process);
	fixture_fini(&fixture);
}

json_t *
targets_request(const char *full_target_id)
{
	return jpack("{s:s, s:s, s:s?, s:s, s:s}", "Rule", "vpcs[0]", "SubnetId", subnet,
	    "FullTargetId", full_target_id, "InstanceId", "i-source", "NetworkInterfaceId",
	    "eni-source");
}

const char *
targets_id_of(const json_t *result)
{
	const char *id = jsonx_get_string(result, "TargetId");

	ck_assert_msg(id != NULL, "%s: %s", process_error(&process)->name,
	    tmf_err_text(process_error(&process)));
	return id;
}

/* Launched, behind a target, live launched ones without target. */
void
targets_check_launches(int launched, int behind_target)
{
	json_t *report = fixture_report(&fixture);
	json_t *instances = json_object_get(report, "instances");

	ck_assert_int_eq(json_integer_value(json_object_get(instances, "launched")), launched);
	ck_assert_int_eq(
	    json_integer_value(json_object_get(instances, "launchedBehindTarget")), behind_target);
	fixture_check_used(report);
	json_decref(report);
}

/* Mirrors interfaces first .. first + count - 1 to the target; the account refuses the eleventh
 * on a small instance. */
const struct tmf_err *
targets_fill(const char *target_id, unsigned first, unsigned count)
{
	static char id[SIM_ID_BYTES];
	static struct tmf_err none;
	char instance[SIM_ID_BYTES];

	for (unsigned i = first; i < first + count; i++) {
		world_interface_id(fixture.world, i, 0, id);
		world_instance_id(fixture.world, i, instance);
		if (process_run(&process, "ensure-session",
			jpack("{s:s, s:s, s:s, s:s}", "Rule", "vpcs[0]", "TargetId", target_id,
			    "NetworkInterfaceId", id, "InstanceId", instance)) == NULL)
			return process_error(&process);
	}
	return &none;
}

/* The newest instance that was launched for a target, as AWS lists it. */
const char *
targets_launched_instance(void)
{
	static char id[SIM_ID_BYTES];
	struct process reader;
	json_t *page;
	json_t *instance;
	size_t i;

	process_init(&reader, &fixture, &(struct process_opts){0});
	page = process_run(&reader, "describe-page", jpack("{s:i}", "MaxResults", 1000));
	json_array_foreach (json_object_get(page, "Instances"), i, instance)
		if (tag_value(instance, "tmflow:target") != NULL)
			snprintf(id, sizeof(id), "%s", jsonx_get_string(instance, "InstanceId"));
	process_fini(&reader);
	return id;
}

void
targets_terminate_launched(void)
{
	struct tmf_err err = {0};

	ck_assert_msg(world_terminate(fixture.world, targets_launched_instance(),
			  fixture.clock.now_wall_ms, &err) == 0,
	    "%s", tmf_err_text(&err));
}

void
targets_stop_launched(void)
{
	struct tmf_err err = {0};

	ck_assert_msg(world_stop(fixture.world, targets_launched_instance(),
			  fixture.clock.now_wall_ms, &err) == 0,
	    "%s", tmf_err_text(&err));
}

int
targets_launched_in_all(void)
{
	json_t *report = fixture_report(&fixture);
	int launched = (int)json_integer_value(
	    json_object_get(json_object_get(report, "instances"), "launched"));

	json_decref(report);
	return launched;
}
