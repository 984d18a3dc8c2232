#include "sim.h"

#include "base/file.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "remove_tree.h"
#include "run_suite.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * A run that failed goes on: each call of each shipped workflow is refused once, for good, and the
 * run is resumed where it FAILED for that. And two configurations over the same instances, in any
 * interleaving and with crashes: neither touches what is the other's.
 */

#define SWEEP_SEED    7
#define REFUSED	      "OptInRequired" /* neither passing, nor known of any scope */
#define PAIRS	      60	      /* seeds of two configurations */
#define PAIR_SEED_MIN 1000
#define LIST_SIZE     60 /* instances of a CSV file: two batches */
#define LINES_MAX     (1u << 20)

static void
refuse(void *arg, uint64_t n, struct sim_reply *reply, enum tmf_err_code *ret_transport)
{
	const uint64_t *at = arg;

	(void)ret_transport;
	if (n != *at)
		return;
	buf_reset(&reply->body);
	reply->status = 400;
	buf_add_cstr(&reply->body,
	    "<Response><Errors><Error><Code>" REFUSED "</Code><Message>m</Message></Error>"
	    "</Errors><RequestID>r</RequestID></Response>");
}

static struct sim_plan
small_plan(uint64_t seed)
{
	struct sim_plan plan = {.seed = seed, .processes_count = 1};

	sim_opts_default(&plan.world);
	plan.world.seed = seed;
	plan.world.instances = 24;
	plan.world.vpcs = 2;
	plan.world.subnets_per_vpc = 2;
	plan.world.small_vpc_instances = 10;
	return plan;
}

static int64_t
count_of(const json_t *expected, const char *list)
{
	return json_integer_value(json_object_get(json_object_get(expected, "counts"), list));
}

static size_t
sessions_of(const struct sim_result *result)
{
	return json_object_size(json_object_get(result->report, "sessionsByInterface"));
}

/* All instances, by a rule a VPC. number: 0 for none that is asked for. */
static char *
pair_config(const struct sim_opts *opts, unsigned which, int number)
{
	struct tmf_err err = {0};
	struct sim_world *world = world_new(opts, &err);
	char vpc[SIM_ID_BYTES], filter[SIM_ID_BYTES], target[SIM_ID_BYTES];
	struct buf text = {0};

	ck_assert_ptr_nonnull(world);
	world_given_filter_id(world, which, filter);
	world_given_target_id(world, which, target);
	buf_printf(&text, "name: pair-%u\nvpcs:\n", which);
	for (unsigned i = 0; i < opts->vpcs; i++) {
		world_vpc_id(world, i, vpc);
		buf_printf(&text,
		    "  - {name: r%u, vpcId: %s, filterId: %s, targetId: %s, sessionNumber: ", i,
		    vpc, filter, target);
		if (number > 0)
			buf_printf(&text, "%d}\n", number);
		else
			buf_add_cstr(&text, "auto}\n");
	}
	world_free(world);
	return buf_take(&text);
}

/* --- redrive --- */

#define EVENT                                                                                      \
	"\"account\":\"123456789012\",\"region\":\"us-east-1\",\"time\":\"2026-03-01T10:20:00Z\","

/* For a folder, which it names twice. */
#define LIST_INPUT                                                                                 \
	"{\"Bucket\":\"file://%s\",\"Key\":\"ids.csv\","                                           \
	"\"Results\":{\"Bucket\":\"file://%s\",\"Prefix\":\"done\"}}"

static const struct {
	const char *workflow; /* NULL: the backfill, which prunes */
	const char *input;    /* with the id of an instance */
	bool lists;	      /* a file names all instances instead */
} flows[] = {
    {.workflow = NULL},
    {.workflow = "from-csv.yaml", .lists = true},
    {"on-launch.yaml",
	"{\"id\":\"e\",\"source\":\"aws.ec2\","
	"\"detail-type\":\"EC2 Instance State-change Notification\"," EVENT
	"\"detail\":{\"instance-id\":\"%s\",\"state\":\"running\"}}",
	false},
    {"on-guardduty.yaml",
	"{\"id\":\"e\",\"source\":\"aws.guardduty\",\"detail-type\":\"GuardDuty Finding\"," EVENT
	"\"detail\":{\"accountId\":\"123456789012\",\"region\":\"us-east-1\",\"id\":\"f\","
	"\"type\":\"Recon:EC2/PortProbeUnprotectedPort\",\"severity\":5,"
	"\"resource\":{\"resourceType\":\"Instance\",\"instanceDetails\":{\"instanceId\":\"%s\"}},"
	"\"service\":{}}}",
	false},
};
#define FLOWS ((int)(sizeof(flows) / sizeof(flows[0])))

