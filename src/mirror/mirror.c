#include "mirror/mirror_internal.h"

#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"
#include "mirror/plan.h"
#include "mirror/retry.h"
#include "mirror/targets/targets.h"

#include <stdlib.h>
#include <string.h>

/* "/etc/tmflow/backfill.yaml" is "backfill" in tags, so that the same workflow always asks AWS for the same. */
static char *
bare_name(const char *path)
{
	const char *slash = path != NULL ? strrchr(path, '/') : NULL;
	const char *base = slash != NULL ? slash + 1 : path;
	const char *dot = base != NULL ? strchr(base, '.') : NULL;

	if (base == NULL)
		return NULL;
	return mem_strndup(base, dot != NULL && dot != base ? (size_t)(dot - base) : strlen(base));
}

static int
load_rules(struct mirror *mirror, struct tmf_err *err)
{
	const struct mirror_opts *opts = &mirror->opts;

	if (opts->hook_source != NULL) {
		mirror->hook = script_new(mirror->hook_name, str_of(opts->hook_source), err);
		if (mirror->hook == NULL)
			return -1;
	}
	if (opts->config == NULL)
		return 0;
	mirror->rules = rules_new(opts->config, mirror->hook, err);
	return mirror->rules != NULL ? 0 : -1;
}

struct mirror *
mirror_new(const struct mirror_opts *opts, struct tmf_err *err)
{
	struct mirror *mirror = mem_zalloc(1, sizeof(*mirror));

	mirror->opts = *opts;
	mirror->progress = &mirror->counted;
	json_incref(mirror->opts.scripts);
	mirror->run_id = mem_strdup(opts->run_id);
	mirror->owner = mem_strdup(opts->owner != NULL ? opts->owner : opts->run_id);
	mirror->workflow = bare_name(opts->workflow);
	mirror->hook_name = mem_strdup(opts->hook_name != NULL ? opts->hook_name : "hook");
	if (load_rules(mirror, err) < 0) {
		mirror_free(mirror);
		return NULL;
	}
	mirror->opts.hook_source = NULL;
	if (opts->ec2 != NULL)
		mirror->targets = targets_new(mirror);
	if (opts->dry_run)
		mirror->plan = plan_new(mirror);
	return mirror;
}

void
mirror_free(struct mirror *mirror)
{
	if (mirror == NULL)
		return;
	mirror_members_free(mirror);
	json_decref(mirror->session_tags);
	plan_free(mirror->plan);
	targets_free(mirror->targets);
	rules_free(mirror->rules);
	script_free(mirror->hook);
	json_decref(mirror->opts.scripts);
	free(mirror->run_id);
	free(mirror->owner);
	free(mirror->workflow);
	free(mirror->hook_name);
	free(mirror);
}

bool
mirror_is_script_file(const char *script)
{
	static const char ending[] = ".lua";
	size_t len = strlen(script);

	return len >= sizeof(ending) - 1 &&
	       strcmp(script + len - (sizeof(ending) - 1), ending) == 0;
}

const struct mirror_progress *
mirror_progress(const struct mirror *mirror)
{
	return mirror->progress;
}

const char *
mirror_owner(const struct mirror *mirror)
{
	return mirror->owner;
}

bool
mirror_error_is_in_use(const struct tmf_err *err)
{
	static const char in_use[] = "TrafficMirrorTargetInUse";

	return strncmp(err->name, in_use, sizeof(in_use) - 1) == 0 ||
	       tmf_err_is(err, "DependencyViolation");
}

/* --- the end of a run --- */

struct settling {
	struct mirror *next; /* member */
};

static struct tmf_call *
settle_next(void *frame, struct tmf_call *over, json_t **ret_result, struct tmf_err *err)
{
	struct settling *settling = frame;
	struct mirror *member = settling->next;

	if (tmf_err_isset(&over->err)) {
		tmf_err_move(err, &over->err);
		return NULL;
	}
	if (member == NULL) {
		*ret_result = json_object();
		return NULL;
	}
	settling->next = member->next_member;
	return targets_settle(member->targets);
}

struct tmf_call *
mirror_settle(struct mirror *mirror)
{
	struct settling *settling;

	if (mirror->targets == NULL || mirror->plan != NULL)
		return tmf_call_of_result(mirror->opts.loop, json_object());
	settling = mem_zalloc(1, sizeof(*settling));
	settling->next = mirror->members;
	return tmf_call_sequence(targets_settle(mirror->targets), settle_next, settling, free);
}

void
mirror_note_account(struct mirror *mirror, const json_t *reply)
{
	const char *owner = jsonx_get_string(reply, "OwnerId");

	/* A member is looked up by its account. */
	if (mirror->of == NULL && owner != NULL && strlen(owner) < sizeof(mirror->account_id))
		memcpy(mirror->account_id, owner, strlen(owner) + 1);
}

int
mirror_record(struct mirror *mirror, const struct outcome *outcome, struct tmf_err *err)
{
	if (mirror->opts.retry && outcome->interface_id == NULL)
		return retry_record(mirror, outcome, err);
	return store_outcome_put(mirror->opts.store, mirror->run_id, outcome, err);
}

void
mirror_record_failed(
    struct mirror *mirror, const struct outcome *item, const struct tmf_err *failure)
{
	struct outcome outcome = *item;
	struct tmf_err err = {0};

	mirror->progress->failed++;
	outcome.kind = OUTCOME_FAILED;
	outcome.error = failure->name;
	outcome.cause = tmf_err_text(failure);
	outcome.request_id = failure->request_id[0] != '\0' ? failure->request_id : NULL;
	if (mirror_record(mirror, &outcome, &err) < 0)
		log_event(LOG_ERROR, "outcome.lost", LOG_STR("instance", outcome.instance_id),
		    LOG_STR("interface", outcome.interface_id), LOG_STR("error", outcome.error),
		    LOG_STR("cause", tmf_err_text(&err)));
	tmf_err_fini(&err);
}

void
mirror_add_tag(json_t *tags, const char *key, const char *value)
{
	json_t *tag;

	if (value == NULL)
		return;
	tag = json_object();
	jsonx_put_string(tag, "Key", key);
	jsonx_put_string(tag, "Value", value);
	json_array_append_new(tags, tag);
}

json_t *
mirror_filter(const char *name, json_t *values)
{
	json_t *filter = json_object();
	json_t *filters = json_array();

	jsonx_put_string(filter, "Name", name);
	json_object_set_new(filter, "Values", values);
	json_array_append_new(filters, filter);
	return filters;
}
