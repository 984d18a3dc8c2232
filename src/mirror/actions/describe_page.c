#include "base/jsonx.h"
#include "mirror/actions/action.h"
#include "mirror/ledger.h"

#include <string.h>

/* tmflow:describe-page: one page of DescribeInstances. */

#define PAGE_RESULTS_DEFAULT 200
#define INSTANCE_IDS_MAX     1000 /* AWS */

/* A page must fit into a state's data (256 KiB) with room for what a workflow adds. Instances with many tags make a page that does not:
 * it is asked for again with half as many. */
#define PAGE_BYTES_MAX (240u << 10)

#define IDS_KEPT       "ids"	   /* the instances asked for, where these are not the input's */
#define INSTANCES_KEPT "instances" /* of them, those that came so far */

struct describe_page {
	int max_results; /* in a retry: instances on the page */
};

static tmf_op_stage_fn describe_page_came;
static tmf_op_stage_fn describe_failed_came;

static enum tmf_op_next
ask(struct tmf_op *op)
{
	const struct describe_page *f = op->frame;
	json_t *kept = tmf_op_kept(op, IDS_KEPT);
	json_t *ids = kept != NULL ? kept : action_field_of(op, "InstanceIds");
	const struct ec2_describe describe = {
	    .next_token = action_text_of(op, "NextToken"),
	    .max_results = ids != NULL ? 0 : f->max_results,
	    .filters = action_field_of(op, "Filters"),
	    .ids = ids,
	};

	return tmf_op_await(
	    op, ec2_describe_instances(action_account(op)->ec2, &describe), describe_page_came);
}

static json_t *
no_instances(void)
{
	json_t *page = json_object();

	json_object_set_new(page, "Instances", json_array());
	json_object_set_new(page, "NextToken", json_null());
	return page;
}

/* How many to ask for: as given, but not more than is known to fit. */
static int
choose_results(const struct tmf_op *op, int given)
{
	int fits = action_account(op)->page_results_max;

	return fits > 0 && given > fits ? fits : given;
}

/* --- a retry: pages of what failed --- */

static enum tmf_op_next
ask_failed(struct tmf_op *op, const char *next_token)
{
	json_t *filters = filter_new("instance-id", json_incref(tmf_op_kept(op, IDS_KEPT)));
	const struct ec2_describe describe = {
	    .next_token = next_token,
	    .max_results = EC2_PAGE_RESULTS_MAX,
	    .filters = filters,
	};
	struct tmf_call *call;

	json_array_extend(filters, action_field_of(op, "Filters"));
	call = ec2_describe_instances(action_account(op)->ec2, &describe);
	json_decref(filters);
	return tmf_op_await(op, call, describe_failed_came);
}

/* A page's token is the last instance of the page before. */
static enum tmf_op_next
start_failed(struct tmf_op *op)
{
	const struct describe_page *f = op->frame;
	json_t *ids;

	if (ledger_failed_page(
		env(op), action_text_of(op, "NextToken"), f->max_results, &ids, &op->err) < 0)
		return TMF_OP_FAIL;
	tmf_op_keep(op, IDS_KEPT, ids);
	tmf_op_keep(op, INSTANCES_KEPT, json_array());
	return json_array_size(ids) == 0 ? tmf_op_done(op, no_instances()) : ask_failed(op, NULL);
}

static bool
is_among(const json_t *instances, const char *id)
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

/* What AWS does not list any more. Where the workflow has filters, they may be why. */
static int
record_missing(struct tmf_op *op)
{
	json_t *id;
	size_t i;

	json_array_foreach (tmf_op_kept(op, IDS_KEPT), i, id) {
		const struct outcome outcome = {
		    .kind =
			action_field_of(op, "Filters") != NULL ? OUTCOME_UNMATCHED : OUTCOME_GONE,
		    .instance_id = json_string_value(id),
		};

		if (!is_among(tmf_op_kept(op, INSTANCES_KEPT), outcome.instance_id) &&
		    ledger_put(env(op), &outcome, &op->err) < 0)
			return -1;
	}
	return 0;
}

static enum tmf_op_next
end_failed(struct tmf_op *op)
{
	const struct describe_page *f = op->frame;
	const json_t *ids = tmf_op_kept(op, IDS_KEPT);
	size_t count = json_array_size(ids);
	json_t *page;

	if (record_missing(op) < 0)
		return TMF_OP_FAIL;
	page = no_instances();
	json_object_set(page, "Instances", tmf_op_kept(op, INSTANCES_KEPT));
	env(op)->progress.more = count == (size_t)f->max_results;
	if (env(op)->progress.more)
		json_object_set(page, "NextToken", json_array_get(ids, count - 1));
	return tmf_op_done(op, page);
}

