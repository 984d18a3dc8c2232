#include "aws/arn.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/answer.h"
#include "cli/places/organization.h"
#include "cli/places/parts_internal.h"
#include "cli/places/places.h"
#include "cli/record.h"
#include "cli/workspace/online.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A new run over several places: all its parts are read and recorded, and then run. */

/* Each holds a client, and where the parts have to wait a compiled workflow. One after another
 * would wait for the network. */
#define ONLINE_AT_ONCE_MAX 50

/* --- making parts ready --- */

/* ID-ACCOUNT-REGION, or ID-REGION. */
static int
part_name(const char *id, const struct place *place, struct part *part, struct tmf_err *err)
{
	char *text = mem_printf("%s%s%s-%s", id, place->account != NULL ? "-" : "",
	    place->account != NULL ? place->account : "", place->region);
	int ret = store_run_id_check(text, err);

	if (ret == 0)
		snprintf(part->id, sizeof(part->id), "%s", text);
	else
		tmf_err_prefix(err, "the id of a part consists of run, account and region");
	free(text);
	return ret;
}

/* Whether the configuration was read before: several places may go by one, and those that have to
 * wait are read again. Notes it. */
static bool
parts_have_read(struct parts *parts, const struct part *part, const struct place *place)
{
	const char *file = part->config != NULL ? part->config : place->region;
	bool before = json_object_get(parts->files, file) != NULL;

	if (!before)
		json_object_set_new(parts->files, file, json_true());
	return before;
}

/* The workflow, and what this place is to be mirrored by. */
static int
part_load(struct parts *parts, struct part *part, const struct place *place)
{
	struct session *session = &part->session;
	int code;

	session_init_part(session, &part->opts, &parts->base, NULL);
	part->ready = true;
	session->workspace.warned = parts_have_read(parts, part, place);
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
	parts->files = json_object();
	parts->at = mem_zalloc(places->count, sizeof(parts->at[0]));
	parts->count = places->count;
	parts->wait = places->count > PARTS_AT_ONCE_MAX;
	for (size_t i = 0; i < places->count && code == EXIT_OK; i++) {
		const struct place *place = &places->at[i];
		struct part *part = &parts->at[i];

		part->place = &places->at[i];
		part->opts = *parts->opts;
		part->opts.region = place->region;
		part->opts.assume_role = place->assume_role;
		part->opts.external_id = place->external_id;
		part->config = arn_fill_in(parts->opts->config, place->account, place->region);
		part->opts.config = part->config;
		if (place->fault != NULL)
			tmf_err_copy(&part->fault, place->fault);
		code = part_load(parts, part, place);
		if (parts->wait)
			part_unload(part);
	}
	return code;
}

/* What the part's own files gave is in its record already; the rest is the whole's. */
static int
part_record(struct parts *parts, struct part *part, struct tmf_err *err)
{
	const struct store_run *whole = parts->run;
	struct session *session = &part->session;
	struct store_run *run = &session->run;

	assert(part->ready && part->id[0] != '\0');
	memcpy(run->id, part->id, sizeof(run->id));
	session->store = parts->store;
	run->status = RUN_RUNNING;
	run->start_wall_ms = whole->start_wall_ms;
	run->dry_run = whole->dry_run;
	run->parent = mem_strdup(whole->id);
	if (json_object_size(session->scripts) > 0)
		record_put_setting(run, RECORD_SCRIPTS, json_incref(session->scripts));
	if (parts->opts->history)
		record_put_setting(run, RECORD_HISTORY, json_true());
	return store_run_create(parts->store, run, err);
}

/*
 * Writes the whole and its parts as of their start. Parts that have to wait are read once more: all
 * of them together would not fit into memory.
 */
static int
parts_record(struct parts *parts, const struct places *places, struct tmf_err *err)
{
	struct store_run *whole = parts->run;

	if (parts->opts->every != NULL)
		record_put_setting(whole, RECORD_RECONCILE, json_true());
	if (store_run_create(parts->store, whole, err) < 0)
		return -1;
	for (size_t i = 0; i < parts->count; i++) {
		struct part *part = &parts->at[i];

		if (parts->wait && part_load(parts, part, &places->at[i]) != EXIT_OK)
			return tmf_err_set(
			    err, TMF_ERR_INVALID, "files changed while they were read");
		if (part_record(parts, part, err) < 0)
			return -1;
		if (parts->wait)
			part_unload(part);
	}
	return store_commit(parts->store, err);
}

/* Once the whole has its id. */
static int
parts_name(struct parts *parts, const struct places *places, struct tmf_err *err)
{
	for (size_t i = 0; i < parts->count; i++)
		if (part_name(parts->run->id, &places->at[i], &parts->at[i], err) < 0)
			return -1;
	return 0;
}

/* --- looking before starting --- */

/* Asks in some of the places. Those that have to wait are read for it. */
static int
parts_ask_online(struct parts *parts, const struct places *places, size_t first, size_t count,
    struct online_checks *checks)
{
	struct workspace *workspaces[ONLINE_AT_ONCE_MAX];
	char *names[ONLINE_AT_ONCE_MAX];
	int code = EXIT_OK;
	size_t ready = 0;

