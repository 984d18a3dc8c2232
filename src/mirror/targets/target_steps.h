#ifndef TMFLOW_MIRROR_TARGETS_TARGET_STEPS_H
#define TMFLOW_MIRROR_TARGETS_TARGET_STEPS_H

#include "mirror/targets/target_creation.h"
#include "mirror/targets/target_requests.h"

/*
 * What the stages of a creation stand on: how one waits, ends, and what it writes to the store.
 * Above it are target_ending.c, which takes a launch back, and over that target_creation.c,
 * which makes a target. Neither is called from here.
 */

/* All creations of an account that are under way. */
struct target_creations {
	struct mirror_targets *targets;
	struct creation *first;
	struct target_failures failures;
	json_t *asked;	/* {token: true} of this process's launches */
	json_t *places; /* {place: true} of this run's; NULL: not read yet */
};

struct creation {
	struct target_creations *in;
	struct creation *next;
	const struct config_rule *rule; /* NULL: settles a launch that was left behind */
	char *subnet_id;
	char *untagging; /* id of the full or dead one that is losing its tag */
	int tries;
	int waits;
	int looks; /* before a rollback */
	/* Owned, as in target_facts.h; NULL before there is one to ask for. */
	json_t *launch;
	char token[CLIENT_TOKEN_BYTES];
	bool earlier;		/* it was asked for before this creation */
	struct tmf_err failure; /* why a rollback is under way */
	struct waiters waiters;
	struct tmf_call *call;
	void (*step)(struct creation *creation, json_t *reply, struct tmf_err *err);
	struct tmf_timer timer; /* then `after_wait` */
	void (*after_wait)(struct creation *creation);
};

/* New one for a subnet, in the list; creation_done, creation_fail or creation_remove ends it. */
struct creation *creation_new(struct target_creations *creations, const char *subnet_id);

/* Takes it off the list and frees it; a call under way is cancelled, and who waits is let go. */
void creation_remove(struct creation *creation);

/* {place: true} of the instances that this run launched, read once. Borrows; NULL on failure.
 * Errors: TMF_ERR_STORE. */
json_t *creations_places(struct target_creations *creations, struct tmf_err *err);

/* The loop and its clocks. */
struct tmf_loop *creations_loop(const struct target_creations *creations);
int64_t creations_mono_ms(const struct target_creations *creations);
int64_t creation_wall_ms(const struct creation *creation);

/* What it works in. Borrow. */
struct account *creation_account(const struct creation *creation);
struct mirror_targets *creation_targets(const struct creation *creation);
struct aws_client *creation_client(const struct creation *creation);

/* Of its launch. Borrows; NULL where it is not known. */
const char *creation_instance(const struct creation *creation);
const char *creation_interface(const struct creation *creation);
int creation_generation(const struct creation *creation);

/* Waits for call (taken), then runs step with a reply, or with NULL and an error. */
void creation_await(struct creation *creation, struct tmf_call *call,
    void (*step)(struct creation *creation, json_t *reply, struct tmf_err *err));

/* Waits for the time after that many waits, then goes on. */
void
creation_pause(struct creation *creation, int waits, void (*after_wait)(struct creation *creation));

/* The same, longer each time; false, and nothing is awaited, when that was done long enough. */
bool creation_settle_wait(struct creation *creation, void (*after_wait)(struct creation *creation));

/* Goes on once what this turn wrote to the store is committed, so that AWS is asked for nothing
 * that the store does not know. */
void
creation_after_commit(struct creation *creation, void (*after_wait)(struct creation *creation));

/* True for an error that asking again does not change. */
bool creation_error_is_permanent(const struct tmf_err *err);

/* These end the creation for all that wait, and free it. */
void creation_fail(struct creation *creation, const struct tmf_err *err);
void creation_done(struct creation *creation, const char *target_id, bool created);

/* The launch has the target. */
void creation_succeed(struct creation *creation, const char *target_id);

/* Writes the launch as it stands, or forgets it: it is a target's, or over. Errors:
 * TMF_ERR_STORE. */
int creation_keep_launch(struct creation *creation, struct tmf_err *err);
int creation_drop_launch(struct creation *creation, struct tmf_err *err);

/* The id of the first target of a describe's reply, or NULL. */
const char *creation_first_target(const json_t *reply);

/* --- target_ending.c --- */

/* No target can be made of the launch, for good: ends with *err (moved) once the instance is
 * gone, or with the target that another process made of it. */
void creation_roll_back(struct creation *creation, struct tmf_err *err);

/* The target that was made of the launch is not needed, since instead_id serves the subnet: ends
 * with that one, once target and instance are gone. */
void creation_take_down(struct creation *creation, const char *target_id, const char *instead_id);

/* Goes on with what either has begun. */
void creation_go_on_ending(struct creation *creation);

#endif
