#ifndef TMFLOW_MIRROR_TARGETS_TARGET_LAUNCHES_H
#define TMFLOW_MIRROR_TARGETS_TARGET_LAUNCHES_H

#include "mirror/targets/target_requests.h"

/* Launches of instances for targets, as the store knows them, and which of them are this process's
 * and this run's. A launch is the fact of target_facts.h with its client token. */
struct target_launches {
	struct account *account;
	json_t *asked;	/* {token: true} of this process's launches */
	json_t *places; /* {place: true} of this run's; NULL: not read yet */
};

struct launch {
	json_t *fact; /* owned; NULL before there is one to ask for */
	char token[CLIENT_TOKEN_BYTES];
	bool earlier; /* it was asked for before */
};

/* None yet. Borrows account. */
void target_launches_init(struct target_launches *launches, struct account *account);
void target_launches_fini(struct target_launches *launches);

/* 1 if the instance of that subnet and generation was launched in this run, 0 if not, -1. Errors:
 * TMF_ERR_STORE. */
int target_launches_of_run(
    struct target_launches *launches, const char *subnet_id, int generation, struct tmf_err *err);

/* The launch of the rule's instance for that generation: what was asked for earlier, even if the
 * rule asks for another instance by now, or a new one. Replaces *launch. Errors: TMF_ERR_STORE. */
int target_launches_prepare(struct target_launches *launches, const struct target_request *request,
    int generation, struct launch *launch, struct tmf_err *err);

/* The launch with that token, as a fact says (both are kept): an earlier process has left it. Sets
 * *launch. */
void target_launches_take_up(struct launch *launch, const char *token, json_t *fact);

/* What stands for a target's launch, whose fact went when it had its target, while both are taken
 * back. fact: as target_facts_idle gives it. Sets *launch. */
void target_launches_prepare_end(const struct target_launches *launches, const char *target_id,
    const json_t *fact, struct launch *launch);

/* Writes that this run asks AWS for it now. Errors: TMF_ERR_STORE. */
int
target_launches_note(struct target_launches *launches, struct launch *launch, struct tmf_err *err);

/* Writes the launch as it stands, or forgets it: it is a target's, or over. Errors:
 * TMF_ERR_STORE. */
int target_launches_keep(
    const struct target_launches *launches, const struct launch *launch, struct tmf_err *err);
int target_launches_drop(
    const struct target_launches *launches, const struct launch *launch, struct tmf_err *err);

/* What is asked of AWS for it, and what AWS answered (NULL, 0: nothing yet). Borrow. */
struct target_order launch_order(const struct launch *launch);
const char *launch_instance_type(const struct launch *launch);
const char *launch_instance(const struct launch *launch);
const char *launch_interface(const struct launch *launch);
int launch_generation(const struct launch *launch);
int64_t launch_wall_ms(const struct launch *launch); /* when AWS named its instance */

/* AWS has named its instance at that time; or it knows of none, and is asked again by the token. */
void launch_name(
    struct launch *launch, const char *instance_id, const char *interface_id, int64_t wall_ms);
void launch_unname(struct launch *launch);

/*
 * Its end: it is to be taken back, whatever happens to this process, and with it a target that was
 * made of it, since another one (NULL: none) serves instead. Both texts are NULL before that.
 */
void launch_end(struct launch *launch);
void launch_end_target(struct launch *launch, const char *target_id, const char *instead_id);
bool launch_is_ending(const struct launch *launch);
const char *launch_target(const struct launch *launch);
const char *launch_instead(const struct launch *launch);

#endif
