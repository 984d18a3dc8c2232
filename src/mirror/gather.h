#ifndef TMFLOW_MIRROR_GATHER_H
#define TMFLOW_MIRROR_GATHER_H

#include "mirror/account.h"

/*
 * Lookups by id, as few calls: what is asked for within a short time is asked of AWS together, and
 * each asker gets its own part of the answer. A storm of 1,000 launches is five describes of
 * instances rather than 1,000. In a run nobody waits: only what is asked in the same turn of
 * the loop shares a call. Where many jobs share a process they wait for company, see
 * accounts_opts.
 *
 * By a filter and not by ids: an id that AWS does not know is an error of the whole describe, while
 * a filter leaves it out.
 */

/* An event's run looks for its instance and then for its sessions. The first wait brings those
 * together that came one after another; from there they go in step, and the second is short. */
#define GATHER_WAIT_MAX_MS  200 /* for company, in all */
#define GATHER_INSTANCES_MS 180
#define GATHER_SESSIONS_MS  20

_Static_assert(GATHER_INSTANCES_MS + GATHER_SESSIONS_MS <= GATHER_WAIT_MAX_MS,
    "no event waits longer for company");

struct gather;

/* What is looked up, and by what. */
struct gather_kind {
	const struct ec2_list *list;
	const char *filter; /* by which it is listed: "instance-id" */
	const char *member; /* of the reply: "Instances" */
	const char *id;	    /* of a resource in it, with the same value: "InstanceId" */
	int64_t wait_ms;    /* for company, where many jobs share the process */
};
extern const struct gather_kind gather_instances; /* by id */
extern const struct gather_kind gather_sessions;  /* by interface */

/* Lookups in an account, which is borrowed. */
struct gather *gather_new(struct account *account, const struct gather_kind *kind);

/* Nothing may be asked for any more: asserted. NULL is fine. */
void gather_free(struct gather *gather);

/*
 * Looks up any number of ids, [string] and nothing else. New call that ends with
 * {id: [resource]}, each resource once; what AWS does not list is left out.
 * Borrows: ids until the call returns. Errors: as ec2_pages.
 */
struct tmf_call *gather_ask(struct gather *gather, const json_t *ids);

#endif
