/* Runs: ids, fields, finding, listing, limits. */
#include "store_fixture.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct fixture fx;

static void
setup(void)
{
	fixture_init(&fx);
	fixture_open(&fx);
}

static void
teardown(void)
{
	fixture_fini(&fx);
}

/* Borrows: literals only. Not to be freed. */
static const struct store_run full_run = {
    .id = "full",
    .status = RUN_RUNNING,
    .start_wall_ms = 1000,
    .workflow_name = (char[]){"backfill.yaml"},
    .definition = (char[]){"StartAt: A\n"},
    .input = (char[]){"{\"a\":1}"},
    .config_name = (char[]){"us-east-1.yaml"},
    .config = (char[]){"vpcs: []\n"},
    .hook_name = (char[]){"hook.lua"},
    .hook = (char[]){"return {}"},
    .settings = (char[]){"{\"region\":\"us-east-1\"}"},
};

static void
expect_find(const char *text, const char *id)
{
	struct store_run run;
	struct tmf_err err = {0};

	ck_ok(store_run_find(fx.store, text, &run, &err), &err);
	ck_assert_str_eq(run.id, id);
	store_run_fini(&run);
}

static void
expect_no_find(const char *text, enum tmf_err_code code, const char *part)
{
	struct store_run run = {.status = RUN_FAILED};
	struct tmf_err err = {0};

	ck_assert_int_eq(store_run_find(fx.store, text, &run, &err), -1);
	ck_assert_int_eq(run.status, RUN_FAILED);
	expect_err(&err, code, part);
}

START_TEST(test_keeps_every_field)
{
	struct store_run run;
	struct tmf_err err = {0};

	ck_ok(store_run_create(fx.store, &full_run, &err), &err);
	ck_ok(store_commit(fx.store, &err), &err);
	fixture_reopen(&fx);
	ck_ok(store_run_find(fx.store, "full", &run, &err), &err);
	ck_assert_int_eq(run.status, RUN_RUNNING);
	ck_assert_int_eq(run.start_wall_ms, 1000);
	ck_assert_int_eq(run.stop_wall_ms, 0);
	ck_assert_str_eq(run.workflow_name, "backfill.yaml");
	ck_assert_str_eq(run.definition, "StartAt: A\n");
	ck_assert_str_eq(run.input, "{\"a\":1}");
	ck_assert_str_eq(run.config_name, "us-east-1.yaml");
	ck_assert_str_eq(run.config, "vpcs: []\n");
	ck_assert_str_eq(run.hook_name, "hook.lua");
	ck_assert_str_eq(run.hook, "return {}");
	ck_assert_str_eq(run.settings, "{\"region\":\"us-east-1\"}");
	ck_assert_ptr_null(run.output);
	ck_assert_ptr_null(run.error);
	ck_assert_ptr_null(run.cause);
	store_run_fini(&run);
	ck_assert_ptr_null(run.input);
}
END_TEST

START_TEST(test_update_writes_the_end_only)
{
	struct store_run run, end = full_run;
	struct tmf_err err = {0};

	ck_ok(store_run_create(fx.store, &full_run, &err), &err);
	end.status = RUN_TIMED_OUT;
	end.stop_wall_ms = 2000;
	end.input = NULL;
	end.output = (char[]){"{}"};
	end.error = (char[]){"States.Timeout"};
	end.cause = (char[]){"too slow"};
	ck_ok(store_run_update(fx.store, &end, &err), &err);
	ck_ok(store_run_find(fx.store, "full", &run, &err), &err);
	ck_assert_int_eq(run.status, RUN_TIMED_OUT);
	ck_assert_int_eq(run.stop_wall_ms, 2000);
	ck_assert_str_eq(run.input, "{\"a\":1}");
	ck_assert_str_eq(run.output, "{}");
	ck_assert_str_eq(run.error, "States.Timeout");
	ck_assert_str_eq(run.cause, "too slow");
	store_run_fini(&run);

	strcpy(end.id, "unknown");
	ck_assert_int_eq(store_run_update(fx.store, &end, &err), -1);
	expect_err(&err, TMF_ERR_NOT_FOUND, ": unknown");
}
END_TEST

