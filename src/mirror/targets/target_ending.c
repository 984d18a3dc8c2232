#include "aws/pace/retry.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "mirror/targets/target_facts.h"
#include "mirror/targets/target_steps.h"

#include <assert.h>
#include <string.h>

/*
 * How a launch is taken back. The generation is used up first, and the store knows that the
 * launch is ending: the process that comes after a crash continues with that. A target goes
 * before its instance, so that none is ever without one. AWS refuses to delete a target that has
 * sessions: then somebody needs it, and it stays.
 */

/* Another process may have made a target of the same instance that is not listed yet: looked for
 * before the instance goes, with 2, 4 and 8 s between. */
#define ROLL_BACK_LOOKS_MAX 4

/* A rollback ends with what went wrong first, not with how its cleaning up went: that is what the
 * operator can mend. */
static void
ending_finish(struct creation *creation)
{
	const char *instead_id = jsonx_get_string(creation->launch, "InsteadId");
	struct tmf_err failure = {0};

	if (tmf_err_isset(&creation->failure)) {
		tmf_err_move(&failure, &creation->failure);
		creation_fail(creation, &failure);
		tmf_err_fini(&failure);
		return;
	}
	creation_done(creation, instead_id, false);
}

static void
ending_terminate_failed(struct creation *creation, struct tmf_err *err)
{
	if (tmf_err_isset(&creation->failure)) {
		/* The launch stays in the store, so that a later run tries again to terminate
		 * it. */
		tmf_err_prefix(&creation->failure,
		    "instance %s, launched for a target, could not be terminated (%s); what "
		    "failed before that",
		    creation_instance(creation), err->name);
		ending_finish(creation);
		return;
	}
	tmf_err_prefix(err, "instance %s, launched for a target, could not be terminated",
	    creation_instance(creation));
	creation_fail(creation, err);
}

static void
ending_terminate_done(struct creation *creation, json_t *reply, struct tmf_err *err)
{
	if (reply == NULL && !aws_error_is_not_found(err->name)) {
		ending_terminate_failed(creation, err);
		return;
	}
	tmf_err_fini(err);
	log_event(LOG_INFO, "target.launch_ended", LOG_STR("subnet", creation->subnet_id),
	    LOG_INT("generation", creation_generation(creation)),
	    LOG_STR("instance", creation_instance(creation)));
	if (creation_drop_launch(creation, err) < 0)
		creation_fail(creation, err);
	else
		ending_finish(creation);
}

static void
ending_terminate(struct creation *creation)
{
	json_t *ids = json_array();

	json_array_append_new(ids, json_string(creation_instance(creation)));
	creation_await(creation, ec2_terminate_instances(creation_client(creation), ids),
	    ending_terminate_done);
	json_decref(ids);
}

/* A target in use has sessions of another process, which found it by its tag. It stays, and so does
 * its instance; only the launch is over. */
static void
ending_delete_done(struct creation *creation, json_t *reply, struct tmf_err *err)
{
	if (reply != NULL || aws_error_is_not_found(err->name)) {
		ending_terminate(creation);
		return;
	}
	if (!error_is_target_in_use(err)) {
		creation_fail(creation, err);
		return;
	}
	tmf_err_fini(err);
	if (creation_drop_launch(creation, err) < 0)
		creation_fail(creation, err);
	else
		ending_finish(creation);
}

void
creation_go_on_ending(struct creation *creation)
{
	const char *target_id = jsonx_get_string(creation->launch, "TargetId");

	if (target_id != NULL)
		creation_await(creation, ec2_delete_target(creation_client(creation), target_id),
		    ending_delete_done);
	else
		ending_terminate(creation);
}

/* From here on the launch ends, whatever happens to this process. */
static int
ending_begin(struct creation *creation, struct tmf_err *err)
{
	assert(creation->launch != NULL && creation_instance(creation) != NULL);
	json_object_set_new(creation->launch, "Ending", json_true());
	if (targets_burn(creation_targets(creation), creation->subnet_id,
		creation_generation(creation), err) < 0 ||
	    creation_keep_launch(creation, err) < 0)
		return -1;
	creation_after_commit(creation, creation_go_on_ending);
	return 0;
}

/* --- rollback --- */

static void ending_check(struct creation *creation);

/* Another process may have made a target of the same instance: then it is the subnet's.
 * Otherwise the generation is used up, and only then the instance goes. */
static void
ending_check_done(struct creation *creation, json_t *reply, struct tmf_err *err)
{
	const char *target_id = creation_first_target(reply);

	if (target_id != NULL) {
		creation_succeed(creation, target_id);
		return;
	}
	if (reply == NULL && !creation_error_is_permanent(err)) {
		creation_fail(creation, err);
		return;
	}
	if (reply != NULL && ++creation->looks < ROLL_BACK_LOOKS_MAX) {
		creation_pause(creation, creation->looks - 1, ending_check);
		return;
	}
	tmf_err_fini(err);
	if (ending_begin(creation, err) < 0)
		creation_fail(creation, err);
}

static void
ending_check(struct creation *creation)
{
	creation_await(creation,
	    target_order_look_up(creation_client(creation), creation_interface(creation)),
	    ending_check_done);
}

void
creation_roll_back(struct creation *creation, struct tmf_err *err)
{
	assert(creation_interface(creation) != NULL && tmf_err_isset(err));
	tmf_err_move(&creation->failure, err);
	creation->looks = 0;
	ending_check(creation);
}

/* --- taking down --- */

/* Described a while longer, it must not be taken for one that serves. */
static int
ending_note_target(struct creation *creation, const char *target_id, struct tmf_err *err)
{
	const struct target gone = {
	    .id = (char *)target_id,
	    .interface_id = (char *)creation_interface(creation),
	    .subnet_id = creation->subnet_id,
	    .made = true,
	    .full = true,
	    .generation = creation_generation(creation),
	};

	return targets_note(creation_targets(creation), &gone, err);
}

void
creation_take_down(struct creation *creation, const char *target_id, const char *instead_id)
{
	struct tmf_err err = {0};

	assert(strcmp(target_id, instead_id) != 0);
	jsonx_put_string(creation->launch, "TargetId", target_id);
	jsonx_put_string(creation->launch, "InsteadId", instead_id);
	if (ending_note_target(creation, target_id, &err) < 0 || ending_begin(creation, &err) < 0)
		creation_fail(creation, &err);
	tmf_err_fini(&err);
}
