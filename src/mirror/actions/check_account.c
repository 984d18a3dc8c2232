#include "base/jsonx.h"
#include "mirror/actions/action.h"

#include <string.h>

/*
 * tmflow:check-account: is what an event tells of in this account and region? An administrator account is sent its members' events too. EC2 lists the
 * caller's instances only, so any that was listed in this process has told the account; only where none was, one small page is asked for.
 * With Member, an account that guardduty.roleArn has a role for is not foreign: what follows is told to work in it. The configuration names what is in its
 * region only, so another region stays foreign.
 */

#define PAGES_MAX                                                                                  \
	3 /* one may be empty although more follow; no instance at all: nothing to be mixed up with */

struct check_account {
	int pages;
};

static tmf_op_stage_fn check_account_listed;

static bool
differs(const char *told, const char *ours)
{
	return told != NULL && ours[0] != '\0' && strcmp(told, ours) != 0;
}

/* What is not ours: "region", "account", or NULL. */
static const char *
foreign_part(struct tmf_op *op)
{
	if (differs(action_text_of(op, "Region"), aws_client_region(action_account(op)->ec2)))
		return "region";
	return differs(action_text_of(op, "AccountId"), action_account(op)->id) ? "account" : NULL;
}

static int
record(struct tmf_op *op, const char *reason)
{
	json_t *id;
	size_t i;

	json_array_foreach (action_field_of(op, "InstanceIds"), i, id) {
		const struct outcome outcome = {
		    .kind = OUTCOME_FOREIGN_ACCOUNT,
		    .instance_id = json_string_value(id),
		    .reason = reason,
		};

		if (ledger_put(env(op), &outcome, &op->err) < 0)
			return -1;
	}
	return 0;
}

/* The account to work in instead of this one, or NULL. */
static const char *
member_account(struct tmf_op *op, const char *foreign)
{
	const char *account_id = action_text_of(op, "AccountId");

	return foreign != NULL && strcmp(foreign, "account") == 0 &&
		       json_is_true(action_field_of(op, "Member")) &&
		       mirror_reaches(env(op), account_id)
		   ? account_id
		   : NULL;
}

static enum tmf_op_next
answer(struct tmf_op *op)
{
	const char *foreign = foreign_part(op);
	const char *member = member_account(op, foreign);
	const char *reason = member == NULL ? foreign : NULL;
	const char *account_id = action_account(op)->id;
	json_t *result;

	if (reason != NULL && record(op, reason) < 0)
		return TMF_OP_FAIL;
	result = json_object();
	json_object_set_new(result, "Foreign", json_boolean(reason != NULL));
	jsonx_put_string_or_null(result, "Reason", reason);
	jsonx_put_string_or_null(result, "AccountId", account_id[0] != '\0' ? account_id : NULL);
	jsonx_put_string_or_null(result, MEMBER_ACCOUNT, member);
	jsonx_put_string(result, "Region", aws_client_region(action_account(op)->ec2));
	return tmf_op_done(op, result);
}

static enum tmf_op_next
ask(struct tmf_op *op, const char *next_token)
{
	const struct ec2_describe describe = {
	    .next_token = next_token, .max_results = EC2_PAGE_RESULTS_MIN};

	return tmf_op_await(
	    op, ec2_describe_instances(action_account(op)->ec2, &describe), check_account_listed);
}

static enum tmf_op_next
check_account_listed(struct tmf_op *op)
{
	struct check_account *f = op->frame;
	const char *next_token = jsonx_get_string(op->reply, "NextToken");

	account_note_id(action_account(op), op->reply);
	if (action_account(op)->id[0] != '\0' || next_token == NULL || ++f->pages == PAGES_MAX)
		return answer(op);
	return ask(op, next_token);
}

static enum tmf_op_next
check_account_start(struct tmf_op *op)
{
	if (action_input_check(op) < 0)
		return TMF_OP_FAIL;
	if (action_text_of(op, "AccountId") == NULL || action_account(op)->id[0] != '\0' ||
	    foreign_part(op) != NULL)
		return answer(op);
	return ask(op, NULL);
}

static const struct tmf_action_field input[] = {
    {"AccountId", "string", false, "whose the instances are said to be; null: not known"},
    {"Region", "string", false, "where; null: not known"},
    {"InstanceIds", "list of string", true, "to record foreign-account for"},
    {"Member", "boolean", false, "take guardduty.roleArn for another account, where there is one"},
    {.name = NULL},
};

static const struct tmf_action_field output[] = {
    {"Foreign", "boolean", true, "another account's, or another region's"},
    {"Reason", "string or null", true, "account or region; null where not foreign"},
    {"AccountId", "string or null", true, "this account; null where no instance told it"},
    {MEMBER_ACCOUNT, "string or null", true, "the other account that there is a role for"},
    {"Region", "string", true, "this region"},
    {.name = NULL},
};

static const char *const iam_actions[] = {"ec2:DescribeInstances", NULL};

const struct tmf_action action_check_account = {
    .name = "check-account",
    .summary = "Says whether instances are in this account and region; records foreign-account",
    .input = input,
    .output = output,
    .frame_size = sizeof(struct check_account),
    .iam_actions = iam_actions,
    .needs_aws = true,
    .start = check_account_start,
};
