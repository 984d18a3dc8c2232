#include "sim.h"

#include "base/file.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "run_suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/*
 * Random worlds, configurations, hooks, faults, crashes and concurrent processes, each all from one
 * seed.
 *   TMFLOW_SIM_SEED=N test_sim_seeds       one seed again
 *   TMFLOW_SIM_TRACE=1 with it             and each request of it
 *   TMFLOW_SIM_COUNT=N test_sim_seeds      that many fresh ones (default SEEDS_FRESH)
 *   TMFLOW_SIM_FIRST=N with it             from that one on, and no other ones
 */

/* Most are the same in every run: a change is judged by what it breaks. Fresh ones find what nobody
 * has broken, which is what tools/nightly plays 20,000 for. */
#define SEEDS_FIXED 500
#define SEEDS_FRESH 100
#define FAULTS_MAX  4
#define LUA_DIR	    TEST_SOURCE_DIR "/lua/"

/* A plan looks at an account that nothing has changed lately, and so does a run some time after. */
#define PLAN_MS (15LL * 60 * 1000)

/* What a seed makes up; owned. */
struct scenario {
	struct sim_plan plan;
	char *config;
	char *hook;
	char *faults[FAULTS_MAX];
	bool spoiled; /* something may end as `failed` */
};

static uint64_t
draw(struct rng *rng, uint64_t low, uint64_t high)
{
	return low + (uint64_t)(rng_unit(rng) * (double)(high - low + 1));
}

static bool
chance(struct rng *rng, double p)
{
	return rng_unit(rng) < p;
}

static void
draw_world(struct sim_opts *world, struct rng *rng)
{
	sim_opts_default(world);
	world->seed = draw(rng, 1, UINT32_MAX);
	world->instances = chance(rng, 0.1) ? draw(rng, 1, 5) : draw(rng, 6, 70);
	world->reservation_max = (unsigned)draw(rng, 1, 6);
	world->vpcs = (unsigned)draw(rng, 1, 3);
	world->subnets_per_vpc = (unsigned)draw(rng, 1, 3);
	world->small_vpc_instances = draw(rng, 1, 25);
	world->mirror_share = rng_unit(rng);
	world->empty_pages = chance(rng, 0.5) ? rng_unit(rng) * 0.4 : 0;
	world->token_ttl = chance(rng, 0.3) ? draw(rng, 20, 200) : 0;
	world->stale_ms = chance(rng, 0.5) ? (int64_t)draw(rng, 1, 8000) : 0;
	world->boot_ms = (int64_t)draw(rng, 0, 60000);
	world->buckets = chance(rng, 0.3);
	world->members = chance(rng, 0.3) ? draw(rng, 1, 3) : 0;
}

/* Probabilities small enough that ten attempts, and the workflow's own, get through. */
static void
draw_faults(struct scenario *s, struct rng *rng)
{
	static const char *const kinds[] = {"throttle", "500", "503", "reset-before", "reset-after",
	    "500-after", "truncate", "garbage", "delay:40000", "delay:700"};
	size_t count = chance(rng, 0.3) ? 0 : draw(rng, 1, FAULTS_MAX);

	for (size_t i = 0; i < count; i++) {
		const char *kind = kinds[draw(rng, 0, sizeof(kinds) / sizeof(kinds[0]) - 1)];

		s->faults[i] = chance(rng, 0.7) ? mem_printf("%s@%.3f", kind, rng_unit(rng) * 0.2)
						: mem_printf("%s@#%llu", kind,
						      (unsigned long long)draw(rng, 1, 60));
		s->plan.world.faults[i] = s->faults[i];
	}
	s->plan.world.faults_count = count;
}

