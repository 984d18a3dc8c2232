#include "world_internal.h"

#include <string.h>

#define ID_DIGITS 17u /* after the prefix: "0" and 64 bits in hex */

static const struct {
	const char *prefix;
	const char *resource_type; /* NULL: cannot be tagged here */
} kinds[ID_COUNT] = {
    [ID_INSTANCE] = {"i-", "instance"},
    [ID_INTERFACE] = {"eni-", "network-interface"},
    [ID_ATTACHMENT] = {"eni-attach-", NULL},
    [ID_RESERVATION] = {"r-", NULL},
    [ID_VPC] = {"vpc-", "vpc"},
    [ID_SUBNET] = {"subnet-", "subnet"},
    [ID_GROUP] = {"sg-", NULL},
    [ID_TARGET] = {"tmt-", "traffic-mirror-target"},
    [ID_SESSION] = {"tms-", "traffic-mirror-session"},
    [ID_FILTER] = {"tmf-", "traffic-mirror-filter"},
};

/* A bijection of 64 bits (splitmix64's finaliser), so that ids look random and can be read back. */
static uint64_t
mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static uint64_t
unmix(uint64_t x)
{
	x = (x ^ x >> 31 ^ x >> 62) * 0x319642b2d24d8ec3u;
	x = (x ^ x >> 27 ^ x >> 54) * 0x96de1b173f119089u;
	return x ^ x >> 30 ^ x >> 60;
}

uint64_t
world_hash(const struct sim_world *w, uint64_t a, uint64_t b)
{
	return mix(mix(mix(w->opts.seed + 0x9e3779b97f4a7c15u) + a) + b * 0x9e3779b97f4a7c15u);
}

double
world_chance(const struct sim_world *w, uint64_t a, uint64_t b)
{
	return (double)(world_hash(w, a, b) >> 11) * 0x1.0p-53;
}

uint64_t
hash_text(struct str text, uint64_t start)
{
	uint64_t hash = start ^ 0xcbf29ce484222325u;

	for (size_t i = 0; i < text.len; i++)
		hash = (hash ^ (unsigned char)text.p[i]) * 0x100000001b3u;
	return mix(hash + text.len);
}

void
id_write(const struct sim_world *w, enum id_kind kind, uint64_t n, char out[SIM_ID_BYTES])
{
	static const char hex[] = "0123456789abcdef";
	uint64_t bits = mix(n + w->id_keys[kind]);
	size_t len = strlen(kinds[kind].prefix);

	memcpy(out, kinds[kind].prefix, len);
	out[len++] = '0';
	for (unsigned shift = 64; shift > 0; shift -= 4)
		out[len++] = hex[bits >> (shift - 4) & 15];
	out[len] = '\0';
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
id_read(
    const struct sim_world *w, enum id_kind kind, struct str id, uint64_t *ret_n, bool *ret_formed)
{
	size_t len = strlen(kinds[kind].prefix);
	uint64_t bits = 0;

	*ret_formed = false;
	if (!str_starts(id, kinds[kind].prefix) || id.len < len + 1 || id.len > len + ID_DIGITS)
		return false;
	for (size_t i = len; i < id.len; i++) {
		int digit = hex_digit(id.p[i]);

		if (digit < 0)
			return false;
		bits = bits << 4 | (uint64_t)digit;
	}
	*ret_formed = true;
	if (id.len != len + ID_DIGITS || id.p[len] != '0')
		return false;
	*ret_n = unmix(bits) - w->id_keys[kind];
	return *ret_n >> 56 == 0;
}

enum id_kind
id_kind_of(struct str id)
{
	size_t best_len = 0;
	enum id_kind best = ID_COUNT;

	for (size_t kind = 0; kind < ID_COUNT; kind++) {
		size_t len = strlen(kinds[kind].prefix);

		if (len > best_len && str_starts(id, kinds[kind].prefix)) {
			best = (enum id_kind)kind;
			best_len = len;
		}
	}
	return best;
}

const char *
id_resource_type(enum id_kind kind)
{
	return kinds[kind].resource_type;
}

void
world_instance_id(const struct sim_world *world, uint64_t index, char out[SIM_ID_BYTES])
{
	id_write(world, ID_INSTANCE, index, out);
}

void
world_interface_id(
    const struct sim_world *world, uint64_t index, unsigned device, char out[SIM_ID_BYTES])
{
	id_write(world, ID_INTERFACE, index * INTERFACES_MAX + device, out);
}

void
world_vpc_id(const struct sim_world *world, unsigned vpc, char out[SIM_ID_BYTES])
{
	id_write(world, ID_VPC, vpc, out);
}

void
world_subnet_id(const struct sim_world *world, unsigned subnet, char out[SIM_ID_BYTES])
{
	id_write(world, ID_SUBNET, subnet, out);
}

void
world_security_group_id(const struct sim_world *world, unsigned vpc, char out[SIM_ID_BYTES])
{
	id_write(world, ID_GROUP, vpc, out);
}

void
world_given_target_id(const struct sim_world *world, unsigned n, char out[SIM_ID_BYTES])
{
	id_write(world, ID_TARGET, n, out);
}

void
world_given_filter_id(const struct sim_world *world, unsigned n, char out[SIM_ID_BYTES])
{
	id_write(world, ID_FILTER, n, out);
}
