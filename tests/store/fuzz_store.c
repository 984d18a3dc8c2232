/* A store file of any bytes, opened, read and written: errors, never a crash. */
#include "store/store.h"

#include "base/clock.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define INPUT_BYTES_MAX (256u << 10)
#define ROWS_MAX	1000 /* a damaged tree can list its rows over and over */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* One file for the whole process, in memory where there is such a place. */
static char dir[64];

static void
remove_files(void)
{
	static const char *const names[] = {
	    "tmflow.db", "tmflow.db-wal", "tmflow.db-shm", "tmflow.db-journal"};
	char path[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
}

static void
remove_dir(void)
{
	remove_files();
	rmdir(dir);
}

static void
make_dir(void)
{
	snprintf(dir, sizeof(dir), "%s/tmflow-fuzz-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(dir) == NULL)
		abort();
	atexit(remove_dir);
}

static void
write_input(const uint8_t *data, size_t bytes)
{
	char path[128];

	remove_files();
	snprintf(path, sizeof(path), "%s/tmflow.db", dir);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, data, bytes) != (ssize_t)bytes)
		abort();
	close(fd);
}

static int
see_blob(void *arg, int64_t number, struct str value)
{
	int *rows = arg;

	(void)number;
	return (value.len > 0 && value.p[value.len - 1] == '\xff') + ++*rows > ROWS_MAX;
}

static int
see_fact(void *arg, const char *key, struct str value)
{
	return see_blob(arg, key[0], value);
}

static int
see_outcome(void *arg, const struct outcome *outcome)
{
	int *rows = arg;

	return outcome_name(outcome->kind)[0] == '\0' || outcome->instance_id == NULL ||
	       ++*rows > ROWS_MAX;
}

static int
see_run(void *arg, const struct store_run *run)
{
	int *rows = arg;

	return run_status_name(run->status)[0] == '\0' || ++*rows > ROWS_MAX;
}

static void
read_all(struct store *store, const char *run_id)
{
	struct store_run_filter filter = {.status = -1};
	int64_t counts[OUTCOME_COUNT];
	int rows[5] = {0};

	store_runs_each(store, &filter, see_run, &rows[0], NULL);
	store_branches_each(store, run_id, see_blob, &rows[1], NULL);
	store_results_each(store, run_id, 1, see_blob, &rows[2], NULL);
	store_outcomes_each(store, run_id, -1, see_outcome, &rows[3], NULL);
	store_outcomes_count(store, run_id, counts, NULL);
	store_facts_each(store, "scope", "kind", see_fact, &rows[4], NULL);
}

static void
write_all(struct store *store, const char *run_id)
{
	struct outcome outcome = {
	    .kind = OUTCOME_FAILED, .instance_id = "i-1", .interface_id = "eni-1"};
	struct store_run run = {.id = "new", .status = RUN_RUNNING};

	store_run_create(store, &run, NULL);
	store_branch_put(store, run_id, 1, STR("state"), NULL);
	store_result_put(store, run_id, 1, 0, STR("result"), NULL);
	store_outcome_put(store, run_id, &outcome, NULL);
	store_fact_put(store, "scope", "kind", "key", STR("value"), NULL);
	store_commit(store, NULL);
	store_checkpoints_delete(store, run_id, NULL);
	store_commit(store, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct fake_clock clock;
	struct store_run run = {.id = "run"};

	if (bytes > INPUT_BYTES_MAX)
		return 0;
	if (dir[0] == '\0')
		make_dir();
	write_input(data, bytes);
	fake_clock_init(&clock, 0);
	struct store *store = store_open(dir, &clock.clock, NULL);
	if (store == NULL)
		return 0;
	bool found = store_run_find(store, "@latest", &run, NULL) == 0;
	read_all(store, run.id);
	write_all(store, run.id);
	if (found)
		store_run_fini(&run);
	store_close(store);
	return 0;
}
