#include "aws/services/pager.h"
#include "base/jsonx.h"
#include "mirror/actions/action.h"

#include <string.h>

/*
 * tmflow:check-account: is an event's instance in this account and region? An administrator account
 * is sent its members' events too: those of 111111111111 arrive in 999999999999, where no describe
 * would find the instance, and `gone` would be wrong.
 *
 * EC2 lists the caller's own instances only, so any that was listed in this process shows which
 * account this is. Where none was, one small listing is enough. STS is not asked: the credentials
 * may not be allowed to.
 *
 * With Member, an account that guardduty.roleArn leads into is not foreign: the workflow goes on in
 * it. The configuration names resources of its own region only, so another region stays foreign.
 */

static bool
check_account_differs(const char *theirs, const char *ours)
{
	/* What is not known on either side does not differ. */
	return theirs != NULL && ours[0] != '\0' && strcmp(theirs, ours) != 0;
}

/* What is not ours: "region", "account", or NULL. */
static const char *
check_account_foreign(struct tmf_op *op)
{
	if (check_account_differs(
		action_text_of(op, "Region"), aws_client_region(env(op)->account->ec2)))
		return "region";
	return check_account_differs(action_text_of(op, "AccountId"), env(op)->account->id)
		   ? "account"
		   : NULL;
}

static int
check_account_record(struct tmf_op *op, const char *reason)
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
check_account_member(struct tmf_op *op, const char *foreign)
{
	const char *account_id = action_text_of(op, "AccountId");

	return foreign != NULL && strcmp(foreign, "account") == 0 &&
		       json_is_true(action_field_of(op, "Member")) &&
		       mirror_reaches(env(op), account_id)
		   ? account_id
		   : NULL;
}

static enum tmf_op_next
check_account_answer(struct tmf_op *op)
{
	const char *foreign = check_account_foreign(op);
	const char *member = check_account_member(op, foreign);
	const char *reason = member == NULL ? foreign : NULL;
	const char *account_id = env(op)->account->id;
	json_t *result;

	if (reason != NULL && check_account_record(op, reason) < 0)
		return TMF_OP_FAIL;
	result = json_object();
	json_object_set_new(result, "Foreign", json_boolean(reason != NULL));
	jsonx_put_string_or_null(result, "Reason", reason);
	jsonx_put_string_or_null(result, "AccountId", account_id[0] != '\0' ? account_id : NULL);
	jsonx_put_string_or_null(result, MEMBER_ACCOUNT, member);
	jsonx_put_string(result, "Region", aws_client_region(env(op)->account->ec2));
	return tmf_op_done(op, result);
}

/* One instance is enough: its reservation has an OwnerId. */
static enum ec2_page_next
check_account_page_came(void *arg, json_t *reply, struct tmf_err *err)
{
	struct account *account = arg;

	(void)err;
	account_note_id(account, reply);
	return account->id[0] != '\0' ? EC2_PAGE_ENOUGH : EC2_PAGE_MORE;
}

static enum tmf_op_next
check_account_start(struct tmf_op *op)
{
	struct account *account = env(op)->account;

	if (action_input_check(op) < 0)
		return TMF_OP_FAIL;
	if (action_text_of(op, "AccountId") == NULL || env(op)->account->id[0] != '\0' ||
	    check_account_foreign(op) != NULL)
		return check_account_answer(op);
	return tmf_op_await(op,
	    ec2_pages(account->ec2,
		&(struct ec2_pages){
		    .list = &ec2_list_instances,
		    .max_results = EC2_PAGE_RESULTS_MIN,
		    .on_page = check_account_page_came,
		    .arg = account,
		}),
	    check_account_answer);
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
    {"AccountId", "string or null", true, "this account; null where it has no instance"},
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
    .iam_actions = iam_actions,
    .needs_aws = true,
    .start = check_account_start,
};
