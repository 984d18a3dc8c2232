/* Opening: the directory, the file, the schema, what is refused; commits and what outlives a
 * kill. */
#include "store_fixture.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUN "RUN"

static struct fixture fx;

static void
setup(void)
{
	fixture_init(&fx);
}

static void
teardown(void)
{
	fixture_fini(&fx);
}

static unsigned
mode_of(const char *path)
{
	struct stat st;

	ck_assert_msg(lstat(path, &st) == 0, "%s", path);
	return st.st_mode & 07777;
}

static void
expect_refused(const char *dir, const char *part)
{
	struct tmf_err err = {0};

	ck_assert_ptr_null(store_open(dir, &fx.clock.clock, &err));
	expect_err(&err, TMF_ERR_STORE, part);
}

static int
count_branch(void *arg, int64_t branch_id, struct str state)
{
	int *count = arg;

	(void)branch_id;
	(void)state;
	(*count)++;
	return 0;
}

static int
branches_of(struct store *store, const char *run_id)
{
	struct tmf_err err = {0};
	int count = 0;

	ck_ok(store_branches_each(store, run_id, count_branch, &count, &err), &err);
	return count;
}

START_TEST(test_makes_private_files)
{
	char path[PATH_BYTES];
	mode_t old = umask(0);

	snprintf(fx.dir, sizeof(fx.dir), "%s/a/b/state", fx.root);
	fixture_open(&fx);
	fixture_run(&fx, RUN, 1);
	struct store_lease *lease = store_lease_take(fx.store, RUN, NULL);
	ck_assert_ptr_nonnull(lease);
	umask(old);

	ck_assert_uint_eq(mode_of(fixture_path(&fx, "a", path)), 0700);
	ck_assert_uint_eq(mode_of(fixture_path(&fx, "a/b", path)), 0700);
	ck_assert_uint_eq(mode_of(fx.dir), 0700);
	ck_assert_uint_eq(mode_of(fixture_state_path(&fx, "tmflow.db", path)), 0600);
	ck_assert_uint_eq(mode_of(fixture_state_path(&fx, "tmflow.db-wal", path)), 0600);
	ck_assert_uint_eq(mode_of(fixture_state_path(&fx, "tmflow.db-shm", path)), 0600);
	ck_assert_uint_eq(mode_of(fixture_state_path(&fx, "locks", path)), 0700);
	ck_assert_uint_eq(mode_of(fixture_state_path(&fx, "locks/" RUN ".lock", path)), 0600);
	store_lease_release(lease);
}
END_TEST

START_TEST(test_takes_rights_of_others_away)
{
	char path[PATH_BYTES];

	fixture_open(&fx);
	fixture_close(&fx);
	fixture_state_path(&fx, "tmflow.db", path);
	ck_assert_int_eq(chmod(path, 0644), 0);
	fixture_open(&fx);
	ck_assert_uint_eq(mode_of(path), 0600);
}
END_TEST

START_TEST(test_refuses_links)
{
	char link[PATH_BYTES], path[PATH_BYTES];

	fixture_open(&fx);
	fixture_close(&fx);
	ck_assert_int_eq(symlink(fx.dir, fixture_path(&fx, "link", link)), 0);
	expect_refused(link, "is a symbolic link");
	strcat(link, "/");
	expect_refused(link, "is a symbolic link");

	/* A link above the directory is the business of whoever set up the machine. */
	ck_assert_int_eq(symlink(fx.root, fixture_path(&fx, "up", link)), 0);
	strcat(link, "/state//");
	struct store *store = store_open(link, &fx.clock.clock, NULL);
	ck_assert_ptr_nonnull(store);
	store_close(store);

	fixture_state_path(&fx, "tmflow.db", path);
	ck_assert_int_eq(rename(path, fixture_path(&fx, "elsewhere.db", link)), 0);
	ck_assert_int_eq(symlink(link, path), 0);
	expect_refused(fx.dir, "tmflow.db is a symbolic link");
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	expect_refused(fx.dir, "is not a regular file");
}
END_TEST

