#include "options.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct option_row;
typedef int option_fn(struct sim_command *command, const struct option_row *row, const char *value,
    struct tmf_err *err);

/* An option: its handler and, for plain values, where the value goes. */
struct option_row {
	const char *name;
	const char *arg; /* NULL: a flag */
	const char *help;
	option_fn *set;
	size_t offset;
};

static int
wrong(const struct option_row *row, const char *value, struct tmf_err *err)
{
	return tmf_err_set(
	    err, TMF_ERR_INVALID, "--%s: \"%s\" is no %s", row->name, value, row->arg);
}

static int
read_number(const char *text, uint64_t max, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 10);
	return end == text || *end != '\0' || errno != 0 || text[0] == '-' || *ret > max ? -1 : 0;
}

static int
set_u64(struct sim_command *command, const struct option_row *row, const char *value,
    struct tmf_err *err)
{
	uint64_t number;

	if (read_number(value, INT64_MAX, &number) < 0)
		return wrong(row, value, err);
	memcpy((char *)command + row->offset, &number, sizeof(number));
	return 0;
}

static int
set_unsigned(struct sim_command *command, const struct option_row *row, const char *value,
    struct tmf_err *err)
{
	uint64_t number;
	unsigned narrow;

	if (read_number(value, 1000000, &number) < 0)
		return wrong(row, value, err);
	narrow = (unsigned)number;
	memcpy((char *)command + row->offset, &narrow, sizeof(narrow));
	return 0;
}

static int
set_double(struct sim_command *command, const struct option_row *row, const char *value,
    struct tmf_err *err)
{
	char *end;
	double number = strtod(value, &end);

	if (end == value || *end != '\0')
		return wrong(row, value, err);
	memcpy((char *)command + row->offset, &number, sizeof(number));
	return 0;
}

static int
set_text(struct sim_command *command, const struct option_row *row, const char *value,
    struct tmf_err *err)
{
	(void)err;
	memcpy((char *)command + row->offset, &value, sizeof(value));
	return 0;
}

static int
set_flag(struct sim_command *command, const struct option_row *row, const char *value,
    struct tmf_err *err)
{
	bool on = true;

	(void)value;
	(void)err;
	memcpy((char *)command + row->offset, &on, sizeof(on));
	return 0;
}

static int
set_port(struct sim_command *command, const struct option_row *row, const char *value,
    struct tmf_err *err)
{
	uint64_t number;

	if (read_number(value, UINT16_MAX, &number) < 0)
		return wrong(row, value, err);
	command->http.port = (uint16_t)number;
	return 0;
}

static int
set_single_subnet(struct sim_command *command, const struct option_row *row, const char *value,
    struct tmf_err *err)
{
	(void)row;
	(void)value;
	(void)err;
	command->cloud.world.vpcs = 1;
	command->cloud.world.subnets_per_vpc = 1;
	return 0;
}

static int
set_scenario(struct sim_command *command, const struct option_row *row, const char *value,
    struct tmf_err *err)
{
	static const char *const names[] = {[SIM_SCENARIO_ALL] = "all",
	    [SIM_SCENARIO_TAGS] = "tags",
	    [SIM_SCENARIO_VPCS] = "vpcs",
	    [SIM_SCENARIO_CREATED] = "created"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], value) == 0) {
			command->scenario = (enum sim_scenario)i;
			return 0;
		}
	}
	return wrong(row, value, err);
}

static int
add_fault(struct sim_command *command, const struct option_row *row, const char *value,
    struct tmf_err *err)
{
	if (command->cloud.world.faults_count == SIM_FAULTS_MAX)
		return tmf_err_set(
		    err, TMF_ERR_INVALID, "--%s: more than %u", row->name, SIM_FAULTS_MAX);
	command->cloud.world.faults[command->cloud.world.faults_count++] = value;
	return 0;
}

