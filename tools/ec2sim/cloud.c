#include "cloud.h"

#include "world_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sim_cloud {
	struct realm *realm;
	char *regions[SIM_REGIONS_MAX];
	unsigned regions_count;
	unsigned accounts;
	struct sim_world **worlds; /* account * regions_count + region */
};

/* Further accounts have other worlds: far apart, so that seeds 1 and 2 do not meet. */
#define SEED_STEP_ACCOUNT UINT64_C(1000003)
#define SEED_STEP_REGION  UINT64_C(7368787)

size_t
cloud_worlds(const struct sim_cloud *cloud)
{
	return (size_t)cloud->accounts * cloud->regions_count;
}

struct sim_world *
cloud_world_at(const struct sim_cloud *cloud, size_t index)
{
	return cloud->worlds[index];
}

struct sim_world *
cloud_world(const struct sim_cloud *cloud, unsigned account, unsigned region)
{
	return cloud->worlds[(size_t)account * cloud->regions_count + region];
}

static int
split_regions(struct sim_cloud *cloud, const char *list, struct tmf_err *err)
{
	while (true) {
		size_t len = strcspn(list, ",");

		if (len == 0 || len > 40 || cloud->regions_count == SIM_REGIONS_MAX)
			return tmf_err_set(err, TMF_ERR_INVALID,
			    "regions must be 1 to %u names: a,b,c", SIM_REGIONS_MAX);
		cloud->regions[cloud->regions_count++] = mem_strndup(list, len);
		if (list[len] == '\0')
			return 0;
		list += len + 1;
	}
}

static struct sim_world *
make_world(struct sim_cloud *cloud, const struct sim_cloud_opts *opts, unsigned account,
    unsigned region, struct tmf_err *err)
{
	struct sim_opts one = opts->world;
	struct sim_world *world;
	char key[64];

	one.seed += SEED_STEP_ACCOUNT * account + SEED_STEP_REGION * region;
	one.region = cloud->regions[region];
	one.account_id = realm_account_id(cloud->realm, account);
	if (account > 0) {
		snprintf(key, sizeof(key), SIM_ACCESS_KEY_DEFAULT "%u", account + 1);
		one.credentials[0] = (struct sim_credentials){key, SIM_SECRET_KEY_DEFAULT, NULL};
		one.credentials_count = 1;
	}
	world = world_new(&one, err);
	if (world != NULL)
		world_join(world, cloud->realm, account);
	return world;
}

static int
make_worlds(struct sim_cloud *cloud, const struct sim_cloud_opts *opts, struct tmf_err *err)
{
	cloud->realm = realm_new(
	    opts->world.account_id, opts->accounts > 0 ? opts->accounts : 1, opts->world.seed, err);
	if (cloud->realm == NULL)
		return -1;
	cloud->accounts = opts->accounts > 0 ? opts->accounts : 1;
	for (size_t i = 0; i < opts->denied_count; i++)
		if (realm_deny(cloud->realm, opts->denied[i], err) < 0)
			return -1;
	for (size_t i = 0; i < opts->suspended_count; i++)
		if (realm_suspend(cloud->realm, opts->suspended[i], err) < 0)
			return -1;
	for (size_t i = 0; i < opts->disabled_count; i++)
		if (realm_disable_region(cloud->realm, opts->disabled[i], err) < 0)
			return -1;
	if (opts->regions != NULL)
		realm_set_regions(cloud->realm, cloud->regions, cloud->regions_count);
	realm_set_role_ms_max(cloud->realm, opts->role_ms_max);
	cloud->worlds = mem_zalloc(cloud_worlds(cloud), sizeof(struct sim_world *));
	for (size_t i = 0; i < cloud_worlds(cloud); i++) {
		cloud->worlds[i] = make_world(cloud, opts, (unsigned)(i / cloud->regions_count),
		    (unsigned)(i % cloud->regions_count), err);
		if (cloud->worlds[i] == NULL)
			return -1;
	}
	return 0;
}

struct sim_cloud *
cloud_new(const struct sim_cloud_opts *opts, struct tmf_err *err)
{
	struct sim_cloud *cloud = mem_zalloc(1, sizeof(*cloud));
	const char *regions = opts->regions != NULL ? opts->regions : opts->world.region;

	if (split_regions(cloud, regions, err) < 0 || make_worlds(cloud, opts, err) < 0) {
		cloud_free(cloud);
		return NULL;
	}
	return cloud;
}

void
cloud_free(struct sim_cloud *cloud)
{
	if (cloud == NULL)
		return;
	for (size_t i = 0; cloud->worlds != NULL && i < cloud_worlds(cloud); i++)
		world_free(cloud->worlds[i]);
	for (unsigned i = 0; i < cloud->regions_count; i++)
		free(cloud->regions[i]);
	realm_free(cloud->realm);
	free(cloud->worlds);
	free(cloud);
}

/* ---- which world ---- */

static bool
find_region(const struct sim_cloud *cloud, struct str name, unsigned *ret_region)
{
	for (unsigned i = 0; i < cloud->regions_count; i++) {
		if (str_is(name, cloud->regions[i])) {
			*ret_region = i;
			return true;
		}
	}
	return false;
}

/* The account whose key it is; what is known to none is the first one's to refuse. */
static unsigned
account_of_key(const struct sim_cloud *cloud, struct str key)
{
	for (unsigned i = 0; i < cloud->accounts; i++)
		if (auth_key_known(cloud_world(cloud, i, 0), key))
			return i;
	return 0;
}

