/* Any statement may fail, and any row be one that no release writes: the call says so, and what was
 * committed stands. */
#include "failing_statements.h"
#include "store_fixture.h"

#include "store/run_state.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#define RUN    "run"
#define PART   "part"
#define SCOPE  "111122223333/us-east-1"
#define BRANCH 1

static struct fixture fx;

/* --- what is called --- */

static int
see_row(void *arg, const struct outcome *outcome)
{
	(void)arg;
	(void)outcome;
	return 0;
}

static int
see_rule(void *arg, const char *rule, enum outcome_kind kind)
{
	(void)arg;
	(void)rule;
	(void)kind;
	return 0;
}

static int
see_reason(void *arg, const struct outcome_reason *reason)
{
	(void)arg;
	(void)reason;
	return 0;
}

static int
see_instance(void *arg, const char *instance_id)
{
	(void)arg;
	(void)instance_id;
	return 0;
}

static int
see_blob(void *arg, int64_t number, struct str bytes)
{
	(void)arg;
	(void)number;
	(void)bytes;
	return 0;
}

static int
see_event(void *arg, const struct store_event *event)
{
	(void)arg;
	(void)event;
	return 0;
}

static int
see_fact(void *arg, const char *key, struct str value)
{
	(void)arg;
	(void)key;
	(void)value;
	return 0;
}

static int
see_run(void *arg, const struct store_run *run)
{
	(void)arg;
	(void)run;
	return 0;
}

static int
call_outcomes_each(struct store *store, struct tmf_err *err)
{
	return store_outcomes_each(store, RUN, -1, see_row, NULL, err);
}

static int
call_outcomes_after(struct store *store, struct tmf_err *err)
{
	return store_outcomes_after(store, RUN, -1, "", "", "", see_row, NULL, err);
}

static int
call_outcomes_of(struct store *store, struct tmf_err *err)
{
	return store_outcomes_of(store, RUN, "i-1", see_row, NULL, err);
}

static int
call_outcomes_at(struct store *store, struct tmf_err *err)
{
	return store_outcomes_at(store, RUN, "eni-1", see_row, NULL, err);
}

static int
call_outcomes_count(struct store *store, struct tmf_err *err)
{
	int64_t counts[OUTCOME_COUNT];

	return store_outcomes_count(store, RUN, counts, err);
}

static int
call_outcome_rules(struct store *store, struct tmf_err *err)
{
	return store_outcome_rules(store, RUN, see_rule, NULL, err);
}

static int
call_outcome_reasons(struct store *store, struct tmf_err *err)
{
	return store_outcome_reasons(store, RUN, see_reason, NULL, err);
}

static int
call_failed_instances(struct store *store, struct tmf_err *err)
{
	return store_failed_instances(store, RUN, "", 10, see_instance, NULL, err);
}

static int
call_branches_each(struct store *store, struct tmf_err *err)
{
	return store_branches_each(store, RUN, see_blob, NULL, err);
}

static int
call_results_each(struct store *store, struct tmf_err *err)
{
	return store_results_each(store, RUN, BRANCH, see_blob, NULL, err);
}

static int
call_events_each(struct store *store, struct tmf_err *err)
{
	return store_events_each(store, RUN, 0, see_event, NULL, err);
}

static int
call_facts_each(struct store *store, struct tmf_err *err)
{
	return store_facts_each(store, SCOPE, "kind", see_fact, NULL, err);
}

static int
call_fact_time(struct store *store, struct tmf_err *err)
{
	int64_t put_wall_ms;

	return store_fact_time(store, SCOPE, "kind", "key", &put_wall_ms, err);
}

static int
call_runs_each(struct store *store, struct tmf_err *err)
{
	return store_runs_each(
	    store, &(struct store_run_filter){.status = -1, .parent = RUN}, see_run, NULL, err);
}

static int
call_run_find(struct store *store, struct tmf_err *err)
{
	struct store_run run = {0};
	int ret = store_run_find(store, "ru", &run, err);

	store_run_fini(&run);
	return ret;
}

