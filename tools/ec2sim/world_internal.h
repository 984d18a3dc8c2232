#ifndef EC2SIM_WORLD_INTERNAL_H
#define EC2SIM_WORLD_INTERNAL_H

#include "idmap.h"
#include "realm.h"
#include "world.h"
#include "xml_out.h"

#include "base/mem.h"

#include <stdarg.h>

/* ---- ids (world_ids.c): one number space a kind; an id is a scrambled number, so it can be
 * read back without a table ---- */

enum id_kind {
	ID_INSTANCE,
	ID_INTERFACE, /* instance number * INTERFACES_MAX + device index */
	ID_ATTACHMENT,
	ID_RESERVATION, /* number of the reservation's first instance */
	ID_VPC,
	ID_SUBNET,
	ID_GROUP, /* security group: one a VPC */
	ID_TARGET,
	ID_SESSION,
	ID_FILTER,
	ID_COUNT
};

#define INTERFACES_MAX 4u /* numbers set aside an instance; generated ones have 1 to 3 */

void id_write(const struct sim_world *w, enum id_kind kind, uint64_t n, char out[SIM_ID_BYTES]);
/* False where id is not of that kind's form (*ret_formed false) or names no number below 2^56. */
bool id_read(
    const struct sim_world *w, enum id_kind kind, struct str id, uint64_t *ret_n, bool *ret_formed);
/* The kind by prefix ("i-", "eni-" ...); ID_COUNT for none. */
enum id_kind id_kind_of(struct str id);
/* The name that tag calls give the kind: "instance", "traffic-mirror-target", ... */
const char *id_resource_type(enum id_kind kind);

/* A hash of the seed and two numbers: all of the world's chance. */
uint64_t world_hash(const struct sim_world *w, uint64_t a, uint64_t b);
/* The same as a fraction in [0, 1). */
double world_chance(const struct sim_world *w, uint64_t a, uint64_t b);
uint64_t hash_text(struct str text, uint64_t start);

/* ---- tags (world_tags.c) ---- */

#define TAGS_MAX	    50u
#define TAG_KEY_BYTES_MAX   128u
#define TAG_VALUE_BYTES_MAX 256u

/* "key\0value\0..." with count pairs; borrowed. */
struct tags {
	const char *blob;
	size_t count;
};

/* When a change was made, by the clock and by the count of describes of that kind. */
struct stamp {
	int64_t wall_ms;
	uint64_t calls;
};

/* A resource's tags with what describes still show. Owned blobs, or NULL. */
struct tags_slot {
	char *now;
	char *before;
	uint16_t now_count;
	uint16_t before_count;
	struct stamp changed;
};

/* What shows a change late: counters of describes. */
enum stale_kind { STALE_INSTANCES, STALE_TARGETS, STALE_SESSIONS, STALE_OTHER, STALE_COUNT };

bool tags_next(const struct tags *tags, const char **cursor, size_t *index, const char **ret_key,
    const char **ret_value);
const char *tags_value(const struct tags *tags, const char *key);
void tags_slot_fini(struct tags_slot *slot);
/* to must be empty. */
void tags_slot_copy(struct tags_slot *to, const struct tags_slot *from);
void tags_write_xml(struct buf *out, const struct tags *tags);

/* ---- instances ---- */

enum instance_state {
	STATE_PENDING,
	STATE_RUNNING,
	STATE_SHUTTING_DOWN,
	STATE_TERMINATED,
	STATE_STOPPING,
	STATE_STOPPED,
	STATE_COUNT
};
const char *state_name(enum instance_state state);
int state_code(enum instance_state state);

enum look {
	LOOK_SEEN, /* what describes show: late */
	LOOK_TRUE, /* what is */
};

#define INSTANCE_TAGS_BYTES 160

/* One instance as of a time; filled by instance_load, nothing in it is owned. */
struct instance {
	uint64_t n;
	enum instance_state state;
	const char *type;
	const char *image;
	const char *client_token; /* NULL: none */
	const char *key_name;
	uint32_t vpc;
	uint32_t subnet;
	uint64_t reservation;
	unsigned launch_index;
	int64_t launch_ms;
	unsigned interfaces;	       /* 0 once terminated */
	uint8_t order[INTERFACES_MAX]; /* device indexes in the order in which they are listed */
	bool launched;
	struct tags tags;
	char tags_text[INSTANCE_TAGS_BYTES];
};

