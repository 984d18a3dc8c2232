#ifndef TMFLOW_FLEET_DOCTOR_DOCTOR_INTERNAL_H
#define TMFLOW_FLEET_DOCTOR_DOCTOR_INTERNAL_H

#include "fleet/doctor/doctor.h"

/* Before the subnet for which a rule lets targets be made. */
#define DOCTOR_NEW "new:"

/* What was listed. Members are AWS's. */
struct doctor {
	struct doctor_opts opts;
	char account[ACCOUNT_ID_BYTES]; /* "": STS did not say */
	char *caller;			/* ARN; NULL likewise */
	const char *region;

	json_t *regions;      /* {name: region} */
	json_t *targets;      /* {id: target} */
	json_t *filters;      /* {id: filter} */
	json_t *sessions;     /* {id: true if this configuration's} */
	json_t *subnets;      /* {id: subnet} */
	json_t *vpcs;	      /* {id: VPC} */
	json_t *acls;	      /* {id: ACL} */
	json_t *route_tables; /* {id: table} */
	json_t *groups;	      /* {id: security group} */
	json_t *images;	      /* {id: image} */
	json_t *interfaces;   /* {id: interface}: of targets and members */
	json_t *receivers;    /* {instance: state}: that have these */
	json_t *balancers;    /* {ARN: {"balancer", "listeners", "crossZone", "members": [..]}} */
	json_t *rules;	      /* [rule of EventBridge] */
	json_t *refused;      /* {operation: {"error", "cause"}} */
	json_t *denied;	      /* {IAM action: error of its dry run} */

	/* Of the instances that rules take: {target, or DOCTOR_NEW and a subnet: {"count", "rule",
	 * "subnets": {subnet: true}}} */
	json_t *wanted;
	int64_t wanted_count;

	/* Of the listing under way. */
	size_t step;
	size_t at; /* in the step's own list */
	unsigned stage;
	bool looked;
	const char *asked; /* the IAM action of the dry run under way */
	json_t *queue;	   /* [string] still to be asked for */

	json_t *checks;
};

/* --- doctor_gather.c --- */

/* New call that ends with {} when everything is listed. Borrows doctor. */
struct tmf_call *doctor_gather(struct doctor *doctor);

/* Adds the IAM action's parameters for a dry run: what is likely to exist. New reference. */
json_t *doctor_parameters(const struct doctor *doctor, const char *operation);

/* --- doctor_survey.c --- */

/* Counts the instances of a page that rules take. */
void doctor_survey_page(struct doctor *doctor, const json_t *reply);

/* --- doctor_network.c --- */

/* Whether packets to UDP 4789 get from a subnet to another, by what was listed. */
struct doctor_way {
	const char *source_subnet;
	const char *subnet;   /* of the receiver */
	const json_t *groups; /* [{GroupId}] or [id] of the receiver; NULL: none stand before it */
};
enum doctor_passage { PASSAGE_OPEN, PASSAGE_UNKNOWN, PASSAGE_CLOSED };
enum doctor_passage doctor_groups_pass(const struct doctor *doctor, const struct doctor_way *way);
enum doctor_passage doctor_acls_pass(const struct doctor *doctor, const struct doctor_way *way);
/* *ret_transit: true where a transit gateway is on the way, which takes smaller packets. */
enum doctor_passage
doctor_routes_pass(const struct doctor *doctor, const struct doctor_way *way, bool *ret_transit);

/* True if inner lies within outer: both "10.0.0.0/8". */
bool doctor_cidr_contains(const char *outer, const char *inner);

/* --- doctor_judge.c, doctor_targets.c --- */

/* Adds the checks of what was listed. */
void doctor_judge(struct doctor *doctor);
void doctor_judge_targets(struct doctor *doctor);

/* Adds a check; seen as printf. */
void doctor_check(struct doctor *doctor, const char *name, enum doctor_status status,
    const char *remedy, const char *seen, ...) __attribute__((format(printf, 5, 6)));

/* True, and a check is added, if the operation was refused. */
bool doctor_lacks(struct doctor *doctor, const char *name, const char *operation);

#endif
