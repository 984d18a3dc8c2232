#ifndef STORE_FIXTURE_H
#define STORE_FIXTURE_H

#include "base/clock.h"
#include "store/store.h"

#include <check.h>

#define FIXTURE_WALL_MS 1767225600000 /* 2026-01-01T00:00:00Z */
#define PATH_BYTES	4096

/* A directory of its own for a test, with a store in <root>/state. */
struct fixture {
	char root[PATH_BYTES / 4];
	char dir[PATH_BYTES / 2]; /* <root>/state, made by the first open */
	struct fake_clock clock;
	struct store *store; /* NULL until fixture_open */
};

void fixture_init(struct fixture *fixture);

/* The same with an open store that has two runs, FIXTURE_RUN and "other". */
#define FIXTURE_RUN "run"
void fixture_init_with_runs(struct fixture *fixture);

/* Closes the store and removes the directory. */
void fixture_fini(struct fixture *fixture);

/* Opens fixture->dir and fails the test if that cannot be done. */
void fixture_open(struct fixture *fixture);
void fixture_reopen(struct fixture *fixture);
void fixture_close(struct fixture *fixture);

/* <root>/<name> or, with state, <root>/state/<name>. */
const char *fixture_path(const struct fixture *fixture, const char *name, char path[PATH_BYTES]);
const char *
fixture_state_path(const struct fixture *fixture, const char *name, char path[PATH_BYTES]);

/* Creates a run with this id and start, and commits. */
void fixture_run(struct fixture *fixture, const char *id, int64_t start_wall_ms);

/* Runs SQL on the file, past the store. */
void fixture_sql(const struct fixture *fixture, const char *sql);

void write_file(const char *path, const void *data, size_t bytes);

/* Checks code and that the text has this part; empties err. */
void expect_err(struct tmf_err *err, enum tmf_err_code code, const char *part);

/* Fails the test with the text of err unless result is 0. */
#define ck_ok(result, err) ck_assert_msg((result) == 0, "%s", tmf_err_text(err))

/* main() of a suite with these cases, each run between set-up and tear-down functions of
 * Check's. */
int run_suite(const char *name, void (*add)(Suite *suite));

#endif
