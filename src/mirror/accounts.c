#include "mirror/accounts.h"

#include "aws/arn.h"
#include "base/mem.h"
#include "mirror/filters/filters.h"
#include "mirror/gather.h"
#include "mirror/members/members.h"
#include "mirror/refusals.h"
#include "mirror/targets/targets.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct accounts {
	struct accounts_opts opts;
	char *owner;
	struct account *first; /* the process's own; members follow */
};

/* At the end of the list: settling goes through it from the start, and a member that is opened
 * meanwhile is not missed. */
static struct account *
accounts_add(struct accounts *accounts, struct aws_client *ec2)
{
	struct account **at = &accounts->first;
	struct account *account = mem_zalloc(1, sizeof(*account));

	assert(accounts->opts.loop != NULL && accounts->owner != NULL);
	account->loop = accounts->opts.loop;
	account->ec2 = ec2;
	account->store = accounts->opts.store;
	account->owner = accounts->owner;
	account->dry_run = accounts->opts.dry_run;
	account->fresh_ms = accounts->opts.fresh_ms;
	account->trusts_tags = accounts->opts.trusts_tags;
	account->gathers = accounts->opts.gathers;
	account->refusals = refusals_new(account);
	if (ec2 != NULL) {
		if (accounts->opts.elb_for != NULL)
			account->elb = accounts->opts.elb_for(accounts->opts.client_for_arg, ec2);
		account->instances = gather_new(account, &gather_instances);
		account->sessions = gather_new(account, &gather_sessions);
		account->targets = targets_new(account);
		account->members = members_new(account);
		account->filters = filters_new(account);
	}
	while (*at != NULL)
		at = &(*at)->next;
	*at = account;
	return account;
}

/* The owner is copied, since accounts may outlive the run whose name it is. */
struct accounts *
accounts_new(const struct accounts_opts *opts)
{
	struct accounts *accounts = mem_zalloc(1, sizeof(*accounts));

	assert(opts->loop != NULL && opts->store != NULL && opts->owner != NULL);
	accounts->opts = *opts;
	accounts->owner = mem_strdup(opts->owner);
	accounts_add(accounts, opts->ec2);
	return accounts;
}

/* No account depends on another one, so the order does not matter. */
void
accounts_free(struct accounts *accounts)
{
	if (accounts == NULL)
		return;
	while (accounts->first != NULL) {
		struct account *account = accounts->first;

		accounts->first = account->next;
		filters_free(account->filters);
		members_free(account->members);
		targets_free(account->targets);
		gather_free(account->instances);
		gather_free(account->sessions);
		refusals_free(account->refusals);
		outcome_tally_fini(&account->outcomes);
		free(account);
	}
	free(accounts->owner);
	free(accounts);
}

struct account *
accounts_home(const struct accounts *accounts)
{
	return accounts->first;
}

void
accounts_outcomes_each(const struct accounts *accounts,
    void (*fn)(void *arg, const struct outcome_count *count), void *arg)
{
	for (const struct account *account = accounts->first; account != NULL;
	     account = account->next)
		outcome_tally_each(&account->outcomes, account->id, fn, arg);
}

/*
 * The role to take in an account, malloc'ed; NULL without a template, or where it leads into
 * another account. The template may name an account by itself rather than by {account}. So the
 * filled-in ARN is parsed again and its account compared: arn:aws:iam::111111111111:role/x must not
 * be taken for an instance of 222222222222.
 */
static char *
accounts_role(const struct accounts *accounts, const char *role_arn, const char *account_id)
{
	char *role;
	struct arn arn = {0};
	struct tmf_err err = {0};

	if (role_arn == NULL || accounts->opts.client_for == NULL ||
	    !arn_is_account(str_of(account_id)))
		return NULL;
	role = arn_fill_in(role_arn, account_id, aws_client_region(accounts->opts.ec2));
	if (arn_parse(role, &arn, &err) == 0 && str_is(arn.account, account_id))
		return role;
	tmf_err_fini(&err);
	free(role);
	return NULL;
}

bool
accounts_reach(const struct accounts *accounts, const char *role_arn, const char *account_id)
{
	char *role = accounts_role(accounts, role_arn, account_id);
	bool reach = role != NULL;

	free(role);
	return reach;
}

/* Opened when first asked for, and kept: a client has credentials of its own that expire and are
 * renewed, and an account has quotas of its own to be paced by. A list is enough for the members of
 * an organization. */
struct account *
accounts_member(
    struct accounts *accounts, const char *role_arn, const char *account_id, struct tmf_err *err)
{
	struct account *member;
	struct aws_client *ec2;
	char *role;

	assert(accounts->first != NULL && !accounts->first->is_member);
	member = accounts->first->next;
	while (member != NULL && strcmp(member->id, account_id) != 0)
		member = member->next;
	if (member != NULL)
		return member;
	role = accounts_role(accounts, role_arn, account_id);
	if (role == NULL) {
		tmf_err_set(err, TMF_ERR_CONFIG,
		    "account %s: guardduty.roleArn of the configuration names no role of that "
		    "account (arn:aws:iam::{account}:role/NAME serves all), or "
		    "guardduty.accounts does not list it",
		    account_id);
		return NULL;
	}
	ec2 = accounts->opts.client_for(accounts->opts.client_for_arg, role, err);
	free(role);
	if (ec2 == NULL)
		return NULL;
	member = accounts_add(accounts, ec2);
	/* The role leads there, so the id is known before AWS has listed an instance. */
	member->is_member = true;
	memcpy(member->id, account_id, strlen(account_id) + 1);
	return member;
}

/* --- the end of a run --- */

struct accounts_settling {
	struct account *next;
	bool takes_back;
};

/* One account after the other. An error of the store would be the same in each, so the first one
 * ends it; what AWS refuses is only logged. */
static struct tmf_call *
accounts_settle_next(void *frame, struct tmf_call *over, json_t **ret_result, struct tmf_err *err)
{
	struct accounts_settling *settling = frame;
	struct account *account = settling->next;

	if (tmf_err_isset(&over->err)) {
		tmf_err_move(err, &over->err);
		return NULL;
	}
	if (account == NULL) {
		*ret_result = json_object();
		return NULL;
	}
	assert(account->is_member && account->targets != NULL);
	settling->next = account->next;
	return targets_settle(account->targets, settling->takes_back);
}

/* A dry run has launched nothing, and must not terminate what another run has launched. */
struct tmf_call *
accounts_settle(struct accounts *accounts, bool takes_back)
{
	struct account *home = accounts->first;
	struct accounts_settling *settling;

	if (home->targets == NULL || home->dry_run)
		return tmf_call_of_result(home->loop, json_object());
	settling = mem_zalloc(1, sizeof(*settling));
	settling->next = home->next;
	settling->takes_back = takes_back;
	return tmf_call_sequence(
	    targets_settle(home->targets, takes_back), accounts_settle_next, settling, free);
}
