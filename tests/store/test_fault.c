/* Disks that fill up or break at any write: a clean error, and the file holds what was
 * committed. */
#include "fault_vfs.h"
#include "store_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUN	"run"
#define COMMITS 12

static struct fixture fx;
static struct fault_vfs fault;

static void
setup(void)
{
	fixture_init(&fx);
	fault_vfs_register(&fault, NULL);
}

static void
teardown(void)
{
	fixture_fini(&fx);
	fault_vfs_unregister(&fault);
}

static struct store *
open_faulty(struct tmf_err *err)
{
	return store_open_with(
	    &(struct store_opts){
		.dir = fx.dir, .clock = &fx.clock.clock, .vfs_name = FAULT_VFS_NAME},
	    err);
}

/* One turn of a run: the branch's state and an outcome, which must come and go together. */
static int
turn(struct store *store, int number, struct tmf_err *err)
{
	char text[32];
	struct outcome outcome = {.kind = OUTCOME_CREATED, .instance_id = text};

	snprintf(text, sizeof(text), "%d", number);
	if (store_branch_put(store, RUN, 1, str_of(text), err) < 0 ||
	    store_outcome_put(store, RUN, &outcome, err) < 0)
		return -1;
	return store_commit(store, err);
}

struct progress {
	int committed; /* turns that store_commit said to be durable; -1: not even the run */
	int tried;
};

/* A whole run up to the first error, which it gives. */
static void
scenario(struct progress *progress, struct tmf_err *err)
{
	struct store_run run = {.id = RUN};
	struct store *store = open_faulty(err);

	*progress = (struct progress){.committed = -1};
	if (store != NULL && store_run_create(store, &run, err) == 0 &&
	    store_commit(store, err) == 0) {
		progress->committed = 0;
		while (progress->tried < COMMITS) {
			progress->tried++;
			if (turn(store, progress->tried, err) < 0)
				break;
			progress->committed = progress->tried;
		}
	}
	store_close(store);
}

static int
read_state(void *arg, int64_t branch_id, struct str state)
{
	int *ret = arg;
	char text[32] = "";

	(void)branch_id;
	ck_assert_uint_lt(state.len, sizeof(text));
	memcpy(text, state.p, state.len);
	*ret = atoi(text);
	return 0;
}

static int
expect_text_ok(void *arg, int count, char **values, char **names)
{
	(void)arg;
	(void)count;
	(void)names;
	ck_assert_str_eq(values[0], "ok");
	return 0;
}

/* What the next process finds on a disk that works again. */
static void
check_after(const struct progress *progress)
{
	char path[PATH_BYTES];
	struct store_run run;
	struct tmf_err err = {0};
	int64_t counts[OUTCOME_COUNT];
	int state = 0;
	sqlite3 *db;

	fixture_open(&fx);
	if (store_run_find(fx.store, RUN, &run, &err) < 0) {
		ck_assert_int_eq(progress->committed, -1);
		expect_err(&err, TMF_ERR_NOT_FOUND, RUN);
	} else {
		store_run_fini(&run);
	}
	ck_ok(store_branches_each(fx.store, RUN, read_state, &state, &err), &err);
	ck_ok(store_outcomes_count(fx.store, RUN, counts, &err), &err);
	ck_assert_int_eq(counts[OUTCOME_CREATED], state);
	ck_assert_int_ge(state, progress->committed);
	ck_assert_int_le(state, progress->tried);
	fixture_close(&fx);

	ck_assert_int_eq(sqlite3_open(fixture_state_path(&fx, "tmflow.db", path), &db), 0);
	ck_assert_int_eq(sqlite3_exec(db, "PRAGMA integrity_check", expect_text_ok, NULL, NULL), 0);
	sqlite3_close(db);
}

static const struct {
	int code;
	bool lasting;
} kinds[] = {
    {SQLITE_FULL, false},
    {SQLITE_FULL, true},
    {SQLITE_IOERR_WRITE, false},
    {SQLITE_IOERR_WRITE, true},
};

START_TEST(test_every_write_fails_once)
{
	struct progress progress;
	bool hit = true;
	int n = 1;

	for (; hit; n++) {
		struct tmf_err err = {0};

		fault_vfs_arm(&fault, n, kinds[_i].code, kinds[_i].lasting);
		scenario(&progress, &err);
		hit = fault.hit;
		fault_vfs_arm(&fault, 0, 0, false);
		if (progress.committed < COMMITS)
			expect_err(&err, TMF_ERR_STORE, "tmflow.db: ");
		check_after(&progress);
		fixture_fini(&fx);
		fixture_init(&fx);
	}
	ck_assert_int_eq(progress.committed, COMMITS);
	ck_assert_int_gt(n, COMMITS); /* each commit wrote at least once */
}
END_TEST