/* An instance that RunInstances made. */
struct launch {
	char *type;
	char *image;
	char *client_token;
	uint32_t subnet;
	unsigned creator;
	uint64_t reservation;
	unsigned launch_index;
	int64_t launch_ms;
	struct stamp created;
	struct tags_slot tags;
};

/* What has been stopped or terminated since the start. */
struct ending {
	enum instance_state before;
	bool stopped; /* not terminated: its interfaces and their sessions stay */
	struct stamp ended;
};

/* ---- targets and sessions ---- */

enum target_type { TARGET_INTERFACE, TARGET_NLB, TARGET_GWLBE };

struct target {
	enum target_type type;
	uint64_t interface; /* number, where type is TARGET_INTERFACE */
	char *endpoint;	    /* ARN or vpce- id, else NULL */
	char *description;
	uint32_t creator; /* index into world.creators; 0 is the world itself */
	bool deleted;
	struct stamp created;
	struct stamp deletion;
	uint32_t session_first; /* + 1; 0: none */
	uint32_t sessions;
	uint32_t sources; /* distinct interfaces */
	bool used;	  /* has had a session */
	struct tags_slot tags;
};

/* The part of a session that ModifyTrafficMirrorSession changes. */
struct session_value {
	uint64_t filter;
	uint32_t target;
	uint32_t session_number;
	uint32_t virtual_network_id;
	uint32_t packet_length; /* 0: whole packets */
};

struct session {
	uint64_t interface;
	struct session_value now;
	struct session_value *before; /* NULL unless modified a moment ago */
	char *description;
	uint32_t creator;
	uint32_t deleter; /* 0: none, or it went with its interface */
	bool deleted;
	struct stamp created;
	struct stamp changed;
	struct stamp deletion;
	uint32_t interface_next; /* + 1 */
	uint32_t target_prev;	 /* + 1 */
	uint32_t target_next;	 /* + 1 */
	struct tags_slot tags;
};

/* ---- the world ---- */

enum bucket_class {
	BUCKET_NONE,
	BUCKET_DESCRIBE,
	BUCKET_MUTATE,
	BUCKET_TAGS,
	BUCKET_RUN,
	BUCKET_TERMINATE
};

struct sim_call;

/* Which service an operation is of. EC2 has its own form of errors, the others that of the Query
 * protocol. */
enum sim_service {
	SERVICE_EC2,
	SERVICE_STS,
	SERVICE_ELB,
	SERVICE_CLOUDTRAIL,
	SERVICE_ORGANIZATIONS,
	SERVICE_EVENTS,
	SERVICE_RAM,
	SERVICE_COUNT
};
struct sim_service_facts {
	const char *name; /* as it signs */
	const char *version;
	const char *xml_namespace; /* NULL: it speaks JSON */
};
extern const struct sim_service_facts world_services[SERVICE_COUNT];

/* A row of the table of operations (world_actions.c). */
struct sim_action {
	const char *name;
	int (*run)(struct sim_call *c);
	const char *const
	    *params; /* parameter names or, with a final dot, prefixes; ends with NULL */
	enum bucket_class bucket;
	enum sim_service service;
};
extern const struct sim_action world_actions[];
extern const size_t world_actions_count;
#define SIM_ACTIONS_MAX 64u

struct bucket {
	double tokens;
	int64_t filled_wall_ms;
	bool used;
};

struct action_stats {
	uint64_t calls;
	uint64_t ok;
	uint64_t errors;
	uint64_t throttled;
	uint64_t faults;
	uint64_t replayed; /* answered from a ClientToken */
};

enum fault_kind {
	FAULT_THROTTLE,
	FAULT_500,
	FAULT_503,
	FAULT_RESET_BEFORE,
	FAULT_RESET_AFTER,
	FAULT_500_AFTER,
	FAULT_TRUNCATE,
	FAULT_GARBAGE,
	FAULT_DELAY,
	FAULT_REFUSE,
	FAULT_COUNT
};
#define FAULT_BIT(kind) (1u << (kind))

