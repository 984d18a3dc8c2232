#include "aws/services/pager.h"
#include "base/jsonx.h"
#include "mirror/actions/action.h"
#include "mirror/gather.h"
#include "mirror/ledger.h"
#include "mirror/refusals.h"

#include <assert.h>
#include <string.h>

/*
 * tmflow:describe-page: one page of DescribeInstances. A token that AWS refuses is left to the
 * workflow, which starts its listing over: what is done is `present` then.
 *
 * Instances that are named are looked up together with those of other runs, see gather.h. Those
 * that AWS does not list are Missing; where it lists none of them the error is the one that AWS has
 * for a describe by id, which workflows catch.
 *
 * In `resume --retry-failed` the pages are those of the ledger's failed instances. Their token is
 * the last instance of the page before, so a killed one goes on at the same place.
 */

#define PAGE_RESULTS_DEFAULT 200
/* With matching: all an interface has up to three entries in what find-sessions gives. */
#define PAGE_RESULTS_DEFAULT_ALL (PAGE_RESULTS_DEFAULT / SESSIONS_PER_INTERFACE_MAX)
#define INSTANCE_IDS_MAX	 1000 /* AWS */

/* A page must fit into a state's data (256 KiB) with room for what a workflow adds. Instances with
 * many tags make a page that does not: it is asked for again with half as many. */
#define PAGE_BYTES_MAX (240u << 10)

#define ERROR_NOT_FOUND "InvalidInstanceID.NotFound"

/* The instances asked for, where these are not the input's, and those of them that came so far. */
#define IDS_KEPT       "ids"
#define INSTANCES_KEPT "instances"

struct describe_page {
	int max_results; /* with --retry-failed: instances on the page */
};

static tmf_op_stage_fn describe_page_came;
static tmf_op_stage_fn describe_named_came;
static tmf_op_stage_fn describe_failed_came;

/* The instances that the page is to have; NULL: those of the listing. */
static json_t *
describe_page_ids(const struct tmf_op *op)
{
	json_t *kept = tmf_op_kept(op, IDS_KEPT);

	return kept != NULL ? kept : action_field_of(op, "InstanceIds");
}

/* AWS refuses MaxResults together with ids, so it is sent without them only. With filters besides,
 * a lookup is one of its own. */
static enum tmf_op_next
describe_page_ask(struct tmf_op *op)
{
	const struct describe_page *f = op->frame;
	json_t *ids = describe_page_ids(op);
	const struct ec2_describe describe = {
	    .next_token = action_text_of(op, "NextToken"),
	    .max_results = ids != NULL ? 0 : f->max_results,
	    .filters = action_field_of(op, "Filters"),
	    .ids = ids,
	};

	if (ids != NULL && describe.filters == NULL && describe.next_token == NULL)
		return tmf_op_await(
		    op, gather_ask(action_account(op)->instances, ids), describe_named_came);
	return tmf_op_await(
	    op, ec2_describe_instances(action_account(op)->ec2, &describe), describe_page_came);
}

static json_t *
describe_page_empty(void)
{
	json_t *page = json_object();

	json_object_set_new(page, "Instances", json_array());
	json_object_set_new(page, "NextToken", json_null());
	json_object_set_new(page, "Missing", json_array());
	return page;
}

/* How many to ask for: as given, but not more than is known to fit. The pages of one account are
 * alike, so the first that was too large makes the later ones smaller without a wasted call. */
static int
describe_page_results(const struct tmf_op *op, int given)
{
	int fits = action_account(op)->page_results_max;

	return fits > 0 && given > fits ? fits : given;
}

/* --- resume --retry-failed: pages of what failed --- */

/* All pages of the filter's instances are gathered: EC2 may cut a page short at any place. */
static enum ec2_page_next
describe_failed_page_came(void *arg, json_t *reply, struct tmf_err *err)
{
	struct tmf_op *op = arg;

	(void)err;
	account_note_id(action_account(op), reply);
	json_array_extend(tmf_op_kept(op, INSTANCES_KEPT), jsonx_get_array(reply, "Instances"));
	return EC2_PAGE_MORE;
}

