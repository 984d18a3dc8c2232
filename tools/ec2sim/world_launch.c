#include "world_internal.h"

#include <stdlib.h>
#include <string.h>

/* RunInstances. */

#define LAUNCH_MAX     100u /* instances in one call */
#define LAUNCHES_MAX   1000000u
#define TYPE_BYTES_MAX 40u

/* What is asked for, checked. */
struct order {
	struct str image;
	struct str type;
	unsigned subnet;
	size_t count;
};

static int
read_subnet(struct sim_call *c, struct order *order)
{
	struct str nested = params_get(&c->params, "NetworkInterface.1.SubnetId");
	struct str plain = params_get(&c->params, "SubnetId");
	struct str id = nested.len > 0 ? nested : plain;
	uint64_t n;
	bool formed;

	if (nested.p != NULL && plain.p != NULL)
		return call_fail(c, 400, "InvalidParameterCombination",
		    "Network interfaces and an instance-level subnet ID may not be specified on "
		    "the same request");
	if (id.len == 0)
		return call_fail(c, 400, "MissingInput",
		    "No subnets found for the default VPC. Please specify a subnet.");
	if (!id_read(c->w, ID_SUBNET, id, &n, &formed) || n >= subnets_count(c->w))
		return call_fail(c, 400, "InvalidSubnetID.NotFound",
		    "The subnet ID '%.*s' does not exist", (int)(id.len < 100 ? id.len : 100),
		    id.p);
	order->subnet = (unsigned)n;
	return 0;
}

static int
check_groups(struct sim_call *c, const struct order *order, const char *prefix)
{
	struct str *ids;
	size_t count = params_list(&c->params, prefix, &ids);
	int result = 0;

	for (size_t i = 0; i < count && result == 0; i++) {
		uint64_t n;
		bool formed;
		int len = (int)(ids[i].len < 100 ? ids[i].len : 100);

		if (!id_read(c->w, ID_GROUP, ids[i], &n, &formed) || n >= c->w->opts.vpcs)
			result = call_fail(c, 400, "InvalidGroup.NotFound",
			    "The security group '%.*s' does not exist", len, ids[i].p);
		else if (n != vpc_of_subnet(c->w, order->subnet))
			result = call_fail(c, 400, "InvalidParameter",
			    "Security group %.*s and the subnet belong to different networks.", len,
			    ids[i].p);
	}
	free(ids);
	return result;
}

static int
read_counts(struct sim_call *c, struct order *order)
{
	int64_t min = 0, max = 0;
	bool has_min, has_max;

	if (call_int(c, "MinCount", 1, LAUNCH_MAX, &min, &has_min) < 0 ||
	    call_int(c, "MaxCount", 1, LAUNCH_MAX, &max, &has_max) < 0)
		return -1;
	if (!has_min || !has_max)
		return call_fail_missing(c, has_min ? "MaxCount" : "MinCount");
	if (min > max)
		return call_fail(
		    c, 400, "InvalidParameterValue", "MinCount must not be greater than MaxCount");
	order->count = (size_t)max;
	return 0;
}

static bool
image_formed(struct str id)
{
	if (!str_starts(id, "ami-") || id.len < 12 || id.len > 21)
		return false;
	for (size_t i = 4; i < id.len; i++) {
		if (strchr("0123456789abcdef", id.p[i]) == NULL)
			return false;
	}
	return true;
}

