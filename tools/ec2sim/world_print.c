#include "world_internal.h"

/* The world as JSON, and a configuration that fits it. */

static void
print_interfaces(struct jo_out *j, const struct sim_world *w, const struct instance *i)
{
	jo_open(j, "NetworkInterfaces", '[');
	for (unsigned k = 0; k < i->interfaces; k++) {
		jo_open(j, NULL, '{');
		jo_id(
		    j, "NetworkInterfaceId", w, ID_INTERFACE, i->n * INTERFACES_MAX + i->order[k]);
		jo_int(j, "DeviceIndex", i->order[k]);
		jo_close(j, '}');
	}
	jo_close(j, ']');
}

static bool
mirrorable(const struct instance *i)
{
	return i->state != STATE_TERMINATED && i->state != STATE_SHUTTING_DOWN &&
	       i->interfaces > 0 && type_can_be_source(i->type);
}

static void
print_instance(struct jo_out *j, const struct sim_world *w, const struct instance *i)
{
	const char *cursor = NULL, *key, *value;
	size_t index = 0;

	jo_open(j, NULL, '{');
	jo_id(j, "InstanceId", w, ID_INSTANCE, i->n);
	jo_text(j, "InstanceType", i->type);
	jo_text(j, "State", state_name(i->state));
	jo_bool(j, "Mirrorable", mirrorable(i));
	if (i->interfaces > 0) {
		jo_id(j, "SubnetId", w, ID_SUBNET, i->subnet);
		jo_id(j, "VpcId", w, ID_VPC, i->vpc);
	}
	print_interfaces(j, w, i);
	jo_open(j, "Tags", '{');
	while (tags_next(&i->tags, &cursor, &index, &key, &value))
		jo_text(j, key, value);
	jo_close(j, '}');
	jo_close(j, '}');
}

static void
print_ids(
    struct jo_out *j, const struct sim_world *w, const char *key, enum id_kind kind, uint64_t count)
{
	jo_open(j, key, '[');
	for (uint64_t n = 0; n < count; n++)
		jo_id(j, NULL, w, kind, n);
	jo_close(j, ']');
}

/* {"tmt-..": ["i-..", ..]}: what stands behind the given targets. */
static void
print_members(struct jo_out *j, const struct sim_world *w)
{
	jo_open(j, "Members", '{');
	for (uint64_t target = 0; target < w->targets_count; target++) {
		char id[SIM_ID_BYTES];
		uint64_t of;

		id_write(w, ID_TARGET, target, id);
		jo_open(j, id, '[');
		for (size_t i = 0; i < w->members_count; i++) {
			if (member_target(w, w->members[i], &of) && of == target)
				jo_id(j, NULL, w, ID_INSTANCE, w->members[i]);
		}
		jo_close(j, ']');
	}
	jo_close(j, '}');
}

static void
print_subnets(struct jo_out *j, const struct sim_world *w)
{
	jo_open(j, "Subnets", '[');
	for (unsigned n = 0; n < subnets_count(w); n++) {
		char zone[ZONE_BYTES];

		zone_of_subnet(w, n, zone);
		jo_open(j, NULL, '{');
		jo_id(j, "SubnetId", w, ID_SUBNET, n);
		jo_id(j, "VpcId", w, ID_VPC, vpc_of_subnet(w, n));
		jo_text(j, "AvailabilityZone", zone);
		jo_close(j, '}');
	}
	jo_close(j, ']');
}

