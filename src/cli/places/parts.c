#include "cli/places/parts.h"

#include "aws/arn.h"
#include "base/clock.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/answer.h"
#include "cli/record.h"
#include "cli/report/progress.h"
#include "cli/report/report.h"
#include "cli/run/online.h"
#include "cli/run/session.h"
#include "cli/run/untaken.h"
#include "cli/signals.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(PARTS_MAX < TMF_LOOP_TURN_HOOKS_MAX, "each part's engine has a hook");

/* One part under way. */
struct part {
	struct cli_opts opts; /* the whole's, for this place */
	char *config;	      /* --config, filled in */
	struct session session;
	enum session_way way;
	struct tmf_err fault; /* why its client could not be opened */
	bool ready;	      /* the session is initialised */
	bool opened;	      /* it runs, or has run */
};

struct parts {
	const struct cli_opts *opts;
	struct workspace base; /* whose keys assume the roles; owns loop and network */
	struct store *store;   /* borrowed */
	struct store_run *run; /* the whole; borrowed */
	struct part *at;
	size_t count;
	struct progress progress;
	int signals;
};

/* Places share the network, so that the workspace of the whole is opened first. */
static void
parts_init(struct parts *parts, const struct cli_opts *base_opts)
{
	*parts = (struct parts){.opts = base_opts};
	workspace_init(&parts->base, base_opts);
}

/* The parts go before the base, whose loop and transport they borrow. */
static void
parts_fini(struct parts *parts)
{
	progress_stop(&parts->progress);
	for (size_t i = 0; i < parts->count; i++) {
		if (parts->at[i].ready)
			session_fini(&parts->at[i].session);
		tmf_err_fini(&parts->at[i].fault);
		free(parts->at[i].config);
	}
	free(parts->at);
	workspace_fini(&parts->base);
}

/* --- making parts ready --- */

/* ID-ACCOUNT-REGION, or ID-REGION. */
static int
part_id(const char *id, const struct place *place, char out[STORE_RUN_ID_BYTES_MAX + 1],
    struct tmf_err *err)
{
	char *text = mem_printf("%s%s%s-%s", id, place->account != NULL ? "-" : "",
	    place->account != NULL ? place->account : "", place->region);
	int ret = store_run_id_check(text, err);

	if (ret == 0)
		snprintf(out, STORE_RUN_ID_BYTES_MAX + 1, "%s", text);
	else
		tmf_err_prefix(err, "the id of a part consists of run, account and region");
	free(text);
	return ret;
}

/* The workflow, and what this place is to be mirrored by. */
static int
part_load(struct parts *parts, struct part *part, const struct place *place)
{
	struct session *session = &part->session;
	int code;

	session_init_part(session, &part->opts, &parts->base, NULL);
	part->ready = true;
	session->reads_scripts = true;
	session->run.workflow_name = mem_strdup(parts->run->workflow_name);
	session->run.definition = mem_strdup(parts->run->definition);
	session->run.input = mem_strdup(parts->run->input);
	code = session_load_workflow(session);
	if (code != EXIT_OK)
		return code;
	if (!session->needs_aws) {
		struct tmf_err err = {0};

		tmf_err_set(&err, TMF_ERR_INVALID,
		    "%s does not use AWS: accounts and regions do not apply",
		    parts->run->workflow_name);
		return cli_fail_take(part->opts.output, &err);
	}
	code = workspace_load_settings(&session->workspace, NULL);
	if (code == EXIT_OK)
		code = workspace_read_files(&session->workspace);
	if (code != EXIT_OK)
		return code;
	session_record_files(session);
	if (place->account != NULL)
		record_put_setting(&session->run, RECORD_ACCOUNT, json_string(place->account));
	return EXIT_OK;
}

/*
 * All parts are read and checked before the first one starts: a typing error in the last file
 * must not leave half of the parts mirrored.
 */
static int
parts_load(struct parts *parts, const struct places *places)
{
	int code = EXIT_OK;

	assert(parts->at == NULL);
	parts->at = mem_zalloc(places->count, sizeof(parts->at[0]));
	parts->count = places->count;
	for (size_t i = 0; i < places->count && code == EXIT_OK; i++) {
		const struct place *place = &places->at[i];
		struct part *part = &parts->at[i];

		part->opts = *parts->opts;
		part->opts.region = place->region;
		part->opts.assume_role = place->assume_role;
		part->opts.external_id = place->external_id;
		part->config = arn_fill_in(parts->opts->config, place->account, place->region);
		part->opts.config = part->config;
		code = part_load(parts, part, place);
	}
	return code;
}

