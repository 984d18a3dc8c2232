#include "cli/report/report_plan.h"

#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/print.h"
#include "cli/report/report_document.h"
#include "fleet/cost/cost.h"
#include "mirror/dry_run.h"
#include "web/run_json.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/*
 * What a dry run found that a run would do. It is read from the ledger, which may be long, so it
 * is printed as it is read.
 */

enum plan_action { PLAN_CREATE, PLAN_MODIFY, PLAN_DELETE, PLAN_LEAVE };

static const struct {
	const char *name;
	char sign;
} actions[] = {
    [PLAN_CREATE] = {"create", '+'},
    [PLAN_MODIFY] = {"modify", '~'},
    [PLAN_DELETE] = {"delete", '-'},
    [PLAN_LEAVE] = {"leave", '='},
};

/*
 * A dry run records what it would do as the outcome that a real run would have had. All other
 * outcomes, failures included, leave the instance as it is.
 */
static enum plan_action
action_of(enum outcome_kind kind)
{
	if (kind == OUTCOME_CREATED)
		return PLAN_CREATE;
	if (kind == OUTCOME_REMOVED)
		return PLAN_DELETE;
	return kind == OUTCOME_UPDATED ? PLAN_MODIFY : PLAN_LEAVE;
}

/* Behind --detailed-exitcode: a pipeline asks only whether there is anything to do. */
bool
report_plan_changes(const int64_t counts[OUTCOME_COUNT])
{
	for (int kind = 0; kind < OUTCOME_COUNT; kind++)
		if (counts[kind] > 0 && action_of((enum outcome_kind)kind) != PLAN_LEAVE)
			return true;
	return false;
}

/* --- targets that are to be created: as many as a tenth of the sources at most --- */

struct new_target {
	char *subnet_id;
	int generation;
};

/* Splits "new:SUBNET:GENERATION". False for a target that is there. */
static bool
new_target_parse(const char *id, struct new_target *ret_target)
{
	const char *subnet = id + strlen(DRY_RUN_TARGET_PREFIX);
	const char *colon;

	if (strncmp(id, DRY_RUN_TARGET_PREFIX, strlen(DRY_RUN_TARGET_PREFIX)) != 0)
		return false;
	colon = strchr(subnet, ':');
	if (colon == NULL)
		return false;
	ret_target->subnet_id = mem_strndup(subnet, (size_t)(colon - subnet));
	ret_target->generation = (int)strtol(colon + 1, NULL, 10);
	return true;
}

/* {target id: {rule, sources}} of the new ones. */
static int
new_target_count_source(void *arg, const struct outcome *outcome)
{
	json_t *targets = arg;
	json_t *row;

	if (action_of(outcome->kind) == PLAN_LEAVE || outcome->target_id == NULL ||
	    strncmp(outcome->target_id, DRY_RUN_TARGET_PREFIX, strlen(DRY_RUN_TARGET_PREFIX)) != 0)
		return 0;
	row = json_object_get(targets, outcome->target_id);
	if (row == NULL) {
		row = json_object();
		jsonx_put_string(row, "rule", outcome->rule);
		json_object_set_new(targets, outcome->target_id, row);
	}
	json_object_set_new(
	    row, "sources", json_integer(json_integer_value(json_object_get(row, "sources")) + 1));
	return 0;
}

/* By subnet and generation: "new:SUBNET:10" comes after "new:SUBNET:9". */
static int
new_target_compare(const void *left, const void *right)
{
	const char *a = jsonx_get_string(*(json_t *const *)left, "targetId");
	const char *b = jsonx_get_string(*(json_t *const *)right, "targetId");
	size_t a_len = strlen(a), b_len = strlen(b);

	if (a_len != b_len && strncmp(a, b, strrchr(a, ':') - a) == 0)
		return a_len < b_len ? -1 : 1;
	return strcmp(a, b);
}

/* [{targetId, rule, sources}] of the new ones, in order. New reference. */
static int
plan_read_targets(
    struct store *store, const struct store_run *run, json_t **ret_targets, struct tmf_err *err)
{
	json_t *by_id = json_object();
	size_t count = 0;
	json_t **rows;
	const char *id;
	json_t *row;