static void
describe_failed_restarted(void *arg)
{
	json_array_clear(tmf_op_kept(arg, INSTANCES_KEPT));
}

/* A page's token is the last instance of the page before. */
static enum tmf_op_next
describe_failed_start(struct tmf_op *op)
{
	const struct describe_page *f = op->frame;
	json_t *filters;
	struct tmf_call *call;
	json_t *ids;

	if (ledger_failed_page(
		env(op), action_text_of(op, "NextToken"), f->max_results, &ids, &op->err) < 0)
		return TMF_OP_FAIL;
	tmf_op_keep(op, IDS_KEPT, ids);
	tmf_op_keep(op, INSTANCES_KEPT, json_array());
	if (json_array_size(ids) == 0)
		return tmf_op_done(op, describe_page_empty());
	filters = describe_filter("instance-id", json_incref(ids));
	json_array_extend(filters, action_field_of(op, "Filters"));
	call = ec2_pages(action_account(op)->ec2, &(struct ec2_pages){
						      .list = &ec2_list_instances,
						      .filters = filters,
						      .on_page = describe_failed_page_came,
						      .on_restart = describe_failed_restarted,
						      .arg = op,
						  });
	json_decref(filters);
	return tmf_op_await(op, call, describe_failed_came);
}

/* A walk over at most LEDGER_PAGE_INSTANCES_MAX instances. */
static bool
describe_failed_is_listed(const json_t *instances, const char *id)
{
	json_t *instance;
	size_t i;

	json_array_foreach (instances, i, instance) {
		const char *other = jsonx_get_string(instance, "InstanceId");

		if (other != NULL && strcmp(other, id) == 0)
			return true;
	}
	return false;
}

/* What AWS no longer lists is gone. With filters of the workflow's it may only have changed, for
 * instance lost the tag that the filter asks for: no rule of this run takes it any more. */
static int
describe_failed_record_missing(struct tmf_op *op)
{
	json_t *id;
	size_t i;

	json_array_foreach (tmf_op_kept(op, IDS_KEPT), i, id) {
		const struct outcome outcome = {
		    .kind =
			action_field_of(op, "Filters") != NULL ? OUTCOME_UNMATCHED : OUTCOME_GONE,
		    .instance_id = json_string_value(id),
		};

		if (!describe_failed_is_listed(
			tmf_op_kept(op, INSTANCES_KEPT), outcome.instance_id) &&
		    ledger_put(env(op), &outcome, &op->err) < 0)
			return -1;
	}
	return 0;
}

/* A full page may be the last one: then the next is empty, which costs a query of the store and no
 * request. */
static enum tmf_op_next
describe_failed_end(struct tmf_op *op)
{
	const struct describe_page *f = op->frame;
	const json_t *ids = tmf_op_kept(op, IDS_KEPT);
	size_t count = json_array_size(ids);
	json_t *page;

	assert(env(op)->only_failed && f->max_results > 0);
	if (describe_failed_record_missing(op) < 0)
		return TMF_OP_FAIL;
	page = describe_page_empty();
	json_object_set(page, "Instances", tmf_op_kept(op, INSTANCES_KEPT));
	env(op)->progress.more = count == (size_t)f->max_results;
	if (env(op)->progress.more)
		json_object_set(page, "NextToken", json_array_get(ids, count - 1));
	return tmf_op_done(op, page);
}

/* The token is an instance's id, so a smaller page can simply begin at the same place again. */
static enum tmf_op_next
describe_failed_came(struct tmf_op *op)
{
	struct describe_page *f = op->frame;
	json_t *instances = tmf_op_kept(op, INSTANCES_KEPT);

	if (!jsonx_text_fits(instances, PAGE_BYTES_MAX) && f->max_results > 1) {
		f->max_results /= 2;
		return describe_failed_start(op);
	}
	env(op)->progress.pages++;
	env(op)->progress.instances += json_array_size(instances);
	return describe_failed_end(op);
}

