#include "aws/arn.h"
#include "base/mem.h"
#include "mirror/mirror_internal.h"
#include "mirror/plan.h"
#include "mirror/targets/targets.h"

#include <stdlib.h>
#include <string.h>

/* Domains of member accounts: what is known of one account's targets and sessions is kept apart from that of others. */

/* The role to take in an account, malloc'ed; NULL where the configuration names none, or one of another account. */
static char *
role_in(const struct mirror *mirror, const char *account_id)
{
	const struct mirror_config *config = mirror->opts.config;
	const char *template = config != NULL ? mirror_config_guardduty(config)->role_arn : NULL;
	char *role;
	struct arn arn = {0};
	struct tmf_err err = {0};

	if (template == NULL || mirror->opts.client_for == NULL ||
	    !arn_is_account(str_of(account_id)))
		return NULL;
	role = arn_fill_in(template, account_id, aws_client_region(mirror->opts.ec2));
	if (arn_parse(role, &arn, &err) == 0 && str_is(arn.account, account_id))
		return role;
	tmf_err_fini(&err);
	free(role);
	return NULL;
}

bool
mirror_has_member(const struct mirror *mirror, const char *account_id)
{
	char *role = role_in(mirror, account_id);
	bool has = role != NULL;

	free(role);
	return has;
}

static struct mirror *
member_new(struct mirror *mirror, struct aws_client *ec2, const char *account_id)
{
	struct mirror *member = mem_zalloc(1, sizeof(*member));

	/* Whatever does not depend on the account is the same. */
	*member = *mirror;
	member->of = mirror;
	member->opts.ec2 = ec2;
	member->page_results_max = 0;
	memcpy(member->account_id, account_id, strlen(account_id) + 1);
	member->targets = targets_new(member);
	member->plan = mirror->plan != NULL ? plan_new(member) : NULL;
	member->next_member = mirror->members;
	member->members = NULL;
	mirror->members = member;
	return member;
}

static struct mirror *
open_member(struct mirror *mirror, const char *account_id, struct tmf_err *err)
{
	char *role = role_in(mirror, account_id);
	struct aws_client *ec2;

	if (role == NULL) {
		tmf_err_set(err, TMF_ERR_CONFIG,
		    "account %s: guardduty.roleArn of the configuration names no role of that "
		    "account (arn:aws:iam::{account}:role/NAME serves all)",
		    account_id);
		return NULL;
	}
	ec2 = mirror->opts.client_for(mirror->opts.client_for_arg, role, err);
	free(role);
	return ec2 != NULL ? member_new(mirror, ec2, account_id) : NULL;
}

struct mirror *
mirror_member(struct mirror *mirror, const char *account_id, struct tmf_err *err)
{
	struct mirror *member = mirror->members;

	while (member != NULL && strcmp(member->account_id, account_id) != 0)
		member = member->next_member;
	return member != NULL ? member : open_member(mirror, account_id, err);
}

bool
mirror_task_takes_roles(const char *action, const json_t *parameters)
{
	if (strcmp(action, "check-account") != 0)
		return false;
	return parameters == NULL || json_is_true(json_object_get(parameters, "Member")) ||
	       json_object_get(parameters, "Member.$") != NULL;
}

void
mirror_members_free(struct mirror *mirror)
{
	while (mirror->members != NULL) {
		struct mirror *member = mirror->members;

		mirror->members = member->next_member;
		plan_free(member->plan);
		targets_free(member->targets);
		free(member);
	}
}
