#ifndef EC2SIM_CLOUD_H
#define EC2SIM_CLOUD_H

#include "world.h"

/*
 * Several accounts in several regions at one endpoint: a world for each pair. Whose key signed a
 * request chooses the account, the region in the signature's scope the region. AssumeRole leads
 * from one account to the others. One account and one region is the usual case.
 */
struct sim_cloud;

#define SIM_REGIONS_MAX 16u
#define SIM_DENIED_MAX	64u

struct sim_cloud_opts {
	struct sim_opts world; /* of each; world.region and world.account_id are the first's */
	unsigned accounts;     /* with ids that count up; 0 is 1 */
	const char *regions;   /* "us-east-1,eu-west-1"; NULL: world.region alone */
	const char *denied[SIM_DENIED_MAX]; /* accounts whose roles nobody may assume */
	size_t denied_count;
	const char *suspended[SIM_DENIED_MAX]; /* accounts, as Organizations lists them */
	size_t suspended_count;
	const char *disabled[SIM_DENIED_MAX]; /* ACCOUNT/REGION that is not enabled */
	size_t disabled_count;
	int64_t role_ms_max; /* bounds the life of an assumed role's credentials; 0: as asked */
};

/* Errors: as world_new; TMF_ERR_INVALID for accounts, regions or denied accounts that do not
 * exist. */
struct sim_cloud *cloud_new(const struct sim_cloud_opts *opts, struct tmf_err *err);
void cloud_free(struct sim_cloud *cloud);

/* As world_handle. Calls under /_sim/ take account=ID and region=REGION in their query, the first
 * ones where absent; without either, those that set something for all (faults, reset-counters,
 * expire-tokens) do so in every world. */
struct sim_reply cloud_handle(struct sim_cloud *cloud, const struct sim_request *request);

/* EC2 and STS requests to all worlds since the start or the last reset. */
uint64_t cloud_requests(const struct sim_cloud *cloud);

/* Borrowed. The account counts from 0 in the order of ids, the region in that of regions. */
size_t cloud_worlds(const struct sim_cloud *cloud);
struct sim_world *cloud_world_at(const struct sim_cloud *cloud, size_t index);
struct sim_world *cloud_world(const struct sim_cloud *cloud, unsigned account, unsigned region);

/* The report of the only world, or {"ok", "worlds": [{"account", "region", "report"}]}. Returns
 * ok. */
bool cloud_report(const struct sim_cloud *cloud, bool with_sessions, const struct sim_sink *sink);

/* Appends one configuration for all worlds. */
void cloud_config(const struct sim_cloud *cloud, enum sim_scenario scenario, struct buf *out);

#endif