/* The account's own configuration, with keys of ours put behind each filterId. */
static void
draw_config(struct scenario *s, struct rng *rng)
{
	struct tmf_err err = {0};
	struct sim_world *world = world_new(&s->plan.world, &err);
	enum sim_scenario which =
	    (enum sim_scenario)draw(rng, SIM_SCENARIO_ALL, SIM_SCENARIO_CREATED);
	struct buf plain = {0}, out = {0};
	char id[SIM_ID_BYTES];
	const char *at, *line;

	ck_assert_msg(world != NULL, "%s", tmf_err_text(&err));
	world_config(world, which, &plain);
	for (line = plain.p; *line != '\0'; line = at) {
		at = strchr(line, '\n') + 1;
		buf_add(&out, line, (size_t)(at - line));
		if (strstr(line, "filterId: ") == NULL || strstr(line, "filterId: ") > at)
			continue;
		if (chance(rng, 0.3))
			buf_add_cstr(&out, "    interfaces: all\n");
		if (chance(rng, 0.3))
			buf_add_cstr(&out, "    sessionNumber: auto\n");
		else if (chance(rng, 0.3))
			buf_printf(&out, "    sessionNumber: %d\n", (int)draw(rng, 1, 32766));
	}
	if (chance(rng, 0.3)) {
		world_instance_id(world, draw(rng, 0, s->plan.world.instances - 1), id);
		buf_printf(&out, "exclude:\n  instanceIds: [%s]\n", id);
	}
	s->config = buf_take(&out);
	s->plan.config = s->config;
	buf_fini(&plain);
	world_free(world);
}

static void
draw_hook(struct scenario *s, struct rng *rng)
{
	static const char *const files[] = {
	    "match_by_name.lua", "sample_tenth.lua", "skip_types.lua"};
	struct buf text = {0};
	char *path;

	if (!chance(rng, 0.2))
		return;
	path = mem_printf(LUA_DIR "%s", files[draw(rng, 0, sizeof(files) / sizeof(files[0]) - 1)]);
	ck_assert_int_eq(file_read(path, 1u << 20, &text, NULL, NULL), 0);
	s->hook = buf_take(&text);
	s->plan.hook = s->hook;
	free(path);
}

static void
draw_processes(struct scenario *s, struct rng *rng)
{
	s->plan.processes_count = chance(rng, 0.6) ? 1 : draw(rng, 2, 4);
	for (size_t i = 0; i < s->plan.processes_count; i++) {
		struct sim_process_plan *process = &s->plan.processes[i];

		/* The first one is always a backfill: whatever others leave out it finds. */
		if (i > 0 && chance(rng, 0.4))
			process->kind = chance(rng, 0.5) ? SIM_LISTEN : SIM_WORKER;
		process->start_ms = chance(rng, 0.5) ? 0 : (int64_t)draw(rng, 0, 3000);
		process->crashes_count = chance(rng, 0.3) ? 0 : draw(rng, 1, SIM_CRASHES_MAX);
		for (size_t k = 0; k < process->crashes_count; k++)
			process->crashes[k] = (struct sim_crash){
			    .point = draw(rng, 1, chance(rng, 0.6) ? 60 : 400),
			    .kind = (enum sim_crash_kind)draw(rng, 0, SIM_CRASH_KINDS - 1),
			    .down_ms = (int64_t)draw(rng, 0, chance(rng, 0.2) ? 3600000 : 5000),
			};
		if (chance(rng, 0.15))
			process->disk = (struct sim_disk_fault){
			    .change = (int)draw(rng, 1, 300),
			    .code = chance(rng, 0.5) ? SQLITE_FULL : SQLITE_IOERR_WRITE,
			    .lasting = chance(rng, 0.5),
			};
	}
}

static void
scenario_init(struct scenario *s, uint64_t seed)
{
	struct rng rng;

	*s = (struct scenario){.plan.seed = seed};
	rng_seed(&rng, seed);
	draw_world(&s->plan.world, &rng);
	draw_config(s, &rng);
	draw_hook(s, &rng);
	draw_processes(s, &rng);
	draw_faults(s, &rng);
	s->plan.world.stale_calls = chance(&rng, 0.5) ? draw(&rng, 1, 4) : 0;
	/* A describe that never shows a session is no reason to remove it. */
	if (chance(&rng, 0.4) && s->plan.world.stale_calls == 0)
		s->plan.earlier_every = (unsigned)draw(&rng, 1, 5);
}

static void
scenario_fini(struct scenario *s)
{
	for (size_t i = 0; i < FAULTS_MAX; i++)
		free(s->faults[i]);
	free(s->config);
	free(s->hook);
}

static int64_t
verdict_count(const struct sim_result *result, const char *list)
{
	return json_integer_value(
	    json_object_get(json_object_get(result->expected, "counts"), list));
}

/* Changed while their targets took packets. */
static int64_t
sessions_moved(const struct sim_result *result)
{
	return json_integer_value(
	    json_object_get(json_object_get(result->report, "sessions"), "moved"));
}

