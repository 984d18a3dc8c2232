#ifndef EC2SIM_WORLD_H
#define EC2SIM_WORLD_H

#include "base/buf.h"
#include "tmflow/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A pretended AWS account in one region: the EC2 calls that traffic mirroring needs, over an
 * account whose instances are made up from a seed. No network, no threads, no clock: the same
 * options and the same requests at the same times give the same answers, byte for byte. Memory
 * grows with what is created (sessions, targets, launches), not with the number of instances.
 */
struct sim_world;

#define SIM_INSTANCES_MAX	10000000u
#define SIM_RESERVATION_MAX	64u
#define SIM_VPCS_MAX		200u
#define SIM_SUBNETS_PER_VPC_MAX 100u
#define SIM_CREDENTIALS_MAX	16u
#define SIM_FAULTS_MAX		64u
/* AWS's lists are late by seconds. Without an end, what is asked for once an hour would be late by
 * hours. */
#define SIM_STALE_CALLS_MS_MAX 10000
#define SIM_BODY_BYTES_MAX     (4u << 20) /* a request's body; a longer one is refused */

/* Who may sign requests. */
struct sim_credentials {
	const char *access_key;
	const char *secret_key;
	const char *session_token; /* NULL: none is asked for */
};

#define SIM_ACCESS_KEY_DEFAULT "AKIDEXAMPLE"
#define SIM_SECRET_KEY_DEFAULT "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

/* Strings are copied by world_new. Start from sim_opts_default. */
struct sim_opts {
	uint64_t seed;
	uint64_t instances;
	unsigned reservation_max; /* instances in one reservation, at most */
	unsigned vpcs;		  /* the last one is the small one */
	unsigned subnets_per_vpc;
	uint64_t small_vpc_instances; /* about how many instances fall into the last VPC */
	double mirror_share;	      /* share of instances tagged mirror=yes */
	double
	    unmirrorable_share; /* share of reservations of types that cannot be mirrored; 0: 8 % */
	double foreign_share;	/* share of sources with a session of somebody else */
	bool plain; /* every instance runs, can be mirrored, has one interface and no mirror tag */
	const char *region;
	const char *account_id;
	bool no_auth;
	struct sim_credentials credentials[SIM_CREDENTIALS_MAX]; /* none: the default pair */
	size_t credentials_count;
	double empty_pages; /* probability of an empty page that has a token */
	uint64_t token_ttl; /* requests that a NextToken outlives; 0: it does not expire */
	int64_t stale_ms;   /* describes see a change after that long */
	/* and not before as many describes of that kind of thing, or SIM_STALE_CALLS_MS_MAX */
	uint64_t stale_calls;
	int64_t boot_ms;	  /* pending to running, and shutting-down to terminated */
	bool buckets;		  /* EC2's request quota */
	double bucket_scale;	  /* times the published refill */
	double bucket_size_scale; /* times the published size */
	uint64_t session_limit;	  /* sessions an account; 0: no limit (EC2: 10,000) */
	bool
	    replay_deleted; /* a token of a deleted session or target answers as before, instead of creating another */
	uint64_t members; /* instances in each target group of the given targets; 0: no groups */
	bool ipv6;	  /* members by address are registered with their IPv6 address */
	bool gateway;	  /* a given target more: the endpoint of a gateway load balancer */
	const char *session_number_error;   /* code for a session number in use */
	const char *faults[SIM_FAULTS_MAX]; /* see world_set_faults */
	size_t faults_count;
};
void sim_opts_default(struct sim_opts *opts);

/* Errors: TMF_ERR_INVALID for an option out of its range or a fault that cannot be parsed. */
struct sim_world *world_new(const struct sim_opts *opts, struct tmf_err *err);
void world_free(struct sim_world *world);

struct sim_header {
	const char *name;
	const char *value;
};

/* Borrowed for the call. */
struct sim_request {
	const char *method;
	const char *path; /* as on the request line, with ?query */
	const struct sim_header *headers;
	size_t headers_count;
	struct str body;
	int64_t now_wall_ms;
};

/* How the reply is to be put on the wire. */
enum sim_wire {
	SIM_WIRE_WHOLE,
	SIM_WIRE_CLOSE,	   /* no reply: close the connection */
	SIM_WIRE_TRUNCATE, /* Content-Length of all, half of the body, then close */
};

#define SIM_REQUEST_ID_BYTES 37

struct sim_reply {
	int status;
	const char *content_type; /* static */
	char request_id[SIM_REQUEST_ID_BYTES];
	const char *operation; /* static; "-" where the request named none that is known */
	const char
	    *code; /* borrowed from the world until the next request: the error's code, or "" */
	struct buf body;
	enum sim_wire wire;
	int64_t delay_ms;
};