static int
call_run_counts(struct store *store, struct tmf_err *err)
{
	int64_t counts[OUTCOME_COUNT];

	return run_counts(store, &(struct store_run){.id = RUN}, counts, err);
}

static int
call_run_state(struct store *store, struct tmf_err *err)
{
	struct run_state state;

	return run_state_read(store, &(struct store_run){.id = RUN}, &state, err);
}

/* The faults are what it is for, and no failure. */
static void
see_fault(void *arg, const char *what)
{
	*(bool *)arg = true;
	ck_assert_str_ne(what, "");
}

static int
call_check(struct store *store, struct tmf_err *err)
{
	bool faulty = false;

	if (store_check(store, see_fault, &faulty, err) < 0)
		return -1;
	return faulty ? tmf_err_set(err, TMF_ERR_STORE, "interrupted") : 0;
}

static int
call_outcome_put(struct store *store, struct tmf_err *err)
{
	struct outcome outcome = {.kind = OUTCOME_CREATED,
	    .instance_id = "i-2",
	    .interface_id = "eni-2",
	    .slot = "second"};

	return store_outcome_put(store, RUN, &outcome, err);
}

static int
call_outcome_put_again(struct store *store, struct tmf_err *err)
{
	struct outcome outcome = {
	    .kind = OUTCOME_PRESENT, .instance_id = "i-1", .interface_id = "eni-1"};

	return store_outcome_put(store, RUN, &outcome, err);
}

static int
call_instance_put(struct store *store, struct tmf_err *err)
{
	struct store_instance instance = {.name = "web"};

	return store_instance_put(store, RUN, "i-1", NULL, &instance, err);
}

static int
call_branch_put(struct store *store, struct tmf_err *err)
{
	return store_branch_put(store, RUN, 2, STR("{}"), err);
}

static int
call_branch_delete(struct store *store, struct tmf_err *err)
{
	return store_branch_delete(store, RUN, BRANCH, err);
}

static int
call_result_put(struct store *store, struct tmf_err *err)
{
	return store_result_put(store, RUN, BRANCH, 1, STR("{}"), err);
}

static int
call_results_delete(struct store *store, struct tmf_err *err)
{
	return store_results_delete(store, RUN, BRANCH, err);
}

static int
call_result_delete(struct store *store, struct tmf_err *err)
{
	return store_result_delete(store, RUN, BRANCH, 0, err);
}

static int
call_checkpoints_delete(struct store *store, struct tmf_err *err)
{
	return store_checkpoints_delete(store, RUN, err);
}

static int
call_event_put(struct store *store, struct tmf_err *err)
{
	return store_event_put(store, RUN, &(struct store_event){.id = 2, .type = "Exit"}, err);
}

static int
call_events_delete(struct store *store, struct tmf_err *err)
{
	return store_events_delete(store, RUN, err);
}

static int
call_fact_put(struct store *store, struct tmf_err *err)
{
	return store_fact_put(store, SCOPE, "kind", "other", STR("1"), err);
}

static int
call_fact_delete(struct store *store, struct tmf_err *err)
{
	return store_fact_delete(store, SCOPE, "kind", "key", err);
}

static int
call_run_create(struct store *store, struct tmf_err *err)
{
	struct store_run run = {.id = "new", .parent = (char[]){RUN}};

	return store_run_create(store, &run, err);
}

static int
call_run_update(struct store *store, struct tmf_err *err)
{
	struct store_run run = {.id = RUN, .status = RUN_FAILED};

	return store_run_update(store, &run, err);
}

static int
call_run_end(struct store *store, struct tmf_err *err)
{
	struct store_run run = {.id = RUN, .status = RUN_SUCCEEDED};

	return store_run_end(store, &run, err);
}

static int
call_run_delete(struct store *store, struct tmf_err *err)
{
	return store_run_delete(store, RUN, err);
}