START_TEST(test_create_refuses)
{
	struct store_run run = full_run;
	struct tmf_err err = {0};

	fixture_run(&fx, "taken", 1);
	strcpy(run.id, "taken");
	ck_assert_int_eq(store_run_create(fx.store, &run, &err), -1);
	expect_err(&err, TMF_ERR_INVALID, "there is already a run taken");
	fixture_reopen(&fx);
	ck_assert_int_eq(store_run_create(fx.store, &run, &err), -1);
	expect_err(&err, TMF_ERR_INVALID, "there is already a run taken");
	strcpy(run.id, "a/b");
	ck_assert_int_eq(store_run_create(fx.store, &run, &err), -1);
	expect_err(&err, TMF_ERR_INVALID, "character 2");

	/* None of this was a fault of the store. */
	strcpy(run.id, "free");
	ck_ok(store_run_create(fx.store, &run, &err), &err);
	ck_ok(store_commit(fx.store, &err), &err);
}
END_TEST

START_TEST(test_limits_texts)
{
	struct store_run run = {.id = "big"};
	struct tmf_err err = {0};

	run.definition = mem_zalloc(STORE_TEXT_BYTES_MAX + 2, 1);
	memset(run.definition, 'x', STORE_TEXT_BYTES_MAX + 1);
	ck_assert_int_eq(store_run_create(fx.store, &run, &err), -1);
	expect_err(&err, TMF_ERR_LIMIT, "the definition has 16777217 bytes");
	run.definition[STORE_TEXT_BYTES_MAX] = '\0';
	ck_ok(store_run_create(fx.store, &run, &err), &err);
	ck_ok(store_commit(fx.store, &err), &err);
	free(run.definition);
	expect_find("big", "big");
}
END_TEST

START_TEST(test_finds_by_prefix)
{
	expect_no_find("@latest", TMF_ERR_NOT_FOUND, "no runs yet");
	expect_no_find("01", TMF_ERR_NOT_FOUND, ": 01");
	fixture_run(&fx, "01ABC", 30);
	fixture_run(&fx, "01ABD", 10);
	fixture_run(&fx, "01abc", 20);
	fixture_run(&fx, "01AB", 5);
	fixture_run(&fx, "zz_z", 30);
	fixture_run(&fx, "zz-z", 30);
	expect_find("01ABC", "01ABC");
	expect_find("01AB", "01AB"); /* whole, though others start with it */
	expect_find("01a", "01abc");
	expect_find("zz_", "zz_z");
	expect_find("@latest", "zz_z");
	expect_no_find("01A", TMF_ERR_INVALID, "several run ids: 01AB, 01ABC, 01ABD");
	expect_no_find("02", TMF_ERR_NOT_FOUND, ": 02");
	expect_no_find("01ABCD", TMF_ERR_NOT_FOUND, "01ABCD");
	expect_no_find("", TMF_ERR_INVALID, "empty");
	expect_no_find("@late", TMF_ERR_INVALID, "letters, digits");
	expect_no_find("%", TMF_ERR_INVALID, "letters, digits");
}
END_TEST

static int
note_id(void *arg, const struct store_run *run)
{
	buf_printf(arg, "%s ", run->id);
	return 0;
}

/* Parts are of their run: neither among the runs nor ambiguous with it, but found by their whole
 * id. */
START_TEST(test_parts)
{
	struct store_run part = full_run;
	struct buf ids = {0};
	struct tmf_err err = {0};

	part.parent = (char[]){"full"};
	ck_ok(store_run_create(fx.store, &full_run, &err), &err);
	snprintf(part.id, sizeof(part.id), "full-b");
	part.start_wall_ms++;
	ck_ok(store_run_create(fx.store, &part, &err), &err);
	snprintf(part.id, sizeof(part.id), "full-a");
	ck_ok(store_run_create(fx.store, &part, &err), &err);
	expect_find("fu", "full");
	expect_find("full-b", "full-b");
	expect_find("@latest", "full");
	expect_no_find("full-", TMF_ERR_NOT_FOUND, "full-");
	ck_ok(store_runs_each(
		  fx.store, &(struct store_run_filter){.status = -1}, note_id, &ids, &err),
	    &err);
	ck_assert_str_eq(buf_cstr(&ids), "full ");
	buf_reset(&ids);
	ck_ok(store_runs_each(
		  fx.store, &(struct store_run_filter){.parent = "full"}, note_id, &ids, &err),
	    &err);
	ck_assert_str_eq(buf_cstr(&ids), "full-a full-b ");
	buf_fini(&ids);
}
END_TEST

START_TEST(test_names_at_most_five)
{
	struct store_run run;
	struct tmf_err err = {0};

	for (int i = 1; i <= 5; i++) {
		char id[16];

		snprintf(id, sizeof(id), "r%d", i);
		fixture_run(&fx, id, i);
	}
	ck_assert_int_eq(store_run_find(fx.store, "r", &run, &err), -1);
	ck_assert_ptr_null(strstr(tmf_err_text(&err), "..."));
	expect_err(&err, TMF_ERR_INVALID, "r1, r2, r3, r4, r5");
	for (int i = 6; i <= 8; i++) {
		char id[16];

		snprintf(id, sizeof(id), "r%d", i);
		fixture_run(&fx, id, i);
	}
	expect_no_find("r", TMF_ERR_INVALID, "r1, r2, r3, r4, r5, ...");
}
END_TEST