/* The sessions are those of an undisturbed run, but for what it says has failed. */
static void
check_flow(const struct sim_plan *plan, const struct sim_result *result, size_t undisturbed,
    const char *what)
{
	int64_t failed = result->counts[0][OUTCOME_FAILED];

	ck_assert_msg(sessions_of(result) <= undisturbed &&
			  sessions_of(result) + (size_t)failed >= undisturbed,
	    "%s: %zu sessions of %zu, %lld failed", what, sessions_of(result), undisturbed,
	    (long long)failed);
	if (plan->workflow != NULL)
		return;
	ck_assert_msg(count_of(result->expected, "extra") <= failed, "%s: extra sessions", what);
	ck_assert_msg(
	    count_of(result->expected, "missing") <= failed, "%s: missing sessions", what);
}

/* The input of an event: that of the first instance. */
static char *
event_input(const char *format, const struct sim_opts *opts)
{
	struct tmf_err err = {0};
	struct sim_world *world = world_new(opts, &err);
	char id[SIM_ID_BYTES];

	ck_assert_ptr_nonnull(world);
	world_instance_id(world, 0, id);
	world_free(world);
	return mem_printf(format, id);
}

/* The input of from-csv.yaml, for a file of all instances in the folder. */
static char *
list_input(const char *folder, const struct sim_opts *opts)
{
	struct tmf_err err = {0};
	struct sim_world *world = world_new(opts, &err);
	char *path = mem_printf("%s/ids.csv", folder);
	FILE *file = fopen(path, "w");
	char id[SIM_ID_BYTES];

	ck_assert(world != NULL && file != NULL);
	fputs("InstanceId,Mirror\n", file);
	for (uint64_t i = 0; i < opts->instances; i++) {
		world_instance_id(world, i, id);
		fprintf(file, "%s,yes\n", id);
	}
	fclose(file);
	free(path);
	world_free(world);
	return mem_printf(LIST_INPUT, folder, folder);
}

/* {"INSTANCE OUTCOME": how often} of a run's ledger. New reference. */
static json_t *
tally_ledger(const json_t *ledger)
{
	json_t *tally = json_object();
	const char *key;
	json_t *row;

	json_object_foreach ((json_t *)ledger, key, row) {
		char *both = mem_printf(
		    "%.*s %s", (int)strcspn(key, " "), key, jsonx_get_string(row, "Outcome"));
		json_t *count = json_object_get(tally, both);

		json_object_set_new(tally, both, json_integer(json_integer_value(count) + 1));
		free(both);
	}
	return tally;
}