START_TEST(test_refuses_what_is_somebody_elses)
{
	char path[PATH_BYTES];

	if (geteuid() != 0) {
		printf("SKIP test_refuses_what_is_somebody_elses: needs root to give files away\n");
		return;
	}
	fixture_open(&fx);
	fixture_close(&fx);
	fixture_state_path(&fx, "tmflow.db", path);
	ck_assert_int_eq(chown(path, 12345, (gid_t)-1), 0);
	expect_refused(fx.dir, "tmflow.db belongs to user 12345");
	ck_assert_int_eq(chown(path, 0, (gid_t)-1), 0);
	ck_assert_int_eq(chown(fx.dir, 12345, (gid_t)-1), 0);
	expect_refused(fx.dir, "state belongs to user 12345");
}
END_TEST

START_TEST(test_refuses_what_is_no_directory)
{
	char path[PATH_BYTES];

	expect_refused("", "empty");
	write_file(fx.dir, "x", 1);
	expect_refused(fx.dir, "Not a directory");
	snprintf(path, sizeof(path), "%s/below", fx.dir);
	expect_refused(path, "cannot make the state directory");
}
END_TEST

START_TEST(test_refuses_what_every_user_may_write)
{
	fixture_open(&fx);
	fixture_close(&fx);
	ck_assert_int_eq(chmod(fx.dir, 0777), 0);
	expect_refused(fx.dir, "can be written by every user (mode 0777)");
	ck_assert_int_eq(chmod(fx.dir, 0775), 0);
	fixture_open(&fx);
}
END_TEST

/* What is written to a file without a name is lost: the commit says so. */
START_TEST(test_a_file_that_is_replaced)
{
	char path[PATH_BYTES];
	struct tmf_err err = {0};
	struct store_run run = {.id = "late", .status = RUN_RUNNING};

	fixture_open(&fx);
	ck_assert_int_eq(unlink(fixture_state_path(&fx, "tmflow.db", path)), 0);
	ck_ok(store_run_create(fx.store, &run, &err), &err);
	ck_assert_int_eq(store_commit(fx.store, &err), -1);
	expect_err(&err, TMF_ERR_STORE, "was removed under this process");
}
END_TEST

/* SQLite itself would write on behind the hole, and nobody could read the file afterwards. */
START_TEST(test_a_file_that_is_cut)
{
	static const char *const files[] = {"tmflow.db", "tmflow.db-wal"};
	char path[PATH_BYTES];
	struct tmf_err err = {0};
	struct store_run run = {.id = "late", .status = RUN_RUNNING};

	fixture_open(&fx);
	fixture_run(&fx, RUN, 1);
	ck_ok(store_commit(fx.store, &err), &err);
	ck_ok(store_run_create(fx.store, &run, &err), &err);
	ck_ok(store_commit(fx.store, &err), &err);
	ck_assert_int_eq(truncate(fixture_state_path(&fx, files[_i], path), 0), 0);
	snprintf(run.id, sizeof(run.id), "later");
	if (store_run_create(fx.store, &run, &err) == 0)
		ck_assert_int_eq(store_commit(fx.store, &err), -1);
	expect_err(&err, TMF_ERR_INVALID, "was cut under this process: 0 bytes");
}
END_TEST

START_TEST(test_refuses_newer_schema)
{
	fixture_open(&fx);
	fixture_close(&fx);
	fixture_sql(&fx, "PRAGMA user_version = 99");
	expect_refused(fx.dir, "newer tmflow (schema 99, this one knows");
}
END_TEST

START_TEST(test_refuses_files_of_others)
{
	char path[PATH_BYTES];
	char noise[8192];

	fixture_open(&fx);
	fixture_close(&fx);
	fixture_sql(&fx, "PRAGMA application_id = 7");
	expect_refused(fx.dir, "another program");
	fixture_state_path(&fx, "tmflow.db", path);

	ck_assert_int_eq(unlink(path), 0);
	fixture_sql(&fx, "CREATE TABLE t (x)");
	expect_refused(fx.dir, "another program");

	memset(noise, 'x', sizeof(noise));
	write_file(path, noise, sizeof(noise));
	expect_refused(fx.dir, "move it away");
}
END_TEST

