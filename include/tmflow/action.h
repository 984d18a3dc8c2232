#ifndef TMFLOW_ACTION_H
#define TMFLOW_ACTION_H

#include "tmflow/call.h"
#include "tmflow/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Native actions: what `Resource: tmflow:NAME` runs. An action is a row of short functions (stages)
 * over a frame that the engine owns; each stage ends in one of: wait for a call, done, failed. A
 * frame owns nothing that needs freeing (JSON to be kept goes to tmf_op_keep), so actions have no
 * cleanup code.
 */

enum tmf_op_next { TMF_OP_AWAIT, TMF_OP_DONE, TMF_OP_FAIL };

struct tmf_op;
typedef enum tmf_op_next tmf_op_stage_fn(struct tmf_op *op);

/* One field of an action's input or output, for `tmflow actions` and for checking constant
 * Parameters. */
struct tmf_action_field {
	const char *name; /* NULL ends a list */
	const char *kind; /* "string", "number", "list of Instance", ... */
	bool required;
	const char *summary;
};

struct tmf_action {
	const char *name; /* without "tmflow:" */
	const char *summary;
	const struct tmf_action_field *input;  /* NULL: any JSON value */
	const struct tmf_action_field *output; /* NULL: any JSON value */

	/* What its calls need, "ec2:DescribeInstances"; ends with NULL. NULL: nothing. */
	const char *const *iam_actions;
	size_t frame_size;
	bool needs_aws; /* configuration, region and credentials must be available */
	tmf_op_stage_fn *start;
	/* Called when the operation failed for good (no Retry left, or cancelled by a timeout),
	 * with op->err set: to record it. A Catch that names the error means that the workflow
	 * goes on from it: then it is not called; for States.ALL and States.TaskFailed it is.
	 * May be NULL. */
	void (*gave_up)(struct tmf_op *op);
};

/* A running action, as its stages see it. They write the frame and err, and only read the rest. */
struct tmf_op {
	void *frame;   /* frame_size bytes, zeroed before the first stage */
	json_t *input; /* borrowed */

	/* What the awaited call gave; NULL if it failed. Borrowed from the op, until the next
	 * await. */
	json_t *reply;

	/* Why the awaited call failed (tmf_op_await_seen), or why the operation fails. */
	struct tmf_err err;

	void *env; /* what the registry was given */
	struct tmf_loop *loop;
	const struct tmf_action *action;

	/* Of the stage that waits or runs, for logs; set by the macros below. NULL: the first. */
	const char *stage_name;
};

/* Waits for call (taken), then runs stage with op->reply. If the call fails, the operation fails
 * with its error. */
enum tmf_op_next tmf_op_await(struct tmf_op *op, struct tmf_call *call, tmf_op_stage_fn *stage);

/* The same, but stage runs on failure too and sees op->err (op->reply is NULL then). Clear it
 * with tmf_err_fini to go on. */
enum tmf_op_next
tmf_op_await_seen(struct tmf_op *op, struct tmf_call *call, tmf_op_stage_fn *stage);

/*
 * As tmf_op_await, for work that others have begun and that may take long. Meanwhile the operation
 * holds none of the places that MaxConcurrency gives to the iterations of the Map around it:
 * further ones begin. stage runs once there is a place again, in the order in which the waits
 * ended.
 */
enum tmf_op_next
tmf_op_await_parked(struct tmf_op *op, struct tmf_call *call, tmf_op_stage_fn *stage);

/* Waits for call; its result is the operation's. */
enum tmf_op_next tmf_op_await_result(struct tmf_op *op, struct tmf_call *call);

/* Waits delay_ms on the loop's clock, then runs stage. */
enum tmf_op_next tmf_op_sleep(struct tmf_op *op, int64_t delay_ms, tmf_op_stage_fn *stage);

/* The same four, which also keep the stage's name. op is evaluated twice. */
#define tmf_op_await(op, call, stage)                                                              \
	((op)->stage_name = #stage, tmf_op_await((op), (call), (stage)))
#define tmf_op_await_seen(op, call, stage)                                                         \
	((op)->stage_name = #stage, tmf_op_await_seen((op), (call), (stage)))
#define tmf_op_await_parked(op, call, stage)                                                       \
	((op)->stage_name = #stage, tmf_op_await_parked((op), (call), (stage)))
#define tmf_op_sleep(op, delay_ms, stage)                                                          \
	((op)->stage_name = #stage, tmf_op_sleep((op), (delay_ms), (stage)))

/* Ends the operation with result (taken, not NULL). */
enum tmf_op_next tmf_op_done(struct tmf_op *op, json_t *result);

/* Ends it with an error: fills op->err. `return tmf_op_fail(op, TMF_ERR_INVALID, "...")`. When
 * op->err is set already, `return TMF_OP_FAIL`. */
enum tmf_op_next tmf_op_fail(struct tmf_op *op, enum tmf_err_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Keeps value (taken) under key until the operation ends; returns it, borrowed. A second value
 * under the same key replaces the first. */
json_t *tmf_op_keep(struct tmf_op *op, const char *key, json_t *value);
json_t *tmf_op_kept(const struct tmf_op *op, const char *key);

/* --- registry --- */

#define TMF_ACTIONS_MAX 64

struct tmf_registry;

/* Without any action. Returns: owned, tmf_registry_free; NULL is fine there. */
struct tmf_registry *tmf_registry_new(void);
void tmf_registry_free(struct tmf_registry *registry);

/* Borrows action (static storage). A name registered twice is a programmer's mistake. */
void tmf_registry_add(struct tmf_registry *registry, const struct tmf_action *action);
const struct tmf_action *tmf_registry_find(const struct tmf_registry *registry, const char *name);
const struct tmf_action *
tmf_registry_at(const struct tmf_registry *registry, size_t index); /* by name; NULL past the end */

/* The env that every op gets. Borrowed. */
void tmf_registry_set_env(struct tmf_registry *registry, void *env);
void *tmf_registry_env(const struct tmf_registry *registry);

#ifdef __cplusplus
}
#endif

#endif
