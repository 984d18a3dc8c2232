#include "cli/retention.h"

#include "base/buf.h"
#include "base/clock.h"
#include "cli/record.h"

#include <assert.h>
#include <string.h>

struct retention {
	struct store *store;
	const struct retention_opts *opts;
	int64_t before_wall_ms;
	struct buf ids; /* NUL-terminated, one behind the other */
	struct retention_result result;
	struct tmf_err err;
};

/* When nothing more came of it: a run that was killed says only when it started. */
static int64_t
retention_end_of(const struct store_run *run)
{
	return run->stop_wall_ms != 0 ? run->stop_wall_ms : run->start_wall_ms;
}

static bool
retention_is_meant(
    const struct retention *retention, const struct store_run *run, enum run_state_kind kind)
{
	if (retention->opts->state >= 0)
		return (int)kind == retention->opts->state && kind != RUN_STATE_RUNNING;
	return run_state_is_over(kind) ||
	       (kind != RUN_STATE_RUNNING && (record_is_serving(run) || record_is_round(run)));
}

static int
retention_note(void *arg, const struct store_run *run)
{
	struct retention *retention = arg;
	struct run_state state;

	if (retention_end_of(run) >= retention->before_wall_ms)
		return 0;
	if (run_state_read(retention->store, run, &state, &retention->err) < 0)
		return -1;
	if (retention_is_meant(retention, run, state.kind))
		buf_add(&retention->ids, run->id, strlen(run->id) + 1);
	else if (retention->opts->state < 0 && state.kind != RUN_STATE_RUNNING)
		retention->result.open++;
	return 0;
}

/*
 * The lease keeps a resume away, and its end takes the lock file that a killed process has left.
 */
static int
retention_remove(struct retention *retention, const char *id, struct tmf_err *err)
{
	struct store_lease *lease = store_lease_take(retention->store, id, err);
	int ret;

	assert(id[0] != '\0');
	if (lease == NULL && err->code == TMF_ERR_BUSY) {
		tmf_err_fini(err);
		return 0;
	}
	if (lease == NULL)
		return -1;
	ret = store_run_delete(retention->store, id, err);
	if (ret == 0 && retention->opts->commits)
		ret = store_commit(retention->store, err);
	retention->result.removed += ret == 0;
	store_lease_release(lease);
	return ret;
}

/* The runs are listed first: what is read must not change under the reading. */
int
retention_apply(struct store *store, const struct retention_opts *opts,
    struct retention_result *ret_result, struct tmf_err *err)
{
	struct retention retention = {.store = store, .opts = opts};
	const struct store_run_filter all = {.status = -1};
	size_t at = 0;
	int ret;

	assert(opts->age_ms >= 0 && opts->state < (int)RUN_STATE_COUNT);
	retention.before_wall_ms = clock_system()->wall_ms(clock_system()) - opts->age_ms;
	ret = store_runs_each(store, &all, retention_note, &retention, err);
	if (ret == 0 && tmf_err_isset(&retention.err)) {
		tmf_err_move(err, &retention.err);
		ret = -1;
	}
	while (ret == 0 && at < retention.ids.len && retention.result.removed < opts->max) {
		ret = retention_remove(&retention, retention.ids.p + at, err);
		at += strlen(retention.ids.p + at) + 1;
	}
	buf_fini(&retention.ids);
	if (ret == 0)
		*ret_result = retention.result;
	return ret;
}
