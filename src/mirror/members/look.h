#ifndef TMFLOW_MIRROR_MEMBERS_LOOK_H
#define TMFLOW_MIRROR_MEMBERS_LOOK_H

#include "mirror/account.h"

/*
 * One lookup of the instances behind load balancers: a list of questions, asked one after another,
 * and what was found so far. An answer may add questions at the end. Example: a target's endpoint
 * leads to its service, that to load balancers, each of them to target groups, and each group to
 * its members.
 */

/* A load balancer or endpoint that a target leads to, and which account's keys ask: its owner's. */
struct balancer {
	const char *target_id; /* borrowed from the lookup's targets */
	struct account *asker; /* NULL: nobody can, the owner is not reached */
	char owner_id[ACCOUNT_ID_BYTES];
};

/* What is asked; id is that of: */
enum question_kind {
	QUESTION_USE,	    /* a target that no rule names: does anybody mirror to it? */
	QUESTION_ENDPOINT,  /* a VPC endpoint */
	QUESTION_SERVICE,   /* an endpoint's service, by its name */
	QUESTION_BALANCER,  /* a load balancer, by its ARN */
	QUESTION_GROUP,	    /* a target group, by its ARN */
	QUESTION_ADDRESSES, /* nothing: the instances that have one of `addresses` */
	QUESTION_KINDS
};

/* Owns its texts; NULL and false where its kind has none. */
struct question {
	enum question_kind kind;
	size_t of; /* index of the balancer to whose target the answer belongs */
	char *id;
	char *destination; /* USE: of the target */
	char *marker;	   /* BALANCER: of a later page of its groups */
	bool is_inner;	   /* BALANCER, GROUP: stands behind another load balancer */
	char *members_are; /* GROUP: "instance", "ip" or "alb" */
	char *protocol;	   /* GROUP */
	char *vpc_id;	   /* GROUP, ADDRESSES */
	json_t *addresses; /* ADDRESSES: [".."], at most EC2_FILTER_VALUES_MAX */
	bool is_outside;   /* ADDRESSES: they lie in any VPC but vpc_id */
};

/* All but account and warned is of the lookup under way, and empty between two. */
struct look {
	struct account *account; /* borrowed */
	json_t *warned;		 /* {operation or target id: true}: once in a process is enough */

	char *configuration; /* the name of the one that asks */
	json_t *targets;     /* {TargetId: true} */
	struct balancer *balancers;
	size_t balancer_count;
	struct question **questions; /* pointers, so that one stays while others are added */
	size_t question_count;
	size_t next;	/* of the questions */
	json_t *found;	/* {InstanceId: TargetId} */
	json_t *health; /* {TargetId: bool}, see members_target_is_dead */
};

/* Borrows account. */
void look_init(struct look *look, struct account *account);
void look_fini(struct look *look);

/* A new lookup, without questions. configuration is copied. */
void look_begin(struct look *look, const char *configuration);

/* Frees what a lookup holds, also one that is over or has not begun. */
void look_end(struct look *look);

/* Adds the load balancer or endpoint of a target; not twice. Returns: NULL where it is there
 * already. Borrowed, until the next is added. */
struct balancer *look_add_balancer(struct look *look, const char *target_id);

/* Adds a question about id, which is copied. Returns: NULL without an id, as where a reply lacks
 * it; nothing is added then. Borrowed, until the lookup ends. */
struct question *look_add(struct look *look, enum question_kind kind, size_t of, const char *id);

/* Adds an address to batch, or to a new question where that is NULL or full. Returns: the one that
 * has it. Borrowed. */
struct question *look_add_address(
    struct look *look, struct question *batch, const struct question *group, const char *address);

/* Adds the question that a destination begins with, where an account is there that can ask it;
 * else a warning, once. */
void look_add_destination(struct look *look, size_t of, const char *destination);

/* The next question; NULL: all are answered. Borrowed. */
const struct question *look_question(const struct look *look);

/* The balancer to whose target the answer to a question belongs. Borrowed. */
const struct balancer *look_balancer(const struct look *look, const struct question *question);

/* Notes that an instance (NULL: none, which is fine) stands behind the question's target. */
void look_note(struct look *look, const struct question *question, const char *instance_id);

/* Notes whether a group of the question's target has a healthy member: one such group is enough. */
void look_note_health(struct look *look, const struct question *question, bool healthy);

/* True if about is warned of for the first time. */
bool look_warns(struct look *look, const char *about);

#endif
