/* Leases: one holder at a time, between processes and within one; what a killed holder leaves. */
#include "store_fixture.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

static struct store_lease *
take(struct store *store, const char *run_id)
{
	struct tmf_err err = {0};
	struct store_lease *lease = store_lease_take(store, run_id, &err);

	ck_assert_msg(lease != NULL, "%s", tmf_err_text(&err));
	return lease;
}

static void
expect_busy(struct store *store, const char *run_id, const char *part)
{
	struct tmf_err err = {0};

	ck_assert_ptr_null(store_lease_take(store, run_id, &err));
	expect_err(&err, TMF_ERR_BUSY, part);
}

START_TEST(test_excludes_and_names_the_holder)
{
	char host[256] = "", text[400], path[PATH_BYTES];

	struct store *other = store_open(fx.dir, &fx.clock.clock, NULL);
	ck_assert_ptr_nonnull(other);
	struct store_lease *lease = take(fx.store, "a");
	ck_assert_int_eq(gethostname(host, sizeof(host) - 1), 0);
	snprintf(text, sizeof(text), "run a is held by pid %ld on %s", (long)getpid(), host);
	expect_busy(other, "a", text);
	expect_busy(fx.store, "a", text);

	struct store_lease *second = take(other, "b");
	fixture_state_path(&fx, "locks/a.lock", path);
	ck_assert_int_eq(access(path, F_OK), 0);
	store_lease_release(lease);
	ck_assert_int_ne(access(path, F_OK), 0);
	lease = take(other, "a");
	store_close(other);
	expect_busy(fx.store, "a", text); /* it outlives the store that gave it */
	store_lease_release(lease);
	store_lease_release(second);
	store_lease_release(NULL);
}
END_TEST

START_TEST(test_a_holder_that_has_not_written_yet)
{
	char path[PATH_BYTES];
	struct store_lease *lease = take(fx.store, "a");

	ck_assert_int_eq(truncate(fixture_state_path(&fx, "locks/a.lock", path), 0), 0);
	expect_busy(fx.store, "a", "run a is held by another process");
	store_lease_release(lease);
}
END_TEST

/* A process that takes the lease, says so through the pipe, and waits to be killed. */
static pid_t
spawn_holder(void)
{
	int pipe_fds[2];
	char byte = 0;

	ck_assert_int_eq(pipe(pipe_fds), 0);
	pid_t child = fork();
	if (child == 0) {
		struct store *store = store_open(fx.dir, &fx.clock.clock, NULL);

		byte = store != NULL && store_lease_take(store, "a", NULL) != NULL ? 'y' : 'n';
		if (write(pipe_fds[1], &byte, 1) == 1)
			pause();
		_exit(1);
	}
	ck_assert_int_gt(child, 0);
	ck_assert_int_eq(read(pipe_fds[0], &byte, 1), 1);
	ck_assert_int_eq(byte, 'y');
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	return child;
}

START_TEST(test_ends_with_its_process)
{
	char text[64], path[PATH_BYTES];

	fixture_close(&fx); /* a fork must not carry an open database along */
	pid_t child = spawn_holder();
	fixture_open(&fx);
	snprintf(text, sizeof(text), "held by pid %ld on", (long)child);
	expect_busy(fx.store, "a", text);
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	ck_assert_int_eq(access(fixture_state_path(&fx, "locks/a.lock", path), F_OK), 0);

	struct store_lease *lease = take(fx.store, "a");
	snprintf(text, sizeof(text), "held by pid %ld on", (long)getpid());
	expect_busy(fx.store, "a", text);
	store_lease_release(lease);
}
END_TEST

/* Counts how often it gets the lease, with the name of the file coming and going all the time. */
static int
contend(int turns)
{
	char path[PATH_BYTES];
	struct store *store = store_open(fx.dir, &fx.clock.clock, NULL);
	int taken = 0;

	fixture_path(&fx, "inside", path);
	while (taken < turns) {
		struct tmf_err err = {0};
		struct store_lease *lease = store_lease_take(store, "a", &err);

		if (lease == NULL && err.code != TMF_ERR_BUSY)
			return 2;
		tmf_err_fini(&err);
		if (lease == NULL)
			continue;
		/* Only one can be in here: the file must not be there yet. */
		int fd = open(path, O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0)
			return 3;
		close(fd);
		sched_yield(); /* lets the others try */
		unlink(path);
		store_lease_release(lease);
		taken++;
	}
	store_close(store);
	return 0;
}

START_TEST(test_two_are_never_in)
{
	pid_t children[3];

	fixture_close(&fx);
	for (int i = 0; i < 3; i++) {
		children[i] = fork();
		if (children[i] == 0)
			_exit(contend(200));
	}
	for (int i = 0; i < 3; i++) {
		int status;

		ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
		ck_assert_msg(
		    WIFEXITED(status) && WEXITSTATUS(status) == 0, "exit %d", WEXITSTATUS(status));
	}
}
END_TEST

/* Runs cat, which reads from fd until that is closed, and waits until it has started. */
static pid_t
spawn_cat(const int pipe_fds[2])
{
	char path[64], exe[64] = "";
	pid_t child = fork();

	if (child == 0) {
		dup2(pipe_fds[0], 0);
		close(pipe_fds[1]);
		execl("/bin/cat", "tmflow-cat", (char *)NULL);
		_exit(127);
	}
	ck_assert_int_gt(child, 0);
	snprintf(path, sizeof(path), "/proc/%ld/cmdline", (long)child);
	while (strcmp(exe, "tmflow-cat") != 0) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		ck_assert_int_ge(fd, 0);
		ck_assert_int_ge(read(fd, exe, sizeof(exe) - 1), 0);
		close(fd);
	}
	return child;
}

