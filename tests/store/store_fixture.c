#include "store_fixture.h"

#include "base/clock.h"
#include "remove_tree.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
fixture_init(struct fixture *fixture)
{
	const char *tmp = getenv("TMPDIR");

	*fixture = (struct fixture){.store = NULL};
	snprintf(fixture->root, sizeof(fixture->root), "%s/tmflow-store-XXXXXX",
	    tmp != NULL && tmp[0] == '/' ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(fixture->root));
	snprintf(fixture->dir, sizeof(fixture->dir), "%s/state", fixture->root);
	fake_clock_init(&fixture->clock, FIXTURE_WALL_MS);
}

void
fixture_fini(struct fixture *fixture)
{
	fixture_close(fixture);
	ck_assert_int_eq(remove_tree(fixture->root), 0);
}

void
fixture_open(struct fixture *fixture)
{
	struct tmf_err err = {0};

	ck_assert_ptr_null(fixture->store);
	fixture->store = store_open(fixture->dir, &fixture->clock.clock, &err);
	ck_assert_msg(fixture->store != NULL, "%s", tmf_err_text(&err));
}

void
fixture_close(struct fixture *fixture)
{
	store_close(fixture->store);
	fixture->store = NULL;
}

void
fixture_reopen(struct fixture *fixture)
{
	fixture_close(fixture);
	fixture_open(fixture);
}

const char *
fixture_path(const struct fixture *fixture, const char *name, char path[PATH_BYTES])
{
	snprintf(path, PATH_BYTES, "%s/%s", fixture->root, name);
	return path;
}

const char *
fixture_state_path(const struct fixture *fixture, const char *name, char path[PATH_BYTES])
{
	snprintf(path, PATH_BYTES, "%s/%s", fixture->dir, name);
	return path;
}

void
fixture_run(struct fixture *fixture, const char *id, int64_t start_wall_ms)
{
	struct store_run run = {.status = RUN_RUNNING, .start_wall_ms = start_wall_ms};
	struct tmf_err err = {0};

	snprintf(run.id, sizeof(run.id), "%s", id);
	ck_ok(store_run_create(fixture->store, &run, &err), &err);
	ck_ok(store_commit(fixture->store, &err), &err);
}

void
fixture_init_with_runs(struct fixture *fixture)
{
	fixture_init(fixture);
	fixture_open(fixture);
	fixture_run(fixture, FIXTURE_RUN, 1);
	fixture_run(fixture, "other", 2);
}

void
fixture_sql(const struct fixture *fixture, const char *sql)
{
	char path[PATH_BYTES];
	sqlite3 *db;
	char *text = NULL;

	ck_assert_int_eq(sqlite3_open(fixture_state_path(fixture, "tmflow.db", path), &db), 0);
	int code = sqlite3_exec(db, sql, NULL, NULL, &text);
	ck_assert_msg(code == SQLITE_OK, "%s: %s", sql, text);
	sqlite3_close(db);
}

void
write_file(const char *path, const void *data, size_t bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, data, bytes), (ssize_t)bytes);
	close(fd);
}

void
expect_err(struct tmf_err *err, enum tmf_err_code code, const char *part)
{
	/* Damage that was there before is invalid, under the store's name. */
	bool damaged = code == TMF_ERR_STORE && tmf_err_is(err, "TMFlow.Store");
	ck_assert_msg(err->code == code || damaged, "code %d: %s", err->code, tmf_err_text(err));
	ck_assert_msg(
	    strstr(tmf_err_text(err), part) != NULL, "'%s' lacks '%s'", tmf_err_text(err), part);
	ck_assert_ptr_null(strchr(tmf_err_text(err), '\n'));
	tmf_err_fini(err);
	*err = (struct tmf_err){0};
}

int
run_suite(const char *name, void (*add)(Suite *suite))
{
	Suite *suite = suite_create(name);

	add(suite);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