/* Answers one request: an EC2 or STS call, or one of the control calls under /_sim/ (README.md).
 * Never fails: what is wrong with the request is in the reply.
 * Takes: the reply is the caller's, sim_reply_fini. */
struct sim_reply world_handle(struct sim_world *world, const struct sim_request *request);
void sim_reply_fini(struct sim_reply *reply);

/* Replaces the faults. Each is KIND[:OPERATION]@P (a probability) or @#N (the N-th call of
 * OPERATION, or of all, counted from 1 since the last world_reset_counters). Kinds: throttle, 500,
 * 503, reset-before, reset-after, 500-after, truncate, garbage, delay:MS. Errors:
 * TMF_ERR_INVALID naming the fault; the old ones stay. */
int world_set_faults(
    struct sim_world *world, const char *const *faults, size_t count, struct tmf_err *err);

/* EC2 and STS requests since the start or the last reset. */
uint64_t world_requests(const struct sim_world *world);

/* Zeroes the counters of calls, throttles and faults; resources stay. */
void world_reset_counters(struct sim_world *world);

/* Makes every NextToken that was given out so far invalid. */
void world_expire_tokens(struct sim_world *world);

/* Ends an instance as if by an operator. Errors: TMF_ERR_NOT_FOUND. */
/* Stops a running instance, as an operator would. Errors: TMF_ERR_NOT_FOUND; TMF_ERR_INVALID in
 * another state. */
int world_stop(
    struct sim_world *world, const char *instance_id, int64_t now_wall_ms, struct tmf_err *err);
int world_terminate(
    struct sim_world *world, const char *instance_id, int64_t now_wall_ms, struct tmf_err *err);

/* Where long output goes, piece by piece. */
struct sim_sink {
	void (*write)(void *arg, struct str part);
	void *arg;
};

/* {"ok", "reasons", "calls", "sessions", ...} (README.md). with_sessions adds the list of all
 * sessions by interface. Returns ok. */
bool world_report(const struct sim_world *world, bool with_sessions, const struct sim_sink *sink);

/* {"Vpcs", "Subnets", "GivenTargets", "Filters", "Instances": [...], ...}; limit bounds the
 * instances (0: all). */
void world_print(const struct sim_world *world, uint64_t limit, const struct sim_sink *sink);

/* What every world offers, one a line: "ec2 DescribeInstances". */
void world_print_operations(const struct sim_sink *sink);

/* Which rules a written configuration holds. */
enum sim_scenario {
	SIM_SCENARIO_ALL,  /* all of these */
	SIM_SCENARIO_TAGS, /* a tag rule with a given target */
	SIM_SCENARIO_VPCS, /* a subnet rule with a given target, and a VPC rule whose targets are created */
	SIM_SCENARIO_CREATED, /* that VPC rule alone; what a world of one subnet always gets */
};

/* Appends a tmflow configuration (YAML) that fits this world. */
void world_config(struct sim_world *world, enum sim_scenario scenario, struct buf *out);

/* Compares the sessions that exist with those that a tmflow configuration asks for, by rules
 * written here a second time on purpose. Appends {"ok", "expectedSessions", "missing", ...}.
 * Errors: TMF_ERR_INVALID where config is not one. */
int world_expected(
    const struct sim_world *world, struct str config, struct buf *out, struct tmf_err *err);

/* Ids, for tests: "i-0...", "eni-0..." of base instance number index (0..instances-1). */
#define SIM_ID_BYTES 32
void world_instance_id(const struct sim_world *world, uint64_t index, char out[SIM_ID_BYTES]);
/* device is the attachment's device index; the primary interface has 0. */
void world_interface_id(
    const struct sim_world *world, uint64_t index, unsigned device, char out[SIM_ID_BYTES]);
void world_vpc_id(const struct sim_world *world, unsigned vpc, char out[SIM_ID_BYTES]);
void world_subnet_id(const struct sim_world *world, unsigned subnet, char out[SIM_ID_BYTES]);
void world_security_group_id(const struct sim_world *world, unsigned vpc, char out[SIM_ID_BYTES]);

#define SIM_GIVEN_TARGETS  2u /* Network Load Balancer targets that exist from the start */
#define SIM_GATEWAY_TARGET 2u /* behind them, where opts.gateway asks for it */
#define SIM_GIVEN_FILTERS  4u /* two that take everything, one web traffic, one nothing */
void world_given_target_id(const struct sim_world *world, unsigned n, char out[SIM_ID_BYTES]);
void world_given_filter_id(const struct sim_world *world, unsigned n, char out[SIM_ID_BYTES]);

#endif
