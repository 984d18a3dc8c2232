#include "aws/services/ec2_internal.h"

#include "base/jsonx.h"

const struct xml_shape ec2_tag_shape[] = {
    {"key", "Key", XML_STRING, NULL, NULL},
    {"value", "Value", XML_STRING, NULL, NULL},
    {.element = NULL},
};

/* The state has a number too; the name says the same. */
static const struct xml_shape state_shape[] = {
    {"name", "Name", XML_STRING, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape placement_shape[] = {
    {"availabilityZone", "AvailabilityZone", XML_STRING, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape attachment_shape[] = {
    {"deviceIndex", "DeviceIndex", XML_INTEGER, NULL, NULL},
    {"networkCardIndex", "NetworkCardIndex", XML_INTEGER, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape interface_shape[] = {
    {"networkInterfaceId", "NetworkInterfaceId", XML_STRING, NULL, NULL},
    {"subnetId", "SubnetId", XML_STRING, NULL, NULL},
    {"vpcId", "VpcId", XML_STRING, NULL, NULL},
    {"attachment", "Attachment", XML_STRUCT, attachment_shape, NULL},
    {.element = NULL},
};

#define INSTANCE_MEMBERS(interfaces)                                                               \
	{"instanceId", "InstanceId", XML_STRING, NULL, NULL},                                      \
	    {"instanceType", "InstanceType", XML_STRING, NULL, NULL},                              \
	    {"instanceState", "State", XML_STRUCT, state_shape, NULL},                             \
	    {"vpcId", "VpcId", XML_STRING, NULL, NULL},                                            \
	    {"subnetId", "SubnetId", XML_STRING, NULL, NULL},                                      \
	    {"placement", "Placement", XML_STRUCT, placement_shape, NULL},                         \
	    {"tagSet", "Tags", XML_LIST, ec2_tag_shape, NULL},                                     \
	{                                                                                          \
		"networkInterfaceSet", "NetworkInterfaces", XML_LIST, interfaces, NULL             \
	}

const struct xml_shape ec2_instance_shape[] = {
    INSTANCE_MEMBERS(interface_shape),
    {.element = NULL},
};

static const struct xml_shape launched_interface_shape[] = {
    {"networkInterfaceId", "NetworkInterfaceId", XML_STRING, NULL, NULL},
    {"subnetId", "SubnetId", XML_STRING, NULL, NULL},
    {"vpcId", "VpcId", XML_STRING, NULL, NULL},
    {"attachment", "Attachment", XML_STRUCT, attachment_shape, NULL},
    {"groupSet", "Groups", XML_LIST, ec2_group_shape, NULL},
    {.element = NULL},
};

/* Fleets are listed without these: a page has to fit into a state's data. */
const struct xml_shape ec2_launch_shape[] = {
    INSTANCE_MEMBERS(launched_interface_shape),
    {"imageId", "ImageId", XML_STRING, NULL, NULL},
    {"clientToken", "ClientToken", XML_STRING, NULL, NULL},
    {"launchTime", "LaunchTime", XML_STRING, NULL, NULL},
    {.element = NULL},
};

/* Interfaces on the first network card come first, by device index: the primary one is the first
 * then. Device indexes count again on each network card of the large instance types, so that the
 * card is compared first. One without an attachment is being detached: it comes last. */
static json_int_t
ec2_interface_order(const json_t *wire_interface)
{
	const json_t *attachment = json_object_get(wire_interface, "Attachment");
	json_int_t card = json_integer_value(json_object_get(attachment, "NetworkCardIndex"));
	const json_t *index = json_object_get(attachment, "DeviceIndex");

	return card * 1000 + (index != NULL ? json_integer_value(index) : 999);
}

/* Takes the place in the instance that its attachment gives it. Callers then read the index from
 * the interface, as if EC2 had sent it there. */
static void
ec2_settle_interface(json_t *interface)
{
	const json_t *attachment = json_object_get(interface, "Attachment");

	json_object_set(interface, "DeviceIndex", json_object_get(attachment, "DeviceIndex"));
	json_object_del(interface, "Attachment");
}

/* An instance has a handful of them, and most have one. An insertion sort is enough for that,
 * and keeps equal ones in their order. */
static void
ec2_sort_interfaces(json_t *interfaces)
{
	size_t count = json_array_size(interfaces);

	for (size_t i = 1; i < count; i++) {
		json_t *moved = json_incref(json_array_get(interfaces, i));
		size_t at = i;

		while (at > 0 && ec2_interface_order(json_array_get(interfaces, at - 1)) >
				     ec2_interface_order(moved))
			at--;
		json_array_remove(interfaces, i);
		json_array_insert_new(interfaces, at, moved);
	}
}

/* {"State": {"Name": "running"}} becomes {"State": "running"}, and the zone of the placement a
 * member of its own; an instance that is terminated long
 * ago has no interfaces, and that is normal. */
json_t *
ec2_instance_of(json_t *wire)
{
	json_t *interfaces = json_object_get(wire, "NetworkInterfaces");
	json_t *state = json_object_get(json_object_get(wire, "State"), "Name");
	json_t *zone = json_object_get(json_object_get(wire, "Placement"), "AvailabilityZone");
	json_t *interface;
	size_t i;

	if (state != NULL)
		json_object_set(wire, "State", state);
	else
		json_object_del(wire, "State");
	if (zone != NULL)
		json_object_set(wire, "AvailabilityZone", zone);
	json_object_del(wire, "Placement");
	ec2_sort_interfaces(interfaces);
	json_array_foreach (interfaces, i, interface)
		ec2_settle_interface(interface);
	return wire;
}

/* A reservation is what one RunInstances launched; nobody here asks which instances came
 * together. */
json_t *
ec2_instances_of_reservations(json_t *reply)
{
	json_t *instances = json_array();
	json_t *result = json_object();
	json_t *reservation;
	size_t i;

	json_array_foreach (json_object_get(reply, "Reservations"), i, reservation)
		json_array_extend(instances, json_object_get(reservation, "Instances"));
	json_object_set_new(result, "Instances", instances);
	json_object_set(result, "OwnerId",
	    json_object_get(json_array_get(jsonx_get_array(reply, "Reservations"), 0), "OwnerId"));
	json_object_set(result, "NextToken", json_object_get(reply, "NextToken"));
	json_decref(reply);
	return ec2_with_next_token(result);
}

/* DescribeInstances ends with an empty <nextToken/>, other describes without one. Callers then
 * need to ask only for null. */
json_t *
ec2_with_next_token(json_t *reply)
{
	const char *token = jsonx_get_string(reply, "NextToken");

	if (token == NULL || token[0] == '\0')
		json_object_set_new(reply, "NextToken", json_null());
	return reply;
}