START_TEST(test_refuses_damaged_files)
{
	char path[PATH_BYTES];

	fixture_open(&fx);
	fixture_run(&fx, RUN, 1);
	fixture_close(&fx);
	fixture_sql(&fx, "PRAGMA user_version = 0; PRAGMA journal_mode = DELETE");
	expect_refused(fx.dir, "damaged");
	fixture_sql(&fx, "PRAGMA user_version = -5");
	expect_refused(fx.dir, "damaged");
	fixture_sql(&fx, "PRAGMA user_version = 1");
	ck_assert_int_eq(truncate(fixture_state_path(&fx, "tmflow.db", path), 5000), 0);
	expect_refused(fx.dir, "damaged");
}
END_TEST

START_TEST(test_reports_tables_that_are_gone)
{
	struct store_run run = {.id = "R2"};
	struct tmf_err err = {0};

	fixture_open(&fx);
	fixture_close(&fx);
	fixture_sql(&fx, "DROP TABLE runs");
	fixture_open(&fx);
	ck_assert_int_eq(store_run_create(fx.store, &run, &err), -1);
	expect_err(&err, TMF_ERR_STORE, "no such table: runs");
	ck_assert_int_eq(store_run_find(fx.store, "@latest", &run, &err), -1);
	expect_err(&err, TMF_ERR_STORE, "tmflow.db");
}
END_TEST

START_TEST(test_an_empty_file_is_a_new_store)
{
	char path[PATH_BYTES];

	ck_assert_int_eq(mkdir(fx.dir, 0755), 0);
	write_file(fixture_state_path(&fx, "tmflow.db", path), "", 0);
	fixture_open(&fx);
	fixture_run(&fx, RUN, 1);
}
END_TEST

START_TEST(test_commit_makes_durable_and_close_undoes)
{
	struct tmf_err err = {0};

	fixture_open(&fx);
	ck_ok(store_commit(fx.store, &err), &err);
	fixture_run(&fx, RUN, 1);
	ck_ok(store_branch_put(fx.store, RUN, 1, STR("a"), &err), &err);
	ck_assert_int_eq(branches_of(fx.store, RUN), 1);
	fixture_reopen(&fx);
	ck_assert_int_eq(branches_of(fx.store, RUN), 0);
	ck_ok(store_branch_put(fx.store, RUN, 1, STR("a"), &err), &err);
	ck_ok(store_commit(fx.store, &err), &err);
	fixture_reopen(&fx);
	ck_assert_int_eq(branches_of(fx.store, RUN), 1);
}
END_TEST

START_TEST(test_others_see_what_is_committed)
{
	struct tmf_err err = {0};

	fixture_open(&fx);
	struct store *other = store_open(fx.dir, &fx.clock.clock, &err);
	ck_assert_msg(other != NULL, "%s", tmf_err_text(&err));
	fixture_run(&fx, RUN, 1);
	ck_ok(store_branch_put(fx.store, RUN, 1, STR("a"), &err), &err);
	ck_assert_int_eq(branches_of(other, RUN), 0);
	ck_ok(store_commit(fx.store, &err), &err);
	ck_assert_int_eq(branches_of(other, RUN), 1);
	ck_ok(store_branch_put(other, RUN, 2, STR("b"), &err), &err);
	ck_ok(store_commit(other, &err), &err);
	ck_assert_int_eq(branches_of(fx.store, RUN), 2);
	store_close(other);
}
END_TEST

static int64_t
fact_time(struct store *store)
{
	struct tmf_err err = {0};
	int64_t wall_ms;

	ck_ok(store_fact_time(store, "scope", "kind", "key", &wall_ms, &err), &err);
	return wall_ms;
}

/* Begins reads of the fixture's store, which see no fact; then another store on the same file,
 * which is returned, puts it. */
static struct store *
other_puts_while_read(void)
{
	struct tmf_err err = {0};

	fixture_open(&fx);
	struct store *other = store_open(fx.dir, &fx.clock.clock, &err);
	ck_assert_msg(other != NULL, "%s", tmf_err_text(&err));
	store_reads_begin(fx.store);
	ck_assert_int_eq(fact_time(fx.store), 0);
	ck_ok(store_fact_put(other, "scope", "kind", "key", STR("1"), &err), &err);
	ck_ok(store_commit(other, &err), &err);
	return other;
}

/* Reads together see the file as it was at the first of them, until a write of their own or the
 * commit. */
