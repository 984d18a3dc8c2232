#include "cli/record.h"

#include "base/clock.h"
#include "base/jsonx.h"
#include "cli/answer.h"

#include <assert.h>
#include <stdlib.h>

static struct store *
record_store(const struct cli_opts *opts, bool existing, int *ret_exit)
{
	struct store_opts store_opts = {.clock = clock_system(), .existing = existing};
	struct store *store = NULL;
	struct tmf_err err = {0};
	char *dir = NULL;

	if (!opts->no_checkpoint)
		dir = store_default_dir(opts->state_dir, &err);
	store_opts.dir = dir;
	if (!tmf_err_isset(&err))
		store = store_open_with(&store_opts, &err);
	if (store == NULL) {
		cli_fail_take(opts->output, &err);
		/* Whatever is wrong with the store: nothing was started. */
		*ret_exit = EXIT_INVALID;
	}
	free(dir);
	return store;
}

/*
 * With --no-checkpoint the store is a temporary one, so that a run has the same path through the
 * code and leaves nothing behind.
 */
struct store *
record_open_store(const struct cli_opts *opts, int *ret_exit)
{
	return record_store(opts, false, ret_exit);
}

struct store *
record_find_store(const struct cli_opts *opts, int *ret_exit)
{
	assert(!opts->no_checkpoint);
	return record_store(opts, true, ret_exit);
}

int
record_name(
    const struct cli_opts *opts, struct rng *rng, struct store_run *run, struct tmf_err *err)
{
	assert(run->id[0] == '\0');
	if (opts->run_id != NULL && store_run_id_check(opts->run_id, err) < 0)
		return -1;
	if (opts->run_id != NULL)
		snprintf(run->id, sizeof(run->id), "%s", opts->run_id);
	else
		store_run_id_make(clock_system()->wall_ms(clock_system()), rng, run->id);
	return 0;
}

/* The lease keeps a second process from running or resuming the same id at the same time. */
struct store_lease *
record_begin(const struct cli_opts *opts, struct rng *rng, struct store *store,
    struct store_run *run, struct tmf_err *err)
{
	if (run->id[0] == '\0' && record_name(opts, rng, run, err) < 0)
		return NULL;
	run->status = RUN_RUNNING;
	run->dry_run = opts->dry_run;
	run->start_wall_ms = clock_system()->wall_ms(clock_system());
	return store_lease_take(store, run->id, err);
}

/* An interrupted run is not over: `tmflow resume` continues it. */
bool
record_is_over(const struct store_run *run)
{
	return run->status != RUN_RUNNING && run->status != RUN_INTERRUPTED;
}

json_t *
record_settings(const struct store_run *run)
{
	return run->settings != NULL ? jsonx_parse(str_of(run->settings), NULL) : NULL;
}

/*
 * Settings are JSON text in one column, so that a new setting needs no new schema of the store.
 */
void
record_put_setting(struct store_run *run, const char *key, json_t *value)
{
	json_t *settings = record_settings(run);

	if (settings == NULL)
		settings = json_object();
	json_object_set_new(settings, key, value);
	free(run->settings);
	run->settings = jsonx_text(settings);
	json_decref(settings);
}

static bool
record_has(const struct store_run *run, const char *key)
{
	json_t *settings = record_settings(run);
	bool has = json_is_true(json_object_get(settings, key));

	json_decref(settings);
	return has;
}

bool
record_is_serving(const struct store_run *run)
{
	return record_has(run, RECORD_SERVING);
}

bool
record_is_round(const struct store_run *run)
{
	return record_has(run, RECORD_RECONCILE);
}

bool
record_trusts_tags(const struct store_run *run)
{
	return record_has(run, RECORD_TRUST_TAGS);
}

bool
record_keeps_history(const struct store_run *run)
{
	return record_has(run, RECORD_HISTORY);
}

int
record_check_prune_limit(const char *text, struct tmf_err *err)
{
	struct prune_limit limit;

	if (text == NULL || prune_limit_parse(text, &limit, err) == 0)
		return 0;
	tmf_err_prefix(err, "--prune-limit");
	return -1;
}

bool
record_prune(const struct store_run *run, struct prune_limit *ret_limit)
{
	json_t *settings = record_settings(run);
	const char *limit = jsonx_get_string(settings, RECORD_PRUNE_LIMIT);
	bool prune = json_is_true(json_object_get(settings, RECORD_PRUNE));

	/* It was checked when it was recorded; others may have altered it since. */
	if (limit == NULL || prune_limit_parse(limit, ret_limit, NULL) < 0)
		*ret_limit = PRUNE_LIMIT_DEFAULT;
	json_decref(settings);
	return prune;
}