/* Sessions are those that the configuration asks for; what is missing was said to have failed. A
 * hook decides otherwise than the account's own rules. */
static void
check_sessions(const struct scenario *s, const struct sim_result *result, uint64_t seed)
{
	int64_t failed = 0;

	for (size_t i = 0; i < s->plan.processes_count; i++)
		failed += result->counts[i][OUTCOME_FAILED];
	ck_assert_msg(verdict_count(result, "duplicates") == 0 &&
			  verdict_count(result, "wrongInterface") == 0,
	    "seed %llu: a session twice or on the wrong interface", (unsigned long long)seed);
	/* All processes have the same rules, so no session of one has drifted for another, whoever
	 * knows its target. One whose target's instance is gone has: a process may take back a
	 * launch in the moment in which another one begins to use it. */
	ck_assert_msg(s->plan.earlier_every > 0 || sessions_moved(result) == 0,
	    "seed %llu: %lld sessions moved", (unsigned long long)seed,
	    (long long)sessions_moved(result));
	if (s->hook != NULL)
		return;
	ck_assert_msg(
	    verdict_count(result, "extra") == 0 && verdict_count(result, "wrongTarget") == 0,
	    "seed %llu: a session that nobody asked for", (unsigned long long)seed);
	ck_assert_msg(verdict_count(result, "missing") <= failed,
	    "seed %llu: %lld sessions missing, %lld failed", (unsigned long long)seed,
	    (long long)verdict_count(result, "missing"), (long long)failed);
}

/* What a seed was about, for whoever looks at one. */
static void
tell(const struct scenario *s, const struct sim_result *result)
{
	printf("%llu instances, %zu processes, %llu boots, %llu crashes, %llu requests, %lld s",
	    (unsigned long long)s->plan.world.instances, s->plan.processes_count,
	    (unsigned long long)result->boots, (unsigned long long)result->crashes,
	    (unsigned long long)result->requests, (long long)result->took_ms / 1000);
	for (size_t kind = 0; kind < OUTCOME_COUNT; kind++)
		if (result->counts[0][kind] > 0)
			printf(", %lld %s", (long long)result->counts[0][kind],
			    outcome_name((enum outcome_kind)kind));
	printf("\n");
}

static void
try_seed(uint64_t seed)
{
	struct scenario s;
	struct sim_result result;
	struct tmf_err err = {0};
	int ret;

	scenario_init(&s, seed);
	ret = sim_play(&s.plan, &result, &err);
	ck_assert_msg(ret == 0, "seed %llu: %s", (unsigned long long)seed, tmf_err_text(&err));
	if (getenv("TMFLOW_SIM_SEED") != NULL)
		tell(&s, &result);
	check_sessions(&s, &result, seed);
	sim_result_fini(&result);
	scenario_fini(&s);
}

/* --- the plan equals what the run then does --- */

/* A plan, then the run, then another plan: nothing of it may go wrong on the way. */
static void
plan_scenario(struct scenario *s)
{
	static const enum sim_kind kinds[] = {SIM_PLAN, SIM_BACKFILL, SIM_PLAN};

	s->plan.world.faults_count = 0;
	s->plan.world.stale_calls = 0;
	s->plan.processes_count = sizeof(kinds) / sizeof(kinds[0]);
	for (size_t i = 0; i < s->plan.processes_count; i++)
		s->plan.processes[i] =
		    (struct sim_process_plan){.kind = kinds[i], .start_ms = (int64_t)i * PLAN_MS};
}

static const char *
row_text(const json_t *row, const char *member)
{
	const char *text = jsonx_get_string(row, member);

	return text != NULL ? text : "-";
}

/* A target that is to be made has another name in the plan. */
static bool
same_target(const char *planned, const char *done)
{
	return strncmp(planned, "new:", 4) == 0 || strcmp(planned, done) == 0;
}

static bool
same_row(const json_t *planned, const json_t *done)
{
	const char *outcome = row_text(done, "Outcome");
	bool changes = strcmp(outcome, "created") == 0 || strcmp(outcome, "updated") == 0 ||
		       strcmp(outcome, "removed") == 0;

	return strcmp(row_text(planned, "Outcome"), outcome) == 0 &&
	       strcmp(row_text(planned, "Rule"), row_text(done, "Rule")) == 0 &&
	       (changes ? same_target(row_text(planned, "TargetId"), row_text(done, "TargetId"))
			: strcmp(row_text(planned, "Reason"), row_text(done, "Reason")) == 0);
}