	if (store_outcomes_each(store, run->id, -1, new_target_count_source, by_id, err) < 0) {
		json_decref(by_id);
		return -1;
	}
	rows = mem_zalloc(json_object_size(by_id) + 1, sizeof(json_t *));
	json_object_foreach (by_id, id, row) {
		jsonx_put_string(row, "targetId", id);
		rows[count++] = row;
	}
	qsort(rows, count, sizeof(json_t *), new_target_compare);
	*ret_targets = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append(*ret_targets, rows[i]);
	free(rows);
	json_decref(by_id);
	return 0;
}

/* --- JSON --- */

/*
 * A target that does not exist has no id yet. A made-up one such as "new:subnet-1:2" must not reach
 * a program, so that its two parts are given instead.
 */
static void
plan_put_target(json_t *item, const char *target_id)
{
	struct new_target target;

	if (!new_target_parse(target_id, &target)) {
		jsonx_put_string(item, "targetId", target_id);
		return;
	}
	jsonx_put_string(item, "subnetId", target.subnet_id);
	json_object_set_new(item, "generation", json_integer(target.generation));
	free(target.subnet_id);
}

/*
 * For a session to create or modify, the target is an object of its own, and the cause of the
 * outcome says how an existing session differs. Any other outcome keeps its members.
 */
static int
plan_list_outcome(void *arg, const struct outcome *outcome)
{
	struct report_list *list = arg;
	enum plan_action action = action_of(outcome->kind);
	json_t *row = run_json_outcome(outcome);
	json_t *item = json_object();

	jsonx_put_string(item, "action", actions[action].name);
	if (action != PLAN_LEAVE) {
		jsonx_put_string(item, "resource", "traffic-mirror-session");
		if (action != PLAN_DELETE) /* "planned" says nothing here */
			json_object_del(row, "reason");
		json_object_del(row, "targetId");
		jsonx_put_string(row, "differences", outcome->cause);
		json_object_del(row, "cause");
	}
	json_object_update(item, row);
	json_decref(row);
	if (action != PLAN_LEAVE && outcome->target_id != NULL) {
		json_t *target = json_object();

		plan_put_target(target, outcome->target_id);
		json_object_set_new(item, "target", target);
	}
	report_list_item(list, item);
	return 0;
}

/* Targets come before the sessions that need them, as a run would create them. */
static void
plan_list_targets(struct report_list *list, const json_t *targets)
{
	json_t *row;
	size_t i;

	json_array_foreach (targets, i, row) {
		const char *id = jsonx_get_string(row, "targetId");
		json_t *item = json_object();

		jsonx_put_string(item, "action", actions[PLAN_CREATE].name);
		jsonx_put_string(item, "resource", "traffic-mirror-target");
		plan_put_target(item, id);
		json_object_set(item, "rule", json_object_get(row, "rule"));
		json_object_set(item, "sources", json_object_get(row, "sources"));
		report_list_item(list, item);
	}
}

/*
 * What the plan adds, while it stands, at the built-in price: the account's own, and those of
 * instances, are audit's business.
 */
static json_t *
plan_cost(const int64_t counts[OUTCOME_COUNT], const json_t *targets)
{
	struct tmf_err err = {0};
	struct prices *prices = prices_new(NULL, &err);
	struct cost_items items = {.sessions = counts[OUTCOME_CREATED]};
	json_t *launched = json_object();
	json_t *cost = json_object();

	assert(prices != NULL && !tmf_err_isset(&err));
	json_object_set_new(
	    launched, "any type", json_integer((json_int_t)json_array_size(targets)));
	items.launched = launched;
	cost_add(cost, prices, "", &items);
	json_object_set_new(cost, "seconds", json_real(cost_seconds(items.sessions, 0, 0)));
	json_decref(launched);
	prices_free(prices);
	return cost;
}

static void
plan_print_cost(const int64_t counts[OUTCOME_COUNT], const json_t *targets, FILE *out)
{
	json_t *cost = plan_cost(counts, targets);
	struct buf text = {0};

	cost_text(cost, &text);
	cli_print(out, "  cost: %s\n", buf_cstr(&text));
	buf_reset(&text);
	cost_time_text(counts[OUTCOME_CREATED], 0, 0, &text);
	cli_print(out, "  time: %s\n", buf_cstr(&text));
	buf_fini(&text);
	json_decref(cost);
}