START_TEST(test_latest_is_by_start_then_id)
{
	fixture_run(&fx, "b", 100);
	fixture_run(&fx, "z", 50);
	expect_find("@latest", "b");
	fixture_run(&fx, "a", 100);
	expect_find("@latest", "b");
	fixture_run(&fx, "c", 100);
	expect_find("@latest", "c");
}
END_TEST

struct listed {
	char ids[256];
	int stop_after;
};

static int
list_run(void *arg, const struct store_run *run)
{
	struct listed *listed = arg;

	ck_assert_ptr_null(run->definition);
	ck_assert_ptr_null(run->config);
	ck_assert_ptr_null(run->hook);
	strcat(listed->ids, run->id);
	strcat(listed->ids, " ");
	return --listed->stop_after == 0;
}

static void
expect_list(int status, int64_t since_wall_ms, int stop_after, const char *ids)
{
	struct listed listed = {.stop_after = stop_after};
	struct store_run_filter filter = {.status = status, .since_wall_ms = since_wall_ms};
	struct tmf_err err = {0};

	ck_ok(store_runs_each(fx.store, &filter, list_run, &listed, &err), &err);
	ck_assert_str_eq(listed.ids, ids);
}

START_TEST(test_lists_newest_first)
{
	struct store_run done = {.id = "c", .status = RUN_SUCCEEDED, .stop_wall_ms = 9};
	struct tmf_err err = {0};

	expect_list(-1, 0, 0, "");
	ck_ok(store_run_create(fx.store, &full_run, &err), &err);
	fixture_run(&fx, "a", 10);
	fixture_run(&fx, "b", 30);
	fixture_run(&fx, "c", 20);
	ck_ok(store_run_update(fx.store, &done, &err), &err);
	expect_list(-1, 0, 0, "full b c a ");
	expect_list(-1, 20, 0, "full b c ");
	expect_list(RUN_SUCCEEDED, 0, 0, "c ");
	expect_list(RUN_RUNNING, 15, 0, "full b ");
	expect_list(RUN_FAILED, 0, 0, "");
	expect_list(-1, 0, 2, "full b ");
}
END_TEST

