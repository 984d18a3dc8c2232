#include "base/clock.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/answer.h"
#include "cli/places/parts_internal.h"
#include "cli/record.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A run over several places goes on: with those of its parts that have something left to do. */

/* Which parts have something left to do, by their recorded state. */
struct part_list {
	struct store *store;
	bool retry_failed;
	char (*ids)[STORE_RUN_ID_BYTES_MAX + 1];
	size_t count;
};

/* A part that succeeded may hold failed instances, which only its outcomes show. A plan that failed
 * is not taken up again. */
static int
parts_note_left(void *arg, const struct store_run *run)
{
	struct part_list *list = arg;
	int64_t counts[OUTCOME_COUNT] = {0};
	bool left = run->status != RUN_SUCCEEDED && !run->dry_run;

	if (!left && list->retry_failed &&
	    store_outcomes_count(list->store, run->id, counts, NULL) == 0)
		left = counts[OUTCOME_FAILED] > 0;
	if (left) {
		list->ids = mem_resize(list->ids, list->count + 1, sizeof(list->ids[0]));
		memcpy(list->ids[list->count++], run->id, sizeof(run->id));
	}
	return 0;
}

/*
 * Only parts with work left are restored, and those that have to wait when it is their turn. The
 * others keep their record as it is.
 */
static int
parts_restore(struct parts *parts, const struct part_list *list)
{
	int code = EXIT_OK;

	assert(parts->at == NULL);
	parts->at = mem_zalloc(list->count, sizeof(parts->at[0]));
	parts->count = list->count;
	parts->wait = list->count > PARTS_AT_ONCE_MAX;
	for (size_t i = 0; i < list->count && code == EXIT_OK; i++) {
		memcpy(parts->at[i].id, list->ids[i], sizeof(list->ids[i]));
		if (!parts->wait)
			code = part_restore(parts, &parts->at[i]);
	}
	return code;
}

/* The region that the keys are looked for with: any part's. */
static int
parts_load_base(struct parts *parts, const char *id)
{
	struct store_run run = {0};
	struct tmf_err err = {0};
	int code;

	if (store_run_find(parts->store, id, &run, &err) < 0)
		return cli_fail_take(parts->opts->output, &err);
	json_t *settings = record_settings(&run);
	json_object_del(settings, "assumeRole");
	char *text = jsonx_text(settings != NULL ? settings : json_null());
	code = workspace_load_settings(&parts->base, text);
	free(text);
	json_decref(settings);
	store_run_fini(&run);
	return code == EXIT_OK ? workspace_connect(&parts->base) : code;
}

static int
parts_continue(struct parts *parts, const struct part_list *list)
{
	int code = parts_load_base(parts, list->ids[0]);
	struct tmf_err err = {0};

	if (code == EXIT_OK)
		code = parts_restore(parts, list);
	if (code != EXIT_OK)
		return code;
	parts->run->status = RUN_RUNNING;
	parts->run->stop_wall_ms = 0;
	if (store_run_update(parts->store, parts->run, &err) < 0 ||
	    store_commit(parts->store, &err) < 0)
		return cli_fail_take(parts->opts->output, &err);
	log_set_run(parts->run->id);
	code = parts_execute(parts);
	log_set_run(NULL);
	return code;
}

static int
parts_report_again(
    const struct cli_opts *opts, struct store *store, struct store_run *run, struct tmf_err *err)
{
	cli_print(stderr, "tmflow: run %s has ended: there is nothing to %s\n", run->id,
	    opts->retry_failed ? "retry" : "resume");
	return parts_tell(opts, store, run, false, err);
}

int
parts_resume(const struct cli_opts *opts, struct store *store, struct store_run *run)
{
	struct part_list list = {.store = store, .retry_failed = opts->retry_failed};
	struct tmf_err err = {0};
	struct parts parts;
	int code;

	if (store_runs_each(store, &(struct store_run_filter){.parent = run->id}, parts_note_left,
		&list, &err) < 0)
		code = -1;
	else if (list.count == 0)
		code = parts_report_again(opts, store, run, &err);
	else {
		parts_init(&parts, opts, NULL);
		parts.store = store;
		parts.run = run;
		code = parts_continue(&parts, &list);
		parts_fini(&parts);
	}
	free(list.ids);
	return tmf_err_isset(&err) ? cli_fail_take(opts->output, &err) : code;
}
