#include "fleet/doctor/doctor_internal.h"

#include "base/jsonx.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * Whether a packet to UDP 4789 gets from a source's subnet to a receiver. What stands on the way is
 * judged for all of the subnet: a rule that lets half of it through does not pass it. IPv4, as
 * mirrored packets are sent to a target's IPv4 address.
 */

#define PORT_VXLAN   4789
#define PROTOCOL_ALL "-1"
#define PROTOCOL_UDP "17"
#define ADDRESS_BITS 32u

/* A network ACL's last entry, the asterisk: it denies what no other took. */
#define ACL_LAST 32767

static bool
cidr_parse(const char *text, uint32_t *ret_address, unsigned *ret_bits)
{
	char address[INET_ADDRSTRLEN];
	const char *slash = text != NULL ? strchr(text, '/') : NULL;
	struct in_addr in;

	if (slash == NULL || (size_t)(slash - text) >= sizeof(address))
		return false;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	*ret_bits = (unsigned)strtoul(slash + 1, NULL, 10);
	if (inet_pton(AF_INET, address, &in) != 1 || *ret_bits > ADDRESS_BITS)
		return false;
	*ret_address = ntohl(in.s_addr);
	return true;
}

static uint32_t
cidr_mask(unsigned bits)
{
	return bits == 0 ? 0 : UINT32_MAX << (ADDRESS_BITS - bits);
}

bool
doctor_cidr_contains(const char *outer, const char *inner)
{
	uint32_t outer_address, inner_address;
	unsigned outer_bits, inner_bits;

	if (!cidr_parse(outer, &outer_address, &outer_bits) ||
	    !cidr_parse(inner, &inner_address, &inner_bits) || outer_bits > inner_bits)
		return false;
	return ((outer_address ^ inner_address) & cidr_mask(outer_bits)) == 0;
}

static const char *
way_cidr(const struct doctor *doctor, const char *subnet)
{
	return jsonx_get_string(json_object_get(doctor->subnets, subnet), "CidrBlock");
}

static const char *
way_vpc(const struct doctor *doctor, const char *subnet)
{
	return jsonx_get_string(json_object_get(doctor->subnets, subnet), "VpcId");
}

/* --- security groups --- */

/* A port range that is absent is all ports. */
static bool
port_is_in(const json_t *object, const char *from, const char *to)
{
	const json_t *low = json_object_get(object, from);
	const json_t *high = json_object_get(object, to);

	return low == NULL || high == NULL || json_integer_value(low) < 0 ||
	       (json_integer_value(low) <= PORT_VXLAN && json_integer_value(high) >= PORT_VXLAN);
}

static enum doctor_passage
permission_passes(const json_t *permission, const char *cidr)
{
	const char *protocol = jsonx_get_string(permission, "IpProtocol");
	json_t *range;
	size_t i;

	if (protocol == NULL ||
	    (strcmp(protocol, PROTOCOL_ALL) != 0 && strcmp(protocol, PROTOCOL_UDP) != 0 &&
		strcmp(protocol, "udp") != 0) ||
	    !port_is_in(permission, "FromPort", "ToPort"))
		return PASSAGE_CLOSED;
	json_array_foreach (jsonx_get_array(permission, "IpRanges"), i, range) {
		const char *outer = jsonx_get_string(range, "CidrIp");

		if (outer != NULL && doctor_cidr_contains(outer, cidr))
			return PASSAGE_OPEN;
	}
	/* Groups of the sources, and lists of prefixes: perhaps. */
	return json_array_size(jsonx_get_array(permission, "UserIdGroupPairs")) > 0 ||
		       json_array_size(jsonx_get_array(permission, "PrefixListIds")) > 0
		   ? PASSAGE_UNKNOWN
		   : PASSAGE_CLOSED;
}

/* One group that lets them in is enough. */
enum doctor_passage
doctor_groups_pass(const struct doctor *doctor, const struct doctor_way *way)
{
	const char *cidr = way_cidr(doctor, way->source_subnet);
	enum doctor_passage best = PASSAGE_CLOSED;
	json_t *item;
	size_t i;

	if (way->groups == NULL)
		return PASSAGE_OPEN;
	if (cidr == NULL)
		return PASSAGE_UNKNOWN;
	json_array_foreach (way->groups, i, item) {
		const char *id = json_is_string(item) ? json_string_value(item)
						      : jsonx_get_string(item, "GroupId");
		const json_t *group = id != NULL ? json_object_get(doctor->groups, id) : NULL;
		json_t *permission;
		size_t k;

		if (group == NULL && best == PASSAGE_CLOSED)
			best = PASSAGE_UNKNOWN;
		json_array_foreach (jsonx_get_array(group, "IpPermissions"), k, permission) {
			enum doctor_passage passage = permission_passes(permission, cidr);

			best = passage < best ? passage : best;
		}
	}
	return best;
}

/* --- network ACLs --- */

static const json_t *
acl_of(const struct doctor *doctor, const char *subnet)
{
	const char *id;
	json_t *acl;

	json_object_foreach (doctor->acls, id, acl) {
		json_t *association;
		size_t i;

		json_array_foreach (jsonx_get_array(acl, "Associations"), i, association) {
			const char *of = jsonx_get_string(association, "SubnetId");

			if (of != NULL && strcmp(of, subnet) == 0)
				return acl;
		}
	}
	return NULL;
}

