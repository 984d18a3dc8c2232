#ifndef TMFLOW_MIRROR_ACCOUNTS_H
#define TMFLOW_MIRROR_ACCOUNTS_H

#include "mirror/account.h"

/* The accounts that a process works in: its own, and members' that it reaches by a role, for
 * findings of theirs. */
struct accounts;

/* All of it is borrowed and must outlive the accounts. */
struct accounts_opts {
	struct tmf_loop *loop;
	struct aws_client *ec2; /* NULL where no action needs AWS */
	struct store *store;
	const char *owner; /* the run whose lease this process holds */
	/* A client of the same region with the keys of a role, for as long as the accounts live.
	 * Borrowed. NULL: no other account is reached. Errors: TMF_ERR_CONFIG. What the role is
	 * refused for, its calls say. */
	struct aws_client *(*client_for)(void *arg, const char *role_arn, struct tmf_err *err);
	void *client_for_arg;
	/* The client of Elastic Load Balancing with the keys of an EC2 client, one of client_for's
	 * included. Borrowed. NULL: load balancers are not looked up. */
	struct aws_client *(*elb_for)(void *client_for_arg, const struct aws_client *ec2);
	bool dry_run;	  /* nothing is changed in any of them */
	bool trusts_tags; /* targets that only bear tmflow's or the seed's tags are used */
	/* Many jobs share the accounts: lookups wait a moment for those of others, see gather.h. */
	bool gathers;
	int64_t fresh_ms; /* listings of targets older than that are read again. 0: read once */
};

/* Opens the process's own account. NULL is fine for free; nothing that asks an account may be under
 * way then. */
struct accounts *accounts_new(const struct accounts_opts *opts);
void accounts_free(struct accounts *accounts);

/* fn for each set of outcomes that was recorded in an account. */
void accounts_outcomes_each(const struct accounts *accounts,
    void (*fn)(void *arg, const struct outcome_count *count), void *arg);

/* The process's own account. Borrows. */
struct account *accounts_home(const struct accounts *accounts);

/* True if role_arn (a template as guardduty.roleArn gives it; NULL: none) leads into that
 * account. */
bool accounts_reach(const struct accounts *accounts, const char *role_arn, const char *account_id);

/* Another account, opened by its role when it is first asked for. Borrows.
 * Errors: TMF_ERR_CONFIG where the role does not lead there; NULL then. */
struct account *accounts_member(
    struct accounts *accounts, const char *role_arn, const char *account_id, struct tmf_err *err);

/* New call that ends with {} once what this process launched for targets, or one that is gone did,
 * has a target or is terminated, in all accounts and as far as AWS lets that be done now.
 * takes_back: targets that nobody mirrors to go as well; for when nothing else is under way that
 * may be going to. Nothing in a dry run. Errors: TMF_ERR_STORE. */
struct tmf_call *accounts_settle(struct accounts *accounts, bool takes_back);

#endif