static int
add_place(const struct option_row *row, const char *value, const char *list[SIM_DENIED_MAX],
    size_t *count, struct tmf_err *err)
{
	if (*count == SIM_DENIED_MAX)
		return tmf_err_set(
		    err, TMF_ERR_INVALID, "--%s: more than %u", row->name, SIM_DENIED_MAX);
	list[(*count)++] = value;
	return 0;
}

static int
add_denied(struct sim_command *command, const struct option_row *row, const char *value,
    struct tmf_err *err)
{
	struct sim_cloud_opts *cloud = &command->cloud;

	return add_place(row, value, cloud->denied, &cloud->denied_count, err);
}

static int
add_suspended(struct sim_command *command, const struct option_row *row, const char *value,
    struct tmf_err *err)
{
	struct sim_cloud_opts *cloud = &command->cloud;

	return add_place(row, value, cloud->suspended, &cloud->suspended_count, err);
}

static int
add_disabled(struct sim_command *command, const struct option_row *row, const char *value,
    struct tmf_err *err)
{
	struct sim_cloud_opts *cloud = &command->cloud;

	return add_place(row, value, cloud->disabled, &cloud->disabled_count, err);
}

static int
set_role_seconds(struct sim_command *command, const struct option_row *row, const char *value,
    struct tmf_err *err)
{
	uint64_t seconds;

	if (read_number(value, 43200, &seconds) < 0 || seconds == 0)
		return wrong(row, value, err);
	command->cloud.role_ms_max = (int64_t)seconds * 1000;
	return 0;
}

/* KEY:SECRET or KEY:SECRET:TOKEN; a token may hold colons. */
static int
add_credentials(struct sim_command *command, const struct option_row *row, const char *value,
    struct tmf_err *err)
{
	struct sim_credentials *c =
	    &command->cloud.world.credentials[command->cloud.world.credentials_count];
	char *copy, *secret, *token;

	if (command->credentials_count == SIM_CREDENTIALS_MAX || strchr(value, ':') == NULL)
		return wrong(row, "(hidden)", err);
	copy = mem_strdup(value);
	command->credentials[command->credentials_count++] = copy;
	secret = strchr(copy, ':');
	*secret++ = '\0';
	token = strchr(secret, ':');
	if (token != NULL)
		*token++ = '\0';
	*c = (struct sim_credentials){
	    .access_key = copy, .secret_key = secret, .session_token = token};
	command->cloud.world.credentials_count++;
	return 0;
}

/* Reads a number and the colon behind it, if there is one; text moves behind both. */
static int
take_number(const char **text, uint64_t max, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(*text, &end, 10);
	if (end == *text || errno != 0 || *ret > max || (*end != ':' && *end != '\0'))
		return -1;
	*text = *end == ':' ? end + 1 : end;
	return 0;
}

/* N:PID:SIGNAL or N:PID:SIGNAL:before|after */
static int
add_signal(struct sim_command *command, const struct option_row *row, const char *value,
    struct tmf_err *err)
{
	const char *rest = value;
	uint64_t at, pid, number;

	if (command->signals_count == SIM_SIGNALS_MAX)
		return tmf_err_set(
		    err, TMF_ERR_INVALID, "--%s: more than %u", row->name, SIM_SIGNALS_MAX);
	if (take_number(&rest, INT64_MAX, &at) < 0 || take_number(&rest, INT32_MAX, &pid) < 0 ||
	    take_number(&rest, 64, &number) < 0)
		return wrong(row, value, err);
	if (rest[0] != '\0' && strcmp(rest, "before") != 0 && strcmp(rest, "after") != 0)
		return wrong(row, value, err);
	command->signals[command->signals_count++] = (struct sim_signal){
	    .at = at,
	    .pid = (pid_t)pid,
	    .number = (int)number,
	    .after = strcmp(rest, "after") == 0,
	};
	return 0;
}

#define AT(member) offsetof(struct sim_command, member)