START_TEST(test_ids_sort_by_time)
{
	struct rng rng;
	char a[STORE_RUN_ID_BYTES], b[STORE_RUN_ID_BYTES], c[STORE_RUN_ID_BYTES];

	rng_seed(&rng, 1);
	store_run_id_make(1469918176385, &rng, a);
	store_run_id_make(1469918176385, &rng, b);
	store_run_id_make(1469918176386, &rng, c);
	ck_assert_int_eq(
	    strncmp(a, "01ARYZ6S41", 10), 0); /* the example of the ULID specification */
	ck_assert_int_eq(strncmp(b, "01ARYZ6S41", 10), 0);
	ck_assert_str_ne(a, b);
	ck_assert_str_lt(a, c);
	ck_assert_str_lt(b, c);
	ck_assert_uint_eq(strlen(a), 26);
	ck_assert_uint_eq(strspn(a, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"), 26);
	ck_assert_int_eq(store_run_id_check(a, NULL), 0);

	rng_seed(&rng, 1);
	store_run_id_make(1469918176385, &rng, b);
	ck_assert_str_eq(a, b);
}
END_TEST

START_TEST(test_checks_ids)
{
	static const char *const bad[] = {"", "a b", "a.b", "../x", "a/b", "\xc3\xa4", "@latest",
	    "a\n", "01234567890123456789012345678901234567890123456789012345678901234"};
	struct tmf_err err = {0};

	ck_ok(store_run_id_check("aZ09-_", &err), &err);
	ck_ok(store_run_id_check(
		  "0123456789012345678901234567890123456789012345678901234567890123", &err),
	    &err);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_msg(store_run_id_check(bad[i], &err) < 0, "%s", bad[i]);
		expect_err(&err, TMF_ERR_INVALID, "a run id");
	}
}
END_TEST

START_TEST(test_status_names)
{
	ck_assert_str_eq(run_status_name(RUN_RUNNING), "RUNNING");
	ck_assert_str_eq(run_status_name(RUN_SUCCEEDED), "SUCCEEDED");
	ck_assert_str_eq(run_status_name(RUN_FAILED), "FAILED");
	ck_assert_str_eq(run_status_name(RUN_TIMED_OUT), "TIMED_OUT");
	ck_assert_str_eq(run_status_name(RUN_INTERRUPTED), "INTERRUPTED");
}
END_TEST

START_TEST(test_refuses_rows_that_cannot_be)
{
	struct store_run_filter filter = {.status = -1};
	struct listed listed = {.stop_after = 0};
	struct tmf_err err = {0};

	fixture_run(&fx, "a", 1);
	fixture_sql(&fx, "UPDATE runs SET status = 99");
	expect_no_find("a", TMF_ERR_STORE, "a run that cannot be");
	ck_assert_int_eq(store_runs_each(fx.store, &filter, list_run, &listed, &err), -1);
	expect_err(&err, TMF_ERR_STORE, "move it away");
	fixture_sql(&fx, "UPDATE runs SET id = 'a/' || hex(zeroblob(99))");
	expect_no_find("a", TMF_ERR_INVALID, "a run id has");
}
END_TEST

START_TEST(test_a_dry_run_is_not_the_latest)
{
	struct store_run dry = {.id = "dry", .start_wall_ms = 9000, .dry_run = true};
	struct tmf_err err = {0};

	ck_ok(store_run_create(fx.store, &dry, &err), &err);
	expect_no_find("@latest", TMF_ERR_NOT_FOUND, "dry run");
	fixture_run(&fx, "real", 1000);
	expect_find("@latest", "real");
	expect_find("dry", "dry");
}
END_TEST

START_TEST(test_lists_until)
{
	const struct store_run_filter filter = {
	    .status = -1, .since_wall_ms = 2, .until_wall_ms = 3};
	struct listed listed = {.stop_after = 0};
	struct tmf_err err = {0};

	for (int i = 1; i <= 4; i++)
		fixture_run(&fx, (char[]){(char)('a' + i), '\0'}, i);
	ck_ok(store_runs_each(fx.store, &filter, list_run, &listed, &err), &err);
	ck_assert_str_eq(listed.ids, "d c ");
}
END_TEST

/* Everything of a run, with what could be mistaken for it. */
static void
fill_run(const char *id)
{
	const struct outcome outcome = {
	    .kind = OUTCOME_CREATED, .instance_id = "i-1", .interface_id = "eni-1"};
	const struct store_event event = {.id = 1, .type = "PassStateEntered"};
	const struct store_instance instance = {.type = "m5.large"};
	struct tmf_err err = {0};

	ck_ok(store_outcome_put(fx.store, id, &outcome, &err), &err);
	ck_ok(store_instance_put(fx.store, id, "i-1", NULL, &instance, &err), &err);
	ck_ok(store_event_put(fx.store, id, &event, &err), &err);
	ck_ok(store_branch_put(fx.store, id, 1, STR("{}"), &err), &err);
	ck_ok(store_result_put(fx.store, id, 1, 0, STR("{}"), &err), &err);
	ck_ok(store_fact_put(fx.store, id, "calls", "us-east-1", STR("{}"), &err), &err);
}

START_TEST(test_delete_takes_all_of_a_run)
{
	static const char *const tables[] = {
	    "runs", "outcomes", "instances", "history", "branches", "results", "facts"};
	struct store_run part = {.id = "old-part", .start_wall_ms = 1, .parent = (char[]){"old"}};
	struct tmf_err err = {0};

	fixture_run(&fx, "old", 1);
	fixture_run(&fx, "new", 2);
	ck_ok(store_run_create(fx.store, &part, &err), &err);
	fill_run("old");
	fill_run("old-part");
	fill_run("new");
	ck_ok(store_run_delete(fx.store, "old", &err), &err);
	ck_ok(store_commit(fx.store, &err), &err);
	/* One row is left in each table, that of the other run: a second would be a duplicate. */
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		char sql[256];

		snprintf(sql, sizeof(sql),
		    "CREATE TABLE IF NOT EXISTS seen (n INTEGER PRIMARY KEY, what TEXT);"
		    "INSERT INTO seen SELECT count(*) + %zu * 10, '%s' FROM %s",
		    i, tables[i], tables[i]);
		fixture_sql(&fx, sql);
	}
	fixture_sql(&fx, "CREATE TABLE one (n INTEGER CHECK (n = 1));"
			 "INSERT INTO one SELECT n % 10 FROM seen");
	expect_no_find("old", TMF_ERR_NOT_FOUND, "no such run");
	expect_find("new", "new");
	ck_assert_int_eq(store_run_delete(fx.store, "old", &err), -1);
	expect_err(&err, TMF_ERR_NOT_FOUND, "no such run");
}
END_TEST