	assert(count <= ONLINE_AT_ONCE_MAX && first + count <= parts->count);
	for (; ready < count && code == EXIT_OK; ready++) {
		const struct place *place = &places->at[first + ready];
		struct part *part = &parts->at[first + ready];

		if (parts->wait)
			code = part_load(parts, part, place);
		names[ready] = mem_printf("%s%s%s", place->account != NULL ? place->account : "",
		    place->account != NULL ? " " : "", place->region);
		workspaces[ready] = &part->session.workspace;
		if (code == EXIT_OK && !tmf_err_isset(&part->fault))
			part_open_client(part, &part->fault);
	}
	if (code == EXIT_OK)
		online_checks_ask(checks, workspaces, names, count, first);
	for (size_t i = 0; i < ready; i++) {
		free(names[i]);
		if (parts->wait)
			part_unload(&parts->at[first + i]);
	}
	return code;
}

/* All are judged, so that one call of the command shows the faults of all files. */
static int
parts_judge_online(
    struct parts *parts, const struct places *places, const struct online_checks *checks)
{
	int code = EXIT_OK;

	for (size_t i = 0; i < online_checks_count(checks); i++) {
		size_t first = online_checks_first(checks, i);
		struct part *part = &parts->at[first];

		if ((parts->wait && part_load(parts, part, &places->at[first]) != EXIT_OK) ||
		    online_checks_judge(checks, i, &part->session.workspace) != EXIT_OK)
			code = EXIT_INVALID;
		if (parts->wait)
			part_unload(part);
	}
	return code;
}

/*
 * What a configuration names has to be there, or nothing is started in any place. A place that
 * gives no answer, as where its role is denied, is left to its own part: that fails by itself.
 */
static int
parts_check_online(struct parts *parts, const struct places *places)
{
	struct online_checks *checks;
	int code = EXIT_OK;

	if (parts->opts->no_online_check)
		return EXIT_OK;
	checks = online_checks_new();
	for (size_t at = 0; at < parts->count && code == EXIT_OK; at += ONLINE_AT_ONCE_MAX) {
		size_t left = parts->count - at;

		code = parts_ask_online(parts, places, at,
		    left < ONLINE_AT_ONCE_MAX ? left : ONLINE_AT_ONCE_MAX, checks);
	}
	if (code == EXIT_OK)
		code = parts_judge_online(parts, places, checks);
	online_checks_free(checks);
	return code;
}

/* --- run --- */

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
	if (parts->own_account == NULL ||
	    turns_all_held(store, places, &parts->base, parts->own_account, &err) == 0)
		lease = record_begin(parts->opts, &parts->base.rng, store, parts->run, &err);
	if (lease == NULL || parts_name(parts, places, &err) < 0)
		code = cli_fail_begin(parts->opts->output, &err);
	else
		code = parts_check_online(parts, places);
	if (code == EXIT_OK && parts_record(parts, places, &err) < 0)
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

/* The whole's record: the workflow and its input. */
static int
parts_read_whole(const struct cli_opts *opts, struct store_run *run)
{
	struct session reader = {.opts = opts};
	int code = session_read_workflow(&reader);

	doc_free(reader.definition);
	*run = reader.run;
	return code;
}

/* Files are read before keys are looked for, except of an organization: which they are is known
 * only then. */
static int
parts_find(struct parts *parts, struct places *places)
{
	struct workspace *base = &parts->base;
	struct tmf_err err = {0};
	int code = workspace_load_settings(base, NULL);

	if (code == EXIT_OK && parts->opts->organization) {
		code = workspace_connect(base);
		if (code == EXIT_OK && organization_list(parts->asked, base, places, &err) < 0)
			code = cli_fail_take(parts->opts->output, &err);
	}
	if (code != EXIT_OK)
		return code;
	parts_fill_regions(places, base->settings.region);
	code = parts_load(parts, places);
	return code == EXIT_OK && !parts->opts->organization ? workspace_connect(base) : code;
}

/*
 * The base has no role of its own: with its keys the roles of the parts are assumed. Everything is
 * read and connected before parts_begin writes the record.
 */
int
parts_run(const struct cli_opts *opts, const struct workspace *beside, char *own_account)
{
	struct places places = {0};
	struct cli_opts base = *opts;
	struct store_run run = {0};
	struct parts parts;
	char *base_region;
	int code;

	code = places_of(opts, &places);
	if (code != EXIT_OK) {
		places_fini(&places);
		return code;
	}
	base_region = places_first_region(opts, &places);
	base.region = base_region;
	base.assume_role = NULL;
	parts_init(&parts, &base, beside);
	parts.asked = opts;
	parts.run = &run;
	parts.fresh = true;
	parts.own_account = own_account;
	code = parts_read_whole(opts, &run);
	if (code == EXIT_OK)
		code = parts_find(&parts, &places);
	record_put_setting(&run, RECORD_PARTS, json_integer((json_int_t)places.count));
	if (code == EXIT_OK)
		code = parts_begin(&parts, &places);
	else
		parts_fini(&parts);
	store_run_fini(&run);
	places_fini(&places);
	free(base_region);
	return code;
}