static const struct call {
	const char *name;
	int (*fn)(struct store *store, struct tmf_err *err);
	int statements_min; /* BEGIN is none: it cannot be interrupted */
} calls[] = {
    {"outcomes_each", call_outcomes_each, 2},
    {"outcomes_after", call_outcomes_after, 2},
    {"outcomes_of", call_outcomes_of, 2},
    {"outcomes_at", call_outcomes_at, 2},
    {"outcomes_count", call_outcomes_count, 2},
    {"outcome_rules", call_outcome_rules, 2},
    {"outcome_reasons", call_outcome_reasons, 2},
    {"failed_instances", call_failed_instances, 2},
    {"branches_each", call_branches_each, 2},
    {"results_each", call_results_each, 2},
    {"events_each", call_events_each, 2},
    {"facts_each", call_facts_each, 1},
    {"fact_time", call_fact_time, 1},
    {"runs_each", call_runs_each, 1},
    {"run_find", call_run_find, 2},
    {"run_counts", call_run_counts, 5},
    {"run_state", call_run_state, 1},
    {"check", call_check, 8},
    {"outcome_put", call_outcome_put, 5},
    {"outcome_put_again", call_outcome_put_again, 6},
    {"instance_put", call_instance_put, 2},
    {"branch_put", call_branch_put, 2},
    {"branch_delete", call_branch_delete, 2},
    {"result_put", call_result_put, 2},
    {"results_delete", call_results_delete, 2},
    {"result_delete", call_result_delete, 2},
    {"checkpoints_delete", call_checkpoints_delete, 3},
    {"event_put", call_event_put, 2},
    {"events_delete", call_events_delete, 2},
    {"fact_put", call_fact_put, 1},
    {"fact_delete", call_fact_delete, 1},
    {"run_create", call_run_create, 3},
    {"run_update", call_run_update, 1},
    {"run_end", call_run_end, 4},
    {"run_delete", call_run_delete, 10},
};

/* A run and a part of it, and a row of each kind that there is. */
static void
fill(void)
{
	struct outcome failed = {.kind = OUTCOME_FAILED,
	    .instance_id = "i-1",
	    .interface_id = "eni-1",
	    .rule = "vpcs[0]",
	    .error = "E"};
	struct outcome whole = {.kind = OUTCOME_GONE, .instance_id = "i-2"};
	struct store_run part = {.id = PART, .parent = (char[]){RUN}};
	struct tmf_err err = {0};

	fixture_run(&fx, RUN, FIXTURE_WALL_MS);
	ck_ok(store_run_create(fx.store, &part, &err), &err);
	ck_ok(store_outcome_put(fx.store, PART, &failed, &err), &err);
	ck_ok(store_outcome_put(fx.store, RUN, &failed, &err), &err);
	ck_ok(store_outcome_put(fx.store, RUN, &whole, &err), &err);
	ck_ok(store_branch_put(fx.store, RUN, BRANCH, STR("{}"), &err), &err);
	ck_ok(store_result_put(fx.store, RUN, BRANCH, 0, STR("{}"), &err), &err);
	ck_ok(store_event_put(fx.store, RUN, &(struct store_event){.id = 1, .type = "Enter"}, &err),
	    &err);
	ck_ok(store_fact_put(fx.store, SCOPE, "kind", "key", STR("1"), &err), &err);
	ck_ok(store_commit(fx.store, &err), &err);
	/* Statements are prepared once, which asks the file about its tables. */
	fixture_reopen(&fx);
}

static int
add_row(void *arg, int count, char **values, char **names)
{
	(void)names;
	for (int i = 0; i < count; i++)
		buf_printf(arg, "%s|", values[i] != NULL ? values[i] : "NULL");
	buf_add_char(arg, '\n');
	return 0;
}

/* All rows of all tables. */
static void
read_all(struct buf *out)
{
	static const char *const tables[] = {
	    "runs", "branches", "results", "outcomes", "instances", "history", "facts"};
	char path[PATH_BYTES];
	sqlite3 *db;

	buf_fini(out);
	ck_assert_int_eq(sqlite3_open(fixture_state_path(&fx, "tmflow.db", path), &db), 0);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		char *text = sqlite3_mprintf("SELECT * FROM %s", tables[i]);
		char *wrong = NULL;

		sqlite3_exec(db, text, add_row, out, &wrong);
		ck_assert_msg(wrong == NULL, "%s: %s", tables[i], wrong);
		sqlite3_free(text);
	}
	sqlite3_close(db);
}