START_TEST(test_files_are_not_inherited_by_programs)
{
	int pipe_fds[2];
	char path[64];
	struct store_lease *lease = take(fx.store, "a");

	/* Were the descriptor inherited, the program would keep the lock after this process. */
	ck_assert_int_eq(pipe(pipe_fds), 0);
	pid_t child = spawn_cat(pipe_fds);
	for (int fd = 3; fd < 64; fd++) {
		char target[PATH_BYTES] = "";

		snprintf(path, sizeof(path), "/proc/%ld/fd/%d", (long)child, fd);
		if (readlink(path, target, sizeof(target) - 1) >= 0)
			ck_assert_msg(strncmp(target, fx.root, strlen(fx.root)) != 0, "%s", target);
	}
	close(pipe_fds[1]);
	close(pipe_fds[0]);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	store_lease_release(lease);
}
END_TEST

START_TEST(test_refuses_bad_ids_and_links)
{
	struct tmf_err err = {0};
	char path[PATH_BYTES], target[PATH_BYTES];

	ck_assert_ptr_null(store_lease_take(fx.store, "../a", &err));
	expect_err(&err, TMF_ERR_INVALID, "a run id");
	store_lease_release(take(fx.store, "a"));
	write_file(fixture_path(&fx, "target", target), "keep", 4);
	ck_assert_int_eq(symlink(target, fixture_state_path(&fx, "locks/a.lock", path)), 0);
	ck_assert_ptr_null(store_lease_take(fx.store, "a", &err));
	expect_err(&err, TMF_ERR_STORE, "locks/a.lock");
	struct stat st;
	ck_assert_int_eq(stat(target, &st), 0);
	ck_assert_int_eq(st.st_size, 4);

	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(fixture_state_path(&fx, "locks", path)), 0);
	ck_assert_int_eq(symlink(fx.root, path), 0);
	ck_assert_ptr_null(store_lease_take(fx.store, "a", &err));
	expect_err(&err, TMF_ERR_STORE, "cannot open the directory");
}
END_TEST

START_TEST(test_a_temporary_store_excludes_nobody)
{
	struct store *store = store_open(NULL, &fx.clock.clock, NULL);

	ck_assert_ptr_nonnull(store);
	struct store_lease *a = take(store, "a"), *b = take(store, "a");
	store_lease_release(a);
	store_lease_release(b);
	store_close(store);
}
END_TEST

static struct store_holder
peek(void)
{
	struct store_holder holder;
	struct tmf_err err = {0};

	ck_ok(store_lease_peek(fx.store, "a", &holder, &err), &err);
	return holder;
}

START_TEST(test_peek_names_a_living_holder)
{
	char host[256] = "", path[PATH_BYTES];

	ck_assert_int_eq(gethostname(host, sizeof(host) - 1), 0);
	ck_assert(!peek().held);
	ck_assert_int_ne(access(fixture_state_path(&fx, "locks", path), F_OK), 0);

	fixture_close(&fx);
	pid_t child = spawn_holder();
	fixture_open(&fx);
	struct store_holder holder = peek();
	ck_assert(holder.held && holder.here);
	ck_assert_int_eq(holder.pid, child);
	ck_assert_str_eq(holder.host, host);

	/* A pid that the file names and that has not the file open is somebody else. */
	fixture_state_path(&fx, "locks/a.lock", path);
	write_file(path, "elsewhere 1\n", 12);
	holder = peek();
	ck_assert(holder.held && !holder.here);
	ck_assert_str_eq(holder.host, "elsewhere");

	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	ck_assert(!peek().held); /* though the file still names it */
	ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

/* One looks all the time, one takes the lease again and again and is never refused. */
START_TEST(test_a_look_keeps_nobody_out)
{
	fixture_close(&fx);
	pid_t child = fork();
	if (child == 0) {
		struct store *store = store_open(fx.dir, &fx.clock.clock, NULL);
		struct store_holder holder;

		while (store_lease_peek(store, "a", &holder, NULL) == 0)
			;
		_exit(1);
	}
	fixture_open(&fx);
	for (int i = 0; i < 500; i++)
		store_lease_release(take(fx.store, "a"));
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
}
END_TEST

static void
add_cases(Suite *suite)
{
	TCase *lease = tcase_create("lease");

	tcase_set_timeout(lease, 60);
	tcase_add_checked_fixture(lease, setup, teardown);
	tcase_add_test(lease, test_excludes_and_names_the_holder);
	tcase_add_test(lease, test_a_holder_that_has_not_written_yet);
	tcase_add_test(lease, test_ends_with_its_process);
	tcase_add_test(lease, test_two_are_never_in);
	tcase_add_test(lease, test_files_are_not_inherited_by_programs);
	tcase_add_test(lease, test_refuses_bad_ids_and_links);
	tcase_add_test(lease, test_peek_names_a_living_holder);
	tcase_add_test(lease, test_a_look_keeps_nobody_out);
	tcase_add_test(lease, test_a_temporary_store_excludes_nobody);
	suite_add_tcase(suite, lease);
}

int
main(void)
{
	return run_suite("store_lease", add_cases);
}