static bool
acl_entry_fits(const json_t *entry, bool egress, const char *cidr)
{
	const char *protocol = jsonx_get_string(entry, "Protocol");
	const char *block = jsonx_get_string(entry, "CidrBlock");

	return json_is_true(json_object_get(entry, "Egress")) == egress && protocol != NULL &&
	       block != NULL &&
	       (strcmp(protocol, PROTOCOL_ALL) == 0 || strcmp(protocol, PROTOCOL_UDP) == 0) &&
	       port_is_in(json_object_get(entry, "PortRange"), "From", "To") &&
	       doctor_cidr_contains(block, cidr);
}

/* The entry of the lowest number that fits decides. */
static enum doctor_passage
acl_passes(const json_t *acl, bool egress, const char *cidr)
{
	json_int_t best = ACL_LAST + 1;
	bool allows = false;
	json_t *entry;
	size_t i;

	json_array_foreach (jsonx_get_array(acl, "Entries"), i, entry) {
		json_int_t number = json_integer_value(json_object_get(entry, "RuleNumber"));
		const char *action = jsonx_get_string(entry, "RuleAction");

		if (number >= best || !acl_entry_fits(entry, egress, cidr))
			continue;
		best = number;
		allows = action != NULL && strcmp(action, "allow") == 0;
	}
	return allows ? PASSAGE_OPEN : PASSAGE_CLOSED;
}

enum doctor_passage
doctor_acls_pass(const struct doctor *doctor, const struct doctor_way *way)
{
	const char *from = way_cidr(doctor, way->source_subnet);
	const char *to = way_cidr(doctor, way->subnet);
	const json_t *leaving = acl_of(doctor, way->source_subnet);
	const json_t *entering = acl_of(doctor, way->subnet);

	if (strcmp(way->source_subnet, way->subnet) == 0)
		return PASSAGE_OPEN; /* an ACL stands at the subnet's edge */
	if (from == NULL || to == NULL || leaving == NULL || entering == NULL)
		return PASSAGE_UNKNOWN;
	return acl_passes(leaving, true, to) == PASSAGE_OPEN &&
		       acl_passes(entering, false, from) == PASSAGE_OPEN
		   ? PASSAGE_OPEN
		   : PASSAGE_CLOSED;
}

/* --- routes --- */

/* The subnet's own table, or its VPC's main one. */
static const json_t *
route_table_of(const struct doctor *doctor, const char *subnet)
{
	const char *vpc = way_vpc(doctor, subnet);
	const json_t *main_table = NULL;
	const char *id;
	json_t *table;

	json_object_foreach (doctor->route_tables, id, table) {
		const char *of_vpc = jsonx_get_string(table, "VpcId");
		json_t *association;
		size_t i;

		json_array_foreach (jsonx_get_array(table, "Associations"), i, association) {
			const char *of = jsonx_get_string(association, "SubnetId");

			if (of != NULL && strcmp(of, subnet) == 0)
				return table;
			if (json_is_true(json_object_get(association, "Main")) && vpc != NULL &&
			    of_vpc != NULL && strcmp(of_vpc, vpc) == 0)
				main_table = table;
		}
	}
	return main_table;
}

/* The route with the longest prefix that contains the receiver's subnet. */
static const json_t *
route_find(const json_t *table, const char *cidr)
{
	const json_t *best = NULL;
	unsigned best_bits = 0;
	json_t *route;
	size_t i;

	json_array_foreach (jsonx_get_array(table, "Routes"), i, route) {
		const char *to = jsonx_get_string(route, "DestinationCidrBlock");
		uint32_t address;
		unsigned bits;

		if (to == NULL || !doctor_cidr_contains(to, cidr) ||
		    !cidr_parse(to, &address, &bits) || (best != NULL && bits < best_bits))
			continue;
		best = route;
		best_bits = bits;
	}
	return best;
}

/* Internet gateways and NAT lead to public addresses only. */
static bool
route_is_private(const json_t *route)
{
	const char *gateway = jsonx_get_string(route, "GatewayId");

	return jsonx_get_string(route, "VpcPeeringConnectionId") != NULL ||
	       jsonx_get_string(route, "TransitGatewayId") != NULL ||
	       jsonx_get_string(route, "NetworkInterfaceId") != NULL ||
	       (gateway != NULL && strncmp(gateway, "igw-", 4) != 0);
}

enum doctor_passage
doctor_routes_pass(const struct doctor *doctor, const struct doctor_way *way, bool *ret_transit)
{
	const char *from = way_vpc(doctor, way->source_subnet);
	const char *to = way_vpc(doctor, way->subnet);
	const json_t *table = route_table_of(doctor, way->source_subnet);
	const char *cidr = way_cidr(doctor, way->subnet);
	const json_t *route;
	const char *state;

	*ret_transit = false;
	if (from != NULL && to != NULL && strcmp(from, to) == 0)
		return PASSAGE_OPEN;
	if (table == NULL || cidr == NULL)
		return PASSAGE_UNKNOWN;
	route = route_find(table, cidr);
	state = jsonx_get_string(route, "State");
	*ret_transit = jsonx_get_string(route, "TransitGatewayId") != NULL;
	return route != NULL && route_is_private(route) && state != NULL &&
		       strcmp(state, "active") == 0
		   ? PASSAGE_OPEN
		   : PASSAGE_CLOSED;
}
