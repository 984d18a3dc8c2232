#ifndef TMFLOW_FLEET_AUDIT_AUDIT_H
#define TMFLOW_FLEET_AUDIT_AUDIT_H

#include "mirror/mirror.h"

/*
 * Who mirrors what in one account and region, and what of it should not be: every target, filter
 * and session is listed, with the interfaces and instances at both ends. Changes nothing.
 *
 * In memory is what AWS's quotas bound: 10,000 sessions, targets and filters.
 */

/* All of it is borrowed, and must outlive the audit. A client that is NULL is not asked. */
struct audit_opts {
	struct tmf_loop *loop;
	struct aws_client *ec2;
	struct aws_client *sts;
	struct aws_client *ram;	  /* whom targets are shared with */
	struct aws_client *trail; /* CloudTrail: who made what, and when */
	/* The configuration's run, in accounts that are opened for a dry run: what its rules ask
	 * of the sessions. NULL: without a configuration, that is not asked. */
	struct mirror *mirror;
	/* {account: true} whose targets may receive, beside the account itself and the
	 * configuration's trustedAccounts. NULL: no others. */
	const json_t *trusted;
};

struct audit;

/* One audit of one place. */
struct audit *audit_new(const struct audit_opts *opts);

/* Cancels what is under way. NULL is fine. */
void audit_free(struct audit *audit);

/*
 * New call, once, that ends with {"account", "region", "findings": [finding], "sessions": n,
 * "launched": {instance type: n}, "incomplete": [{"operation", "error"}]}; findings as in
 * finding.h, each with "events": [{"time", "name", "user", "userAgent", "run"?}] where the trail
 * has any.
 * incomplete: lookups that AWS refuses for good, whose dependents are left out, and lists of more
 * pages than are read (TMFlow.Limit).
 * Errors: AWS's of listing sessions and targets, and those that pass.
 */
struct tmf_call *audit_start(struct audit *audit);

/* The IAM actions that it needs; ends with NULL. */
extern const char *const audit_iam_actions[];

/* Those that it needs for the trail. */
extern const char *const audit_trail_iam_actions[];

#endif