static int
read_order(struct sim_call *c, struct order *order)
{
	if (read_counts(c, order) < 0 || call_need(c, "ImageId", &order->image) < 0)
		return -1;
	if (!image_formed(order->image))
		return call_fail(c, 400, "InvalidAMIID.Malformed", "Invalid id: \"%.*s\"",
		    (int)(order->image.len < 100 ? order->image.len : 100), order->image.p);
	order->type = params_get(&c->params, "InstanceType");
	if (order->type.len == 0)
		order->type = STR("m1.small");
	if (order->type.len > TYPE_BYTES_MAX || memchr(order->type.p, '.', order->type.len) == NULL)
		return call_fail(c, 400, "InvalidParameterValue", "Invalid value for InstanceType");
	if (params_get(&c->params, "SecurityGroup.1").p != NULL)
		return call_fail(c, 400, "InvalidParameterCombination",
		    "The parameter groupName cannot be used with the parameter subnet");
	if (params_get(&c->params, "NetworkInterface.1.DeviceIndex").p != NULL &&
	    params_get(&c->params, "SecurityGroupId.1").p != NULL)
		return call_fail(c, 400, "InvalidParameterCombination",
		    "Network interfaces and an instance-level security groups may not be specified "
		    "on the same request");
	if (read_subnet(c, order) < 0 || check_groups(c, order, "SecurityGroupId") < 0)
		return -1;
	return check_groups(c, order, "NetworkInterface.1.SecurityGroupId");
}

static struct launch *
add_launch(struct sim_world *w)
{
	if ((w->launches_count & (w->launches_count - 1)) == 0)
		w->launches = mem_resize(w->launches,
		    w->launches_count == 0 ? 1 : w->launches_count * 2, sizeof(w->launches[0]));
	memset(&w->launches[w->launches_count], 0, sizeof(w->launches[0]));
	return &w->launches[w->launches_count++];
}

static uint64_t
launch(struct sim_call *c, const struct order *order, const struct tags_slot *tags)
{
	struct sim_world *w = c->w;
	struct str token = params_get(&c->params, "ClientToken");
	uint64_t first = instances_end(w);

	for (size_t k = 0; k < order->count; k++) {
		struct launch *l = add_launch(w);

		l->type = mem_strndup(order->type.p, order->type.len);
		l->image = mem_strndup(order->image.p, order->image.len);
		l->client_token = token.len > 0 ? mem_strndup(token.p, token.len) : NULL;
		l->subnet = order->subnet;
		l->creator = c->creator;
		l->reservation = first;
		l->launch_index = (unsigned)k;
		l->launch_ms = w->now_wall_ms;
		l->created = stamp_now(w, STALE_INSTANCES);
		tags_slot_copy(&l->tags, tags);
	}
	return first;
}

static void
write_reservation(struct sim_call *c, uint64_t first)
{
	const struct sim_world *w = c->w;
	char id[SIM_ID_BYTES];
	struct instance i;

	id_write(w, ID_RESERVATION, first, id);
	xml_text(c->out, "reservationId", id);
	xml_text(c->out, "ownerId", w->opts.account_id);
	xml_empty(c->out, "groupSet");
	xml_open(c->out, "instancesSet");
	for (uint64_t n = first; instance_load(w, n, LOOK_TRUE, &i) && i.reservation == first;
	     n++) {
		if (i.launch_ms == w->now_wall_ms)
			i.state = STATE_PENDING;
		instance_write(w, c->out, &i);
	}
	xml_close(c->out, "instancesSet");
}

int
op_run_instances(struct sim_call *c)
{
	struct order order = {0};
	struct tags_slot tags = {0};
	uint64_t first, ending;
	int used;

	if (read_order(c, &order) < 0 || call_dry_run(c) < 0)
		return -1;
	used = token_find(c, &first);
	if (used < 0)
		return -1;
	if (used > 0 && idmap_get(&c->w->ending_of, first, &ending) &&
	    !c->w->endings[ending].stopped)
		return call_fail(c, 400, "IdempotentInstanceTerminated",
		    "The client token belongs to an instance that was terminated.");
	if (used == 0) {
		if (c->w->launches_count + order.count > LAUNCHES_MAX)
			return call_fail(c, 400, "InstanceLimitExceeded",
			    "You have requested more instances than your current limit allows.");
		if (tags_from_params(c, "instance", &tags) < 0)
			return -1;
		first = launch(c, &order, &tags);
		tags_slot_fini(&tags);
		token_keep(c, first);
	}
	write_reservation(c, first);
	return 0;
}
