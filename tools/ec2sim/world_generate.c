#include "world_internal.h"

#include <stdio.h>
#include <string.h>

/* Every generated thing is a function of the seed and its number. What each draw is for: */
enum draw {
	DRAW_RESERVATION = 100,
	DRAW_VPC,
	DRAW_SUBNET,
	DRAW_TYPE,
	DRAW_LAUNCH,
	DRAW_STATE,
	DRAW_INTERFACES,
	DRAW_ORDER,
	DRAW_MIRROR,
	DRAW_TAGS,
	DRAW_UNMIRRORABLE,
};

const char world_image_id[] = "ami-0ec251a0ec251a000";

static const struct {
	const char *name;
	unsigned percent;
} types[] = {
    {"t3.micro", 14},
    {"t3.large", 12},
    {"m5.large", 14},
    {"m5.xlarge", 8},
    {"c5.large", 10},
    {"c6g.medium", 6},
    {"m6i.large", 8},
    {"r5.large", 6},
    {"r6g.xlarge", 4},
    {"m4.large", 4},
    {"i3.large", 3},
    {"m5.24xlarge", 2},
    {"m5.metal", 1},
    {"t2.micro", 3},
    {"c7gn.large", 2},
    {"p5en.48xlarge", 1},
    {"m8g.large", 1},
    {"m6i.metal", 1},
};

#define MIRRORABLE_PERCENT 92 /* of the types; they stand first */

static const struct {
	enum instance_state state;
	unsigned percent;
} states[] = {
    {STATE_RUNNING, 80},
    {STATE_STOPPED, 9},
    {STATE_PENDING, 2},
    {STATE_SHUTTING_DOWN, 2},
    {STATE_TERMINATED, 7},
};

static const char *const teams[] = {"payments", "search", "platform", "data & ml", "web"};
static const char *const environments[] = {"prod", "staging", "dev"};

#define LAUNCHED_FROM_MS INT64_C(1735689600000) /* 2025-01-01 */
#define LAUNCHED_FOR_MS	 INT64_C(31536000000)	/* a year */

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

uint64_t
instances_end(const struct sim_world *w)
{
	return w->opts.instances + w->launches_count;
}

unsigned
subnets_count(const struct sim_world *w)
{
	return w->opts.vpcs * w->opts.subnets_per_vpc;
}

unsigned
vpc_of_subnet(const struct sim_world *w, unsigned subnet)
{
	return subnet / w->opts.subnets_per_vpc;
}

void
zone_of_subnet(const struct sim_world *w, unsigned subnet, char out[ZONE_BYTES])
{
	snprintf(out, ZONE_BYTES, "%.40s%c", w->opts.region,
	    "abc"[subnet % w->opts.subnets_per_vpc % 3]);
}

uint32_t
address_of(const struct sim_world *w, const struct instance *instance, unsigned device)
{
	uint32_t host = (uint32_t)(instance->n * INTERFACES_MAX + device);

	(void)w;
	return 10u << 24 | ((instance->vpc << 16) & 0xff0000u) | (host & 0xffffu);
}

void
address_write(uint32_t address, bool ipv6, char out[ADDRESS_BYTES])
{
	if (ipv6)
		snprintf(out, ADDRESS_BYTES, "2001:db8::%x:%x", address >> 16, address & 0xffff);
	else
		snprintf(out, ADDRESS_BYTES, "%u.%u.%u.%u", address >> 24, address >> 16 & 255,
		    address >> 8 & 255, address & 255);
}

/* Blocks of reservation_max instances are cut into reservations where a bit of the block's hash
 * says so. */
static uint64_t
reservation_of(const struct sim_world *w, uint64_t n)
{
	uint64_t block = n / w->opts.reservation_max;
	uint64_t cuts = world_hash(w, DRAW_RESERVATION, block);
	uint64_t first = n;

	while (first > block * w->opts.reservation_max &&
	       (cuts >> (first % w->opts.reservation_max) & 1) == 0)
		first--;
	return first;
}

/* VPC, subnet, type and time are those of the reservation. */
static void
generate_launch(const struct sim_world *w, struct instance *i)
{
	uint64_t r = i->reservation;
	unsigned vpcs = w->opts.vpcs;
	unsigned percent = (unsigned)(world_hash(w, DRAW_TYPE, r) % 100);
	size_t type = 0;

	if (vpcs == 1 || world_chance(w, DRAW_VPC, r) < w->small_vpc_share)
		i->vpc = vpcs - 1;
	else
		i->vpc = (uint32_t)(world_hash(w, DRAW_VPC, ~r) % (vpcs - 1));
	i->subnet = i->vpc * w->opts.subnets_per_vpc +
		    (uint32_t)(world_hash(w, DRAW_SUBNET, r) % w->opts.subnets_per_vpc);
	if (w->opts.plain)
		percent %= MIRRORABLE_PERCENT;
	if (w->opts.unmirrorable_share > 0) {
		percent %= MIRRORABLE_PERCENT;
		if (world_chance(w, DRAW_UNMIRRORABLE, r) < w->opts.unmirrorable_share)
			percent = MIRRORABLE_PERCENT + percent % (100 - MIRRORABLE_PERCENT);
	}
	while (percent >= types[type].percent)
		percent -= types[type++].percent;
	i->type = types[type].name;
	i->launch_ms =
	    LAUNCHED_FROM_MS +
	    (int64_t)(world_hash(w, DRAW_LAUNCH, r) % (uint64_t)LAUNCHED_FOR_MS) / 1000 * 1000;
}

static void
generate_state(const struct sim_world *w, struct instance *i)
{
	unsigned percent = (unsigned)(world_hash(w, DRAW_STATE, i->n) % 100);
	size_t row = 0;

	while (percent >= states[row].percent)
		percent -= states[row++].percent;
	i->state = w->opts.plain ? STATE_RUNNING : states[row].state;
}

