#include "action_input.h"
#include "actions_internal.h"
#include "tmflow/base/json.h"

/* tmflow:describe-page: one page of DescribeInstances. */

#define PAGE_RESULTS_DEFAULT 200
#define INSTANCE_IDS_MAX     1000 /* AWS */

/* A page must fit into a state's data (256 KiB) with room for what a workflow adds. Instances with many tags make a page that does not:
 * it is asked for again with half as many. */
#define PAGE_BYTES_MAX (240u << 10)

struct describe_page {
	int max_results;
};

static op_stage_fn describe_page_came;

static enum op_next
ask(struct op *op)
{
	const struct describe_page *f = op->frame;
	json_t *ids = action_field_of(op, "InstanceIds");
	const struct ec2_describe describe = {
	    .next_token = action_text_of(op, "NextToken"),
	    .max_results = ids != NULL ? 0 : f->max_results,
	    .filters = action_field_of(op, "Filters"),
	    .ids = ids,
	};

	return op_await(
	    op, ec2_describe_instances(env(op)->opts.ec2, &describe), describe_page_came);
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
choose_results(const struct op *op, int given)
{
	int fits = env(op)->page_results_max;

	return fits > 0 && given > fits ? fits : given;
}

static enum op_next
describe_page_start(struct op *op)
{
	struct describe_page *f = op->frame;
	const json_t *ids;
	const json_t *max;
	json_int_t given;

	if (action_input_check(op) < 0)
		return OP_FAIL;
	ids = action_field_of(op, "InstanceIds");
	max = action_field_of(op, "MaxResults");
	given = max != NULL ? json_integer_value(max) : PAGE_RESULTS_DEFAULT;
	if (given < EC2_PAGE_RESULTS_MIN || given > EC2_PAGE_RESULTS_MAX)
		return op_fail(op, ERR_INVALID, "MaxResults must be from %d to %d",
		    EC2_PAGE_RESULTS_MIN, EC2_PAGE_RESULTS_MAX);
	if (json_array_size(ids) > INSTANCE_IDS_MAX)
		return op_fail(op, ERR_INVALID, "InstanceIds must be at most %d", INSTANCE_IDS_MAX);
	if (ids != NULL && json_array_size(ids) == 0)
		return op_done(op, no_instances()); /* to AWS an empty list would mean all */
	f->max_results = choose_results(op, (int)given);
	return ask(op);
}

static json_t *
page_of(const json_t *reply)
{
	json_t *page = json_object();

	json_object_set(page, "Instances", json_object_get(reply, "Instances"));
	json_object_set(page, "NextToken", json_object_get(reply, "NextToken"));
	return page;
}

static enum op_next
describe_page_came(struct op *op)
{
	struct describe_page *f = op->frame;
	struct mirror_progress *progress = &env(op)->progress;

	if (json_text_bytes(op->reply, PAGE_BYTES_MAX) > PAGE_BYTES_MAX &&
	    f->max_results > EC2_PAGE_RESULTS_MIN && action_field_of(op, "InstanceIds") == NULL) {
		f->max_results = f->max_results / 2 > EC2_PAGE_RESULTS_MIN ? f->max_results / 2
									   : EC2_PAGE_RESULTS_MIN;
		env(op)->page_results_max = f->max_results;
		return ask(op);
	}
	mirror_note_account(env(op), op->reply);
	progress->pages++;
	progress->instances += json_array_size(json_get_array(op->reply, "Instances"));
	return op_done(op, page_of(op->reply));
}

static const struct action_field input[] = {
    {"MaxResults", "number", false, "instances on the page, 5 to 1000; 200 if absent"},
    {"NextToken", "string", false, "what the page before gave; null for the first"},
    {"Filters", "list of {Name, Values}", false, "AWS's filters"},
    {"InstanceIds", "list of string", false, "these instances only; MaxResults is not sent then"},
    {.name = NULL},
};

static const struct action_field output[] = {
    {"Instances", "list of Instance", true, "may be empty although more pages follow"},
    {"NextToken", "string or null", true, "null at the end"},
    {.name = NULL},
};

static const char *const iam_actions[] = {
    "ec2:DescribeInstances",
    NULL,
};

const struct action action_describe_page = {
    .name = "describe-page",
    .summary = "Reads one page of instances",
    .input = input,
    .output = output,
    .iam_actions = iam_actions,
    .frame_size = sizeof(struct describe_page),
    .needs_aws = true,
    .start = describe_page_start,
};