static const struct option_row rows[] = {
    {"port", "PORT", "listen there; 0 (default) for any free port", set_port, 0},
    {"port-file", "FILE", "write the port there once listening", set_text, AT(port_file)},
    {"listen", "ADDRESS", "IPv4 address; default 127.0.0.1", set_text, AT(http.listen)},
    {"verbose", NULL, "a line a request on standard error", set_flag, AT(http.verbose)},
    {"report", "FILE", "write the report there at the end (SIGTERM, SIGINT)", set_text, AT(report)},
    {"print-world", NULL, "print the world as JSON and end", set_flag, AT(print_world)},
    {"print-operations", NULL, "print what it offers, an operation a line, and end", set_flag,
	AT(print_operations)},
    {"config-out", "FILE", "write a tmflow configuration that fits the world", set_text,
	AT(config_out)},
    {"scenario", "SCENARIO", "of --config-out: all (default), tags, vpcs or created", set_scenario,
	0},
    {"seed", "N", "of the world and of all chance; default 1", set_u64, AT(cloud.world.seed)},
    {"instances", "N", "how many; default 1000, at most 10,000,000", set_u64,
	AT(cloud.world.instances)},
    {"reservation-max", "N", "instances in one reservation, 1..64; default 8", set_unsigned,
	AT(cloud.world.reservation_max)},
    {"vpcs", "N", "1..200; default 4", set_unsigned, AT(cloud.world.vpcs)},
    {"subnets-per-vpc", "N", "1..100; default 3", set_unsigned, AT(cloud.world.subnets_per_vpc)},
    {"small-vpc-instances", "N", "about how many are in the last VPC; default 100", set_u64,
	AT(cloud.world.small_vpc_instances)},
    {"single-subnet", NULL, "one VPC with one subnet", set_single_subnet, 0},
    {"plain", NULL, "all run, can be mirrored, have one interface and no mirror tag", set_flag,
	AT(cloud.world.plain)},
    {"mirror-share", "P", "share of instances tagged mirror=yes; default 0.3", set_double,
	AT(cloud.world.mirror_share)},
    {"unmirrorable-share", "P", "share of types that cannot be mirrored; default 0.08", set_double,
	AT(cloud.world.unmirrorable_share)},
    {"foreign-share", "P", "share of sources with a session of somebody else; default 0",
	set_double, AT(cloud.world.foreign_share)},
    {"region", "REGION", "default us-east-1", set_text, AT(cloud.world.region)},
    {"account-id", "ID", "default 123456789012", set_text, AT(cloud.world.account_id)},
    {"credentials", "KEY:SECRET",
	"who may sign (KEY:SECRET:TOKEN with a session token); may be repeated", add_credentials,
	0},
    {"accounts", "N", "1..256, each with worlds of its own; default 1", set_unsigned,
	AT(cloud.accounts)},
    {"regions", "A,B", "each a world in every account; default --region", set_text,
	AT(cloud.regions)},
    {"deny-role", "ACCOUNT[/ROLE]", "AssumeRole into that account is refused; may be repeated",
	add_denied, 0},
    {"suspend-account", "ACCOUNT", "is SUSPENDED in its organization; may be repeated",
	add_suspended, 0},
    {"disable-region", "ACCOUNT/REGION", "is not enabled in that account; may be repeated",
	add_disabled, 0},
    {"role-seconds", "N", "the life of assumed roles' credentials, at most; default as asked",
	set_role_seconds, 0},
    {"no-auth", NULL, "do not check signatures", set_flag, AT(cloud.world.no_auth)},
    {"empty-pages", "P", "probability of an empty page that has a token", set_double,
	AT(cloud.world.empty_pages)},
    {"token-ttl", "N", "requests that a NextToken outlives; default: it does not expire", set_u64,
	AT(cloud.world.token_ttl)},
    {"stale-ms", "MS", "describes see a change that late", set_u64, AT(cloud.world.stale_ms)},
    {"stale-calls", "N", "and after that number of describes of that kind, or 10 s", set_u64,
	AT(cloud.world.stale_calls)},
    {"boot-ms", "MS", "pending to running, shutting-down to terminated", set_u64,
	AT(cloud.world.boot_ms)},
    {"buckets", NULL, "throttle with EC2's token buckets", set_flag, AT(cloud.world.buckets)},
    {"bucket-scale", "X", "times their published refill", set_double, AT(cloud.world.bucket_scale)},
    {"bucket-size-scale", "X", "times their published size", set_double,
	AT(cloud.world.bucket_size_scale)},
    {"session-limit", "N", "sessions an account; default: none (EC2: 10,000)", set_u64,
	AT(cloud.world.session_limit)},
    {"members", "N",
	"instances in each target group of the given targets: instance, ip and alb kind; default: "
	"no target groups",
	set_u64, AT(cloud.world.members)},
    {"ipv6", NULL, "members by address are registered with their IPv6 address", set_flag,
	AT(cloud.world.ipv6)},
    {"gateway", NULL, "a given target more: the endpoint of a gateway load balancer", set_flag,
	AT(cloud.world.gateway)},
    {"session-number-error", "CODE", "of a session number in use; default InvalidParameterValue",
	set_text, AT(cloud.world.session_number_error)},
    {"replay-deleted", NULL, "a ClientToken of a deleted session or target answers as before",
	set_flag, AT(cloud.world.replay_deleted)},
    {"fault", "FAULT", "KIND[:OPERATION]@P, @#N or @#N+; may be repeated", add_fault, 0},
    {"signal-at", "N:PID:SIGNAL[:WHEN]",
	"signal at the N-th request, before (default) or after; may be repeated", add_signal, 0},
    {"help", NULL, "this text", set_flag, AT(help)},
};