#define FAULT_TEXT_BYTES 192
#define FAULT_CODE_BYTES 96

struct fault {
	enum fault_kind kind;
	size_t action; /* index, or SIM_ACTIONS_MAX: any */
	double probability;
	uint64_t at;  /* 0: by probability */
	bool onwards; /* from call number `at` on, not that call alone */
	int64_t delay_ms;
	char code[FAULT_CODE_BYTES]; /* of a refusal */
	/* A refusal strikes only calls with a parameter of this value: the id of a subnet, a
	 * filter, a target. "": all. */
	char place[SIM_ID_BYTES];
	uint64_t hits;
	char text[FAULT_TEXT_BYTES];
};

/* What a ClientToken once did. */
struct token_use {
	uint64_t params;
	uint64_t resource;
};

#define CREATORS_MAX                                                                               \
	4096u /* distinct pairs of access key and user agent; further ones count as the last */

/* Memory of the last signing key: a client signs all day with the same. */
struct signing_cache {
	char scope[128];
	char access_key[129];
	uint8_t key[32];
	bool valid;
};

struct sim_world {
	struct sim_opts opts; /* strings owned, in strings */
	char **strings;
	size_t strings_count;
	uint64_t id_keys[ID_COUNT];
	double small_vpc_share;

	struct launch *launches;
	size_t launches_count;
	struct ending *endings;
	size_t endings_count;
	struct idmap ending_of; /* instance number -> endings */

	struct target *targets;
	size_t targets_count;
	struct idmap target_of_interface; /* live ones: interface number -> target */
	uint64_t *members;		  /* instances behind load balancers, group by group */
	size_t members_count;
	struct idmap member_of; /* instance number -> target */
	struct session *sessions;
	size_t sessions_count;
	size_t sessions_live;
	struct idmap sessions_of_interface; /* interface number -> first session */

	struct tags_slot *tag_slots; /* of generated resources whose tags were changed */
	size_t tag_slots_count;
	struct idmap tag_slot_of; /* kind and number -> tag_slots */

	struct token_use *tokens;
	size_t tokens_count;
	struct idmap token_of; /* hash of action and token -> tokens */

	char **creators;
	uint64_t *creator_sessions; /* created, ever */
	size_t creators_count;
	struct idmap creator_of;

	char *answers[SIM_ACTIONS_MAX]; /* that are given, or NULL; see world_answers.c */
	struct bucket buckets[SIM_ACTIONS_MAX][2];
	struct action_stats stats[SIM_ACTIONS_MAX];
	uint64_t unknown_actions;
	uint64_t auth_failures;
	uint64_t requests;	 /* since the last reset */
	uint64_t serial;	 /* ever */
	uint64_t tokens_expired; /* serials up to this one no longer have valid tokens */
	uint64_t describes[STALE_COUNT];
	struct fault faults[SIM_FAULTS_MAX];
	size_t faults_count;
	uint64_t faults_by_kind[FAULT_COUNT];
	uint64_t sessions_created, sessions_deleted, targets_created, targets_deleted;
	uint64_t sessions_moved; /* changed while their target took packets */
	int64_t now_wall_ms;	 /* of the last request */
	struct signing_cache signing;
	struct realm *realm;
	bool realm_shared; /* owned by the cloud */
	unsigned account;  /* of the realm */
	char error_code[128];
};

/* True once describes of that kind show what was changed at stamp. */
bool stamp_settled(const struct sim_world *w, enum stale_kind kind, const struct stamp *stamp);
struct stamp stamp_now(const struct sim_world *w, enum stale_kind kind);
/* A stamp that is settled from the start. */
struct stamp stamp_old(const struct sim_world *w);

/* What describes show of a slot, or what is. */
struct tags tags_slot_look(
    const struct sim_world *w, const struct tags_slot *slot, enum stale_kind kind, enum look look);

/* ---- the generated world (world_generate.c) ---- */

uint64_t instances_end(const struct sim_world *w); /* generated and launched ones */
/* False where no such instance exists (or is shown yet). */
bool instance_load(const struct sim_world *w, uint64_t n, enum look look, struct instance *ret);
/* False where the interface does not exist, its instance having ended included. */
bool interface_load(
    const struct sim_world *w, uint64_t interface, enum look look, struct instance *ret_holder);