/* Writes the whole and its parts as of their start. */
static int
parts_record(struct parts *parts, struct tmf_err *err)
{
	struct store_run *whole = parts->run;

	if (store_run_create(parts->store, whole, err) < 0)
		return -1;
	for (size_t i = 0; i < parts->count; i++) {
		struct session *session = &parts->at[i].session;
		struct store_run *run = &session->run;

		session->store = parts->store;
		run->status = RUN_RUNNING;
		run->start_wall_ms = whole->start_wall_ms;
		run->dry_run = whole->dry_run;
		run->parent = mem_strdup(whole->id);
		if (json_object_size(session->scripts) > 0)
			record_put_setting(
			    &session->run, RECORD_SCRIPTS, json_incref(session->scripts));
		if (parts->opts->history)
			record_put_setting(&session->run, RECORD_HISTORY, json_true());
		if (store_run_create(parts->store, run, err) < 0)
			return -1;
	}
	return store_commit(parts->store, err);
}

/* --- running --- */

/* A part that cannot even begin has failed; the others go on. */
static void
part_fail(struct part *part, struct tmf_err *err)
{
	struct session *session = &part->session;

	session->run.status = RUN_FAILED;
	session->run.stop_wall_ms = clock_system()->wall_ms(clock_system());
	session->run.error = mem_strdup(err->name);
	session->run.cause = mem_strdup(tmf_err_text(err));
	session->over = true;
	tmf_err_fini(err);
}

/* Its calls bear the part's id. */
static void
part_open_client(struct part *part, struct tmf_err *err)
{
	struct session *session = &part->session;

	workspace_name_run(&session->workspace, session->run.id);
	workspace_open_client(&session->workspace, err);
}

/* Once the whole has its id. */
static int
parts_name(struct parts *parts, const struct places *places, struct tmf_err *err)
{
	for (size_t i = 0; i < parts->count; i++)
		if (part_id(parts->run->id, &places->at[i], parts->at[i].session.run.id, err) < 0)
			return -1;
	return 0;
}

/*
 * What a configuration names has to be there, or nothing is started in any place. A place that
 * gives no answer, as where its role is denied, is left to its own part: that fails by itself.
 */
static int
parts_check_online(struct parts *parts, const struct places *places)
{
	struct workspace **workspaces = mem_zalloc(parts->count, sizeof(struct workspace *));
	char **names = mem_zalloc(parts->count, sizeof(char *));
	int code;

	for (size_t i = 0; i < parts->count; i++) {
		struct workspace *workspace = &parts->at[i].session.workspace;
		const struct place *place = &places->at[i];

		names[i] = mem_printf("%s%s%s", place->account != NULL ? place->account : "",
		    place->account != NULL ? " " : "", place->region);
		workspaces[i] = workspace;
		part_open_client(&parts->at[i], &parts->at[i].fault);
	}
	code = workspaces_check_online(workspaces, names, parts->count);
	for (size_t i = 0; i < parts->count; i++)
		free(names[i]);
	free(names);
	free(workspaces);
	return code;
}

/* A role that cannot be used fails its own part only. */
static void
part_open(struct part *part)
{
	struct session *session = &part->session;
	struct tmf_err err = {0};

	assert(!part->opened && part->ready);
	part->opened = true;
	if (tmf_err_isset(&part->fault))
		tmf_err_move(&err, &part->fault);
	else if (session->workspace.ec2 == NULL)
		part_open_client(part, &err);
	if (tmf_err_isset(&err) || session_open(session, part->way, &err) < 0)
		part_fail(part, &err);
}

/* A part that was never opened does not count: nothing would ever end it. */
static bool
parts_all_over(const struct parts *parts)
{
	for (size_t i = 0; i < parts->count; i++)
		if (parts->at[i].opened && !parts->at[i].session.over)
			return false;
	return true;
}

/* As in a single run: the first signal lets calls in flight end, the second one stops at once. */
static void
parts_signal(void *arg, int signo)
{
	struct parts *parts = arg;

	(void)signo;
	if (++parts->signals > 1) {
		tmf_loop_stop(parts->base.loop);
		return;
	}
	progress_stop(&parts->progress);
	fputs("tmflow: interrupted: waiting for calls in flight; a second signal stops at once\n",
	    stderr);
	for (size_t i = 0; i < parts->count; i++)
		if (parts->at[i].opened)
			session_interrupt(&parts->at[i].session);
}

