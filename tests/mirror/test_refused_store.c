#include "failing_statements.h"
#include "mirror_fixture.h"
#include "run_suite.h"

#include "base/jsonx.h"

#include <stdio.h>
#include <string.h>

/*
 * A store that refuses a statement: the action that needed it fails with the store's error, so that
 * the run is interrupted and resumed, and none ends as if it had been written.
 */

#define INSTANCES      6
#define SLOW_TRIES_MAX 400

static struct fixture fixture;
static struct process process;

/* What the actions so far gave, from which the next one's input is made. */
static json_t *state;

static json_t *
part_of(const char *name, size_t index)
{
	json_t *part = json_array_get(json_object_get(state, name), index);

	ck_assert_msg(part != NULL, "no %s", name);
	return part;
}

static json_t *
make_nothing(void)
{
	return json_object();
}

static json_t *
make_ids(void)
{
	json_t *first = part_of("Instances", 0);

	return jpack("{s:[O, s]}", "InstanceIds", json_object_get(first, "InstanceId"), "i-0");
}

static json_t *
make_match(void)
{
	return jpack("{s:O}", "Instances", json_object_get(state, "Instances"));
}

static json_t *
make_matched(void)
{
	return jpack("{s:O}", "Matched", json_object_get(state, "Matched"));
}

static json_t *
make_target(void)
{
	json_t *item = part_of("Missing", 0);
	static const char *const names[] = {
	    "Rule", "SubnetId", "InstanceId", "NetworkInterfaceId", "InstanceType"};
	json_t *input = json_object();

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		json_object_set(input, names[i], json_object_get(item, names[i]));
	return input;
}

static json_t *
make_session(void)
{
	json_t *input = make_target();

	json_object_del(input, "SubnetId");
	json_object_set(input, "TargetId", json_object_get(state, "TargetId"));
	return input;
}

static json_t *
make_record(void)
{
	return jpack("{s:[s, s], s:s, s:s}", "InstanceIds", "i-1", "i-2", "Outcome", "gone",
	    "Reason", "shutting-down");
}

static json_t *
make_check_account(void)
{
	return jpack("{s:s, s:s, s:[s]}", "AccountId", "999999999999", "Region", "us-east-1",
	    "InstanceIds", "i-1");
}

/* The session that ensure-session made. */
static json_t *
make_removal(void)
{
	json_t *input = make_target();

	json_object_del(input, "SubnetId");
	json_object_del(input, "InstanceType");
	json_object_set_new(input, "Reason", json_string("unmatched"));
	json_object_set(input, "SessionId", json_object_get(state, "SessionId"));
	return input;
}

static const struct step {
	const char *action;
	json_t *(*make)(void);
	int refusals_min; /* so many statements at least */
} steps[] = {
    {"describe-page", make_nothing, 0},
    {"describe-page", make_ids, 0},
    {"match", make_match, 2},
    {"exclude-target-instances", make_matched, 1},
    {"find-sessions", make_matched, 1},
    {"ensure-target", make_target, 2},
    {"ensure-session", make_session, 2},
    {"find-unwanted", make_nothing, 1},
    {"record", make_record, 2},
    {"check-account", make_check_account, 2},
    {"remove-session", make_removal, 2},
};

/* Runs a step, and keeps what it gave beside what was there. The loop ends with what its hook could
 * not commit, and the action then never does. */
static bool
step_run(const struct step *step, struct tmf_err *err)
{
	struct fixture_end *ended = process_start(&process, step->action, step->make());
	int ret = tmf_loop_run(fixture.loop, err);

	if (ret < 0 || ended->result == NULL) {
		if (ret == 0)
			tmf_err_move(err, &ended->err);
		return false;
	}
	json_object_update(state, ended->result);
	return true;
}

/* A world, and the steps before the last as they are without a fault. */
static void
begin(size_t last)
{
	struct tmf_err err = {0};

	fixture_init_subnet(&fixture, INSTANCES, 0, 0);
	process_init(&process, &fixture,
	    &(struct process_opts){.hook = "return {match = function(i, rule) return nil end}"});
	state = json_object();
	for (size_t i = 0; i < last; i++)
		ck_assert_msg(
		    step_run(&steps[i], &err), "%s: %s", steps[i].action, tmf_err_text(&err));
}

static void
end(void)
{
	json_decref(state);
	process_fini(&process);
	fixture_fini(&fixture);
}

START_TEST(test_each_statement_of_an_action)
{
	const struct step *step = &steps[_i];
	int refusals = 0;
	bool hit = true;

	for (int n = 1; hit && n < SLOW_TRIES_MAX; n++) {
		struct tmf_err err = {0};
		bool ended_well;

		begin((size_t)_i);
		failing_statements_arm(process.store, n);
		ended_well = step_run(step, &err);
		hit = failing_statements_hit();
		failing_statements_arm(process.store, 0);
		ck_assert_msg(ended_well != hit, "%s, statement %d: %s", step->action, n,
		    ended_well ? "ended well" : tmf_err_text(&err));
		if (!ended_well)
			ck_assert_ptr_nonnull(strstr(tmf_err_text(&err), "interrupted"));
		tmf_err_fini(&err);
		refusals += hit;
		end();
	}
	ck_assert_int_ge(refusals, step->refusals_min);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("refused_store");
	TCase *tests = tcase_create("refused_store");

	tcase_set_timeout(tests, 120);
	tcase_add_loop_test(
	    tests, test_each_statement_of_an_action, 0, sizeof(steps) / sizeof(steps[0]));
	suite_add_tcase(suite, tests);
	return run_suite(suite) == 0 ? 0 : 1;
}