/* Of the instances that the workflow names, those that failed. The order is the workflow's, so that
 * what it names first is tried first. */
static int
describe_page_keep_failed(struct tmf_op *op)
{
	json_t *ids;

	if (ledger_failed_among(env(op), action_field_of(op, "InstanceIds"), &ids, &op->err) < 0)
		return -1;
	tmf_op_keep(op, IDS_KEPT, ids);
	return 0;
}

/* --- */

static int
describe_page_check_ids(struct tmf_op *op, const json_t *ids)
{
	json_t *id;
	size_t i;

	if (json_array_size(ids) > INSTANCE_IDS_MAX)
		return tmf_err_set(
		    &op->err, TMF_ERR_INVALID, "InstanceIds must be at most %d", INSTANCE_IDS_MAX);
	json_array_foreach (ids, i, id)
		if (!json_is_string(id))
			return tmf_err_set(
			    &op->err, TMF_ERR_INVALID, "InstanceIds: not a string: %zu", i);
	return 0;
}

/*
 * What AWS has refused may be asked for again in the last round. Where many events share a process
 * that is left to the time for which it trusts a refusal: were each to forget, a storm of launches
 * in a subnet without capacity would ask for as many instances as it has events.
 */
static void
describe_page_forget(const struct account *account, bool named)
{
	if (!named || account->fresh_ms == 0)
		refusals_forget(account->refusals);
}

static enum tmf_op_next
describe_page_start(struct tmf_op *op)
{
	struct describe_page *f = op->frame;
	const json_t *ids;
	const json_t *max;
	json_int_t given;
	bool last_round;

	if (action_input_check(op) < 0)
		return TMF_OP_FAIL;
	last_round = json_is_true(action_field_of(op, "LastRound"));
	mirror_set_last_round(env(op), last_round);
	ids = action_field_of(op, "InstanceIds");
	if (last_round && action_text_of(op, "NextToken") == NULL)
		describe_page_forget(action_account(op), ids != NULL);
	max = action_field_of(op, "MaxResults");
	given = max != NULL				     ? json_integer_value(max)
		: mirror_config_matches_all(env(op)->config) ? PAGE_RESULTS_DEFAULT_ALL
							     : PAGE_RESULTS_DEFAULT;
	if (given < EC2_PAGE_RESULTS_MIN || given > EC2_PAGE_RESULTS_MAX)
		return tmf_op_fail(op, TMF_ERR_INVALID, "MaxResults must be from %d to %d",
		    EC2_PAGE_RESULTS_MIN, EC2_PAGE_RESULTS_MAX);
	if (describe_page_check_ids(op, ids) < 0)
		return TMF_OP_FAIL;
	if (ids != NULL && json_array_size(ids) == 0)
		return tmf_op_done(
		    op, describe_page_empty()); /* to AWS an empty list would mean all */
	f->max_results = describe_page_results(op, (int)given);
	if (!env(op)->only_failed)
		return describe_page_ask(op);
	if (ids != NULL) {
		if (describe_page_keep_failed(op) < 0)
			return TMF_OP_FAIL;
		return json_array_size(tmf_op_kept(op, IDS_KEPT)) == 0
			   ? tmf_op_done(op, describe_page_empty())
			   : describe_page_ask(op);
	}
	if (f->max_results > LEDGER_PAGE_INSTANCES_MAX)
		f->max_results = LEDGER_PAGE_INSTANCES_MAX;
	return describe_failed_start(op);
}