int
report_plan_json(struct store *store, const struct store_run *run,
    const int64_t counts[OUTCOME_COUNT], struct tmf_err *err)
{
	json_t *document;
	struct report_list list;
	json_t *targets;
	int ret;

	if (plan_read_targets(store, run, &targets, err) < 0)
		return -1;
	document = run_json_read(store, run, counts, err);
	if (document == NULL) {
		json_decref(targets);
		return -1;
	}
	if (counts[OUTCOME_CREATED] > 0)
		json_object_set_new(document, "cost", plan_cost(counts, targets));
	report_list_begin(&list, document, "plan", stdout);
	plan_list_targets(&list, targets);
	ret = store_outcomes_each(store, run->id, -1, plan_list_outcome, &list, err);
	report_list_end(&list, err);
	json_decref(targets);
	json_decref(document);
	return ret;
}

/* --- text --- */

/*
 * Each of these starts an instance, which costs money. That is why they come first, with the number
 * of sources that need them.
 */
static void
plan_print_targets(const json_t *targets, FILE *out)
{
	json_t *row;
	size_t i;

	json_array_foreach (targets, i, row) {
		struct new_target target;

		if (!new_target_parse(jsonx_get_string(row, "targetId"), &target))
			continue;
		cli_print(out,
		    "  + a target on a new instance in %s, generation %d, for %" JSON_INTEGER_FORMAT
		    " of rule %s\n",
		    target.subnet_id, target.generation,
		    json_integer_value(json_object_get(row, "sources")),
		    jsonx_get_string(row, "rule"));
		free(target.subnet_id);
	}
}

/*
 * Only changes are printed: of a million instances nearly all are in order, and the last line has
 * their number.
 */
static int
plan_print_outcome(void *arg, const struct outcome *outcome)
{
	enum plan_action action = action_of(outcome->kind);
	struct new_target target;

	if (action == PLAN_DELETE || outcome->kind == OUTCOME_UNWANTED) {
		cli_print(arg, "  - %s %s, rule %s: session %s is unwanted: %s%s\n",
		    outcome->instance_id, outcome->interface_id,
		    outcome->rule != NULL ? outcome->rule : "-", outcome->session_id,
		    outcome->reason, action == PLAN_DELETE ? "" : "; stays without --prune");
		return 0;
	}
	if (action == PLAN_LEAVE)
		return 0;
	cli_print(arg, "  %c %s %s, rule %s, to ", actions[action].sign, outcome->instance_id,
	    outcome->interface_id, outcome->rule);
	if (new_target_parse(outcome->target_id, &target)) {
		cli_print(arg, "the new target in %s, generation %d", target.subnet_id,
		    target.generation);
		free(target.subnet_id);
	} else {
		cli_print(arg, "%s", outcome->target_id);
	}
	if (action == PLAN_MODIFY)
		cli_print(arg, ": session %s has %s", outcome->session_id,
		    outcome->cause != NULL ? outcome->cause : "drifted");
	fputc('\n', arg);
	return 0;
}

int
report_plan_text(struct store *store, const struct store_run *run,
    const int64_t counts[OUTCOME_COUNT], FILE *out, struct tmf_err *err)
{
	int64_t left = 0;
	json_t *targets;
	int ret;

	for (int kind = 0; kind < OUTCOME_COUNT; kind++)
		if (action_of((enum outcome_kind)kind) == PLAN_LEAVE)
			left += counts[kind];
	if (plan_read_targets(store, run, &targets, err) < 0)
		return -1;
	plan_print_targets(targets, out);
	ret = store_outcomes_each(store, run->id, -1, plan_print_outcome, out, err);
	if (ret == 0)
		cli_print(out,
		    "  plan: %zu targets and %" PRId64 " sessions to create, %" PRId64
		    " to modify, %" PRId64 " to delete, %" PRId64
		    " to leave as they are; nothing was changed\n",
		    json_array_size(targets), counts[OUTCOME_CREATED], counts[OUTCOME_UPDATED],
		    counts[OUTCOME_REMOVED], left);
	if (ret == 0 && counts[OUTCOME_CREATED] > 0)
		plan_print_cost(counts, targets, out);
	json_decref(targets);
	return ret;
}