START_TEST(test_reads_together)
{
	struct store *other = other_puts_while_read();
	struct tmf_err err = {0};

	ck_assert_int_eq(fact_time(fx.store), 0);
	ck_ok(store_commit(fx.store, &err), &err);
	ck_assert_int_gt(fact_time(fx.store), 0);
	store_reads_begin(fx.store);
	ck_assert_int_gt(fact_time(fx.store), 0);
	ck_ok(store_fact_delete(other, "scope", "kind", "key", &err), &err);
	ck_ok(store_commit(other, &err), &err);
	ck_ok(store_fact_put(fx.store, "scope", "kind", "other", STR("1"), &err), &err);
	ck_assert_int_eq(fact_time(fx.store), 0);
	store_reads_begin(fx.store); /* within the transaction */
	ck_ok(store_commit(fx.store, &err), &err);
	store_close(other);
}
END_TEST

/* A write ends the reads: from then on the store sees what others have put, and what it puts
 * itself. */
START_TEST(test_reads_end_with_a_write)
{
	struct store *other = other_puts_while_read();
	struct tmf_err err = {0};

	/* A write of another kind ends the reads: what it begins sees the fact. */
	ck_ok(store_fact_put(fx.store, "scope", "other kind", "key", STR("1"), &err), &err);
	ck_assert_int_gt(fact_time(fx.store), 0);
	ck_ok(store_fact_delete(fx.store, "scope", "kind", "key", &err), &err);
	ck_assert_int_eq(fact_time(fx.store), 0);
	ck_ok(store_fact_put(fx.store, "scope", "kind", "key", STR("1"), &err), &err);
	ck_assert_int_gt(fact_time(fx.store), 0);
	store_close(other);
}
END_TEST

/* Waits for the child and gives how it ended. */
static int
reap(pid_t child)
{
	int status;

	ck_assert_int_gt(child, 0);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return status;
}

START_TEST(test_commits_outlive_a_kill)
{
	pid_t child = fork();

	if (child == 0) {
		fixture_open(&fx);
		fixture_run(&fx, RUN, 1);
		for (int i = 0; i < 100; i++) {
			store_branch_put(fx.store, RUN, i, STR("committed"), NULL);
			store_commit(fx.store, NULL);
		}
		for (int i = 100; i < 200; i++)
			store_branch_put(fx.store, RUN, i, STR("not committed"), NULL);
		kill(getpid(), SIGKILL);
	}
	int status = reap(child);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	fixture_open(&fx);
	ck_assert_int_eq(branches_of(fx.store, RUN), 100);
}
END_TEST

/* What one of several processes does that open the same new directory at once. */
static int
open_and_write(int number)
{
	struct tmf_err err = {0};
	struct store *store = store_open(fx.dir, &fx.clock.clock, &err);
	struct store_run run = {.start_wall_ms = number};

	snprintf(run.id, sizeof(run.id), "P%d", number);
	int failed = store == NULL || store_run_create(store, &run, &err) < 0 ||
		     store_commit(store, &err) < 0;
	for (int i = 0; i < 50 && !failed; i++)
		failed = store_branch_put(store, run.id, i, STR("x"), &err) < 0 ||
			 store_commit(store, &err) < 0;
	if (failed)
		fprintf(stderr, "process %d: %s\n", number, tmf_err_text(&err));
	store_close(store);
	return failed;
}

START_TEST(test_processes_share_a_directory)
{
	pid_t children[6];

	for (int i = 0; i < 6; i++) {
		children[i] = fork();
		if (children[i] == 0)
			_exit(open_and_write(i));
	}
	for (int i = 0; i < 6; i++)
		ck_assert_int_eq(reap(children[i]), 0);
	fixture_open(&fx);
	for (int i = 0; i < 6; i++) {
		char id[16];

		snprintf(id, sizeof(id), "P%d", i);
		ck_assert_int_eq(branches_of(fx.store, id), 50);
	}
}
END_TEST