START_TEST(test_each_statement_of_each_call_fails)
{
	const struct call *call = &calls[_i];
	struct buf before = {0};
	struct buf after = {0};
	int failed = 0;
	bool hit = true;

	for (int n = 1; hit; n++) {
		struct tmf_err err = {0};
		int ret;

		fixture_init(&fx);
		fixture_open(&fx);
		fill();
		read_all(&before);
		failing_statements_arm(fx.store, n);
		ret = call->fn(fx.store, &err);
		hit = failing_statements_hit();
		failing_statements_arm(fx.store, 0);
		if (ret < 0) {
			ck_assert_msg(hit, "%s, %d: %s", call->name, n, tmf_err_text(&err));
			expect_err(&err, TMF_ERR_STORE, "interrupted");
			(void)store_commit(fx.store, &err);
			tmf_err_fini(&err);
			failed++;
			fixture_close(&fx);
			read_all(&after);
			ck_assert_str_eq(buf_cstr(&before), buf_cstr(&after));
		} else if (!hit) {
			ck_ok(store_commit(fx.store, &err), &err);
		}
		fixture_fini(&fx);
	}
	ck_assert_msg(failed >= call->statements_min, "%s: only %d", call->name, failed);
	buf_fini(&before);
	buf_fini(&after);
}
END_TEST

/* --- rows that no release writes --- */

static const struct {
	const char *sql;
	int (*fn)(struct store *store, struct tmf_err *err);
	const char *says;
} damages[] = {
    {"UPDATE outcomes SET kind = 99", call_outcomes_each, "an outcome that cannot be"},
    {"UPDATE outcomes SET kind = -1", call_outcomes_after, "an outcome that cannot be"},
    {"UPDATE outcomes SET kind = 99", call_outcomes_count, "an outcome that cannot be"},
    {"UPDATE outcomes SET kind = 99", call_outcome_rules, "an outcome that cannot be"},
    {"UPDATE outcomes SET kind = -1", call_outcome_rules, "an outcome that cannot be"},
    {"UPDATE outcomes SET kind = 99", call_outcome_reasons, "an outcome that cannot be"},
    {"UPDATE outcomes SET kind = -1", call_outcome_reasons, "an outcome that cannot be"},
    {"UPDATE branches SET state = x'5b5d'", call_branches_each, "a wrong checksum in row 1"},
    {"UPDATE results SET result = x'5b5d'", call_results_each, "a wrong checksum"},
    {"UPDATE facts SET value = x'32'", call_facts_each, "checksum"},
    {"UPDATE runs SET redrives = -1", call_run_find, "a run that cannot be"},
    {"UPDATE runs SET redrives = 9223372036854775807", call_run_find, "a run that cannot be"},
    {"UPDATE runs SET status = 5", call_run_find, "a run that cannot be"},
    {"UPDATE runs SET input = '[]'", call_run_find, "has a wrong checksum"},
    {"UPDATE runs SET cause = 'x'", call_run_find, "has a wrong checksum"},
    {"UPDATE runs SET workflow_name = 'w'", call_run_find, "has a wrong checksum"},
};

START_TEST(test_a_row_that_cannot_be)
{
	struct tmf_err err = {0};

	fixture_init(&fx);
	fixture_open(&fx);
	fill();
	fixture_sql(&fx, damages[_i].sql);
	ck_assert_int_eq(damages[_i].fn(fx.store, &err), -1);
	ck_assert_str_eq(err.name, "TMFlow.Store");
	expect_err(&err, TMF_ERR_INVALID, damages[_i].says);
	fixture_fini(&fx);
}
END_TEST

static void
add_cases(Suite *suite)
{
	TCase *tcase = tcase_create("statements");

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(
	    tcase, test_each_statement_of_each_call_fails, 0, sizeof(calls) / sizeof(calls[0]));
	tcase_add_loop_test(
	    tcase, test_a_row_that_cannot_be, 0, sizeof(damages) / sizeof(damages[0]));
	suite_add_tcase(suite, tcase);
}

int
main(void)
{
	return run_suite("store_statements", add_cases);
}