START_TEST(test_a_fault_stays)
{
	struct store_run run = {.id = RUN};
	struct tmf_err err = {0};
	int64_t counts[OUTCOME_COUNT];
	struct store *store = open_faulty(&err);

	ck_assert_msg(store != NULL, "%s", tmf_err_text(&err));
	ck_ok(store_run_create(store, &run, &err), &err);
	ck_ok(turn(store, 1, &err), &err);
	fault_vfs_arm(&fault, 1, SQLITE_FULL, false);
	ck_assert_int_eq(turn(store, 2, &err), -1);
	expect_err(&err, TMF_ERR_STORE, "is the disk full?");

	/* There is room again, but what turn 2 wrote is lost: nothing may build on it. */
	ck_assert_int_eq(turn(store, 3, &err), -1);
	expect_err(&err, TMF_ERR_STORE, "is the disk full?");
	ck_assert_int_eq(store_commit(store, &err), -1);
	expect_err(&err, TMF_ERR_STORE, "is the disk full?");
	ck_assert_int_eq(store_run_update(store, &run, &err), -1);
	expect_err(&err, TMF_ERR_STORE, "is the disk full?");
	ck_ok(store_outcomes_count(store, RUN, counts, &err), &err);
	ck_assert_int_eq(counts[OUTCOME_CREATED], 1);
	store_close(store);
	check_after(&(struct progress){.committed = 1, .tried = 1});
}
END_TEST

START_TEST(test_a_temporary_store_on_a_full_disk)
{
	struct store_run run = {.id = RUN};
	struct tmf_err err = {0};
	struct store *store = store_open_with(
	    &(struct store_opts){.clock = &fx.clock.clock, .vfs_name = FAULT_VFS_NAME}, &err);
	struct str state;
	int failed = 0;

	ck_assert_msg(store != NULL, "%s", tmf_err_text(&err));
	ck_ok(store_run_create(store, &run, &err), &err);
	fault_vfs_arm(&fault, 1, SQLITE_FULL, true);
	state = (struct str){calloc(1, 1 << 20), 1 << 20};
	/* More than the page cache holds must go to the disk. */
	for (int i = 0; i < 8 && !failed; i++)
		failed = store_branch_put(store, RUN, i, state, &err) < 0 ||
			 store_commit(store, &err) < 0;
	ck_assert_int_eq(failed, 1);
	expect_err(&err, TMF_ERR_STORE, "the temporary store: ");
	free((void *)(uintptr_t)state.p);
	store_close(store);
}
END_TEST

START_TEST(test_unknown_vfs)
{
	struct tmf_err err = {0};

	ck_assert_ptr_null(store_open_with(
	    &(struct store_opts){.dir = fx.dir, .clock = &fx.clock.clock, .vfs_name = "none"},
	    &err));
	expect_err(&err, TMF_ERR_STORE, "no such vfs: none");
}
END_TEST

static int
see_fact(void *arg, const char *key, struct str value)
{
	(void)value;
	ck_assert_str_eq(key, "key");
	*(int *)arg = 1;
	return 0;
}

static int
commit_and_sync(struct store *store, struct tmf_err *err)
{
	if (store_commit(store, err) < 0)
		return -1;
	/* What is not committed yet stays so. */
	return store_fact_put(store, "scope", "kind", "later", STR("1"), err) < 0
		   ? -1
		   : store_sync(store, err);
}

/* True if a fact is still there after the power was lost right behind its commit. */
static int
survives_power_loss(int (*commit)(struct store *store, struct tmf_err *err), uint64_t seed)
{
	struct tmf_err err = {0};
	struct rng rng;
	struct store *store;
	int found = 0;

	rng_seed(&rng, seed);
	fault.keeps_shadows = true;
	store = open_faulty(&err);
	ck_assert_msg(store != NULL, "%s", tmf_err_text(&err));
	ck_ok(store_fact_put(store, "scope", "kind", "key", STR("1"), &err), &err);
	ck_ok(commit(store, &err), &err);
	fault.dead = true;
	store_close(store);
	fault_vfs_lose_power(&fault, &rng);
	fault.dead = false;
	fixture_open(&fx);
	ck_ok(store_facts_each(fx.store, "scope", "kind", see_fact, &found, &err), &err);
	fixture_fini(&fx);
	fixture_init(&fx);
	fault_vfs_unregister(&fault);
	fault_vfs_register(&fault, NULL);
	return found;
}

START_TEST(test_what_is_synced_outlives_a_loss_of_power)
{
	enum { LOSSES = 15 };
	int plain = 0;

	for (uint64_t seed = 1; seed <= LOSSES; seed++) {
		ck_assert(survives_power_loss(commit_and_sync, seed));
		plain += survives_power_loss(store_commit, seed);
	}
	ck_assert_int_lt(plain, LOSSES); /* otherwise this test shows nothing */
}
END_TEST

static void
add_cases(Suite *suite)
{
	TCase *tcase = tcase_create("fault");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(
	    tcase, test_every_write_fails_once, 0, sizeof(kinds) / sizeof(kinds[0]));
	tcase_add_test(tcase, test_a_fault_stays);
	tcase_add_test(tcase, test_a_temporary_store_on_a_full_disk);
	tcase_add_test(tcase, test_unknown_vfs);
	tcase_add_test(tcase, test_what_is_synced_outlives_a_loss_of_power);
	suite_add_tcase(suite, tcase);
}

int
main(void)
{
	return run_suite("store_fault", add_cases);
}