/*
 * SIGUSR1 asks for the state of the whole, so that each part prints its own. Parts that are not
 * open have none.
 */
static void
parts_asked_live(void *arg, int signo)
{
	const struct parts *parts = arg;

	(void)signo;
	for (size_t i = 0; i < parts->count; i++)
		if (parts->at[i].opened)
			session_print_live(&parts->at[i].session);
}

/* How far all parts are together, for the progress line. */
static void
parts_add_up(void *arg, struct progress_sum *ret_sum)
{
	const struct parts *parts = arg;
	struct progress_sum sum = {.parts = parts->count};

	for (size_t i = 0; i < parts->count; i++) {
		const struct workspace *workspace = &parts->at[i].session.workspace;

		sum.parts_over += parts->at[i].session.over || !parts->at[i].opened;
		if (workspace->mirror != NULL)
			progress_add(&sum, workspace->mirror, workspace->own.ec2);
	}
	*ret_sum = sum;
}

/* One line for all parts: a line of each would push the others off the terminal. */
static void
parts_start_progress(struct parts *parts)
{
	if (parts->opts->quiet)
		return;
	parts->progress = (struct progress){
	    .loop = parts->base.loop, .store = parts->store, .add_up = parts_add_up, .arg = parts};
	progress_start(&parts->progress);
}

/*
 * All parts share one loop, so that one thread serves them and none waits for another. The signals
 * are watched here and not by the sessions, because a signal is meant for the whole.
 */
static int
parts_run_all(struct parts *parts, struct tmf_err *err)
{
	int ret = 0;

	for (size_t i = 0; i < parts->count; i++)
		part_open(&parts->at[i]);
	if (cli_signals_watch(parts->base.loop, parts_signal, parts, err) < 0 ||
	    cli_signals_watch_live(parts->base.loop, parts_asked_live, parts, err) < 0)
		return -1;
	parts_start_progress(parts);
	/* A part that ends stops the loop: the others go on. */
	while (ret == 0 && !parts_all_over(parts) && parts->signals < 2)
		ret = tmf_loop_run(parts->base.loop, err);
	progress_stop(&parts->progress);
	for (size_t i = 0; i < parts->count && ret == 0; i++)
		ret = session_close(&parts->at[i].session, err);
	for (size_t i = 0; i < parts->count && ret == 0; i++)
		ret = untaken_warn(&parts->at[i].session, err);
	return ret;
}

/* Runs what is ready and reports how it ended. */
static int
parts_execute(struct parts *parts)
{
	struct tmf_err err = {0};
	int code = -1;

	if (parts_run_all(parts, &err) == 0 && parts_sum_up(parts->store, parts->run, &err) == 0 &&
	    store_run_update(parts->store, parts->run, &err) == 0 &&
	    store_commit(parts->store, &err) == 0)
		code = parts_tell(parts->opts, parts->store, parts->run, false, &err);
	else
		parts->run->status = RUN_RUNNING; /* to the store, however it ended here */
	if (code < 0) {
		code = cli_fail_take(parts->opts->output, &err);
		report_next_step(parts->store, parts->run, NULL, stderr);
	}
	return code;
}

/* --- run --- */

/*
 * The base needs a region to find credentials and to assume the roles. Any region of a place
 * serves, so that the first one is taken.
 */
static const char *
parts_first_region(const struct places *places)
{
	for (size_t i = 0; i < places->count; i++)
		if (places->at[i].region != NULL)
			return places->at[i].region;
	return NULL;
}

/* The region of the whole applies to each place without one. */
static void
parts_fill_regions(struct places *places, const char *region)
{
	for (size_t i = 0; i < places->count; i++)
		if (places->at[i].region == NULL)
			places->at[i].region = mem_strdup(region);
}

/*
 * The lease is that of the whole, and covers its parts: a part has no lease of its own. It is
 * released after the parts are gone, so that no other process can resume them before.
 */