/* One to three interfaces; the primary one stands first in a third of the lists only. */
static void
generate_interfaces(const struct sim_world *w, struct instance *i)
{
	uint64_t draw = world_hash(w, DRAW_INTERFACES, i->n) % 10;
	uint64_t order = world_hash(w, DRAW_ORDER, i->n);

	i->interfaces = draw < 6 || w->opts.plain ? 1 : draw < 9 ? 2 : 3;
	for (unsigned k = 0; k < i->interfaces; k++)
		i->order[k] = (uint8_t)k;
	for (unsigned k = i->interfaces; k > 1; k--) {
		unsigned other = (unsigned)(order % k);
		uint8_t swapped = i->order[k - 1];

		order /= k;
		i->order[k - 1] = i->order[other];
		i->order[other] = swapped;
	}
}

static size_t
put_tag(struct instance *i, size_t at, const char *key, const char *value)
{
	size_t key_bytes = strlen(key) + 1, value_bytes = strlen(value) + 1;

	if (at + key_bytes + value_bytes > sizeof(i->tags_text))
		return at;
	memcpy(i->tags_text + at, key, key_bytes);
	memcpy(i->tags_text + at + key_bytes, value, value_bytes);
	i->tags.count++;
	return at + key_bytes + value_bytes;
}

static void
generate_tags(const struct sim_world *w, struct instance *i)
{
	uint64_t draw = world_hash(w, DRAW_TAGS, i->n);
	double mirror = world_chance(w, DRAW_MIRROR, i->n);
	double rest = 1 - w->opts.mirror_share;
	char name[32] = "host-";
	char digits[24];
	size_t at, len = 0;

	for (uint64_t n = i->n; n > 0 || len == 0; n /= 10)
		digits[len++] = (char)('0' + n % 10);
	for (size_t k = 0; k < len; k++)
		name[5 + k] = digits[len - 1 - k];
	name[5 + len] = '\0';
	i->tags = (struct tags){.blob = i->tags_text};
	at = put_tag(i, 0, "Name", name);
	at = put_tag(i, at, "team", teams[draw % COUNT_OF(teams)]);
	if (draw / 8 % 5 != 0)
		at = put_tag(i, at, "env", environments[draw / 64 % COUNT_OF(environments)]);
	if (w->opts.plain)
		return;
	if (mirror < w->opts.mirror_share)
		put_tag(i, at, "mirror", "yes");
	else if (mirror < w->opts.mirror_share + rest * 0.10)
		put_tag(i, at, "mirror", "no");
	else if (mirror < w->opts.mirror_share + rest * 0.13)
		put_tag(i, at, "Mirror", "yes"); /* keys are case-sensitive */
}

static bool
load_launched(const struct sim_world *w, struct instance *i, enum look look)
{
	const struct launch *l = &w->launches[i->n - w->opts.instances];

	if (look == LOOK_SEEN && !stamp_settled(w, STALE_INSTANCES, &l->created))
		return false;
	i->launched = true;
	i->type = l->type;
	i->image = l->image;
	i->client_token = l->client_token;
	i->subnet = l->subnet;
	i->vpc = vpc_of_subnet(w, l->subnet);
	i->reservation = l->reservation;
	i->launch_index = l->launch_index;
	i->launch_ms = l->launch_ms;
	i->interfaces = 1;
	i->order[0] = 0;
	i->state = w->now_wall_ms < l->launch_ms + w->opts.boot_ms ? STATE_PENDING : STATE_RUNNING;
	i->tags = tags_slot_look(w, &l->tags, STALE_INSTANCES, look);
	return true;
}

static void
load_generated(const struct sim_world *w, struct instance *i, enum look look)
{
	const struct tags_slot *slot = tags_slot_find(w, ID_INSTANCE, i->n);

	i->image = world_image_id;
	i->reservation = reservation_of(w, i->n);
	i->launch_index = (unsigned)(i->n - i->reservation);
	generate_launch(w, i);
	generate_state(w, i);
	generate_interfaces(w, i);
	if (slot != NULL)
		i->tags = tags_slot_look(w, slot, STALE_INSTANCES, look);
	else
		generate_tags(w, i);
}

static enum instance_state
ended_state(const struct sim_world *w, const struct ending *ending, enum instance_state state,
    enum look look)
{
	if (look == LOOK_SEEN && !stamp_settled(w, STALE_INSTANCES, &ending->ended))
		return state;
	if (ending->stopped)
		return STATE_STOPPED;
	if (look == LOOK_TRUE)
		return STATE_TERMINATED;
	if (w->now_wall_ms < ending->ended.wall_ms + w->opts.boot_ms)
		return STATE_SHUTTING_DOWN;
	return STATE_TERMINATED;
}

bool
instance_load(const struct sim_world *w, uint64_t n, enum look look, struct instance *ret)
{
	uint64_t ending;

	if (n >= instances_end(w))
		return false;
	memset(ret, 0, offsetof(struct instance, tags_text));
	ret->n = n;
	if (n < w->opts.instances)
		load_generated(w, ret, look);
	else if (!load_launched(w, ret, look))
		return false;
	if (idmap_get(&w->ending_of, n, &ending))
		ret->state = ended_state(w, &w->endings[ending], ret->state, look);
	if (ret->state == STATE_TERMINATED)
		ret->interfaces = 0;
	return true;
}

bool
interface_load(
    const struct sim_world *w, uint64_t interface, enum look look, struct instance *ret_holder)
{
	return instance_load(w, interface / INTERFACES_MAX, look, ret_holder) &&
	       interface % INTERFACES_MAX < ret_holder->interfaces;
}
