#include "ec2_internal.h"

#include "tmflow/base/json.h"

const struct xml_shape ec2_tag_shape[] = {
    {"key", "Key", XML_STRING, NULL, NULL},
    {"value", "Value", XML_STRING, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape state_shape[] = {
    {"name", "Name", XML_STRING, NULL, NULL},
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

const struct xml_shape ec2_instance_shape[] = {
    {"instanceId", "InstanceId", XML_STRING, NULL, NULL},
    {"instanceType", "InstanceType", XML_STRING, NULL, NULL},
    {"instanceState", "State", XML_STRUCT, state_shape, NULL},
    {"vpcId", "VpcId", XML_STRING, NULL, NULL},
    {"subnetId", "SubnetId", XML_STRING, NULL, NULL},
    {"tagSet", "Tags", XML_LIST, ec2_tag_shape, NULL},
    {"networkInterfaceSet", "NetworkInterfaces", XML_LIST, interface_shape, NULL},
    {.element = NULL},
};

/* Interfaces on the first network card come first, by device index: the primary one is the first then. */
static json_int_t
interface_order(const json_t *wire_interface)
{
	const json_t *attachment = json_object_get(wire_interface, "Attachment");
	json_int_t card = json_integer_value(json_object_get(attachment, "NetworkCardIndex"));
	const json_t *index = json_object_get(attachment, "DeviceIndex");

	return card * 1000 + (index != NULL ? json_integer_value(index) : 999);
}

static json_t *
interface_of(const json_t *wire)
{
	const json_t *attachment = json_object_get(wire, "Attachment");
	json_t *interface = json_object();

	json_share_string(interface, "NetworkInterfaceId", wire, "NetworkInterfaceId");
	json_object_set(interface, "DeviceIndex", json_object_get(attachment, "DeviceIndex"));
	json_share_string(interface, "SubnetId", wire, "SubnetId");
	json_share_string(interface, "VpcId", wire, "VpcId");
	return interface;
}

/* New array of interfaces in order; an instance has a handful of them. */
static json_t *
interfaces_of(const json_t *wire_interfaces)
{
	json_t *sorted = json_array();
	json_t *interfaces = json_array();
	json_t *wire;
	size_t i;

	json_array_foreach (wire_interfaces, i, wire) {
		size_t at = json_array_size(sorted);

		while (at > 0 &&
		       interface_order(json_array_get(sorted, at - 1)) > interface_order(wire))
			at--;
		json_array_insert(sorted, at, wire);
	}
	json_array_foreach (sorted, i, wire)
		json_array_append_new(interfaces, interface_of(wire));
	json_decref(sorted);
	return interfaces;
}

json_t *
ec2_instance_of(json_t *wire)
{
	json_t *instance = json_object();

	json_share_string(instance, "InstanceId", wire, "InstanceId");
	json_share_string(instance, "InstanceType", wire, "InstanceType");
	json_share_string(instance, "State", json_object_get(wire, "State"), "Name");
	json_share_string(instance, "VpcId", wire, "VpcId");
	json_share_string(instance, "SubnetId", wire, "SubnetId");
	json_object_set(instance, "Tags", json_object_get(wire, "Tags"));
	json_object_set_new(instance, "NetworkInterfaces",
	    interfaces_of(json_object_get(wire, "NetworkInterfaces")));
	json_decref(wire);
	return instance;
}

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
	    json_object_get(json_array_get(json_get_array(reply, "Reservations"), 0), "OwnerId"));
	json_object_set(result, "NextToken", json_object_get(reply, "NextToken"));
	json_decref(reply);
	return ec2_with_next_token(result);
}

json_t *
ec2_with_next_token(json_t *reply)
{
	const char *token = json_get_string(reply, "NextToken");

	if (token == NULL || token[0] == '\0')
		json_object_set_new(reply, "NextToken", json_null());
	return reply;
}
