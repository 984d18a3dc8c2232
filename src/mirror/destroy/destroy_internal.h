#ifndef TMFLOW_MIRROR_DESTROY_DESTROY_INTERNAL_H
#define TMFLOW_MIRROR_DESTROY_DESTROY_INTERNAL_H

#include "mirror/destroy/destroy.h"
#include "mirror/waiters.h"

/*
 * A pass lists everything, adds what this store knows to have made just now, judges what may go,
 * then deletes kind by kind. What was in use makes another pass after a while: sessions that
 * another store knows and a describe did not show yet turn up in it.
 */

enum destroy_kind {
	DESTROY_SESSIONS,
	DESTROY_TARGETS,
	DESTROY_INSTANCES,
	DESTROY_KINDS, /* how many */
};

/* What is listed, and how it is deleted. */
struct destroy_kind_ops {
	const char *name;
	const char *list_name; /* in the describe's reply */
	const char *id_name;   /* of an item */
	const struct ec2_list *list;
	json_t *(*item_of)(const json_t *resource); /* new reference */
	struct tmf_call *(*delete)(struct aws_client *ec2, const char *id);
};
extern const struct destroy_kind_ops destroy_kinds[DESTROY_KINDS];

struct destroy_pass {
	json_t *items[DESTROY_KINDS];  /* [item]: what is to go */
	json_t *listed[DESTROY_KINDS]; /* {id: true} of what AWS lists */
	json_t *unlisted;	       /* {id: true} of items that only the store knows */
	json_t *proved;		       /* {instance: true}: see launch_proof.h */
	json_t *tagged;		       /* [{kind, ..item}]: bears our tags and nothing more */
	json_t *kept_interfaces;       /* {id: true} of targets that stay */
	json_t *strangers;	       /* {target: session} of sessions that are not ours */
	json_t *failed;		       /* {id: {kind, id, error, cause}} */
	bool in_use;		       /* AWS refused to delete a target for its sessions */
};

struct destroy {
	struct account *account;
	bool trust_tags;
	struct waiters waiters;
	bool removing;
	int passes;
	struct tmf_timer timer;		/* the next pass */
	struct tmf_call *stage;		/* of the pass: its listing, or its deletions */
	json_t *removed[DESTROY_KINDS]; /* {id: true} of all passes */
	struct destroy_pass pass;
};

/* New call that ends with {} when everything is listed and judged. Errors: AWS's of the describes;
 * TMF_ERR_STORE. */
struct tmf_call *destroy_list(struct destroy *destroy);

/* Takes a listed resource among the items, or notes what it keeps from being removed. */
void
destroy_judge_resource(struct destroy *destroy, enum destroy_kind kind, const json_t *resource);

/* After all listings: adds to the items what only the store knows, and takes out what is only
 * tagged and what somebody else still uses. Errors: TMF_ERR_STORE. */
int destroy_judge(struct destroy *destroy, struct tmf_err *err);

/* True if the item's interface is one of a target that stays. */
bool destroy_interface_is_kept(struct destroy *destroy, const json_t *item);

/* Notes that an item was not removed, once however often it is refused. A
 * target that is not removed keeps its instance. */
void destroy_item_failed(
    struct destroy *destroy, enum destroy_kind kind, const json_t *item, const struct tmf_err *err);

/* New call that deletes the items, sessions before targets before instances, and ends with {}; what
 * AWS refuses is noted. Errors: TMF_ERR_STORE. */
struct tmf_call *destroy_delete(struct destroy *destroy);

#endif