unsigned subnets_count(const struct sim_world *w);
unsigned vpc_of_subnet(const struct sim_world *w, unsigned subnet);
/* "us-east-1a" into out */
#define ZONE_BYTES 48
void zone_of_subnet(const struct sim_world *w, unsigned subnet, char out[ZONE_BYTES]);
/* The address of an interface, host order; unique within its VPC up to 65,536 a VPC. */
uint32_t address_of(const struct sim_world *w, const struct instance *instance, unsigned device);
/* The same as text, or the IPv6 address that goes with it. */
#define ADDRESS_BYTES 40
void address_write(uint32_t address, bool ipv6, char out[ADDRESS_BYTES]);
extern const char world_image_id[];

/* ---- instance types (instance_types.c) ---- */

bool type_can_be_source(const char *type);
/* Sources that an interface target on such an instance takes: 10 or 100. */
unsigned type_sources_max(const char *type);

/* ---- parameters (world_query.c) ---- */

struct param {
	struct str name;
	struct str value;
};

struct params {
	struct param *at;
	size_t count;
	char *arena;
};

#define PARAMS_MAX	   20000u
#define FILTERS_MAX	   50u
#define FILTER_VALUES_MAX  200u
#define FILTER_VALUE_BYTES 255u

struct filter {
	struct str name;
	struct str *values;
	size_t count;
	bool exact; /* no value has a wildcard */
};

struct filters {
	struct filter at[FILTERS_MAX];
	size_t count;
	struct str *values; /* owned */
};

/* Decodes a form. Errors: -1 where it is malformed or has more than PARAMS_MAX. */
int params_parse(struct params *params, struct str form);
void params_fini(struct params *params);
/* The first value of that name; p NULL where absent. */
struct str params_get(const struct params *params, const char *name);
/* PREFIX.N in the order of N; the caller frees *ret_values. */
size_t params_list(const struct params *params, const char *prefix, struct str **ret_values);
/* A hash of all parameters but NextToken, MaxResults, ClientToken and DryRun, in any order. */
uint64_t params_hash(const struct params *params);
/* Filter.N.Name and .Value.M. Fails the call where there are too many. */
int params_filters(struct sim_call *c, struct filters *ret_filters);
void filters_fini(struct filters *filters);

/* Matching of one value: * is any run, ? is one character or none, \ escapes. */
bool pattern_match(struct str pattern, struct str text);

/* The comparison of one object with one filter under way. */
struct match {
	const struct sim_world *w;
	const struct filter *filter;
	bool found;
};
void match_str(struct match *m, struct str text);
void match_text(struct match *m, const char *text);
void match_int(struct match *m, int64_t value);
void match_id(struct match *m, enum id_kind kind, uint64_t n);

/* ---- one call ---- */

struct sim_call {
	struct sim_world *w;
	const struct sim_request *request;
	const struct sim_action *action;
	size_t action_index;
	struct params params;
	struct sim_reply *reply;
	unsigned creator;
	const struct grant *grant; /* the role that the caller has assumed; NULL: none */
	bool failed;
	bool replayed;
	size_t cost; /* instances, for the resource bucket */
	struct buf *out;
};