static int
parts_begin(struct parts *parts, const struct places *places)
{
	struct store_lease *lease = NULL;
	struct tmf_err err = {0};
	int code = EXIT_OK;
	struct store *store = record_open_store(parts->opts, &code);

	if (store == NULL) {
		parts_fini(parts);
		return code;
	}
	parts->store = store;
	lease = record_begin(parts->opts, &parts->base.rng, store, parts->run, &err);
	if (lease == NULL || parts_name(parts, places, &err) < 0)
		code = cli_fail_begin(parts->opts->output, &err);
	else
		code = parts_check_online(parts, places);
	if (code == EXIT_OK && parts_record(parts, &err) < 0)
		code = cli_fail_begin(parts->opts->output, &err);
	else if (code == EXIT_OK) {
		log_set_run(parts->run->id);
		code = parts_execute(parts);
		log_set_run(NULL);
	}
	/* What the parts hold is of the store. */
	parts_fini(parts);
	store_lease_release(lease);
	store_close(store);
	return code;
}

/* The whole's record: the workflow and its input, and that there are parts. */
static int
parts_read_whole(const struct cli_opts *opts, struct store_run *run, size_t parts)
{
	struct session reader = {.opts = opts};
	int code = session_read_workflow(&reader);

	doc_free(reader.definition);
	*run = reader.run;
	record_put_setting(run, RECORD_PARTS, json_integer((json_int_t)parts));
	return code;
}

/*
 * The base has no role of its own: with its keys the roles of the parts are assumed. Everything is
 * read and connected before parts_begin writes the record.
 */
int
parts_run(const struct cli_opts *opts)
{
	struct places places = {0};
	struct cli_opts base = *opts;
	struct store_run run = {0};
	struct parts parts;
	int code = places_of(opts, &places);

	if (code != EXIT_OK)
		return code;
	base.region = parts_first_region(&places);
	base.assume_role = NULL;
	parts_init(&parts, &base);
	parts.run = &run;
	code = parts_read_whole(opts, &run, places.count);
	if (code == EXIT_OK)
		code = workspace_load_settings(&parts.base, NULL);
	if (code == EXIT_OK) {
		parts_fill_regions(&places, parts.base.settings.region);
		code = parts_load(&parts, &places);
	}
	if (code == EXIT_OK)
		code = workspace_connect(&parts.base);
	if (code == EXIT_OK)
		code = parts_begin(&parts, &places);
	else
		parts_fini(&parts);
	store_run_fini(&run);
	places_fini(&places);
	return code;
}

/* --- resume --- */

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

/* Only what failed in it is taken up again, with a history of its own. */
static int
part_retry(struct session *session, struct tmf_err *err)
{
	struct store_run *run = &session->run;

	store_run_begin_again(run, clock_system()->wall_ms(clock_system()));
	return store_events_delete(session->store, run->id, err) < 0
		   ? -1
		   : store_run_update(session->store, run, err);
}

/*
 * A part goes on from its checkpoint. One that failed before it began has none, and starts. One
 * that succeeded is here for its failed instances.
 */
static int
part_restore(struct parts *parts, struct part *part, const char *id)
{
	struct session *session = &part->session;
	struct tmf_err err = {0};
	int code;

	part->opts = *parts->opts;
	session_init_part(session, &part->opts, &parts->base, parts->store);
	part->ready = true;
	if (store_run_find(parts->store, id, &session->run, &err) < 0)
		return cli_fail_take(parts->opts->output, &err);
	bool retries = session->run.status == RUN_SUCCEEDED;
	part->way = retries ? SESSION_START : SESSION_CONTINUE_OR_START;
	code = session_load_workflow(session);
	if (code == EXIT_OK)
		code = session_restore_files(session);
	if (code == EXIT_OK && retries && part_retry(session, &err) < 0)
		code = cli_fail_take(parts->opts->output, &err);
	return code;
}

/* Only parts with work left are restored. The others keep their record as it is. */
static int
parts_restore(struct parts *parts, const struct part_list *list)
{
	int code = EXIT_OK;

	assert(parts->at == NULL);
	parts->at = mem_zalloc(list->count, sizeof(parts->at[0]));
	parts->count = list->count;
	for (size_t i = 0; i < list->count && code == EXIT_OK; i++)
		code = part_restore(parts, &parts->at[i], list->ids[i]);
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
		parts_init(&parts, opts);
		parts.store = store;
		parts.run = run;
		code = parts_continue(&parts, &list);
		parts_fini(&parts);
	}
	free(list.ids);
	return tmf_err_isset(&err) ? cli_fail_take(opts->output, &err) : code;
}