/* The same of the lines that the run wrote. New reference. */
static json_t *
tally_lines(const char *folder)
{
	char *pattern = mem_printf("%s/done/*/SUCCEEDED_*", folder);
	json_t *tally = json_object();
	struct buf text = {0};
	glob_t files;

	ck_assert_int_eq(glob(pattern, 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++)
		ck_assert_int_eq(file_read(files.gl_pathv[i], LINES_MAX, &text, NULL, NULL), 0);
	for (char *line = strtok((char *)buf_cstr(&text), "\n"); line != NULL;
	     line = strtok(NULL, "\n")) {
		json_t *told = jsonx_parse(str_of(line), NULL);
		char *both = mem_printf("%s %s", jsonx_get_string(told, "InstanceId"),
		    jsonx_get_string(told, "Outcome"));
		json_t *count = json_object_get(tally, both);

		json_object_set_new(tally, both, json_integer(json_integer_value(count) + 1));
		free(both);
		json_decref(told);
	}
	globfree(&files);
	free(pattern);
	buf_fini(&text);
	return tally;
}

/* Every row of the file has one line, and the line says what the ledger does. */
static void
check_lines(const char *folder, const struct sim_result *result, const char *what)
{
	json_t *told = tally_lines(folder), *recorded = tally_ledger(result->ledgers[0]);
	char *texts[2] = {jsonx_text(told), jsonx_text(recorded)};

	ck_assert_msg(
	    json_equal(told, recorded), "%s: %s\nbut recorded is %s", what, texts[0], texts[1]);
	ck_assert_uint_eq(json_object_size(told), LIST_SIZE);
	free(texts[0]);
	free(texts[1]);
	json_decref(told);
	json_decref(recorded);
}

START_TEST(redrive_from_every_call)
{
	char folder[] = "/tmp/tmflow-list-XXXXXX";
	struct sim_plan plan = small_plan(SWEEP_SEED);
	struct sim_result result;
	struct tmf_err err = {0};
	char *input = NULL, *config = NULL;
	uint64_t at = 0, requests, redrives = 0;
	size_t undisturbed;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	plan.workflow = flows[_i].workflow;
	plan.world.plain = plan.workflow != NULL; /* the instance of the event can be mirrored */
	if (flows[_i].lists) {
		plan.world.instances = LIST_SIZE;
		input = list_input(folder, &plan.world);
	} else if (flows[_i].input != NULL) {
		input = event_input(flows[_i].input, &plan.world);
	}
	if (input != NULL)
		plan.config = config = pair_config(&plan.world, 0, 0);
	plan.input = input;
	plan.earlier_every = plan.workflow == NULL ? 5 : 0;
	plan.redrives = true;
	ck_assert_msg(sim_play(&plan, &result, &err) == 0, "%s", tmf_err_text(&err));
	requests = result.requests;
	undisturbed = sessions_of(&result);
	ck_assert_uint_eq(result.redrives, 0);
	ck_assert_uint_ge(undisturbed, 1);
	sim_result_fini(&result);
	plan.spoil = refuse;
	plan.spoil_arg = &at;
	for (at = 1; at <= requests; at += plan.workflow == NULL ? sim_stride() : 1) {
		char what[64];

		snprintf(what, sizeof(what), "flow %d, call %llu", _i, (unsigned long long)at);
		ck_assert_msg(
		    sim_play(&plan, &result, &err) == 0, "%s: %s", what, tmf_err_text(&err));
		check_flow(&plan, &result, undisturbed, what);
		if (flows[_i].lists)
			check_lines(folder, &result, what);
		redrives += result.redrives;
		sim_result_fini(&result);
	}
	ck_assert_uint_ge(redrives, 1);
	ck_assert_int_eq(remove_tree(folder), 0);
	free(config);
	free(input);
}
END_TEST

/* --- two configurations --- */

/* Nobody's crash point is the same as another's, and each may die twice. */
static void
pair_crashes(struct sim_plan *plan, struct rng *rng)
{
	for (size_t i = 0; i < plan->processes_count; i++) {
		struct sim_process_plan *process = &plan->processes[i];

		process->start_ms = (int64_t)(rng_unit(rng) * 4000);
		process->crashes_count = (size_t)(rng_unit(rng) * 3);
		for (size_t k = 0; k < process->crashes_count; k++)
			process->crashes[k] = (struct sim_crash){
			    .point = 1 + (uint64_t)(rng_unit(rng) * 200),
			    .kind = (enum sim_crash_kind)(rng_unit(rng) * SIM_CRASH_KINDS),
			    .down_ms = (int64_t)(rng_unit(rng) * 5000),
			};
	}
}

START_TEST(two_configurations)
{
	uint64_t seed = PAIR_SEED_MIN + (uint64_t)_i;
	struct sim_plan plan = small_plan(seed);
	struct sim_result result;
	struct tmf_err err = {0};
	char *configs[2];
	struct rng rng;
	int64_t missing[2], extra[2];

	if (_i >= 2 && _i % (int)sim_stride() > 1)
		return;
	rng_seed(&rng, seed);
	plan.world.plain = true;
	/* Two that choose the same number at the same time see each other only where no describe
	 * lags: what AWS refuses then is said to have failed. */
	plan.world.stale_ms = _i % 2 != 0 ? (int64_t)(rng_unit(&rng) * 4000) : 0;
	plan.processes_count = 2 + (size_t)(rng_unit(&rng) * (SIM_PROCESSES_MAX - 1));
	pair_crashes(&plan, &rng);
	for (unsigned i = 0; i < 2; i++)
		configs[i] = pair_config(&plan.world, i, _i % 2 != 0 ? 10 * (int)(i + 1) : 0);
	plan.config = configs[0];
	plan.other_config = configs[1];
	ck_assert_msg(sim_play(&plan, &result, &err) == 0, "seed %llu: %s",
	    (unsigned long long)seed, tmf_err_text(&err));
	missing[0] = count_of(result.expected, "missing");
	missing[1] = count_of(result.expected_of_other, "missing");
	extra[0] = count_of(result.expected, "extra");
	extra[1] = count_of(result.expected_of_other, "extra");
	for (size_t i = 0; i < plan.processes_count; i++)
		ck_assert_msg(result.counts[i][OUTCOME_UPDATED] == 0 &&
				  result.counts[i][OUTCOME_UNWANTED] == 0 &&
				  result.counts[i][OUTCOME_FAILED] == 0,
		    "seed %llu: process %zu: %lld updated, %lld unwanted, %lld failed",
		    (unsigned long long)seed, i, (long long)result.counts[i][OUTCOME_UPDATED],
		    (long long)result.counts[i][OUTCOME_UNWANTED],
		    (long long)result.counts[i][OUTCOME_FAILED]);
	ck_assert_msg(missing[0] == 0 && missing[1] == 0, "seed %llu: %lld and %lld missing",
	    (unsigned long long)seed, (long long)missing[0], (long long)missing[1]);
	/* What is extra to one is the other's, and each has as many. */
	ck_assert_msg(extra[0] > 0 && extra[0] == extra[1], "seed %llu: %lld and %lld extra",
	    (unsigned long long)seed, (long long)extra[0], (long long)extra[1]);
	sim_result_fini(&result);
	for (size_t i = 0; i < 2; i++)
		free(configs[i]);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("sim_goes_on");
	TCase *tcase = tcase_create("goes_on");

	tcase_add_loop_test(tcase, redrive_from_every_call, 0, FLOWS);
	tcase_add_loop_test(tcase, two_configurations, 0, PAIRS);
	tcase_set_timeout(tcase, 1200);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
