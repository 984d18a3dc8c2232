#include "sim.h"

#include "base/jsonx.h"
#include "run_suite.h"

#include <stdio.h>

/*
 * The crash matrix: a backfill is killed at every point at which it can die, in every way, goes on,
 * and ends as the undisturbed one did. At least POINTS_MIN such deaths are tried.
 */

#define POINTS_MIN 1000

/* Worlds small enough to be played some thousand times, each awkward in its own way. */
static const struct {
	const char *about;
	uint64_t seed;
	uint64_t instances;
	unsigned vpcs;
	unsigned subnets_per_vpc;
	uint64_t small_vpc_instances;
	double empty_pages;
	int64_t stale_ms;
	uint64_t members;
	unsigned earlier_every;
} worlds[] = {
    {"all rules, created targets", 5, 30, 2, 2, 12, 0, 0, 1, 0},
    {"one subnet, whose targets fill up", 7, 26, 1, 1, 26, 0, 0, 0, 0},
    {"describes that lag behind, empty pages", 11, 16, 2, 1, 8, 0.3, 5000, 0, 0},
    {"sessions that no rule wants any more", 12, 18, 2, 1, 4, 0, 0, 0, 2},
};
#define WORLDS (sizeof(worlds) / sizeof(worlds[0]))

static struct sim_plan
plan_of(size_t world)
{
	struct sim_plan plan = {.seed = worlds[world].seed, .processes_count = 1};

	sim_opts_default(&plan.world);
	plan.world.seed = worlds[world].seed;
	plan.world.instances = worlds[world].instances;
	plan.world.vpcs = worlds[world].vpcs;
	plan.world.subnets_per_vpc = worlds[world].subnets_per_vpc;
	plan.world.small_vpc_instances = worlds[world].small_vpc_instances;
	plan.world.empty_pages = worlds[world].empty_pages;
	plan.world.stale_ms = worlds[world].stale_ms;
	plan.world.members = worlds[world].members;
	plan.earlier_every = worlds[world].earlier_every;
	return plan;
}

static int64_t
session_count(const struct sim_result *result, const char *which)
{
	return json_integer_value(
	    json_object_get(json_object_get(result->report, "sessions"), which));
}

static int64_t
launched(const struct sim_result *result)
{
	return (int64_t)json_array_size(json_object_get(result->report, "launched"));
}

/* Which interfaces have sessions; their ids and targets may come in another order. */
static bool
same_interfaces(const json_t *a, const json_t *b)
{
	const json_t *first = json_object_get(a, "sessionsByInterface");
	const json_t *second = json_object_get(b, "sessionsByInterface");
	const char *interface;
	json_t *sessions;

	if (json_object_size(first) != json_object_size(second))
		return false;
	json_object_foreach ((json_t *)first, interface, sessions)
		if (json_array_size(json_object_get(second, interface)) !=
		    json_array_size(sessions))
			return false;
	return true;
}

static void
compare(const struct sim_result *calm, const struct sim_result *crashed, const char *what)
{
	const int64_t *a = calm->counts[0], *b = crashed->counts[0];

	ck_assert_msg(json_is_true(json_object_get(crashed->expected, "ok")),
	    "%s: sessions are not those asked for", what);
	ck_assert_msg(session_count(crashed, "created") == session_count(calm, "created"),
	    "%s: %lld sessions were created instead of %lld", what,
	    (long long)session_count(crashed, "created"),
	    (long long)session_count(calm, "created"));
	ck_assert_msg(same_interfaces(calm->report, crashed->report), "%s: other interfaces", what);
	ck_assert_msg(launched(crashed) == launched(calm), "%s: %lld launches instead of %lld",
	    what, (long long)launched(crashed), (long long)launched(calm));
	/* What was made just before the end of a life is found as present in the next. */
	ck_assert_msg(
	    a[OUTCOME_CREATED] + a[OUTCOME_PRESENT] == b[OUTCOME_CREATED] + b[OUTCOME_PRESENT],
	    "%s: another number mirrored", what);
	ck_assert_int_eq(a[OUTCOME_UNMATCHED], b[OUTCOME_UNMATCHED]);
	ck_assert_int_eq(a[OUTCOME_INELIGIBLE], b[OUTCOME_INELIGIBLE]);
	ck_assert_int_eq(a[OUTCOME_REMOVED], b[OUTCOME_REMOVED]);
	ck_assert_int_eq(b[OUTCOME_UNWANTED], 0);
	ck_assert_msg(b[OUTCOME_FAILED] == 0, "%s: some failed", what);
}

