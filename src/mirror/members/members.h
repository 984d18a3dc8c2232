#ifndef TMFLOW_MIRROR_MEMBERS_MEMBERS_H
#define TMFLOW_MIRROR_MEMBERS_MEMBERS_H

#include "mirror/account.h"
#include "mirror/config/config.h"

/*
 * The instances behind load balancers that are mirrored to, by the configuration's rules or by
 * somebody else's session: mirroring one of them would be a loop. Behind a Network Load
 * Balancer they are the members of its target groups, of the kinds instance, ip and alb (an
 * Application Load Balancer with groups of its own); behind a gateway load balancer's endpoint the
 * appliances of the endpoint's service. Each load balancer is looked up once in a process, and as
 * often as the inventory in one that serves.
 */
struct mirror_members;

/* Borrows account, whose targets exist. _free cancels what is under way; NULL is fine. */
struct mirror_members *members_new(struct account *account);
void members_free(struct mirror_members *members);

struct members_opts {
	const struct mirror_config *config; /* whose rules name targets */
	/* The account with that id where this process reaches it, else NULL: who asks about the
	 * load balancer of a target that is shared from there. Called before members_load
	 * returns. */
	struct account *(*account_of)(void *arg, const char *account_id);
	void *arg;
};

/*
 * New call that ends with {} once the members are known; at once where nothing is to be looked up.
 * Only after targets_load. Borrows opts until it returns.
 * What cannot be known is warned of once and left out: a permission that is denied, a load balancer
 * that is gone or of an account that is not reached, an endpoint that nobody answers at.
 * Errors: those that pass, such as throttling; TMF_ERR_LIMIT.
 */
struct tmf_call *members_load(struct mirror_members *members, const struct members_opts *opts);

/* The target behind whose load balancer the instance stands; NULL: none that is known. Borrows,
 * until the next load is over. */
const char *members_target_of(const struct mirror_members *members, const char *instance_id);

/* True if the target's load balancer was looked up, has target groups that take mirrored packets,
 * and none of their members passes its health checks. */
bool members_target_is_dead(const struct mirror_members *members, const char *target_id);

#endif