START_TEST(test_temporary_store_leaves_nothing)
{
	struct tmf_err err = {0};

	fx.store = store_open(NULL, &fx.clock.clock, &err);
	ck_assert_msg(fx.store != NULL, "%s", tmf_err_text(&err));
	fixture_run(&fx, RUN, 1);
	ck_ok(store_branch_put(fx.store, RUN, 1, STR("a"), &err), &err);
	ck_ok(store_commit(fx.store, &err), &err);
	ck_assert_int_eq(branches_of(fx.store, RUN), 1);

	struct store *other = store_open(NULL, &fx.clock.clock, &err);
	ck_assert_msg(other != NULL, "%s", tmf_err_text(&err));
	ck_assert_int_eq(branches_of(other, RUN), 0);
	store_close(other);
	ck_assert_int_ne(access(fx.dir, F_OK), 0);
}
END_TEST

START_TEST(test_the_file_runs_nothing)
{
	struct tmf_err err = {0};

	fixture_open(&fx);
	fixture_run(&fx, RUN, 1);
	fixture_close(&fx);
	fixture_sql(
	    &fx, "CREATE TRIGGER evil AFTER INSERT ON branches BEGIN DELETE FROM runs; END");
	fixture_open(&fx);
	ck_ok(store_branch_put(fx.store, RUN, 1, STR("a"), &err), &err);
	ck_ok(store_commit(fx.store, &err), &err);
	fixture_reopen(&fx);
	ck_assert_int_eq(branches_of(fx.store, RUN), 1);
}
END_TEST

static void
expect_default_dir(const char *flag, const char *expected)
{
	struct tmf_err err = {0};
	char *dir = store_default_dir(flag, &err);

	ck_assert_msg(dir != NULL, "%s", tmf_err_text(&err));
	ck_assert_str_eq(dir, expected);
	free(dir);
}

START_TEST(test_default_dir)
{
	struct tmf_err err = {0};

	setenv("TMFLOW_STATE_DIR", "/env", 1);
	setenv("XDG_STATE_HOME", "/xdg", 1);
	setenv("HOME", "/home/me", 1);
	expect_default_dir("flag/dir", "flag/dir");
	expect_default_dir(NULL, "/env");
	setenv("TMFLOW_STATE_DIR", "", 1);
	expect_default_dir(NULL, "/xdg/tmflow");
	setenv("XDG_STATE_HOME", "relative", 1);
	expect_default_dir(NULL, "/home/me/.local/state/tmflow");
	unsetenv("XDG_STATE_HOME");
	expect_default_dir(NULL, "/home/me/.local/state/tmflow");
	unsetenv("HOME");
	ck_assert_ptr_null(store_default_dir(NULL, &err));
	expect_err(&err, TMF_ERR_CONFIG, "--state-dir");
}
END_TEST

static void
add_cases(Suite *suite)
{
	TCase *open = tcase_create("open");

	tcase_add_checked_fixture(open, setup, teardown);
	tcase_add_test(open, test_makes_private_files);
	tcase_add_test(open, test_takes_rights_of_others_away);
	tcase_add_test(open, test_refuses_links);
	tcase_add_test(open, test_refuses_what_is_somebody_elses);
	tcase_add_test(open, test_refuses_what_is_no_directory);
	tcase_add_test(open, test_refuses_what_every_user_may_write);
	tcase_add_test(open, test_a_file_that_is_replaced);
	tcase_add_loop_test(open, test_a_file_that_is_cut, 0, 2);
	tcase_add_test(open, test_refuses_newer_schema);
	tcase_add_test(open, test_refuses_files_of_others);
	tcase_add_test(open, test_refuses_damaged_files);
	tcase_add_test(open, test_reports_tables_that_are_gone);
	tcase_add_test(open, test_an_empty_file_is_a_new_store);
	tcase_add_test(open, test_commit_makes_durable_and_close_undoes);
	tcase_add_test(open, test_others_see_what_is_committed);
	tcase_add_test(open, test_reads_together);
	tcase_add_test(open, test_reads_end_with_a_write);
	tcase_add_test(open, test_commits_outlive_a_kill);
	tcase_add_test(open, test_processes_share_a_directory);
	tcase_add_test(open, test_temporary_store_leaves_nothing);
	tcase_add_test(open, test_the_file_runs_nothing);
	tcase_add_test(open, test_default_dir);
	suite_add_tcase(suite, open);
}

int
main(void)
{
	return run_suite("store_open", add_cases);
}
