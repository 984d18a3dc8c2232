#ifndef TMFLOW_FLEET_AUDIT_AUDIT_INTERNAL_H
#define TMFLOW_FLEET_AUDIT_AUDIT_INTERNAL_H

#include "fleet/audit/audit.h"
#include "fleet/audit/finding.h"

/* What was listed. Members are AWS's. */
struct audit {
	struct audit_opts opts;
	char account[ACCOUNT_ID_BYTES]; /* "": STS did not say */
	const char *region;

	json_t *targets;    /* {id: target} */
	json_t *filters;    /* {id: filter} */
	json_t *sessions;   /* {id: session} */
	json_t *interfaces; /* {id: interface}: at both ends of sessions */
	json_t *instances;  /* {id: instance}: that have these, or bear tmflow's tag */
	json_t *shares;	    /* {target: [{id, external}]} */
	json_t *events;	    /* {resource: [{time, name, user, userAgent, run?}]}, newest first */
	json_t *refused;    /* {operation: error} */

	/* Made of it, before the judgement. */
	json_t *by_target; /* {target: number of its sessions} */
	json_t *used;	   /* {filter: number of sessions} */

	/* Of the listing under way. */
	size_t step;
	json_t *wanted;	       /* [id] still to be looked up */
	json_t *share_targets; /* {resource share: [target]} */
	size_t event_name;     /* of the trail, to be asked for next */
	bool looked;

	json_t *findings;
};

/* --- audit_gather.c --- */

/* New call that ends with {} when all is listed. Borrows audit. */
struct tmf_call *audit_gather(struct audit *audit);

/* --- audit_trail.c --- */

/* New call that takes up the events of the next name; NULL when all have been asked for. */
struct tmf_call *audit_trail_ask(struct audit *audit);

/* Adds what the trail shows of tmflow's own resources and others. */
void audit_trail_judge(struct audit *audit);

/* Gives each finding the events of its resource. */
void audit_trail_attach(struct audit *audit);

/* --- audit_judge.c --- */

/* Everything that needs no configuration. */
void audit_judge(struct audit *audit);

/* Adds a finding of the audit's place; evidence as printf. */
void audit_find(struct audit *audit, enum finding_kind kind, enum severity severity,
    const char *resource, const char *evidence, ...) __attribute__((format(printf, 5, 6)));

/* The instance that has the interface, or NULL: it is not attached, or not known. Borrows. */
json_t *audit_holder(const struct audit *audit, const char *interface_id);

/* --- audit_rules.c --- */

/* What the rules of the configuration ask of its sessions; nothing without a configuration. */
void audit_judge_rules(struct audit *audit);

/* True if a rule names the target or filter. */
bool audit_is_named(const struct audit *audit, const char *id);

#endif
