#include "tmflow/store.h"

#include "base/clock.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "embed/embed_internal.h"

#include <assert.h>
#include <stdlib.h>

_Static_assert(TMF_RUN_ID_BYTES_MAX == STORE_RUN_ID_BYTES_MAX, "an id is the store's");
_Static_assert(
    (int)TMF_RUN_RUNNING == (int)RUN_RUNNING && (int)TMF_RUN_SUCCEEDED == (int)RUN_SUCCEEDED &&
	(int)TMF_RUN_FAILED == (int)RUN_FAILED && (int)TMF_RUN_TIMED_OUT == (int)RUN_TIMED_OUT &&
	(int)TMF_RUN_INTERRUPTED == (int)RUN_INTERRUPTED,
    "a status is the store's");

/* The names are the store's, "SUCCEEDED" for example. */
const char *
tmf_run_status_name(enum tmf_run_status status)
{
	return run_status_name((enum run_status)status);
}

/* dir NULL: a temporary one. A host gets the system clock: a clock of its own matters only
 * for tests. */
static struct tmf_store *
embed_store_open(const char *dir, struct tmf_err *err)
{
	struct store *opened = store_open(dir, clock_system(), err);
	struct tmf_store *store;

	if (opened == NULL)
		return NULL;
	store = mem_zalloc(1, sizeof(*store));
	store->store = opened;
	return store;
}

/* The directory is made where it is missing. */
struct tmf_store *
tmf_store_open(const char *dir, struct tmf_err *err)
{
	assert(dir != NULL);
	return embed_store_open(dir, err);
}

/* For a host that keeps nothing between two processes. */
struct tmf_store *
tmf_store_open_temporary(struct tmf_err *err)
{
	return embed_store_open(NULL, err);
}

/* NULL is fine, as for free, so that a host needs one path for its cleanup. */
void
tmf_store_close(struct tmf_store *store)
{
	if (store == NULL)
		return;
	store_close(store->store);
	free(store);
}

/* --- what it holds --- */

/* The store's callback has one argument, and the host's function needs one of its own. */
struct record_viewer {
	tmf_run_record_fn *fn;
	void *arg;
};

/* The store keeps JSON as text; a host gets values. The values live only as long as the
 * callback: a host that wants to keep one takes a reference. */
static int
record_show(void *arg, const struct store_run *run)
{
	const struct record_viewer *viewer = arg;
	json_t *input = run->input != NULL ? jsonx_parse(str_of(run->input), NULL) : NULL;
	json_t *output = run->output != NULL ? jsonx_parse(str_of(run->output), NULL) : NULL;
	const struct tmf_run_record record = {
	    .id = run->id,
	    .workflow_name = run->workflow_name,
	    .definition = run->definition,
	    .status = (enum tmf_run_status)run->status,
	    .start_wall_ms = run->start_wall_ms,
	    .stop_wall_ms = run->stop_wall_ms,
	    .input = input,
	    .output = output,
	    .error = run->error,
	    .cause = run->cause,
	};
	int stop = viewer->fn(viewer->arg, &record);

	json_decref(input);
	json_decref(output);
	return stop;
}

/* A status of -1 filters nothing. */
int
tmf_store_each_run(struct tmf_store *store, tmf_run_record_fn *fn, void *arg, struct tmf_err *err)
{
	const struct store_run_filter all = {.status = -1};
	struct record_viewer viewer = {fn, arg};

	return store_runs_each(store->store, &all, record_show, &viewer, err);
}

/* The store decides whether a prefix names one run; several are an error of its own. */
int
tmf_store_find_run(struct tmf_store *store, const char *id_or_prefix, tmf_run_record_fn *fn,
    void *arg, struct tmf_err *err)
{
	struct record_viewer viewer = {fn, arg};
	struct store_run run = {0};

	assert(id_or_prefix != NULL);
	if (store_run_find(store->store, id_or_prefix, &run, err) < 0)
		return -1;
	(void)record_show(&viewer, &run);
	store_run_fini(&run);
	return 0;
}
