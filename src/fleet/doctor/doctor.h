#ifndef TMFLOW_FLEET_DOCTOR_DOCTOR_H
#define TMFLOW_FLEET_DOCTOR_DOCTOR_H

#include "mirror/mirror.h"

/*
 * Will it work: what a run in one account and region needs is looked at before one is let loose.
 * Changes nothing: permissions are asked for by dry runs, and everything else is described.
 */

/* All of it is borrowed, and must outlive the doctor. */
struct doctor_opts {
	struct tmf_loop *loop;
	struct aws_client *ec2;
	struct aws_client *elb;
	struct aws_client *sts;
	struct aws_client *events; /* EventBridge: the deployment's rules. NULL: not asked */
	/* The configuration's run, in accounts that are opened for a dry run. NULL: what depends on
	 * a configuration is not looked at. */
	struct mirror *mirror;
	const json_t *iam_actions; /* ["ec2:CreateTags"]: what the workflows need */
};

struct doctor;
/* Begins with no checks made. Ends with doctor_free. */
struct doctor *doctor_new(const struct doctor_opts *opts);

/* No call may be under way. NULL is fine. */
void doctor_free(struct doctor *doctor);

/* New call, once, that ends with {"checks": [check]}, see doctor_check_add. Whatever AWS refuses is
 * a check. Errors: none but those of a loop that ends. */
struct tmf_call *doctor_start(struct doctor *doctor);

enum doctor_status { DOCTOR_PASS, DOCTOR_WARN, DOCTOR_FAIL };

/* Appends {"name", "status": "pass", "warn" or "fail", "seen", "remedy"} to checks. The remedy
 * of what passes is "", whatever is given. */
void doctor_check_add(json_t *checks, const char *name, enum doctor_status status, const char *seen,
    const char *remedy);

/* How what was seen begins where the configuration names what is not there. */
#define DOCTOR_NOT_FOUND "not found in this account and region"

/* The IAM actions that it needs to look at everything; ends with NULL. What a run needs is asked
 * for by dry runs, and needs no permission to be asked. */
extern const char *const doctor_iam_actions[];

/* True if one of the checks failed. */
bool doctor_has_failed(const json_t *checks);

#endif