static struct sim_world *
world_of_signature(const struct sim_cloud *cloud, const struct sim_request *request)
{
	struct str key, name;
	unsigned region = 0;

	if (!auth_claims(request, &key, &name))
		return cloud->worlds[0];
	find_region(cloud, name, &region);
	return cloud_world(cloud, account_of_key(cloud, key), region);
}

/* NAME=VALUE of a control call's query; p NULL where absent. */
static struct str
query_value(const char *path, const char *name)
{
	const char *at = strchr(path, '?');
	size_t len = strlen(name);

	while (at != NULL) {
		at++;
		if (strncmp(at, name, len) == 0 && at[len] == '=')
			return (struct str){at + len + 1, strcspn(at + len + 1, "&")};
		at = strchr(at, '&');
	}
	return (struct str){NULL, 0};
}

/* ---- control calls ---- */

static void
append(void *arg, struct str part)
{
	buf_add_str(arg, part);
}

static struct sim_reply
no_such_world(void)
{
	struct sim_reply reply = {
	    .status = 404, .content_type = "application/json", .operation = "control", .code = ""};

	buf_add_cstr(&reply.body, "{\"error\":\"no such account or region\"}\n");
	return reply;
}

/* The answers are alike: that of the last world, or of the first that refused. */
static struct sim_reply
handle_in_all(struct sim_cloud *cloud, const struct sim_request *request)
{
	struct sim_reply reply = world_handle(cloud->worlds[0], request);

	for (size_t i = 1; i < cloud_worlds(cloud) && reply.status == 200; i++) {
		sim_reply_fini(&reply);
		reply = world_handle(cloud->worlds[i], request);
	}
	return reply;
}

/* What is asked of all worlds at once. Returns false for any other call. */
static bool
answer_for_all(struct sim_cloud *cloud, const struct sim_request *request, struct sim_reply *reply)
{
	struct str path = {request->path, strcspn(request->path, "?")};
	struct sim_sink sink = {append, &reply->body};

	*reply = (struct sim_reply){
	    .status = 200, .content_type = "application/json", .operation = "control", .code = ""};
	if (strcmp(request->method, "GET") != 0)
		return false;
	if (str_is(path, "/_sim/report")) {
		cloud_report(cloud, strstr(request->path, "sessions=1") != NULL, &sink);
		return true;
	}
	if (!str_is(path, "/_sim/config"))
		return false;
	reply->content_type = "application/yaml";
	cloud_config(cloud, SIM_SCENARIO_ALL, &reply->body);
	return true;
}

static struct sim_reply
handle_control(struct sim_cloud *cloud, const struct sim_request *request)
{
	struct sim_reply reply;

	static const char *const for_all[] = {
	    "/_sim/faults", "/_sim/reset-counters", "/_sim/expire-tokens"};
	struct str account_id = query_value(request->path, "account");
	struct str name = query_value(request->path, "region");
	bool for_every = cloud_worlds(cloud) > 1 && account_id.p == NULL && name.p == NULL;
	unsigned account = 0, region = 0;

	if ((account_id.p != NULL && !realm_find_account(cloud->realm, account_id, &account)) ||
	    (name.p != NULL && !find_region(cloud, name, &region)))
		return no_such_world();
	for (size_t i = 0; i < sizeof(for_all) / sizeof(for_all[0]); i++)
		if (for_every && strcmp(request->path, for_all[i]) == 0)
			return handle_in_all(cloud, request);
	if (for_every && answer_for_all(cloud, request, &reply))
		return reply;
	return world_handle(cloud_world(cloud, account, region), request);
}

struct sim_reply
cloud_handle(struct sim_cloud *cloud, const struct sim_request *request)
{
	if (strncmp(request->path, "/_sim/", 6) == 0)
		return handle_control(cloud, request);
	return world_handle(world_of_signature(cloud, request), request);
}

uint64_t
cloud_requests(const struct sim_cloud *cloud)
{
	uint64_t requests = 0;

	for (size_t i = 0; i < cloud_worlds(cloud); i++)
		requests += world_requests(cloud->worlds[i]);
	return requests;
}

/* ---- what goes out ---- */

bool
cloud_report(const struct sim_cloud *cloud, bool with_sessions, const struct sim_sink *sink)
{
	struct jo_out j = {.sink = sink};
	bool ok = true;

	if (cloud_worlds(cloud) == 1)
		return world_report(cloud->worlds[0], with_sessions, sink);
	jo_open(&j, NULL, '{');
	jo_open(&j, "worlds", '[');
	for (size_t i = 0; i < cloud_worlds(cloud); i++) {
		const struct sim_world *world = cloud->worlds[i];
		struct buf report = {0};

		ok = world_report(world, with_sessions, &(struct sim_sink){append, &report}) && ok;
		jo_open(&j, NULL, '{');
		jo_text(&j, "account", world->opts.account_id);
		jo_text(&j, "region", world->opts.region);
		buf_add_cstr(&j.buf, ",\"report\":");
		buf_add_str(&j.buf, str_trim(buf_str(&report)));
		buf_fini(&report);
		jo_close(&j, '}');
	}
	jo_close(&j, ']');
	jo_bool(&j, "ok", ok);
	jo_close(&j, '}');
	buf_add_char(&j.buf, '\n');
	jo_flush(&j);
	buf_fini(&j.buf);
	return ok;
}

void
cloud_config(const struct sim_cloud *cloud, enum sim_scenario scenario, struct buf *out)
{
	world_config_all(cloud->worlds, cloud_worlds(cloud), scenario, out);
}