/* --- the folders of runs --- */

static void
spool_make(const char *id)
{
	struct tmf_err err = {0};
	char *spool = store_spool(fx.store, &err);
	char *command;

	ck_assert_msg(spool != NULL, "%s", tmf_err_text(&err));
	command =
	    mem_printf("mkdir -p '%s/%s/map' && echo 1 >'%s/%s/map/file'", spool, id, spool, id);
	ck_assert_int_eq(system(command), 0);
	free(command);
	free(spool);
}

static bool
spool_is_there(const char *id)
{
	char *spool = store_spool(fx.store, NULL);
	char *path = mem_printf("%s/%s", spool, id);
	bool there = access(path, F_OK) == 0;

	free(path);
	free(spool);
	return there;
}

static void
spool_end(const char *id, enum run_status status, int64_t stop_wall_ms)
{
	struct store_run run = {.status = status, .stop_wall_ms = stop_wall_ms};
	struct tmf_err err = {0};

	snprintf(run.id, sizeof(run.id), "%s", id);
	ck_ok(store_run_end(fx.store, &run, &err), &err);
	ck_ok(store_commit(fx.store, &err), &err);
}

/* They go as the checkpoints do, and those that nobody owns with the next run. */
START_TEST(test_folders_go_with_their_runs)
{
	static const char *const ids[] = {"good", "failed", "stopped", "live", "gone", "nobody"};
	const int64_t now = FIXTURE_WALL_MS;
	struct tmf_err err = {0};

	fx.clock.now_wall_ms = now;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		if (strcmp(ids[i], "nobody") != 0)
			fixture_run(&fx, ids[i], now);
		spool_make(ids[i]);
	}
	spool_end("good", RUN_SUCCEEDED, now);
	ck_assert(!spool_is_there("good"));
	spool_end("failed", RUN_FAILED, now);
	spool_end("stopped", RUN_INTERRUPTED, now);
	ck_ok(store_run_delete(fx.store, "gone", &err), &err);
	ck_ok(store_commit(fx.store, &err), &err);
	ck_assert(!spool_is_there("gone"));
	fixture_run(&fx, "next", now);
	ck_assert(!spool_is_there("nobody"));
	ck_assert(spool_is_there("failed") && spool_is_there("stopped") && spool_is_there("live"));
	fx.clock.now_wall_ms = now + STORE_REDRIVE_MS + 1;
	fixture_run(&fx, "late", now);
	ck_assert(!spool_is_there("failed"));
	ck_assert(spool_is_there("stopped") && spool_is_there("live"));
}
END_TEST

START_TEST(test_a_temporary_folder)
{
	struct tmf_err err = {0};
	struct store *store = store_open(NULL, &fx.clock.clock, &err);
	char *spool = store_spool(store, &err);
	char *again = store_spool(store, &err);

	ck_assert_msg(spool != NULL, "%s", tmf_err_text(&err));
	ck_assert_str_eq(spool, again);
	ck_assert_int_eq(access(spool, F_OK), 0);
	store_close(store);
	ck_assert_int_ne(access(spool, F_OK), 0);
	free(again);
	free(spool);
}
END_TEST

static void
add_cases(Suite *suite)
{
	TCase *run = tcase_create("run");

	tcase_add_checked_fixture(run, setup, teardown);
	tcase_add_test(run, test_keeps_every_field);
	tcase_add_test(run, test_folders_go_with_their_runs);
	tcase_add_test(run, test_a_temporary_folder);
	tcase_add_test(run, test_update_writes_the_end_only);
	tcase_add_test(run, test_create_refuses);
	tcase_add_test(run, test_limits_texts);
	tcase_add_test(run, test_finds_by_prefix);
	tcase_add_test(run, test_parts);
	tcase_add_test(run, test_names_at_most_five);
	tcase_add_test(run, test_latest_is_by_start_then_id);
	tcase_add_test(run, test_lists_newest_first);
	tcase_add_test(run, test_ids_sort_by_time);
	tcase_add_test(run, test_checks_ids);
	tcase_add_test(run, test_status_names);
	tcase_add_test(run, test_a_dry_run_is_not_the_latest);
	tcase_add_test(run, test_lists_until);
	tcase_add_test(run, test_delete_takes_all_of_a_run);
	tcase_add_test(run, test_refuses_rows_that_cannot_be);
	suite_add_tcase(suite, run);
}

int
main(void)
{
	return run_suite("store_run", add_cases);
}