static enum tmf_op_next
describe_failed_came(struct tmf_op *op)
{
	struct describe_page *f = op->frame;
	json_t *instances = tmf_op_kept(op, INSTANCES_KEPT);
	const char *next_token = jsonx_get_string(op->reply, "NextToken");

	account_note_id(action_account(op), op->reply);
	json_array_extend(instances, jsonx_get_array(op->reply, "Instances"));
	if (next_token != NULL)
		return ask_failed(op, next_token);
	if (!jsonx_text_fits(instances, PAGE_BYTES_MAX) && f->max_results > 1) {
		f->max_results /= 2;
		return start_failed(op);
	}
	env(op)->progress.pages++;
	env(op)->progress.instances += json_array_size(instances);
	return end_failed(op);
}

/* Of the instances that the workflow names, those that failed. */
static int
keep_failed_ids(struct tmf_op *op)
{
	json_t *ids;

	if (ledger_failed_among(env(op), action_field_of(op, "InstanceIds"), &ids, &op->err) < 0)
		return -1;
	tmf_op_keep(op, IDS_KEPT, ids);
	return 0;
}

/* --- */

static enum tmf_op_next
describe_page_start(struct tmf_op *op)
{
	struct describe_page *f = op->frame;
	const json_t *ids;
	const json_t *max;
	json_int_t given;

	if (action_input_check(op) < 0)
		return TMF_OP_FAIL;
	ids = action_field_of(op, "InstanceIds");
	max = action_field_of(op, "MaxResults");
	given = max != NULL ? json_integer_value(max) : PAGE_RESULTS_DEFAULT;
	if (given < EC2_PAGE_RESULTS_MIN || given > EC2_PAGE_RESULTS_MAX)
		return tmf_op_fail(op, TMF_ERR_INVALID, "MaxResults must be from %d to %d",
		    EC2_PAGE_RESULTS_MIN, EC2_PAGE_RESULTS_MAX);
	if (json_array_size(ids) > INSTANCE_IDS_MAX)
		return tmf_op_fail(
		    op, TMF_ERR_INVALID, "InstanceIds must be at most %d", INSTANCE_IDS_MAX);
	if (ids != NULL && json_array_size(ids) == 0)
		return tmf_op_done(op, no_instances()); /* to AWS an empty list would mean all */
	f->max_results = choose_results(op, (int)given);
	if (!env(op)->only_failed)
		return ask(op);
	if (ids != NULL) {
		if (keep_failed_ids(op) < 0)
			return TMF_OP_FAIL;
		return json_array_size(tmf_op_kept(op, IDS_KEPT)) == 0
			   ? tmf_op_done(op, no_instances())
			   : ask(op);
	}
	if (f->max_results > LEDGER_PAGE_INSTANCES_MAX)
		f->max_results = LEDGER_PAGE_INSTANCES_MAX;
	return start_failed(op);
}

static json_t *
page_of(const json_t *reply)
{
	json_t *page = json_object();

	json_object_set(page, "Instances", json_object_get(reply, "Instances"));
	json_object_set(page, "NextToken", json_object_get(reply, "NextToken"));
	return page;
}

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
		return ask(op);
	}
	account_note_id(action_account(op), op->reply);
	progress->pages++;
	progress->instances += json_array_size(jsonx_get_array(op->reply, "Instances"));
	progress->more = jsonx_get_string(op->reply, "NextToken") != NULL;
	return tmf_op_done(op, page_of(op->reply));
}

static const struct tmf_action_field input[] = {
    {"MaxResults", "number", false, "instances on the page, 5 to 1000; 200 if absent"},
    {"NextToken", "string", false, "what the page before gave; null for the first"},
    {"Filters", "list of {Name, Values}", false, "AWS's filters"},
    {"InstanceIds", "list of string", false, "these instances only; MaxResults is not sent then"},
    MEMBER_ACCOUNT_FIELD,
    {.name = NULL},
};

static const struct tmf_action_field output[] = {
    {"Instances", "list of Instance", true, "may be empty although more pages follow"},
    {"NextToken", "string or null", true, "null at the end"},
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