/* Makes the reply an error. Returns -1. */
int call_fail(struct sim_call *c, int status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
int call_fail_missing(struct sim_call *c, const char *param);
/* The value of a parameter that must be there; fails the call otherwise. */
int call_need(struct sim_call *c, const char *name, struct str *ret_value);
/* An integer parameter. *ret_set is false where it is absent. */
int call_int(struct sim_call *c, const char *name, int64_t min, int64_t max, int64_t *ret_value,
    bool *ret_set);
/* Ends a call with DryRun=true as EC2 does; 0 for any other call. */
int call_dry_run(struct sim_call *c);
void reply_error(struct sim_world *w, struct sim_reply *reply, int status, const char *code,
    const char *message, enum sim_service service);

/* ---- tokens (world_tokens.c) ---- */

/* Looks ClientToken up. Returns 1 where it was used for the same call (*ret_resource is what
 * that made), 0 where it is new or absent, -1 where the call failed. */
int token_find(struct sim_call *c, uint64_t *ret_resource);
void token_keep(struct sim_call *c, uint64_t resource);

struct page {
	uint64_t start; /* the first number to look at */
	size_t max;	/* 0: not paged */
	bool empty;	/* to be left empty */
};
int page_begin(struct sim_call *c, size_t min, size_t max, struct page *ret_page);
/* Writes <nextToken> so that the next page begins at next. */
void page_next(struct sim_call *c, uint64_t next);

/* ---- describes (world_describe.c) ---- */

/* A filter by name: offers the object's values to the match. */
struct describe_filter {
	const char *name;
	void (*offer)(struct match *m, const void *object);
};

/* A filter that narrows where to look: collects the numbers that may match. Returns false where
 * it cannot (look everywhere). */
struct describe_index {
	const char *name;
	bool (*collect)(const struct sim_world *w, struct str value, struct idmap *numbers);
};

/* What one describe operation is made of. */
struct describe {
	const char *set;      /* element of the list */
	const char *id_param; /* "InstanceId" */
	enum id_kind id_kind;
	enum stale_kind stale;
	const char *not_found;
	const char *malformed;
	bool ids_or_pages; /* MaxResults with ids is refused */
	size_t min, max;
	size_t object_bytes;
	const struct describe_filter *filters; /* ends with name NULL */
	const struct describe_index *indexes;  /* likewise; may be NULL */
	uint64_t (*end)(const struct sim_world *w);
	bool (*load)(const struct sim_world *w, uint64_t n, void *ret_object);
	struct tags (*tags)(const void *object);
	void (*write)(struct sim_call *c, const void *object, void *state);
	void (*finish)(struct sim_call *c, void *state);
};

int describe_run(struct sim_call *c, const struct describe *d);
#define DESCRIBE_STATE_BYTES 32

/* ---- operations ---- */

int op_describe_instances(struct sim_call *c);
int op_run_instances(struct sim_call *c);
int op_terminate_instances(struct sim_call *c);
int op_describe_vpcs(struct sim_call *c);
int op_describe_subnets(struct sim_call *c);
int op_describe_interfaces(struct sim_call *c);
int op_describe_filters(struct sim_call *c);
int op_describe_targets(struct sim_call *c);
int op_create_target(struct sim_call *c);
int op_delete_target(struct sim_call *c);
int op_describe_sessions(struct sim_call *c);
int op_create_session(struct sim_call *c);
int op_modify_session(struct sim_call *c);
int op_delete_session(struct sim_call *c);
int op_create_tags(struct sim_call *c);
int op_delete_tags(struct sim_call *c);
int op_describe_tags(struct sim_call *c);
int op_get_caller_identity(struct sim_call *c);
int op_assume_role(struct sim_call *c);
int op_describe_images(struct sim_call *c);
int op_describe_groups(struct sim_call *c);
int op_describe_endpoints(struct sim_call *c);
int op_describe_services(struct sim_call *c);
int op_describe_target_groups(struct sim_call *c);
int op_describe_target_health(struct sim_call *c);
int op_describe_load_balancers(struct sim_call *c);
int op_describe_listeners(struct sim_call *c);
int op_describe_balancer_attributes(struct sim_call *c);
int op_describe_acls(struct sim_call *c);
int op_describe_route_tables(struct sim_call *c);
int op_describe_regions(struct sim_call *c);
int op_lookup_events(struct sim_call *c);
int op_list_accounts(struct sim_call *c);
int op_list_accounts_of(struct sim_call *c);
int op_list_units_of(struct sim_call *c);
int op_list_shared_resources(struct sim_call *c);
int op_list_share_principals(struct sim_call *c);
int op_list_event_rules(struct sim_call *c);

/* Ends the result of an operation of the Query protocol. */
void query_close_result(struct sim_call *c, const char *result);

/* ---- what stands behind load balancers (world_members.c) ---- */

/* After targets_given: chooses the members, where opts.members asks for them. */
void members_given(struct sim_world *w);
/* The endpoint of the gateway load balancer target, malloc'ed. */
char *members_endpoint_id(const struct sim_world *w);
/* True where the instance stands behind a load balancer; then whose target that is. */
bool member_target(const struct sim_world *w, uint64_t instance, uint64_t *ret_target);

/* Writes an instance's <item>. */
void instance_write(const struct sim_world *w, struct buf *out, const struct instance *i);
/* Terminates an instance; the sessions of its interfaces end with it. */
void instance_end(struct sim_world *w, uint64_t n, enum instance_state before);

/* Takes a session away; it stays in the table as deleted. */
void session_end(struct sim_world *w, uint32_t index);
/* First session of an interface: index + 1, 0 for none; then follow interface_next. */
uint32_t sessions_first(const struct sim_world *w, uint64_t interface);
/* Sources that the target takes; 0: any number. */
unsigned target_sources_max(const struct sim_world *w, const struct target *t);
void targets_given(struct sim_world *w);
/* The sessions of somebody else that opts.foreign_share asks for. */
void sessions_given(struct sim_world *w);

/* The slot of any resource's tags, made if need be. */
struct tags_slot *tags_slot_of(struct sim_world *w, enum id_kind kind, uint64_t n);
const struct tags_slot *tags_slot_find(const struct sim_world *w, enum id_kind kind, uint64_t n);
/* TagSpecification.N for that resource type; fails the call. */
int tags_from_params(struct sim_call *c, const char *resource_type, struct tags_slot *ret_slot);
/* The tags of any resource as describes show them. buffer backs generated ones. */
struct tags
tags_of(const struct sim_world *w, enum id_kind kind, uint64_t n, char buffer[INSTANCE_TAGS_BYTES]);

/* ---- faults and buckets ---- */

/* The faults that strike this call, as FAULT_BITs. Effects: adds to the reply's delay.
 * ret_code: of FAULT_REFUSE, the code of the first refusal that strikes. */
unsigned faults_for(struct sim_call *c, const char **ret_code);
/* False where the quota is used up. */
bool bucket_take(struct sim_world *w, size_t action, bool unfiltered, size_t resources);

/* ---- answers that are given (world_answers.c) ---- */

/* POST /_sim/answers?operation=NAME: the body is what the operation says from now on; an empty one
 * takes that back. False where there is no such operation. */
bool answer_set(struct sim_world *w, const struct sim_request *request);
/* Writes the answer that is given for the call. False without one. */
bool answer_give(struct sim_call *c);
void answers_free(struct sim_world *w);

/* ---- authentication (auth.c) ---- */

/* 0, or -1 with the reply made an error. */
int auth_check(struct sim_call *c);
/* What the request says it was signed with. False where it was not signed. */
bool
auth_claims(const struct sim_request *request, struct str *ret_access_key, struct str *ret_region);
/* True where the account of this world has that key, an assumed role's included. */
bool auth_key_known(const struct sim_world *w, struct str access_key);
const char *request_header(const struct sim_request *request, const char *name);

/* ---- several worlds ---- */

/* Makes the world one account of a realm that is shared: borrowed. */
void world_join(struct sim_world *w, struct realm *realm, unsigned account);
/* Appends a configuration with the rules of all these worlds: each one's subnet and VPC rule
 * (and, of a single one, its tag rule). */
void world_config_all(
    struct sim_world *const *worlds, size_t count, enum sim_scenario scenario, struct buf *out);

/* ---- control calls (world_control.c) ---- */

void
control_handle(struct sim_world *w, const struct sim_request *request, struct sim_reply *reply);

/* ---- JSON text in pieces (json_out.c) ---- */

struct jo_out {
	struct buf buf;
	const struct sim_sink *sink; /* NULL: all stays in buf */
	bool comma;
};
void jo_open(struct jo_out *j, const char *key, char bracket);
void jo_close(struct jo_out *j, char bracket);
void jo_text(struct jo_out *j, const char *key, const char *text);
void jo_int(struct jo_out *j, const char *key, uint64_t value);
void jo_bool(struct jo_out *j, const char *key, bool value);
void
jo_id(struct jo_out *j, const char *key, const struct sim_world *w, enum id_kind kind, uint64_t n);
void jo_flush(struct jo_out *j);

#endif