/* How many targets the plan would make, for sources that would have a session there. */
static size_t
planned_targets(const json_t *plan)
{
	json_t *targets = json_object();
	const char *key;
	json_t *row;
	size_t count;

	json_object_foreach ((json_t *)plan, key, row)
		if (strncmp(row_text(row, "TargetId"), "new:", 4) == 0 &&
		    strcmp(row_text(row, "Reason"), "planned") == 0)
			json_object_set_new(targets, row_text(row, "TargetId"), json_true());
	count = json_object_size(targets);
	json_decref(targets);
	return count;
}

static size_t
made_targets(const json_t *report)
{
	json_t *launch;
	size_t i, made = 0;

	json_array_foreach (json_object_get(report, "launched"), i, launch)
		made += json_is_true(json_object_get(launch, "behindTarget"));
	return made;
}

static void
check_plan(const struct sim_result *result, unsigned long long seed)
{
	const json_t *plan = result->ledgers[0], *run = result->ledgers[1];
	const char *key;
	json_t *row;

	json_object_foreach ((json_t *)run, key, row) {
		const json_t *planned = json_object_get(plan, key);

		ck_assert_msg(planned != NULL && same_row(planned, row),
		    "seed %llu: %s: planned %s (%s) to %s, done %s (%s) to %s", seed, key,
		    row_text(planned, "Outcome"), row_text(planned, "Reason"),
		    row_text(planned, "TargetId"), row_text(row, "Outcome"),
		    row_text(row, "Reason"), row_text(row, "TargetId"));
	}
	ck_assert_msg(json_object_size(plan) == json_object_size(run),
	    "seed %llu: %zu rows planned", seed, json_object_size(plan));
	ck_assert_msg(planned_targets(plan) == made_targets(result->report),
	    "seed %llu: %zu targets planned, %zu made", seed, planned_targets(plan),
	    made_targets(result->report));
	json_object_foreach (result->ledgers[2], key, row)
		ck_assert_msg(strcmp(row_text(row, "Outcome"), "created") != 0 &&
				  strcmp(row_text(row, "Outcome"), "updated") != 0 &&
				  strcmp(row_text(row, "Outcome"), "removed") != 0,
		    "seed %llu: %s is to be %s after the run", seed, key, row_text(row, "Outcome"));
}

static void
try_plan(uint64_t seed)
{
	struct scenario s;
	struct sim_result result;
	struct tmf_err err = {0};

	scenario_init(&s, seed);
	plan_scenario(&s);
	ck_assert_msg(sim_play(&s.plan, &result, &err) == 0, "seed %llu: %s",
	    (unsigned long long)seed, tmf_err_text(&err));
	check_plan(&result, seed);
	sim_result_fini(&result);
	scenario_fini(&s);
}

static uint64_t
number_from(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static void
try_seeds(const char *about, void (*try)(uint64_t seed))
{
	uint64_t count = number_from("TMFLOW_SIM_COUNT", SEEDS_FRESH);
	uint64_t first = number_from("TMFLOW_SIM_FIRST", (uint64_t)time(NULL) * 100000);

	if (getenv("TMFLOW_SIM_SEED") != NULL) {
		try(number_from("TMFLOW_SIM_SEED", 0));
		return;
	}
	for (uint64_t seed = 1; seed <= SEEDS_FIXED && getenv("TMFLOW_SIM_FIRST") == NULL; seed++)
		try(seed);
	printf("%s: fresh seeds %llu to %llu\n", about, (unsigned long long)first,
	    (unsigned long long)(first + count - 1));
	fflush(stdout);
	for (uint64_t i = 0; i < count; i++)
		try(first + i);
}

START_TEST(seeds)
{
	try_seeds("runs", try_seed);
}
END_TEST

START_TEST(plans)
{
	try_seeds("plans", try_plan);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("sim_seeds");
	TCase *tcase = tcase_create("seeds");

	tcase_add_test(tcase, seeds);
	tcase_set_timeout(tcase, 3600);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("plans");
	tcase_add_test(tcase, plans);
	tcase_set_timeout(tcase, 3600);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