/* The first one alone: a list of a thousand ids helps nobody. */
static void
describe_named_fail(struct tmf_op *op, const json_t *missing)
{
	size_t count = json_array_size(missing);
	const char *first = json_string_value(json_array_get(missing, 0));

	if (count == 1)
		tmf_err_set_name(&op->err, TMF_ERR_SERVICE, ERROR_NOT_FOUND,
		    "AWS does not list the instance: %s", first);
	else
		tmf_err_set_name(&op->err, TMF_ERR_SERVICE, ERROR_NOT_FOUND,
		    "AWS lists none of the %zu instances: %s and others", count, first);
}

/* In the order of the ids, so that what the workflow names first is tried first. */
static enum tmf_op_next
describe_named_came(struct tmf_op *op)
{
	struct mirror_progress *progress = &env(op)->progress;
	json_t *page = describe_page_empty();
	json_t *instances = json_object_get(page, "Instances");
	json_t *missing = json_object_get(page, "Missing");
	json_t *id;
	size_t i;

	json_array_foreach (describe_page_ids(op), i, id) {
		const json_t *found = json_object_get(op->reply, json_string_value(id));

		if (found != NULL)
			json_array_append(instances, json_array_get(found, 0));
		else
			json_array_append(missing, id);
	}
	if (json_array_size(instances) == 0) {
		describe_named_fail(op, missing);
		json_decref(page);
		return TMF_OP_FAIL;
	}
	progress->pages++;
	progress->instances += json_array_size(instances);
	progress->more = false;
	return tmf_op_done(op, page);
}

/* Only these members: what else AWS sends would take room in the state's data. */
static json_t *
describe_page_result(const json_t *reply)
{
	json_t *page = describe_page_empty();

	json_object_set(page, "Instances", json_object_get(reply, "Instances"));
	json_object_set(page, "NextToken", json_object_get(reply, "NextToken"));
	return page;
}

/* A page of given ids is not made smaller: the workflow has named them, and may name fewer. */
static enum tmf_op_next
describe_page_came(struct tmf_op *op)
{
	struct describe_page *f = op->frame;
	struct mirror_progress *progress = &env(op)->progress;

	if (!jsonx_text_fits(op->reply, PAGE_BYTES_MAX) && f->max_results > EC2_PAGE_RESULTS_MIN &&
	    action_field_of(op, "InstanceIds") == NULL) {
		f->max_results = f->max_results / 2 > EC2_PAGE_RESULTS_MIN ? f->max_results / 2
									   : EC2_PAGE_RESULTS_MIN;
		action_account(op)->page_results_max = f->max_results;
		return describe_page_ask(op);
	}
	account_note_id(action_account(op), op->reply);
	assert(op->reply != NULL);
	progress->pages++;
	progress->instances += json_array_size(jsonx_get_array(op->reply, "Instances"));
	progress->more = jsonx_get_string(op->reply, "NextToken") != NULL;
	return tmf_op_done(op, describe_page_result(op->reply));
}

static const struct tmf_action_field input[] = {
    {"MaxResults", "number", false, "instances on the page, 5 to 1000; 200 if absent"},
    {"NextToken", "string", false, "what the page before gave; null for the first"},
    {"LastRound", "boolean", false,
	"only what this run has recorded as failed, which is tried once more"},
    {"Filters", "list of {Name, Values}", false, "AWS's filters"},
    {"InstanceIds", "list of string", false, "these instances only; MaxResults is not sent then"},
    MEMBER_ACCOUNT_FIELD,
    {.name = NULL},
};

static const struct tmf_action_field output[] = {
    {"Instances", "list of Instance", true, "may be empty although more pages follow"},
    {"NextToken", "string or null", true, "null at the end"},
    {"Missing", "list of string", true, "those of InstanceIds that AWS does not list"},
    {.name = NULL},
};

static const char *const iam_actions[] = {
    "ec2:DescribeInstances",
    NULL,
};

const struct tmf_action action_describe_page = {
    .name = "describe-page",
    .summary = "Reads one page of instances",
    .input = input,
    .output = output,
    .iam_actions = iam_actions,
    .frame_size = sizeof(struct describe_page),
    .needs_aws = true,
    .start = describe_page_start,
};