#define ROWS_COUNT (sizeof(rows) / sizeof(rows[0]))

static const struct option_row *
find_row(const char *word, size_t len)
{
	for (size_t i = 0; i < ROWS_COUNT; i++) {
		if (strlen(rows[i].name) == len && memcmp(rows[i].name, word, len) == 0)
			return &rows[i];
	}
	return NULL;
}

int
sim_command_parse(int argc, char **argv, struct sim_command *ret_command, struct tmf_err *err)
{
	*ret_command = (struct sim_command){.http = {.listen = "127.0.0.1"}};
	sim_opts_default(&ret_command->cloud.world);
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i], *value;
		size_t len = strcspn(word, "=");
		const struct option_row *row =
		    strncmp(word, "--", 2) == 0 && len > 2 ? find_row(word + 2, len - 2) : NULL;

		if (row == NULL)
			return tmf_err_set(err, TMF_ERR_INVALID,
			    "unknown option %s (ec2sim --help lists them)", word);
		value = word[len] == '=' ? word + len + 1 : NULL;
		if (row->arg == NULL && value != NULL)
			return tmf_err_set(err, TMF_ERR_INVALID, "--%s takes no value", row->name);
		if (row->arg != NULL && value == NULL)
			value = ++i < argc ? argv[i] : NULL;
		if (row->arg != NULL && value == NULL)
			return tmf_err_set(
			    err, TMF_ERR_INVALID, "--%s needs a value (%s)", row->name, row->arg);
		if (row->set(ret_command, row, value, err) < 0)
			return -1;
	}
	return 0;
}

void
sim_command_fini(struct sim_command *command)
{
	for (size_t i = 0; i < command->credentials_count; i++) {
		mem_wipe(command->credentials[i], strlen(command->credentials[i]));
		free(command->credentials[i]);
	}
	command->credentials_count = 0;
}

void
sim_command_help(FILE *out)
{
	fputs("ec2sim: an EC2 endpoint for traffic mirroring, made up from a seed "
	      "(tools/ec2sim/README.md)\n\n",
	    out);
	for (size_t i = 0; i < ROWS_COUNT; i++)
		fprintf(out, "  --%s %s%*s%s\n", rows[i].name,
		    rows[i].arg != NULL ? rows[i].arg : "",
		    (int)(32 - strlen(rows[i].name) -
			  (rows[i].arg != NULL ? strlen(rows[i].arg) : 0)),
		    "", rows[i].help);
}