static void
die_at(struct sim_plan *plan, const struct sim_result *calm, uint64_t point,
    enum sim_crash_kind kind, const char *about)
{
	static const char *const names[SIM_CRASH_KINDS] = {
	    "killed", "killed within a write", "without power"};
	struct sim_result result;
	struct tmf_err err = {0};
	char what[160];

	snprintf(what, sizeof(what), "%s, %s at point %llu", about, names[kind],
	    (unsigned long long)point);
	plan->processes[0].crashes_count = 1;
	plan->processes[0].crashes[0] =
	    (struct sim_crash){.point = point, .kind = kind, .down_ms = 100};
	ck_assert_msg(sim_play(plan, &result, &err) == 0, "%s: %s", what, tmf_err_text(&err));
	ck_assert_msg(result.crashes == 1, "%s: it did not die", what);
	compare(calm, &result, what);
	sim_result_fini(&result);
}

START_TEST(every_point)
{
	uint64_t tried = 0;

	for (size_t world = 0; world < WORLDS; world++) {
		struct sim_plan plan = plan_of(world);
		struct sim_result calm;
		struct tmf_err err = {0};

		ck_assert_msg(sim_play(&plan, &calm, &err) == 0, "%s: %s", worlds[world].about,
		    tmf_err_text(&err));
		ck_assert(json_is_true(json_object_get(calm.expected, "ok")));
		for (uint64_t point = 1; point <= calm.points; point += sim_stride())
			for (int kind = 0; kind < SIM_CRASH_KINDS; kind++, tried++)
				die_at(&plan, &calm, point, (enum sim_crash_kind)kind,
				    worlds[world].about);
		printf("%s: %llu points\n", worlds[world].about, (unsigned long long)calm.points);
		sim_result_fini(&calm);
	}
	printf("%llu deaths\n", (unsigned long long)tried);
	ck_assert_uint_ge(tried, POINTS_MIN / sim_stride());
}
END_TEST

/*
 * Two deaths with an hour after each, and describes that lag behind: a target that is not shown may
 * be taken for gone, and what was launched in its place turn out not to be needed. How many came to
 * that is printed (mirror_leftovers has each step of it); in any case no launched instance is
 * without a target at the end, which sim_play looks at.
 */
#define HOUR_MS	     3600000
#define SOURCES_LATE 48	 /* more than are looked after at once, and the last target has room left */
#define FIRST_STEP   80	 /* every so-many-th point of the first life */
#define SECOND_MAX   150 /* and each of the second one until its first launches are over */

static void
die_twice(uint64_t stale_calls, uint64_t first, uint64_t second, struct sim_result *ret_result)
{
	struct sim_plan plan = plan_of(1);
	struct sim_process_plan *process = &plan.processes[0];
	struct tmf_err err = {0};

	plan.world.instances = plan.world.small_vpc_instances = SOURCES_LATE;
	plan.world.stale_calls = stale_calls;
	process->crashes_count = 2;
	process->crashes[0] =
	    (struct sim_crash){.point = first, .kind = SIM_KILL, .down_ms = HOUR_MS};
	process->crashes[1] = (struct sim_crash){.point = second,
	    .kind = (enum sim_crash_kind)(second % SIM_CRASH_KINDS),
	    .down_ms = HOUR_MS};
	ck_assert_msg(sim_play(&plan, ret_result, &err) == 0,
	    "%llu describes late, killed at points %llu and %llu: %s",
	    (unsigned long long)stale_calls, (unsigned long long)first, (unsigned long long)second,
	    tmf_err_text(&err));
}

START_TEST(launches_that_are_not_needed)
{
	uint64_t stale_calls = (uint64_t)_i + 1;
	uint64_t tried = 0, taken_back = 0;

	for (uint64_t first = 1;; first += FIRST_STEP * sim_stride()) {
		uint64_t crashes = 2;

		for (uint64_t second = 1; crashes == 2 && second <= SECOND_MAX;
		     second += sim_stride(), tried++) {
			struct sim_result result;

			die_twice(stale_calls, first, second, &result);
			crashes = result.crashes;
			taken_back += json_integer_value(
					  json_object_get(result.report, "targetsDeleted")) > 0;
			sim_result_fini(&result);
		}
		if (crashes == 0)
			break;
	}
	printf("%llu describes late: %llu pairs of deaths, %llu launches taken back\n",
	    (unsigned long long)stale_calls, (unsigned long long)tried,
	    (unsigned long long)taken_back);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("sim_crashes");
	TCase *tcase = tcase_create("matrix");

	tcase_add_test(tcase, every_point);
	tcase_add_loop_test(tcase, launches_that_are_not_needed, 0, 3);
	tcase_set_timeout(tcase, 3600);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