void
world_print(const struct sim_world *world, uint64_t limit, const struct sim_sink *sink)
{
	struct jo_out j = {.sink = sink};
	uint64_t end = instances_end(world);
	struct instance i;

	if (limit > 0 && limit < end)
		end = limit;
	jo_open(&j, NULL, '{');
	jo_text(&j, "Region", world->opts.region);
	jo_text(&j, "AccountId", world->opts.account_id);
	jo_int(&j, "Seed", world->opts.seed);
	jo_int(&j, "InstanceCount", instances_end(world));
	jo_text(&j, "ImageId", world_image_id);
	print_ids(&j, world, "Vpcs", ID_VPC, world->opts.vpcs);
	print_ids(&j, world, "SecurityGroups", ID_GROUP, world->opts.vpcs);
	print_ids(&j, world, "GivenTargets", ID_TARGET,
	    SIM_GIVEN_TARGETS + (world->opts.gateway ? 1 : 0));
	print_members(&j, world);
	print_ids(&j, world, "Filters", ID_FILTER, SIM_GIVEN_FILTERS);
	print_subnets(&j, world);
	jo_open(&j, "Instances", '[');
	for (uint64_t n = 0; n < end; n++) {
		if (instance_load(world, n, LOOK_TRUE, &i))
			print_instance(&j, world, &i);
	}
	jo_close(&j, ']');
	jo_close(&j, '}');
	buf_add_char(&j.buf, '\n');
	jo_flush(&j);
	buf_fini(&j.buf);
}

static void
write_tag_rule(const struct sim_world *w, struct buf *out)
{
	char filter[SIM_ID_BYTES], target[SIM_ID_BYTES];

	id_write(w, ID_FILTER, 0, filter);
	id_write(w, ID_TARGET, 0, target);
	buf_printf(out,
	    "  - tagList:\n      - {Key: mirror, Value: \"yes\"}\n    filterId: %s\n    targetId: "
	    "%s\n",
	    filter, target);
}

static void
write_subnet_rule(const struct sim_world *w, struct buf *out)
{
	char subnet[SIM_ID_BYTES], filter[SIM_ID_BYTES], target[SIM_ID_BYTES];

	id_write(w, ID_SUBNET, 0, subnet);
	id_write(w, ID_FILTER, 0, filter);
	id_write(w, ID_TARGET, 1, target);
	buf_printf(
	    out, "  - subnetId: %s\n    filterId: %s\n    targetId: %s\n", subnet, filter, target);
}

/* The small VPC's, with targets to be created. */
static void
write_vpc_rule(const struct sim_world *w, struct buf *out)
{
	unsigned small = w->opts.vpcs - 1;
	char vpc[SIM_ID_BYTES], filter[SIM_ID_BYTES], group[SIM_ID_BYTES];

	id_write(w, ID_VPC, small, vpc);
	id_write(w, ID_FILTER, 1, filter);
	id_write(w, ID_GROUP, small, group);
	buf_printf(out,
	    "  - vpcId: %s\n    filterId: %s\n    targetInstanceType: t3.large\n    "
	    "targetInstanceAmi: %s\n    targetSecurityGroupIds:\n      - %s\n",
	    vpc, filter, world_image_id, group);
}

static void
write_rules(struct sim_world *const *worlds, size_t count, const char *list,
    void (*write)(const struct sim_world *w, struct buf *out), struct buf *out)
{
	buf_printf(out, "%s:\n", list);
	for (size_t i = 0; i < count; i++)
		write(worlds[i], out);
}

void
world_config_all(
    struct sim_world *const *worlds, size_t count, enum sim_scenario scenario, struct buf *out)
{
	const struct sim_opts *opts = &worlds[0]->opts;

	buf_printf(out, "# For ec2sim --seed %llu --instances %llu\n",
	    (unsigned long long)opts->seed, (unsigned long long)opts->instances);
	if (subnets_count(worlds[0]) == 1)
		scenario = SIM_SCENARIO_CREATED;
	/* A tag rule would take the instances of all accounts, but its filter is one account's. */
	if (scenario == SIM_SCENARIO_TAGS || (scenario == SIM_SCENARIO_ALL && count == 1))
		write_rules(worlds, count, "tags", write_tag_rule, out);
	if (scenario == SIM_SCENARIO_TAGS)
		return;
	if (scenario != SIM_SCENARIO_CREATED)
		write_rules(worlds, count, "subnets", write_subnet_rule, out);
	write_rules(worlds, count, "vpcs", write_vpc_rule, out);
}

void
world_config(struct sim_world *world, enum sim_scenario scenario, struct buf *out)
{
	world_config_all(&world, 1, scenario, out);
}
